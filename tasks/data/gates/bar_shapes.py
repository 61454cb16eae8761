"""Judge the figures of a bar against each other and against what is usual for its name: spikes, stale and thin bars.

A bar may keep every rule of a bar and still be none: a high that nobody paid, one price all day for a name that
never rests, a volume of a few minutes. All of these are stored as delivered. Uses no later row.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tasks.data.gates.baselines import by_session, usual
from tasks.data.gates.price_moves import Bars, Floats, Ints, follows_within_reach
from tasks.data.schema.records import Mask, Severity

STRAY_LEAST = 0.15  # log distance of a high or low beyond both closes
STRAY_TIMES = 15.0  # … and so many times the session's and the name's usual one
STRAY_SESSIONS, STRAY_LEAST_BARS = 42, 20
BUSY_VOLUME = 3.0  # times the usual dollar volume: a wild day, so that its extremes are believed
USUAL_SESSIONS, USUAL_LEAST = 21, 10
FLAT_LEAST_USD, FLAT_USUAL_RANGE = (
    2e6,
    0.005,
)  # one price for so many dollars, in a name that moves so much a day
TRADED_LEAST_USD = 1e6  # usual dollar volume of a name that trades every day
TRADED_OFTEN = 0.75  # of the sessions before had trades, in a name of less
THIN_TIMES, THIN_LEAST_USD = 20.0, 5e6  # a small part of a dollar volume that is usually at least this
SAME_LEAST_USD = (
    0.10  # a range of several ticks, also of the sixteenths before 2001, is not met exactly twice
)


@dataclass(frozen=True)
class Shapes:
    """Rows that look wrong in one way, each with its evidence."""

    rule: str
    severity: Severity
    rows: Ints
    evidence: list[str]


def judge_shapes(bars: Bars) -> Iterator[Shapes]:
    """Yield what looks wrong among the new bars, rule by rule."""
    yield _repeated(bars)
    yield _no_trade(bars)
    yield _untraded(bars)
    yield _flat(bars)
    yield _stray(bars)
    yield _thin(bars)


def _repeated(bars: Bars) -> Shapes:
    """Find bars with the four prices of the bar before, although shares changed hands."""
    same = follows_within_reach(bars.code, bars.day)
    for figures in (bars.open, bars.high, bars.low, bars.close):
        same[1:] &= figures[1:] == figures[:-1]
    is_wide = (bars.high - bars.low >= SAME_LEAST_USD) & (bars.open != bars.close)
    same[1:] &= (bars.volume[1:] == bars.volume[:-1]) | is_wide[1:]
    rows = _of(bars, same & (bars.volume > 0))
    told = [
        f"open {o:.6g} high {h:.6g} low {low:.6g} close {c:.6g} as the session before; volume {v:.6g}"
        for o, h, low, c, v in zip(
            *(figures[rows] for figures in (bars.open, bars.high, bars.low, bars.close, bars.volume)),
            strict=True,
        )
    ]
    return Shapes("repeated_bar", "quarantine", rows, told)


def _no_trade(bars: Bars) -> Shapes:
    """Find bars without volume of names that many dollars are usually traded of: the close is an old one."""
    rows, start = _idle(bars)
    normal = _usual(bars.dollar_volume, bars, start)
    told = [
        f"close {close:.6g} on no volume, usually {dollars:,.0f} USD"
        for close, dollars in zip(bars.close[rows], normal, strict=True)
    ]
    return _keep("no_trade", "quarantine", rows, normal >= TRADED_LEAST_USD, told)


def _untraded(bars: Bars) -> Shapes:
    """Note bars without volume of names that trade little, but on most days. They are too small to be bought anyway."""
    rows, start = _idle(bars)
    begin, total = _window_begins(bars)[start], _sums_before((bars.volume > 0).astype(float))
    bars_before = start - begin
    often = (total[start] - total[begin]) / np.maximum(bars_before, 1)
    is_small = ~(_usual(bars.dollar_volume, bars, start) >= TRADED_LEAST_USD)
    told = [
        f"close {close:.6g} on no volume; traded on {share:.0%} of the sessions before"
        for close, share in zip(bars.close[rows], often, strict=True)
    ]
    is_odd = is_small & (often >= TRADED_OFTEN) & (bars_before >= USUAL_LEAST)
    return _keep("untraded", "note", rows, is_odd, told)


def _idle(bars: Bars) -> tuple[Ints, Ints]:
    """Return the new bars without volume, and the first bar of the run of such bars that each belongs to.

    What is usual is asked before the run, so that a halt does not become usual while it lasts; longer runs than the
    usual's own window are a name that stopped trading, and left out.
    """
    is_idle = bars.volume == 0
    begins = is_idle.copy()
    begins[1:] &= ~(is_idle[:-1] & (bars.code[1:] == bars.code[:-1]))
    start = (
        np.maximum.accumulate(np.where(begins, np.arange(len(is_idle)), 0))
        if len(is_idle)
        else np.zeros(0, int)
    )
    rows = _of(bars, is_idle)
    rows = rows[rows - start[rows] < USUAL_SESSIONS]
    return rows, start[rows].astype(np.int64)


def _flat(bars: Bars) -> Shapes:
    rows = _of(bars, (bars.high == bars.low) & (bars.dollar_volume >= FLAT_LEAST_USD))
    width = _usual(bars.high / bars.low - 1.0, bars, rows)
    is_odd = width > FLAT_USUAL_RANGE
    told = [
        f"one price, {close:.6g}, for {dollars / 1e6:,.1f} million USD; the usual day's range is {wide:.1%}"
        for close, dollars, wide in zip(bars.close[rows], bars.dollar_volume[rows], width, strict=True)
    ]
    return _keep("flat_bar", "quarantine", rows, is_odd, told)


def _stray(bars: Bars) -> Shapes:
    """Find highs and lows far beyond both closes, on a day that was not wild for the market or for the name."""
    reach, is_high = _reach(bars)
    market = by_session(bars.day, reach)
    with np.errstate(invalid="ignore"):
        rows = _of(bars, np.isfinite(bars.before) & (reach > STRAY_LEAST) & (reach > STRAY_TIMES * market))
    own = usual(reach, bars.code, bars.day, rows, sessions=STRAY_SESSIONS, least=STRAY_LEAST_BARS)
    is_odd = (reach[rows] > STRAY_TIMES * own) & ~(bars.times_usual_volume(rows) >= BUSY_VOLUME)
    told = [
        f"{'high' if above else 'low'} {h if above else low:.6g} while closes went {before:.6g} → {close:.6g}; "
        f"usually {normal:.1%} beyond them"
        for above, h, low, before, close, normal in zip(
            *(figures[rows] for figures in (is_high, bars.high, bars.low, bars.before, bars.close)),
            own,
            strict=True,
        )
    ]
    return _keep("stray_price", "quarantine", rows, is_odd, told)


def _reach(bars: Bars) -> tuple[Floats, Mask]:
    """Return how far each bar's high or low lies beyond both closes, as a log distance, and whether it is the high."""
    with np.errstate(invalid="ignore", divide="ignore"):
        up = np.log(bars.high / np.fmax(bars.before, bars.close))
        down = np.log(np.fmin(bars.before, bars.close) / bars.low)
        return np.maximum(up, down), up > down


