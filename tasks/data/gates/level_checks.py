"""Check levels before they are stored: benchmark, volatility index, risk-free rate.

An implausible level is left out and its session counts as having none: the regime is then the safest that the other
inputs support, and the report mentions it. Levels are compared with fixed bounds (data.quality.levels) and the last
good level, never with other values of the session. Corrects nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from config.data_section import LevelBounds
from config.settings import Settings
from tasks.core.text import counted
from tasks.data.gates.price_moves import Floats
from tasks.data.schema.columns import PRICE_BOUNDS_USD
from tasks.data.schema.finding_rows import make_findings, no_findings
from tasks.data.schema.records import Days

REACH_SESSIONS = 25  # maximum age of the last good level in a comparison
STRETCH_SESSIONS = (
    5  # bounds grow with the square root of the sessions since the last good level, up to this many
)
OUTSIDE_FRAC = 0.01  # tolerance of a close outside its own high and low
DISTRIBUTION_FRAC = 0.05  # largest plausible distribution in one session
UNIT_TOLERANCE, UNIT_FROM_PCT = 0.10, 1.0  # log distance from a factor 10 or 100, for yields of at least this
LEFT_OUT = "left out: counts as missing"


@dataclass(frozen=True)
class LevelRules:
    """Names of benchmark and volatility index, and the bounds for levels."""

    benchmark: str
    volatility_index: str
    bounds: LevelBounds


def level_rules(settings: Settings) -> LevelRules:
    """Return the settings for the checks of levels."""
    data = settings.data
    return LevelRules(data.benchmark, data.volatility_index, data.quality.levels)


class _Row(NamedTuple):
    """One level: `position` is its row in the delivery, −1 for a stored one."""

    day: int
    position: int
    open: float
    high: float
    low: float
    close: float
    total: float


class _State(NamedTuple):
    """The last good level, and the number of consecutive sessions with its close."""

    row: _Row
    equal: int


def check_levels(
    delivered: pd.DataFrame, stored: pd.DataFrame, rules: LevelRules, trading_days: Days
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the plausible level rows without duplicates, and a note for each of the others."""
    frame = delivered.drop_duplicates(ignore_index=True)
    reasons = _contradictions(frame, ["name", "session"])
    for name, rows in frame.groupby("name", sort=True).indices.items():
        is_index = str(name) == rules.volatility_index

        def check(row: _Row, last: _State | None, *, is_index: bool = is_index) -> str:
            return _level_problem(row, last, rules.bounds, is_index=is_index)

        own = stored[(stored["name"] == name).to_numpy()]
        _check_series(frame, np.asarray(rows), own, reasons, trading_days, check)
    return _split(frame, reasons, frame["name"].astype(str).tolist(), "unusable_level")


