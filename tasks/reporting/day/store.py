"""Read the inputs of a day's files."""

import csv
import io
from datetime import date
from itertools import pairwise
from pathlib import Path

import pandas as pd

from tasks.backtest.parity.recorded import DAMAGED, parse_day
from tasks.core.artifacts import load_frame
from tasks.core.atomic import refuse_symlink
from tasks.core.errors import AftercloseError, SafetyError
from tasks.core.homes.home import Home
from tasks.core.homes.replay_inputs import MANIFEST
from tasks.core.homes.run import Run
from tasks.core.ids import sha256_of_bytes
from tasks.core.json_text import parse_json
from tasks.core.reading import read_bytes
from tasks.core.sessions import session_after
from tasks.data.panel.reader import read_prices
from tasks.data.schema.records import Panel
from tasks.monitoring.earlier_days import LOG
from tasks.reporting.day.contributors import Worth
from tasks.reporting.day.executed import ExecutedDay, executed_day
from tasks.reporting.day.files import UNUSUAL
from tasks.reporting.day.history import parse_history, period_starts, rows_before
from tasks.reporting.day.inputs import Backdrop, DayInputs, Frames, PreviousDay, Records
from tasks.reporting.day.name_histories import name_histories, read_recorded_days
from tasks.safety.overrides import Override, read_overrides

BACKDROP_SESSIONS = 253
MOST_EXECUTED = 20  # sessions: about a month of realized costs
EXECUTION = "execution.json"
DECIDED = ("signals.json", "portfolio_weights.csv", "trades.csv")


def read_day_inputs(run: Run, records: Records) -> DayInputs:
    """Load every frame and file that the day's files are rendered from."""
    panel = read_prices(records.market.snapshot, window=BACKDROP_SESSIONS)
    history = rows_before(read_history(run), run.session.day)
    days = (*read_recorded_days(run.home, run.session.day), records.compared.day)
    trades = load_frame(records.trades.frame)
    return DayInputs(
        run=run,
        records=records,
        frames=Frames(
            scores=load_frame(records.scores.frame),
            regime_history=load_frame(records.regime.history),
            returns=load_frame(records.risk.returns).T,
            weights=load_frame(records.portfolio.frame),
            trades=trades,
            after=load_frame(records.trades.after),
        ),
        backdrop=backdrop_of(panel),
        history=history,
        previous=read_previous_day(run),
        overrides=read_active_overrides(run),
        executed=read_executions(run.home, run.session.day),
        worths=read_worths(run, history),
        names=name_histories(panel, days, trades["symbol"]),
        promotions=read_promotions(run, records.scores.champion.model_sha256),
    )


def read_active_overrides(run: Run) -> tuple[Override, ...] | None:
    """Return the overrides that hold in the session in which the trades would fill; None if they cannot be read."""
    fills = session_after(run.session.day)
    try:
        return tuple(one for one in read_overrides(run.home) if one.is_active(fills))
    except SafetyError:
        return None


def backdrop_of(panel: Panel) -> Backdrop:
    """Return company names, sectors and the benchmark's last year."""
    names = dict(zip(panel.symbols.tolist(), panel.name.tolist(), strict=True))
    sectors = dict(zip(panel.symbols.tolist(), panel.sector.tolist(), strict=True))
    return Backdrop(names=names, sessions=panel.sessions, benchmark=panel.market, sectors=sectors)


def read_history(run: Run) -> pd.DataFrame:
    """Read all rows of performance_history.csv; empty if there is no file yet."""
    path = run.home.performance_file
    refuse_symlink(path)
    return parse_history(read_bytes(path) if path.exists() else None, path=str(path))


def read_worths(run: Run, history: pd.DataFrame) -> dict[date, Worth]:
    """Return each name's worth on the sessions from which periods are measured, where its log states it."""
    if history.empty:
        return {}
    rows = pd.concat([history, pd.DataFrame([{"date": str(run.session)}], dtype=str)], ignore_index=True)
    found = {}
    for day in {date.fromisoformat(rows["date"][place]) for place in period_starts(rows).values()}:
        try:
            worth = parse_json(read_bytes(run.home.day_folder(day) / LOG))["worth_by_name_cents"]
            found[day] = {str(name): int(cents) for name, cents in worth.items()}
        except DAMAGED:
            continue  # a day of an earlier release, one that cannot be read, or shares without a ledger
    return dict(sorted(found.items()))