def _thin(bars: Bars) -> Shapes:
    dollars = bars.dollar_volume
    # a sieve that loses nothing: of at least so many values the median is at most twice the mean
    total = _sums_before(dollars)
    most = 2.0 * (total[:-1] - total[_window_begins(bars)]) / USUAL_LEAST
    rows = _of(bars, (bars.volume > 0) & (dollars < most / THIN_TIMES))
    normal = _usual(dollars, bars, rows)
    is_odd = (normal >= THIN_LEAST_USD) & (dollars[rows] < normal / THIN_TIMES)
    told = [
        f"{traded:,.0f} USD traded, usually {often:,.0f}"
        for traded, often in zip(dollars[rows], normal, strict=True)
    ]
    return _keep("thin_volume", "note", rows, is_odd, told)


def _window_begins(bars: Bars) -> Ints:
    """Return, for each row, the first of the name's rows before it that count for what is usual; itself without one."""
    row = np.arange(len(bars.code))
    is_first = np.ones(len(row), dtype=bool)
    is_first[1:] = bars.code[1:] != bars.code[:-1]
    begin = np.where(is_first, row, 0)
    np.maximum.accumulate(begin, out=begin)
    row -= USUAL_SESSIONS
    result: Ints = np.maximum(row, begin, out=begin)
    return result


def _sums_before(values: Floats) -> Floats:
    """Return the sum of all values before each row, and behind them the sum of all."""
    total = np.zeros(len(values) + 1)
    np.cumsum(values, out=total[1:])
    return total


def _usual(values: Floats, bars: Bars, rows: Ints) -> Floats:
    return usual(values, bars.code, bars.day, rows, sessions=USUAL_SESSIONS, least=USUAL_LEAST)


def _of(bars: Bars, found: Mask) -> Ints:
    return np.flatnonzero(found & bars.is_new)


def _keep(rule: str, severity: Severity, rows: Ints, is_odd: Mask, told: list[str]) -> Shapes:
    return Shapes(rule, severity, rows[is_odd], [text for text, odd in zip(told, is_odd, strict=True) if odd])
