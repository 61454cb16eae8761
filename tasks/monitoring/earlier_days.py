"""Read what earlier published days recorded: their scores, and the realized skill that their logs state."""

import csv
import io
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.core.homes.home import Home
from tasks.core.json_text import parse_json
from tasks.core.reading import read_bytes, read_text
from tasks.core.sessions import sessions_ending
from tasks.models.schema import Statistic
from tasks.monitoring.realised_skill import WINDOWS, ScoredDay
from tasks.monitoring.schema import Realised, parse_realised
from tasks.portfolio.schema import Book
from tasks.risk.ratios import net_levels
from tasks.safety.equity_history import read_equity_history

LOG, SIGNALS = "monitoring_log.json", "signals.json"
SCORED_SESSIONS = 19  # whose scores are read, so that a day that was not run is caught up
LOGGED_SESSIONS = WINDOWS[-1] + SCORED_SESSIONS  # whose logs are read: the longest window of realized skill
DAMAGED = (OSError, ValueError, KeyError, TypeError, AttributeError)


def logged_skill(home: Home, session: date, *, sessions: int = LOGGED_SESSIONS) -> dict[date, Realised]:
    """Return the realized skill by session of the scores, as the logs of the days before `session` state it."""
    found: dict[date, Realised] = {}
    for day in _sessions_before(session, sessions):
        for record in _log_of(home, day).get("realised", ()):
            try:
                one = parse_realised(record)
            except DAMAGED:
                continue
            found.setdefault(one.session, one)
    return dict(sorted(found.items()))


def scored_days(home: Home, session: date, known: Sequence[date]) -> Iterator[ScoredDay]:
    """Yield the last days before `session` whose skill is not known and whose champion ranked names, oldest first."""
    for day in _sessions_before(session, SCORED_SESSIONS):
        if day in known:
            continue
        try:
            yield _scored(day, home)
        except DAMAGED:
            continue  # no such day, a day of an earlier release, or one without a statistic


def account_history(home: Home, today: Book, regime: str) -> tuple[NDArray[np.float64], list[str]]:
    """Return the account's time-weighted level by session through today's, and the regimes of these sessions.

    `performance_history.csv` has no row of today yet, or that of an earlier run: today is what is held, and its regime.
    """
    history = read_equity_history(home.performance_file).between(None, today.session)
    equity = [*history.equity_usd, today.equity_usd + today.receivable_usd]
    levels = net_levels(np.array(equity), np.array([*history.net_flows_usd, today.net_flows_usd]))
    if not history.sessions:
        return levels, [regime]
    rows = csv.DictReader(io.StringIO(read_text(home.performance_file), newline=""))
    regimes = {row["date"]: row.get("regime", "") for row in rows}
    return levels, [*(regimes.get(day.isoformat(), "") for day in history.sessions), regime]


def _sessions_before(session: date, count: int) -> list[date]:
    days: list[date] = sessions_ending(session, count + 1)[:-1].tolist()
    return days


def _log_of(home: Home, day: date) -> dict[str, Any]:
    """Return the health in the day's log; nothing for a day that was not published, or by an earlier release."""
    try:
        health = parse_json(read_bytes(home.day_folder(day) / LOG))["health"]
    except DAMAGED:
        return {}
    return health if isinstance(health, dict) else {}


def _scored(day: date, home: Home) -> ScoredDay:
    folder = home.day_folder(day)
    signals = parse_json(read_bytes(folder / SIGNALS))
    model = parse_json(read_bytes(folder / LOG))["model_health"]
    statistic, metrics = model["statistic"], model["metrics"]
    return ScoredDay(
        session=day,
        model=str(model["name"]),
        model_sha256=str(model["model_sha256"]),
        statistic=Statistic(
            str(statistic["entry"]), int(statistic["horizon_sessions"]), tuple(statistic["controls"])
        ),
        expected=float(metrics["neutral_ic"]),
        expected_error=float(metrics["neutral_ic_se"]),
        expected_sessions=int(metrics["sessions"]),
        scores={symbol: float.fromhex(one["exact"]) for symbol, one in signals["scores"].items()},
        expected_accuracy=metrics.get("hit_rate"),
    )
