"""Check the move of each close against the previous close and the market.

A move is examined when it exceeds the limit *and* is an outlier among all moves of the session, so that a market-wide
crash passes. The bar is set aside for the day if the ratio looks like a misplaced decimal point or an unannounced
split, or if the price at least doubled; if the new level persists, the next bar confirms it. Any other examined move is
ignored if the name has recently moved as much, and accepted on high volume unless the price at least halved. Uses no
later row. Corrects nothing. gates/session_moves detects errors that affect most names of a session.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tasks.data.gates.baselines import session_median, trailing_median
from tasks.data.schema.records import Mask, Severity

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

REACH_SESSIONS = 25  # maximum age of the previous bar in a comparison
DEVIATIONS = 8.0  # robust standard deviations from the session's median move
OWN_SESSIONS, OWN_MIN_BARS, OWN_DEVIATIONS = 42, 10, 8.0  # the same, in the name's own deviations
RECENT_SESSIONS, RECENT_MIN_BARS = 5, 3  # … or its recent ones: large moves cluster
VOLUME_SESSIONS, VOLUME_MIN_BARS = 21, 5
TRADED_VOLUME = 2.0  # multiple of the median dollar volume from which a move is accepted
DOUBLED_MOVE = 1.0  # from here on volume is not evidence: only a second source, an action or the next bar is
HALVED_MOVE = -0.5  # likewise: a purchase at a price that is too low buys at least twice the intended shares
NEWS_VOLUME = 3.0  # … from which even the ratio of a split is accepted as news
SPLIT_RATIOS = (1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 15.0, 20.0, 25.0, 50.0, 100.0)
SPLIT_TOLERANCE = 0.03
SPLIT_OPEN_TOLERANCE = 0.06  # a split shows at the open; bad news rarely in full
UNIT_TOLERANCE = 0.10  # of a factor 10, 100 or 1000, in logarithms
STALE_MIN_USD = 2e6  # nobody trades as much at one price all day, or at the four prices of the day before


@dataclass(frozen=True)
class BarHistory:
    """Bars sorted by symbol and session, as arrays of equal length. `day` counts trading days."""

    code: Ints
    day: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    factor: Floats  # total-return factor of the actions since the previous bar; 1 without any
    was_set_aside: Mask  # set aside by an earlier refresh
    is_new: Mask  # to be checked; the others are context

    @cached_property
    def dollar_volume(self) -> Floats:
        return self.close * self.volume

    @cached_property
    def before(self) -> Floats:
        """The previous close, adjusted for actions; NaN where there is none within REACH_SESSIONS."""
        result = np.full(len(self.code), np.nan)
        later = np.flatnonzero(follows_within_reach(self.code, self.day))
        result[later] = self.close[later - 1] / self.factor[later]
        return result

    @cached_property
    def move(self) -> Floats:
        """Each bar's return since the previous bar, adjusted for actions; NaN where there is none within reach."""
        return self.close / self.before - 1.0

    @cached_property
    def market(self) -> Floats:
        """The median return of each bar's session."""
        return np.nan_to_num(session_median(self.day, self.move))

    @cached_property
    def market_at_open(self) -> Floats:
        """The median return of each bar's session from the previous close to the open."""
        return np.nan_to_num(session_median(self.day, self.open / self.before - 1.0))

    @cached_property
    def is_copy(self) -> Mask:
        """Whether a bar has the four prices of the name's previous bar."""
        result = np.zeros(len(self.code), dtype=bool)
        result[1:] = self.code[1:] == self.code[:-1]
        for prices in (self.open, self.high, self.low, self.close):
            result[1:] &= prices[1:] == prices[:-1]
        return result

    @cached_property
    def is_stale(self) -> Mask:
        """Whether a bar repeats a close, or all prices, although much was traded: it says nothing of the name."""
        is_same = (self.move == 0.0) & (self.is_copy | (self.high == self.low))
        result: Mask = is_same & (self.dollar_volume >= STALE_MIN_USD)
        return result

    def own_deviation(
        self, rows: Ints, *, sessions: int = OWN_SESSIONS, min_count: int = OWN_MIN_BARS
    ) -> Floats:
        """Return the robust standard deviation of these rows' names relative to the market, before the row.

        Stale bars are left out: their distance from the market would make a wrong move look usual.
        """
        deviation = np.where(self.is_stale, np.nan, np.abs(self.move - self.market))
        return 1.4826 * trailing_median(
            deviation, self.code, self.day, rows, sessions=sessions, min_count=min_count
        )

    def relative_volume(self, rows: Ints) -> Floats:
        """Return these rows' dollar volume as a multiple of the name's trailing median; NaN without enough bars.

        Shares are valued at the lower of the close and the previous one: a close that is too high must not produce the
        volume that would confirm it.
        """
        dollars = np.fmin(self.close[rows], self.before[rows]) * self.volume[rows]
        with np.errstate(divide="ignore", invalid="ignore"):
            return dollars / trailing_median(
                self.dollar_volume,
                self.code,
                self.day,
                rows,
                sessions=VOLUME_SESSIONS,
                min_count=VOLUME_MIN_BARS,
            )


@dataclass(frozen=True)
class Suspect:
    """One bar whose move is doubtful or notable. `row` indexes the checked bars."""

    row: int
    rule: str
    evidence: str
    sets_aside: bool = False
    severity: Severity = "quarantine"