def check_yields(
    delivered: pd.DataFrame, stored: pd.DataFrame, rules: LevelRules, trading_days: Days
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the plausible rows of the risk-free rate without duplicates, and a note for each of the others."""
    frame = delivered.dropna(subset="yield_pct").drop_duplicates(ignore_index=True)
    reasons = _contradictions(frame, ["session"])

    def check(row: _Row, last: _State | None) -> str:
        return _yield_problem(row, last, rules.bounds)

    _check_series(frame, np.arange(len(frame)), stored, reasons, trading_days, check)
    return _split(frame, reasons, ["RISKFREE"] * len(frame), "unusable_yield")


def closes_by_day(levels: pd.DataFrame, name: str, trading_days: Days) -> Floats:
    """Return the series' close on each trading day, NaN where missing; the later of two rows of a day wins."""
    result = np.full(len(trading_days), np.nan)
    own = levels[(levels["name"] == name).to_numpy()]
    days = own["session"].to_numpy().astype("datetime64[D]")
    index = np.searchsorted(trading_days, days)
    is_there = index < len(trading_days)
    is_there[is_there] = trading_days[index[is_there]] == days[is_there]
    result[index[is_there]] = own["close"].to_numpy(dtype=np.float64)[is_there]
    return result


def _contradictions(frame: pd.DataFrame, key: list[str]) -> list[str]:
    """Return a reason for each row that differs from another of the same key; "" for the others."""
    is_contradicted = frame.duplicated(key, keep=False)
    return ["contradicts another row of the same day" if one else "" for one in is_contradicted]


def _check_series(
    frame: pd.DataFrame,
    rows: np.ndarray,
    stored: pd.DataFrame,
    reasons: list[str],
    trading_days: Days,
    check: Callable[[_Row, _State | None], str],
) -> None:
    """Check the new rows of one series in order among the stored ones; write the reasons into `reasons`."""
    if len(rows) == 0:
        return
    new = _rows(frame.iloc[rows], trading_days, positions=rows)
    reach = min(row.day for row in new) - REACH_SESSIONS
    # on one day the stored level comes first and remains valid when the new one is implausible
    series = sorted([*(row for row in _rows(stored, trading_days) if row.day >= reach), *new])
    last: _State | None = None  # of an earlier day than the row being checked
    today: _State | None = None
    for row in series:
        if today is not None and today.row.day < row.day:
            last = today
        if row.position >= 0:
            reason = reasons[row.position] or check(row, last)
            reasons[row.position] = reason
            if reason:
                continue
        is_equal = last is not None and last.row.close == row.close
        today = _State(row, last.equal + 1 if is_equal and last is not None else 1)


def _rows(
    frame: pd.DataFrame, trading_days: Days, positions: Sequence[int] | np.ndarray | None = None
) -> list[_Row]:
    days = np.searchsorted(trading_days, frame["session"].to_numpy().astype("datetime64[D]")).tolist()
    numbers = [-1] * len(frame) if positions is None else [int(position) for position in positions]
    if "yield_pct" in frame.columns:
        closes = frame["yield_pct"].to_numpy(dtype=np.float64).tolist()
        return [
            _Row(day, position, *[close] * 5)
            for day, position, close in zip(days, numbers, closes, strict=True)
        ]
    total = frame["adj_close"].fillna(frame["close"])
    prices = [frame[name].to_numpy(dtype=np.float64).tolist() for name in ("open", "high", "low", "close")]
    return [_Row(*row) for row in zip(days, numbers, *prices, total.tolist(), strict=True)]


def _level_problem(row: _Row, last: _State | None, bounds: LevelBounds, *, is_index: bool) -> str:
    least, most = (bounds.min_volatility_index, bounds.max_volatility_index) if is_index else PRICE_BOUNDS_USD
    if not (least <= row.close <= most and np.isfinite(row.total) and row.total > 0):
        return f"close {row.close:.6g} is not between {least:g} and {most:g}"
    if row.close > row.high * (1 + OUTSIDE_FRAC) or row.close < row.low * (1 - OUTSIDE_FRAC):
        return f"close {row.close:.6g} is outside its own low {row.low:.6g} and high {row.high:.6g}"
    if last is None or row.day - last.row.day > REACH_SESSIONS:
        return ""
    falls, rises = (
        (1 / bounds.max_volatility_index_ratio, bounds.max_volatility_index_ratio)
        if is_index
        else (1 - bounds.max_benchmark_fall_frac, 1 + bounds.max_benchmark_rise_frac)
    )
    return _move_problem(row, last, (float(np.log(falls)), float(np.log(rises)))) or _stale(row, last, bounds)


def _move_problem(row: _Row, last: _State, reach: tuple[float, float]) -> str:
    """Compare with the last good level; `reach` is the largest fall and rise in one session, in logs."""
    before, stretch = last.row, _stretch(row, last)
    move = float(np.log(row.close / before.close))
    change = f"close {before.close:.6g} → {row.close:.6g} ({np.expm1(move):+.0%})"
    if not reach[0] * stretch <= move <= reach[1] * stretch:
        return f"{change} is not plausible within {_sessions(row, last)}"
    # a stored level may have another base than a delivered one
    distributed = float(np.log(row.total / before.total)) - move if before.position >= 0 else 0.0
    if abs(distributed) > DISTRIBUTION_FRAC * stretch:
        return f"{change}, but adj_close {before.total:.6g} → {row.total:.6g}"
    return ""


def _stale(row: _Row, last: _State, bounds: LevelBounds) -> str:
    before = last.row
    is_whole = row.high > row.low and row[2:6] == before[2:6]
    if is_whole or (row.close == before.close and last.equal >= bounds.max_equal_sessions):
        return f"close {row.close:.6g} repeats the previous session: stale"
    return ""


def _yield_problem(row: _Row, last: _State | None, bounds: LevelBounds) -> str:
    value = row.close
    if not bounds.min_yield_pct <= value <= bounds.max_yield_pct:
        return f"{value:.6g}% is not between {bounds.min_yield_pct:g}% and {bounds.max_yield_pct:g}%"
    if last is None or row.day - last.row.day > REACH_SESSIONS:
        return ""
    before = last.row.close
    if abs(value - before) > bounds.max_yield_move_pct * _stretch(row, last) or _is_other_unit(value, before):
        return f"{before:.6g}% → {value:.6g}% is not plausible within {_sessions(row, last)}"
    return ""


def _is_other_unit(value: float, before: float) -> bool:
    if min(value, before) <= 0 or max(value, before) < UNIT_FROM_PCT:
        return False
    times = abs(float(np.log10(value / before)))
    return any(abs(times - power) < UNIT_TOLERANCE / np.log(10) for power in (1, 2))


def _stretch(row: _Row, last: _State) -> float:
    return float(np.sqrt(min(max(row.day - last.row.day, 1), STRETCH_SESSIONS)))


def _sessions(row: _Row, last: _State) -> str:
    return counted(row.day - last.row.day, "session")


def _split(
    frame: pd.DataFrame, reasons: list[str], names: list[str], rule: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    is_implausible = np.array([bool(reason) for reason in reasons], dtype=bool)
    if not is_implausible.any():
        return frame, no_findings()
    flagged = frame[is_implausible].assign(
        symbol=[name for name, hit in zip(names, is_implausible, strict=True) if hit]
    )
    found = make_findings(flagged, rule, "note", [reason for reason in reasons if reason], LEFT_OUT)
    return frame[~is_implausible], found.drop_duplicates(["symbol", "session", "rule"])
