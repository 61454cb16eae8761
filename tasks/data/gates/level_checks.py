"""Judge levels before they are stored: benchmark, volatility index, risk-free rate (D6, R4).

A level that cannot be right is left out, so that its session counts as one without: the regime is then the safest one
that the rest supports, and says so. Measured against fixed bounds (data.quality.levels) and the last good level before;
never against the session's other figures. Repairs nothing.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from config.data_section import LevelBounds
from config.settings import Settings
from tasks.data.gates.price_moves import Floats
from tasks.data.schema.columns import OUTERMOST_PRICES_USD
from tasks.data.schema.finding_rows import make_findings, no_findings
from tasks.data.schema.records import Days

REACH_SESSIONS = 25  # a level is compared with the last good one only when that is not older
STRETCH_SESSIONS = 5  # a bound grows with the root of the sessions since the last good level, at most so many
OUTSIDE_FRAC = 0.01  # a close so far outside its own high and low contradicts them
DISTRIBUTION_FRAC = 0.05  # the total-return level moves with the close but for a distribution
UNIT_TOLERANCE, UNIT_FROM_PCT = (
    0.10,
    1.0,
)  # a yield near ten or a hundred times another, in logs; where one is so high
LEFT_OUT = "left out: counts as missing"


@dataclass(frozen=True)
class LevelRules:
    """Which series are watched, and what they may do."""

    benchmark: str
    volatility_index: str
    bounds: LevelBounds


def level_rules(settings: Settings) -> LevelRules:
    """Return what of the settings decides which levels are believed."""
    data = settings.data
    return LevelRules(data.benchmark, data.volatility_index, data.quality.levels)


class _Row(NamedTuple):
    """One level: `place` is its row in the delivery, −1 for a stored one."""

    day: int
    place: int
    open: float
    high: float
    low: float
    close: float
    total: float


class _State(NamedTuple):
    """The last good level before a row, and how many sessions in a row had its close."""

    row: _Row
    equal: int


def judge_levels(
    delivered: pd.DataFrame, stored: pd.DataFrame, rules: LevelRules, trading_days: Days
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the level rows that can be used, once each, and a note for each that cannot."""
    frame = delivered.drop_duplicates(ignore_index=True)
    reasons = _contradictions(frame, ["name", "session"])
    for name, rows in frame.groupby("name", sort=True).indices.items():
        is_index = str(name) == rules.volatility_index

        def judge(row: _Row, last: _State | None, *, is_index: bool = is_index) -> str:
            return _odd_level(row, last, rules.bounds, is_index=is_index)

        own = stored[(stored["name"] == name).to_numpy()]
        _judge_series(frame, np.asarray(rows), own, reasons, trading_days, judge)
    return _split(frame, reasons, frame["name"].astype(str).tolist(), "unusable_level")