def check_moves(bars: BarHistory, *, limit: float) -> list[Suspect]:
    """Return the doubtful and notable moves, in row order. `limit` is a fraction."""
    move, middle = bars.move, bars.market
    spread = 1.4826 * np.nan_to_num(session_median(bars.day, np.abs(move - middle)))
    band = np.maximum(limit, DEVIATIONS * spread)
    with np.errstate(invalid="ignore"):
        candidates = np.flatnonzero(bars.is_new & (np.abs(move) > limit) & (np.abs(move - middle) > band))
    set_aside = bars.was_set_aside.copy()
    recent = bars.own_deviation(candidates, sessions=RECENT_SESSIONS, min_count=RECENT_MIN_BARS)
    deviation, volume = np.fmax(bars.own_deviation(candidates), recent), bars.relative_volume(candidates)
    suspects = []
    for row, own, times in zip(candidates.tolist(), deviation, volume, strict=True):
        context = _Context(move[row], middle[row], band[row], limit, own, times)
        found = _check(bars, set_aside, row, context)
        if found is not None:
            set_aside[row] = found.sets_aside
            suspects.append(found)
    return suspects


def follows_within_reach(code: Ints, day: Ints) -> Mask:
    """Return which bars have a bar of the same symbol within REACH_SESSIONS before; sorted by symbol and day."""
    follows = np.zeros(len(code), dtype=bool)
    follows[1:] = (code[1:] == code[:-1]) & (day[1:] - day[:-1] <= REACH_SESSIONS)
    return follows


@dataclass(frozen=True)
class _Context:
    """One move in relation to the market and to the name's own history."""

    move: float
    middle: float
    band: float
    limit: float
    own: float  # the name's own deviation; NaN with too few bars
    times: float  # multiple of its median dollar volume; NaN likewise

    def is_outlier(self, move: float) -> bool:
        return abs(move) > self.limit and abs(move - self.middle) > self.band

    @property
    def is_usual(self) -> bool:
        return abs(self.move - self.middle) <= OWN_DEVIATIONS * self.own


def _check(bars: BarHistory, set_aside: Mask, row: int, context: _Context) -> Suspect | None:
    good = _last_accepted(bars, set_aside, row)
    if good is not None and good < row - 1 and not context.is_outlier(_move_between(bars, good, row)):
        return None  # back at the level before the bars set aside
    moves = f"{context.move:+.1%}; market {context.middle:+.1%}"
    change = f"close {bars.close[row - 1]:.6g} → {bars.close[row]:.6g} ({moves})"
    doubt = _doubt(bars, row, context)
    if doubt:
        rule, cause = doubt
        return Suspect(row, rule, f"{change}; {cause}", sets_aside=True)
    if context.is_usual:
        return None
    traded = "" if np.isnan(context.times) else f", on {context.times:.2g} times its median dollar volume"
    if context.times >= TRADED_VOLUME and context.move > HALVED_MOVE:
        return Suspect(row, "large_move", f"{change}; no action explains it{traded}", severity="note")
    return Suspect(row, "unexplained_move", f"{change}; no action explains it{traded}")


def _doubt(bars: BarHistory, row: int, context: _Context) -> tuple[str, str] | None:
    """Return the rule that sets the bar aside until the next one confirms it, and the cause; None without doubt."""
    ratio = (1.0 + context.move) / (1.0 + context.middle)
    cause = _unit_error(ratio)
    if cause:
        return "unit_error", cause
    gap = bars.open[row] / bars.before[row]
    cause = _split(ratio, gap / (1.0 + context.middle))
    if cause and not context.times >= NEWS_VOLUME:
        return "unannounced_split", cause
    if context.move >= DOUBLED_MOVE:
        return "doubled_price", "no action explains it, and volume is no evidence for a move this large"
    return None


def _last_accepted(bars: BarHistory, set_aside: Mask, row: int) -> int | None:
    for earlier in range(row - 1, -1, -1):
        if bars.code[earlier] != bars.code[row] or bars.day[row] - bars.day[earlier] > REACH_SESSIONS:
            return None
        if not set_aside[earlier]:
            return earlier
    return None


def _move_between(bars: BarHistory, earlier: int, later: int) -> float:
    factor = float(np.prod(bars.factor[earlier + 1 : later + 1]))
    return float(bars.close[later] * factor / bars.close[earlier] - 1.0)


def _unit_error(ratio: float) -> str:
    for power in (1, 2, 3):
        if abs(abs(np.log(ratio)) - power * np.log(10)) < UNIT_TOLERANCE:
            times = f"{10**power}-fold" if ratio > 1 else f"1/{10**power}"
            return f"looks like a {times} unit error"
    return ""


def _split(ratio: float, gap: float) -> str:
    for split in SPLIT_RATIOS:
        if _is_near(ratio * split, gap * split):
            return f"looks like a {split:g}-for-1 split that was not announced"
        if _is_near(ratio / split, gap / split):
            return f"looks like a 1-for-{split:g} reverse split that was not announced"
    return ""


def _is_near(close: float, open_: float) -> bool:
    return abs(close - 1.0) < SPLIT_TOLERANCE and abs(open_ - 1.0) < SPLIT_OPEN_TOLERANCE
