"""Gather what the day was made from that is neither in the lake's snapshot nor the model: the home's files as read.

Replay restores them into an empty home (flows/replay.py). The settings are kept as resolved, with profile and
environment, without the paths of files; the positions with the two figures that only the ledger knows.
"""

import json
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Any

from config.settings import Settings, deciding_settings, with_places
from tasks.core.homes.home import Home
from tasks.core.homes.kept import Parts
from tasks.core.homes.replay_inputs import MANIFEST
from tasks.core.homes.run import Run
from tasks.core.ids import sha256_of_bytes
from tasks.core.json_text import parse_json
from tasks.core.reading import read_bytes
from tasks.core.sessions import sessions_ending
from tasks.ledger.balance import NameCash
from tasks.monitoring.earlier_days import LOG, LOGGED_SESSIONS
from tasks.portfolio.holdings.positions import Positions, parse_positions
from tasks.portfolio.holdings.record import opening_positions
from tasks.portfolio.schema import Book
from tasks.reporting.day.files import json_bytes
from tasks.reporting.day.history import render_history
from tasks.reporting.day.inputs import DayInputs
from tasks.reporting.day.store import days_of_promotions
from tasks.trades.tickets.record import FILE as TICKETS

SETTINGS, LEDGER = "settings.json", "ledger.json"
EARLIER_SESSIONS = 20  # of which the comparison with the backtest reads the files
EARLIER_FILES = ("signals.json", "portfolio_weights.csv", "trades.csv", TICKETS, MANIFEST, "execution.json")


def gather_inputs(inputs: DayInputs) -> Parts:
    """Return the parts to keep."""
    run, home = inputs.run, inputs.run.home
    book = inputs.records.portfolio.book
    files = {
        SETTINGS: _json(deciding_settings(run.settings)),
        LEDGER: _json(_ledger(book)),
        _inside(home, home.positions_file): _positions(run),
    }
    if len(inputs.history):
        files[_inside(home, home.performance_file)] = render_history(inputs.history)
    previous = [] if inputs.previous is None else [inputs.previous.session]
    return files | {
        _inside(home, path): _content(path)
        for path in (
            home.kill_switch_file,
            home.audit_log,
            home.audit_anchor,
            home.production / "champion_metadata.json",
            *_earlier_files(run, [*previous, *(one.session for one in inputs.executed)]),
            *(home.day_folder(day) / LOG for day in previous),
            *(home.day_folder(day) / LOG for day in inputs.worths),
            *(home.day_folder(day) / MANIFEST for day in days_of_promotions(run, inputs.promotions)),
        )
        if path.is_file()
    }


def _content(path: Path) -> bytes:
    """Return the file's bytes; of a manifest without the timings, which differ whenever a day is run again."""
    content = read_bytes(path)
    if path.name != MANIFEST:
        return content
    return json_bytes({**parse_json(content), "timings": {}})


def kept_settings(parts: Parts, here: Settings) -> Settings:
    """Return the settings of the day, with the places of `here`, such as the lake's location.

    Raises ValueError if they are not those of this release.
    """
    return with_places(parse_json(parts[SETTINGS]), here)


def kept_positions(home: Home, parts: Parts) -> Positions:
    """Return what was held. `home` is any: only the name of the file in it matters."""
    name = _inside(home, home.positions_file)
    content, ledger = parts[name], parse_json(parts[LEDGER])
    held = parse_positions(content.decode(), path=name)
    return Positions(
        held.positions,
        held.cash_usd,
        sha256_of_bytes(content),
        float(ledger["net_flows_usd"]),
        float(ledger["receivable_usd"]),
        _names(ledger.get("names")),
    )


def _ledger(book: Book) -> dict[str, object]:
    names = None if book.names is None else asdict(book.names)
    return {"net_flows_usd": book.net_flows_usd, "receivable_usd": book.receivable_usd, "names": names}


def _names(record: Any) -> NameCash | None:
    """Read the cash of each name; a day of an earlier release did not keep it."""
    if record is None:
        return None
    renames = tuple((date.fromisoformat(day), old, new) for day, old, new in record["renames"])
    opened = record["opened"]
    return NameCash(record["cents"], renames, opened and date.fromisoformat(opened))


def _positions(run: Run) -> bytes:
    """Return the positions file. If it changed during the run, replay refuses it and approval refuses the day."""
    path = run.home.positions_file
    if not path.exists():
        return opening_positions(run.settings.portfolio.initial_cash_usd)
    return read_bytes(path)


def _earlier_files(run: Run, read: Iterable[date]) -> Iterator[Path]:
    compared = sessions_ending(run.session.day, EARLIER_SESSIONS)[:-1].tolist()
    for session in dict.fromkeys([*compared, *read]):
        folder = run.home.day_folder(session)
        yield from (folder / name for name in EARLIER_FILES)
    for session in sessions_ending(run.session.day, LOGGED_SESSIONS + 1)[:-1].tolist():
        yield run.home.day_folder(session) / LOG


def _inside(home: Home, path: Path) -> str:
    return path.relative_to(home.root).as_posix()


def _json(record: object) -> bytes:
    return (
        json.dumps(record, indent=1, ensure_ascii=True, default=str) + "\n"
    ).encode()  # unsorted: the order of keys counts
