"""Detect stale bars: they repeat the previous session's prices, or nobody traded. Uses no later row."""

from collections.abc import Iterator

import numpy as np

from tasks.data.gates.bars.flags import (
    MEDIAN_MIN_BARS,
    MEDIAN_SESSIONS,
    FlaggedBars,
    median_before,
    new_rows,
    select,
    sums_before,
    window_begins,
)
from tasks.data.gates.price_moves import BarHistory, Ints, follows_within_reach

TRADED_MIN_USD = 1e6  # median dollar volume from which a name trades every day
TRADED_OFTEN = 0.75  # fraction of the previous sessions with trades, for a name below that
SAME_MIN_USD = 0.10  # a range of several ticks (sixteenths before 2001) does not repeat exactly by chance


def check_stale(bars: BarHistory) -> Iterator[FlaggedBars]:
    """Yield the flagged new bars of each rule."""
    yield _repeated(bars)
    yield _no_trade(bars)
    yield _untraded(bars)


def _repeated(bars: BarHistory) -> FlaggedBars:
    """Flag bars with the four prices of the previous bar although shares were traded."""
    same = follows_within_reach(bars.code, bars.day) & bars.is_copy
    is_wide = (bars.high - bars.low >= SAME_MIN_USD) & (bars.open != bars.close)
    same[1:] &= (bars.volume[1:] == bars.volume[:-1]) | is_wide[1:]
    rows = new_rows(bars, same & (bars.volume > 0))
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
    normal = median_before(bars.dollar_volume, bars, start)
    evidence = [
        f"close {close:.6g} on zero volume, median ${dollars:,.0f}"
        for close, dollars in zip(bars.close[rows], normal, strict=True)
    ]
    return select("no_trade", "quarantine", rows, normal >= TRADED_MIN_USD, evidence)


def _untraded(bars: BarHistory) -> FlaggedBars:
    """Note bars without volume of illiquid names that trade on most days. They are outside the universe anyway."""
    rows, start = _idle(bars)
    begin, total = window_begins(bars)[start], sums_before((bars.volume > 0).astype(float))
    bars_before = start - begin
    often = (total[start] - total[begin]) / np.maximum(bars_before, 1)
    is_small = ~(median_before(bars.dollar_volume, bars, start) >= TRADED_MIN_USD)
    evidence = [
        f"close {close:.6g} on zero volume; traded on {share:.0%} of the previous sessions"
        for close, share in zip(bars.close[rows], often, strict=True)
    ]
    is_flagged = is_small & (often >= TRADED_OFTEN) & (bars_before >= MEDIAN_MIN_BARS)
    return select("untraded", "note", rows, is_flagged, evidence)


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
    rows = new_rows(bars, is_idle)
    rows = rows[rows - start[rows] < MEDIAN_SESSIONS]
    return rows, start[rows].astype(np.int64)