def judge_yields(
    delivered: pd.DataFrame, stored: pd.DataFrame, rules: LevelRules, trading_days: Days
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the rows of the risk-free rate that can be used, once each, and a note for each that cannot."""
    frame = delivered.dropna(subset="yield_pct").drop_duplicates(ignore_index=True)
    reasons = _contradictions(frame, ["session"])

    def judge(row: _Row, last: _State | None) -> str:
        return _odd_yield(row, last, rules.bounds)

    _judge_series(frame, np.arange(len(frame)), stored, reasons, trading_days, judge)
    return _split(frame, reasons, ["RISKFREE"] * len(frame), "unusable_yield")


def closes_by_day(levels: pd.DataFrame, name: str, trading_days: Days) -> Floats:
    """Return the series' close on each trading day, NaN where it has none; of two rows of a day the later stands."""
    result = np.full(len(trading_days), np.nan)
    own = levels[(levels["name"] == name).to_numpy()]
    days = own["session"].to_numpy().astype("datetime64[D]")
    place = np.searchsorted(trading_days, days)
    is_there = place < len(trading_days)
    is_there[is_there] = trading_days[place[is_there]] == days[is_there]
    result[place[is_there]] = own["close"].to_numpy(dtype=np.float64)[is_there]
    return result


def _contradictions(frame: pd.DataFrame, key: list[str]) -> list[str]:
    """Name the rows that share their day with another that differs; "" for the others."""
    doubled = frame.duplicated(key, keep=False)
    return ["contradicts another row of the same day" if one else "" for one in doubled]


def _judge_series(
    frame: pd.DataFrame,
    rows: np.ndarray,
    stored: pd.DataFrame,
    reasons: list[str],
    trading_days: Days,
    judge: Callable[[_Row, _State | None], str],
) -> None:
    """Walk through one series, stored rows and new ones in order, and write down what is odd about the new ones."""
    if len(rows) == 0:
        return
    new = _rows(frame.iloc[rows], trading_days, places=rows)
    reach = min(row.day for row in new) - REACH_SESSIONS
    # of one day the stored level comes first: a new one that is odd leaves it in force
    series = sorted([*(row for row in _rows(stored, trading_days) if row.day >= reach), *new])
    last: _State | None = None  # of an earlier day than the row that is judged
    today: _State | None = None
    for row in series:
        if today is not None and today.row.day < row.day:
            last = today
        if row.place >= 0:
            odd = reasons[row.place] or judge(row, last)
            reasons[row.place] = odd
            if odd:
                continue
        is_equal = last is not None and last.row.close == row.close
        today = _State(row, last.equal + 1 if is_equal and last is not None else 1)


def _rows(
    frame: pd.DataFrame, trading_days: Days, places: Sequence[int] | np.ndarray | None = None
) -> list[_Row]:
    days = np.searchsorted(trading_days, frame["session"].to_numpy().astype("datetime64[D]")).tolist()
    numbers = [-1] * len(frame) if places is None else [int(place) for place in places]
    if "yield_pct" in frame.columns:
        closes = frame["yield_pct"].to_numpy(dtype=np.float64).tolist()
        return [
            _Row(day, place, *[close] * 5) for day, place, close in zip(days, numbers, closes, strict=True)
        ]
    total = frame["adj_close"].fillna(frame["close"])
    figures = [frame[name].to_numpy(dtype=np.float64).tolist() for name in ("open", "high", "low", "close")]
    return [_Row(*row) for row in zip(days, numbers, *figures, total.tolist(), strict=True)]


def _odd_level(row: _Row, last: _State | None, bounds: LevelBounds, *, is_index: bool) -> str:
    least, most = (
        (bounds.min_volatility_index, bounds.max_volatility_index) if is_index else OUTERMOST_PRICES_USD
    )
    if not (least <= row.close <= most and np.isfinite(row.total) and row.total > 0):
        return f"close {row.close:.6g} is not between {least:g} and {most:g}"
    if row.close > row.high * (1 + OUTSIDE_FRAC) or row.close < row.low * (1 - OUTSIDE_FRAC):
        return f"close {row.close:.6g} is outside its own low {row.low:.6g} and high {row.high:.6g}"
    if last is None or row.day - last.row.day > REACH_SESSIONS:
        return ""
    falls, rises = (
        (1 / bounds.max_volatility_index_times, bounds.max_volatility_index_times)
        if is_index
        else (1 - bounds.max_benchmark_fall_frac, 1 + bounds.max_benchmark_rise_frac)
    )
    return _odd_move(row, last, (float(np.log(falls)), float(np.log(rises)))) or _stale(row, last, bounds)


def _odd_move(row: _Row, last: _State, reach: tuple[float, float]) -> str:
    """Compare with the last good level. `reach` is how far it may fall and rise in one session, in logs."""
    before, stretch = last.row, _stretch(row, last)
    move = float(np.log(row.close / before.close))
    told = f"close {before.close:.6g} → {row.close:.6g} ({np.expm1(move):+.0%})"
    if not reach[0] * stretch <= move <= reach[1] * stretch:
        return f"{told} is no move of {_sessions(row, last)}"
    # a stored level may stand on another base than what is delivered now
    distributed = float(np.log(row.total / before.total)) - move if before.place >= 0 else 0.0
    if abs(distributed) > DISTRIBUTION_FRAC * stretch:
        return f"{told}, but adj_close {before.total:.6g} → {row.total:.6g}"
    return ""


def _stale(row: _Row, last: _State, bounds: LevelBounds) -> str:
    before = last.row
    is_whole = row.high > row.low and row[2:6] == before[2:6]
    if is_whole or (row.close == before.close and last.equal >= bounds.max_equal_sessions):
        return f"close {row.close:.6g} repeats the session before: stale"
    return ""


def _odd_yield(row: _Row, last: _State | None, bounds: LevelBounds) -> str:
    value = row.close
    if not bounds.min_yield_pct <= value <= bounds.max_yield_pct:
        return f"{value:.6g}% is not between {bounds.min_yield_pct:g} and {bounds.max_yield_pct:g}%"
    if last is None or row.day - last.row.day > REACH_SESSIONS:
        return ""
    before = last.row.close
    if abs(value - before) > bounds.max_yield_move_pct * _stretch(row, last) or _is_other_unit(value, before):
        return f"{before:.6g}% → {value:.6g}% is no move of {_sessions(row, last)}"
    return ""


def _is_other_unit(value: float, before: float) -> bool:
    if min(value, before) <= 0 or max(value, before) < UNIT_FROM_PCT:
        return False
    times = abs(float(np.log10(value / before)))
    return any(abs(times - power) < UNIT_TOLERANCE / np.log(10) for power in (1, 2))


def _stretch(row: _Row, last: _State) -> float:
    return float(np.sqrt(min(max(row.day - last.row.day, 1), STRETCH_SESSIONS)))


def _sessions(row: _Row, last: _State) -> str:
    count = row.day - last.row.day
    return "one session" if count == 1 else f"{count} sessions"


def _split(
    frame: pd.DataFrame, reasons: list[str], names: list[str], rule: str
) -> tuple[pd.DataFrame, pd.DataFrame]:
    is_odd = np.array([bool(reason) for reason in reasons], dtype=bool)
    if not is_odd.any():
        return frame, no_findings()
    told = frame[is_odd].assign(symbol=[name for name, odd in zip(names, is_odd, strict=True) if odd])
    found = make_findings(told, rule, "note", [reason for reason in reasons if reason], LEFT_OUT)
    return frame[~is_odd], found.drop_duplicates(["symbol", "session", "rule"])
