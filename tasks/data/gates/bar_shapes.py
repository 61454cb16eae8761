"""Detect bars with implausible patterns, relative to the name's trailing medians: spikes, stale and thin bars.

A bar may satisfy every rule for single bars and still be wrong: a high at which nobody traded, one price all day for an
active name, a volume of a few minutes. All of these are stored as delivered. Uses no later row.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tasks.data.gates.baselines import session_median, trailing_median
from tasks.data.gates.price_moves import BarHistory, Floats, Ints, follows_within_reach
from tasks.data.schema.records import Mask, Severity

STRAY_MIN = 0.15  # log distance of a high or low beyond both closes
STRAY_TIMES = 15.0  # … and this multiple of the session's and the name's median
STRAY_SESSIONS, STRAY_MIN_BARS = 42, 20
BUSY_VOLUME = 3.0  # multiple of the median dollar volume from which extreme highs and lows are accepted
MEDIAN_SESSIONS, MEDIAN_MIN_BARS = 21, 10
FLAT_MIN_USD, FLAT_MEDIAN_RANGE = (
    2e6,
    0.005,
)  # one price on this volume, in a name with this median daily range
TRADED_MIN_USD = 1e6  # median dollar volume from which a name trades every day
TRADED_OFTEN = 0.75  # fraction of the previous sessions with trades, for a name below that
THIN_TIMES, THIN_MIN_USD = 20.0, 5e6  # a small fraction of a median dollar volume of at least this
SAME_MIN_USD = 0.10  # a range of several ticks (sixteenths before 2001) does not repeat exactly by chance


@dataclass(frozen=True)
class FlaggedBars:
    """Rows that one rule flags, each with its evidence."""

    rule: str
    severity: Severity
    rows: Ints
    evidence: list[str]


def check_shapes(bars: BarHistory) -> Iterator[FlaggedBars]:
    """Yield the flagged new bars of each rule."""
    yield _repeated(bars)
    yield _no_trade(bars)
    yield _untraded(bars)
    yield _flat(bars)
    yield _stray(bars)
    yield _thin(bars)


def _repeated(bars: BarHistory) -> FlaggedBars:
    """Flag bars with the four prices of the previous bar although shares were traded."""
    same = follows_within_reach(bars.code, bars.day)
    for prices in (bars.open, bars.high, bars.low, bars.close):
        same[1:] &= prices[1:] == prices[:-1]
    is_wide = (bars.high - bars.low >= SAME_MIN_USD) & (bars.open != bars.close)
    same[1:] &= (bars.volume[1:] == bars.volume[:-1]) | is_wide[1:]
    rows = _new_rows(bars, same & (bars.volume > 0))
    evidence = [
        f"open {o:.6g} high {h:.6g} low {low:.6g} close {c:.6g} as on the previous session; volume {v:.6g}"
        for o, h, low, c, v in zip(
            *(values[rows] for values in (bars.open, bars.high, bars.low, bars.close, bars.volume)),
            strict=True,
        )
    ]
    return FlaggedBars("repeated_bar", "quarantine", rows, evidence)


def _no_trade(bars: BarHistory) -> FlaggedBars:
    """Flag bars without volume of names with a high median dollar volume: the close is stale."""
    rows, start = _idle(bars)
    normal = _median(bars.dollar_volume, bars, start)
    evidence = [
        f"close {close:.6g} on zero volume, median ${dollars:,.0f}"
        for close, dollars in zip(bars.close[rows], normal, strict=True)
    ]
    return _select("no_trade", "quarantine", rows, normal >= TRADED_MIN_USD, evidence)


def _untraded(bars: BarHistory) -> FlaggedBars:
    """Note bars without volume of illiquid names that trade on most days. They are outside the universe anyway."""
    rows, start = _idle(bars)
    begin, total = _window_begins(bars)[start], _sums_before((bars.volume > 0).astype(float))
    bars_before = start - begin
    often = (total[start] - total[begin]) / np.maximum(bars_before, 1)
    is_small = ~(_median(bars.dollar_volume, bars, start) >= TRADED_MIN_USD)
    evidence = [
        f"close {close:.6g} on zero volume; traded on {share:.0%} of the previous sessions"
        for close, share in zip(bars.close[rows], often, strict=True)
    ]
    is_flagged = is_small & (often >= TRADED_OFTEN) & (bars_before >= MEDIAN_MIN_BARS)
    return _select("untraded", "note", rows, is_flagged, evidence)


def _idle(bars: BarHistory) -> tuple[Ints, Ints]:
    """Return the new bars without volume, and the first bar of the run that each belongs to.

    Medians are taken before the run, so that a halt does not change them while it lasts. Runs longer than the median's
    window are excluded: the name stopped trading.
    """
    is_idle = bars.volume == 0
    begins = is_idle.copy()
    begins[1:] &= ~(is_idle[:-1] & (bars.code[1:] == bars.code[:-1]))
    start = (
        np.maximum.accumulate(np.where(begins, np.arange(len(is_idle)), 0))
        if len(is_idle)
        else np.zeros(0, int)
    )
    rows = _new_rows(bars, is_idle)
    rows = rows[rows - start[rows] < MEDIAN_SESSIONS]
    return rows, start[rows].astype(np.int64)


def _flat(bars: BarHistory) -> FlaggedBars:
    rows = _new_rows(bars, (bars.high == bars.low) & (bars.dollar_volume >= FLAT_MIN_USD))
    width = _median(bars.high / bars.low - 1.0, bars, rows)
    is_flagged = width > FLAT_MEDIAN_RANGE
    evidence = [
        f"one price, {close:.6g}, on a volume of ${dollars / 1e6:,.1f} million; the median daily range is {wide:.1%}"
        for close, dollars, wide in zip(bars.close[rows], bars.dollar_volume[rows], width, strict=True)
    ]
    return _select("flat_bar", "quarantine", rows, is_flagged, evidence)


def _stray(bars: BarHistory) -> FlaggedBars:
    """Flag highs and lows far beyond both closes, on a day without a volatile market or a high volume of the name."""
    reach, is_high = _reach(bars)
    market = session_median(bars.day, reach)
    with np.errstate(invalid="ignore"):
        rows = _new_rows(
            bars, np.isfinite(bars.before) & (reach > STRAY_MIN) & (reach > STRAY_TIMES * market)
        )
    own = trailing_median(reach, bars.code, bars.day, rows, sessions=STRAY_SESSIONS, min_count=STRAY_MIN_BARS)
    is_flagged = (reach[rows] > STRAY_TIMES * own) & ~(bars.relative_volume(rows) >= BUSY_VOLUME)
    evidence = [
        f"{'high' if above else 'low'} {h if above else low:.6g} while closes went {before:.6g} → {close:.6g}; "
        f"median {normal:.1%} beyond them"
        for above, h, low, before, close, normal in zip(
            *(values[rows] for values in (is_high, bars.high, bars.low, bars.before, bars.close)),
            own,
            strict=True,
        )
    ]
    return _select("stray_price", "quarantine", rows, is_flagged, evidence)


def _reach(bars: BarHistory) -> tuple[Floats, Mask]:
    """Return the log distance of each bar's high or low beyond both closes, and whether it is the high."""
    with np.errstate(invalid="ignore", divide="ignore"):
        up = np.log(bars.high / np.fmax(bars.before, bars.close))
        down = np.log(np.fmin(bars.before, bars.close) / bars.low)
        return np.maximum(up, down), up > down


