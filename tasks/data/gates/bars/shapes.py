"""Detect bars with implausible patterns, relative to the name's trailing medians: spikes, flat and thin bars.

A bar may satisfy every rule for single bars and still be wrong: a high at which nobody traded, one price all day for an
active name, only a few minutes' worth of volume. All of these are stored as delivered. Uses no later row.
"""

from collections.abc import Iterator

import numpy as np

from tasks.data.gates.bars.flags import (
    MEDIAN_MIN_BARS,
    FlaggedBars,
    median_before,
    new_rows,
    select,
    sums_before,
    window_begins,
)
from tasks.data.gates.baselines import session_median, trailing_median
from tasks.data.gates.price_moves import STALE_MIN_USD, BarHistory, Floats
from tasks.data.schema.records import Mask

STRAY_MIN = 0.15  # log distance of a high or low beyond both closes
STRAY_TIMES = 15.0  # … and this multiple of the session's and the name's median
STRAY_SESSIONS, STRAY_MIN_BARS = 42, 20
BUSY_VOLUME = 3.0  # multiple of the median dollar volume from which extreme highs and lows are accepted
FLAT_MEDIAN_RANGE = 0.005  # median daily range from which one price all day is implausible
THIN_TIMES, THIN_MIN_USD = 20.0, 5e6  # a small fraction of a median dollar volume of at least this


def check_shapes(bars: BarHistory) -> Iterator[FlaggedBars]:
    """Yield the flagged new bars of each rule."""
    yield _flat(bars)
    yield _stray(bars)
    yield _thin(bars)


def _flat(bars: BarHistory) -> FlaggedBars:
    rows = new_rows(bars, (bars.high == bars.low) & (bars.dollar_volume >= STALE_MIN_USD))
    width = median_before(bars.high / bars.low - 1.0, bars, rows)
    is_flagged = width > FLAT_MEDIAN_RANGE
    evidence = [
        f"one price, {close:.6g}, on a volume of ${dollars / 1e6:,.1f} million; the median daily range is {wide:.1%}"
        for close, dollars, wide in zip(bars.close[rows], bars.dollar_volume[rows], width, strict=True)
    ]
    return select("flat_bar", "quarantine", rows, is_flagged, evidence)


def _stray(bars: BarHistory) -> FlaggedBars:
    """Flag highs and lows far beyond both closes, on a day without a volatile market or a high volume of the name."""
    reach, is_high = _reach(bars)
    market = session_median(bars.day, reach)
    with np.errstate(invalid="ignore"):
        rows = new_rows(bars, np.isfinite(bars.before) & (reach > STRAY_MIN) & (reach > STRAY_TIMES * market))
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
    return select("stray_price", "quarantine", rows, is_flagged, evidence)


def _reach(bars: BarHistory) -> tuple[Floats, Mask]:
    """Return the log distance of each bar's high or low beyond both closes, and whether it is the high."""
    with np.errstate(invalid="ignore", divide="ignore"):
        up = np.log(bars.high / np.fmax(bars.before, bars.close))
        down = np.log(np.fmin(bars.before, bars.close) / bars.low)
        return np.maximum(up, down), up > down


def _thin(bars: BarHistory) -> FlaggedBars:
    dollars = bars.dollar_volume
    # a necessary condition that is fast: with enough values the median is at most a multiple of the mean
    total = sums_before(dollars)
    most = 2.0 * (total[:-1] - total[window_begins(bars)]) / MEDIAN_MIN_BARS
    rows = new_rows(bars, (bars.volume > 0) & (dollars < most / THIN_TIMES))
    normal = median_before(dollars, bars, rows)
    is_flagged = (normal >= THIN_MIN_USD) & (dollars[rows] < normal / THIN_TIMES)
    evidence = [
        f"${traded:,.0f} traded, median ${often:,.0f}"
        for traded, often in zip(dollars[rows], normal, strict=True)
    ]
    return select("thin_volume", "note", rows, is_flagged, evidence)