def read_previous_day(run: Run) -> PreviousDay | None:
    """Read the last published session before this one. If it cannot be read, `problem` states why."""
    session = max(_published_before(run.home, run.session.day), default=None)
    if session is None:
        return None
    folder = run.home.day_folder(session)
    try:
        weights, signals, log = (
            read_bytes(folder / name) for name in ("portfolio_weights.csv", "signals.json", LOG)
        )
        said, unusual = parse_json(signals), parse_json(log).get(UNUSUAL, {})
        rows = csv.DictReader(io.StringIO(weights.decode(), newline=""))
        return PreviousDay(
            session=session,
            regime=str(said["regime"]["state"]),
            model_name=str(said["model"]["name"]),
            model_hash=str(said["model"]["hash"]),
            weights={row["symbol"]: float(row["weight"]) for row in rows},
            fingerprint=sha256_of_bytes(weights + signals + log),
            ranks={symbol: int(score["rank"]) for symbol, score in said["scores"].items()},
            unusual={str(name): int(sessions) for name, sessions in unusual.items()},
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        problem = f"The report of {session} cannot be read ({type(error).__name__})."
        return PreviousDay(session, "", "", "", {}, "unreadable", problem)


def read_executions(home: Home, session: date) -> tuple[ExecutedDay, ...]:
    """Read the executions of the last sessions before this one, latest first."""
    days = [day for day in _published_before(home, session) if (home.day_folder(day) / EXECUTION).is_file()]
    return tuple(_execution(home, day) for day in days[: -MOST_EXECUTED - 1 : -1])


def read_execution(home: Home, session: date) -> ExecutedDay | None:
    """Read the execution of one session; None where there is none or its file cannot be read."""
    try:
        return _execution(home, session)
    except (OSError, AftercloseError):
        return None


def read_promotions(run: Run, champion: str) -> tuple[date, ...]:
    """Return the sessions that another model decided than the session published before it. Damaged days are skipped."""
    found = [*_models(run.home, run.session.day), (run.session.day, champion)]
    return tuple(day for (_, before), (day, model) in pairwise(found) if model != before)


def days_of_promotions(run: Run, promotions: tuple[date, ...]) -> list[date]:
    """Return the days whose manifests show the promotions: each of them, and the day before it."""
    models = [day for day, _ in _models(run.home, run.session.day)]
    earlier = [max((day for day in models if day < one), default=one) for one in promotions]
    return sorted({*earlier, *(day for day in promotions if day in models)})


def _models(home: Home, session: date) -> list[tuple[date, str]]:
    """Return the sessions published before this one with the hash of their model, oldest first."""
    found = []
    for day in _published_before(home, session):
        try:
            model = str(parse_json(read_bytes(home.day_folder(day) / MANIFEST))["inputs"]["champion"])
        except (OSError, ValueError, KeyError, TypeError):
            continue
        found.append((day, model))
    return found


def _execution(home: Home, day: date) -> ExecutedDay:
    folder = home.day_folder(day)
    path = folder / EXECUTION
    refuse_symlink(path)
    return executed_day(day, read_bytes(path), estimated_cents=_estimated_cents(folder, day))


def _estimated_cents(folder: Path, day: date) -> int | None:
    """Return the estimated cost of the day's trades; None if its files are damaged or are not those it published."""
    try:
        files = {name: read_bytes(folder / name) for name in DECIDED}
        listed = parse_json(read_bytes(folder / MANIFEST))["sha256"]
        recorded = parse_day(day, files, basis=None)
    except (OSError, *DAMAGED):
        return None
    if isinstance(recorded, str) or any(listed[name] != sha256_of_bytes(files[name]) for name in DECIDED):
        return None
    return sum(trade.cost_cents for trade in recorded.trades.values())


def _published_before(home: Home, session: date) -> list[date]:
    """Return the sessions published before this one, oldest first; symbolic links are ignored."""
    folders = ((day, home.day_folder(day)) for day in home.days() if day < session)
    return [day for day, folder in folders if not folder.is_symlink() and (folder / MANIFEST).is_file()]