def _thin(bars: BarHistory) -> FlaggedBars:
    dollars = bars.dollar_volume
    # a necessary condition that is fast: with enough values the median is at most a multiple of the mean
    total = _sums_before(dollars)
    most = 2.0 * (total[:-1] - total[_window_begins(bars)]) / MEDIAN_MIN_BARS
    rows = _new_rows(bars, (bars.volume > 0) & (dollars < most / THIN_TIMES))
    normal = _median(dollars, bars, rows)
    is_flagged = (normal >= THIN_MIN_USD) & (dollars[rows] < normal / THIN_TIMES)
    evidence = [
        f"${traded:,.0f} traded, median ${often:,.0f}"
        for traded, often in zip(dollars[rows], normal, strict=True)
    ]
    return _select("thin_volume", "note", rows, is_flagged, evidence)


def _window_begins(bars: BarHistory) -> Ints:
    """Return, for each row, the first earlier row in the median's window of the name; the row itself without one."""
    row = np.arange(len(bars.code))
    is_first = np.ones(len(row), dtype=bool)
    is_first[1:] = bars.code[1:] != bars.code[:-1]
    begin = np.where(is_first, row, 0)
    np.maximum.accumulate(begin, out=begin)
    row -= MEDIAN_SESSIONS
    result: Ints = np.maximum(row, begin, out=begin)
    return result


def _sums_before(values: Floats) -> Floats:
    """Return the sum of all values before each row, and at the end the total."""
    total = np.zeros(len(values) + 1)
    np.cumsum(values, out=total[1:])
    return total


def _median(values: Floats, bars: BarHistory, rows: Ints) -> Floats:
    return trailing_median(
        values, bars.code, bars.day, rows, sessions=MEDIAN_SESSIONS, min_count=MEDIAN_MIN_BARS
    )


def _new_rows(bars: BarHistory, found: Mask) -> Ints:
    return np.flatnonzero(found & bars.is_new)


def _select(rule: str, severity: Severity, rows: Ints, is_flagged: Mask, evidence: list[str]) -> FlaggedBars:
    return FlaggedBars(
        rule,
        severity,
        rows[is_flagged],
        [text for text, hit in zip(evidence, is_flagged, strict=True) if hit],
    )
