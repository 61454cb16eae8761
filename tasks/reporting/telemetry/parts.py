"""Read the metrics of a home, part by part. A part that cannot be read is named, and the others are still read."""

import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from importlib.metadata import version
from pathlib import Path
from typing import Any

from config.settings import Settings
from tasks.approval.day import published_day
from tasks.approval.lines import numbered_rows
from tasks.approval.store import APPROVAL, read_day
from tasks.core.errors import AftercloseError
from tasks.core.homes.home import Home
from tasks.core.json_text import parse_json
from tasks.core.reading import read_bytes
from tasks.core.sessions import last_closed_session, session_after, session_on, sessions_between
from tasks.execution.journal import active_sessions, read_orders
from tasks.execution.schema import State
from tasks.ledger.anchor import is_begun
from tasks.ledger.database import opened
from tasks.portfolio.holdings.record import published_sessions
from tasks.regime.schema import STATES
from tasks.reporting.notify.outbox.store import Outbox
from tasks.reporting.telemetry.catalogue import PREFIX, Sample
from tasks.safety.kill_switch.switch import read_switch

GRACE = timedelta(hours=6)
DAY_S = 86_400
UNREADABLE = (AftercloseError, OSError, ValueError, KeyError, TypeError, AttributeError, ArithmeticError)


@dataclass(frozen=True)
class Place:
    """The home whose metrics are read, and when."""

    home: Home
    settings: Settings
    at: datetime


def read_samples(place: Place) -> list[Sample]:
    """Return the samples of every part, and which parts could not be read."""
    found: list[Sample] = []
    for name, part in PARTS.items():
        problem = 0.0
        try:
            found.extend(part(place))  # what was read before an error stays
        except UNREADABLE:
            problem = 1.0
        found.append(_sample("part_unreadable", problem, name))
    return found


def _system(place: Place) -> Iterator[Sample]:
    yield _sample("info", 1, version("afterclose"))
    yield _sample("written_timestamp_seconds", place.at.timestamp())
    yield _sample("is_simulated", place.settings.data.is_simulated)
    yield _sample("disk_free_bytes", shutil.disk_usage(place.home.root).free)


def _switch(place: Place) -> Iterator[Sample]:
    switch = read_switch(place.home)
    yield _sample("kill_switch_on", switch.is_on)
    yield _sample("kill_switch_trips", len(switch.trips))


def _outbox(place: Place) -> Iterator[Sample]:
    box = Outbox(place.home)
    yield _sample("outbox_waiting", len(box.entries()))
    yield _sample("outbox_dead", len(box.dead_entries()) + len(box.unreadable()))


def _orders(place: Place) -> Iterator[Sample]:
    sessions: tuple[date, ...] = ()
    states: list[State] = []
    if is_begun(place.home):
        with opened(place.home) as connection:
            sessions = active_sessions(connection)
            states = [one.state for session in sessions for one in read_orders(connection, session)]
    yield _sample("executions_active", len(sessions))
    yield _sample("open_orders", sum(not state.is_final for state in states))
    yield _sample("unknown_orders", states.count(State.UNKNOWN))


def _lake(place: Place) -> Iterator[Sample]:
    from tasks.data.lake.head import read_head
    from tasks.data.lake.storage.location import lake_of

    lake = lake_of(place.home, place.settings)
    if not isinstance(lake, Path):
        return  # a bucket: a metric is not worth a request to the network
    head = read_head(lake)
    if head is not None and head.last_session is not None:
        behind = sessions_between(head.last_session, last_closed_session(place.at).day)
        yield _sample("data_age_sessions", max(len(behind) - 1, 0))


def _champion(place: Place) -> Iterator[Sample]:
    from tasks.models.registry.store import has_champion, read_production

    yield _sample("champion_max_age_seconds", DAY_S * place.settings.models.max_age_days)
    if not has_champion(place.home):
        return
    champion = read_production(place.home).metadata.champion
    age = last_closed_session(place.at).day - champion.selection_date
    yield _sample("champion_age_seconds", DAY_S * age.days)
    for name, figure in (("ic", "neutral_ic"), ("ic_t", "neutral_ic_t"), ("sharpe_ratio", "sharpe")):
        if figure in champion.metrics:
            yield _sample(f"champion_{name}", champion.metrics[figure])


def _history(place: Place) -> Iterator[Sample]:
    from tasks.reporting.day.history import levels, parse_history

    path = place.home.performance_file
    if not path.exists():
        return
    rows = parse_history(read_bytes(path), path=str(path))
    level = levels(rows)
    last = rows.iloc[-1]
    yield _sample("equity_usd", float(last["equity"]))
    yield _sample("drawdown_ratio", float(level[-1] / level.max() - 1))
    yield _sample("day_return_ratio", float(last["daily_return"] or "nan"))
    yield _sample("exposure_ratio", float(last["exposure"] or "nan"))


def _day(place: Place) -> Iterator[Sample]:
    """Yield what the last published day says; the next session is due even if this one cannot be read."""
    sessions = sorted(published_sessions(place.home))
    if not sessions:
        return
    last = session_on(sessions[-1])
    following = session_on(session_after(last.day))
    if last.closes_at is None or following.closes_at is None:
        raise ValueError(f"{last} is not a session")
    yield _sample("last_day_timestamp_seconds", last.closes_at.timestamp())
    yield _sample("day_due_timestamp_seconds", (following.closes_at + GRACE).timestamp())
    yield _sample("day_approved", (place.home.day_folder(last) / APPROVAL).exists())
    _, manifest, files = read_day(place.home, last)
    day = published_day(last.day, manifest, files)
    yield from _trades(day.trades)
    yield _sample("cost_usd", day.cost_cents / 100)
    yield from _log(parse_json(files["monitoring_log.json"]))
    for stage, seconds in parse_json(manifest).get("timings", {}).items():
        yield _sample("stage_seconds", float(seconds), str(stage))


def _trades(content: bytes) -> Iterator[Sample]:
    rows = [row for _, row in numbered_rows(content)]
    for side in ("BUY", "SELL"):
        amounts = [float(row["notional"]) for row in rows if row["side"] == side]
        yield _sample("trades_proposed", len(amounts), side.lower())
        yield _sample("notional_usd", sum(amounts), side.lower())


def _log(log: dict[str, Any]) -> Iterator[Sample]:
    yield _sample("checks", len(log["checks"]))
    yield _sample("checks_failed", sum(check["outcome"] != "passed" for check in log["checks"]))
    for state in STATES:
        yield _sample("regime", log["regime"]["state"] == state, state.lower())
    if log["parity"]["state"] != "not_compared":
        yield _sample("parity_equal", log["parity"]["state"] == "equal")
    quality = log["data_quality"]
    yield _sample("data_findings", len(quality["findings"]))
    yield _sample("data_quarantined_names", len(quality["quarantined"]))
    yield _sample("universe_names", quality["universe_size"])
    yield _sample("names_scored", log["model_health"]["scored"])
    yield _sample("names_left_out", log["model_health"]["left_out"])
    for limit in log["risk_assessment"]["limits"]:
        if limit["used"] is not None:
            yield _sample("limit_used_ratio", float(limit["used"]), str(limit["name"]))


def _sample(name: str, value: float, label: str = "") -> Sample:
    return Sample(PREFIX + name, float(value), label)


PARTS: dict[str, Callable[[Place], Iterator[Sample]]] = {
    "system": _system,
    "kill_switch": _switch,
    "outbox": _outbox,
    "orders": _orders,
    "lake": _lake,
    "champion": _champion,
    "history": _history,
    "day": _day,
}
