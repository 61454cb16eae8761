"""Judge how a close moved against the one before it and against the market (D6, accuracy).

A move is looked at when it exceeds the limit *and* stands out from all moves of that session, so that a crash which
takes everything down passes. Where the ratio betrays a slipped decimal point or a split nobody announced, the bar
is set aside for that day; if the new level holds, the next bar confirms it. So is a price that doubled or more: an
error upwards looks like news. Any other such move is believed when people really traded on it, and no news when the
name has moved like that lately. Uses no later row. Repairs nothing. Errors that most names of a session share are
session_moves.py's to find.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tasks.data.gates.baselines import by_session, usual
from tasks.data.schema.records import Mask, Severity

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

REACH_SESSIONS = 25  # a bar is compared with the one before only when that is not older
DEVIATIONS = 8.0  # robust standard deviations from the session's median move
OWN_SESSIONS, OWN_LEAST, OWN_DEVIATIONS = 42, 10, 8.0  # the same from what is usual for the name itself
LATE_SESSIONS, LATE_LEAST = 5, 3  # … or was lately: a name in free fall goes on falling
VOLUME_SESSIONS, VOLUME_LEAST = 21, 5
TRADED_VOLUME = 2.0  # times the usual dollar volume: people really traded, so the move is believed
DOUBLED_MOVE = 1.0  # from here on volume proves nothing: only a second source, an action or the next bar does
NEWS_VOLUME = 3.0  # … so much that even the ratio of a split is taken for news
SPLIT_RATIOS = (1.5, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 15.0, 20.0, 25.0, 50.0, 100.0)
SPLIT_TOLERANCE = 0.03
SPLIT_OPEN_TOLERANCE = 0.06  # a split shows at the open already, bad news seldom in full
UNIT_TOLERANCE = 0.10  # of a factor 10, 100 or 1000, in logarithms


@dataclass(frozen=True)
class Bars:
    """Believable bars sorted by symbol and session, as arrays. `day` counts trading days."""

    code: Ints
    day: Ints
    open: Floats
    high: Floats
    low: Floats
    close: Floats
    volume: Floats
    factor: Floats  # total-return factor of actions between the bar before and this one; 1 without
    was_held: Mask  # set aside by an earlier refresh
    is_new: Mask  # to be judged; the others are there to compare with

    @cached_property
    def dollar_volume(self) -> Floats:
        return self.close * self.volume

    @cached_property
    def before(self) -> Floats:
        """The close before each bar, counted in the shares of the bar; NaN where there is none within reach."""
        result = np.full(len(self.code), np.nan)
        later = np.flatnonzero(follows_within_reach(self.code, self.day))
        result[later] = self.close[later - 1] / self.factor[later]
        return result

    @cached_property
    def move(self) -> Floats:
        """Each bar's move since the bar before, actions undone; NaN where there is none within reach."""
        return self.close / self.before - 1.0

    @cached_property
    def market(self) -> Floats:
        """The median move of each bar's session."""
        return np.nan_to_num(by_session(self.day, self.move))

    @cached_property
    def market_at_open(self) -> Floats:
        """The median move of each bar's session from the close before to the open."""
        return np.nan_to_num(by_session(self.day, self.open / self.before - 1.0))

    def usual_deviation(self, rows: Ints, *, sessions: int = OWN_SESSIONS, least: int = OWN_LEAST) -> Floats:
        """Return how far the names of these rows usually stray from the market, as a robust standard deviation."""
        stray = np.abs(self.move - self.market)
        return 1.4826 * usual(stray, self.code, self.day, rows, sessions=sessions, least=least)

    def times_usual_volume(self, rows: Ints) -> Floats:
        """Return these rows' dollar volume over what is usual for their names.

        Shares are counted at the lower of the close and the one before: a close that is wrong upwards must not make
        the volume that would prove it.
        """
        dollars = np.fmin(self.close[rows], self.before[rows]) * self.volume[rows]
        with np.errstate(divide="ignore", invalid="ignore"):
            return dollars / usual(
                self.dollar_volume, self.code, self.day, rows, sessions=VOLUME_SESSIONS, least=VOLUME_LEAST
            )


@dataclass(frozen=True)
class Suspect:
    """One bar that does not fit, or that is worth a word. `row` indexes the bars that were judged."""

    row: int
    rule: str
    evidence: str
    holds_bar: bool = False
    severity: Severity = "quarantine"


def judge_moves(bars: Bars, *, limit: float) -> list[Suspect]:
    """Return what stands out, in row order."""
    move, middle = bars.move, bars.market
    spread = 1.4826 * np.nan_to_num(by_session(bars.day, np.abs(move - middle)))
    band = np.maximum(limit, DEVIATIONS * spread)
    with np.errstate(invalid="ignore"):
        candidates = np.flatnonzero(bars.is_new & (np.abs(move) > limit) & (np.abs(move - middle) > band))
    held = bars.was_held.copy()
    late = bars.usual_deviation(candidates, sessions=LATE_SESSIONS, least=LATE_LEAST)
    deviation, volume = np.fmax(bars.usual_deviation(candidates), late), bars.times_usual_volume(candidates)
    suspects = []
    for row, own, times in zip(candidates.tolist(), deviation, volume, strict=True):
        stand = _Stand(move[row], middle[row], band[row], limit, own, times)
        found = _judge(bars, held, row, stand)
        if found is not None:
            held[row] = found.holds_bar
            suspects.append(found)
    return suspects


def follows_within_reach(code: Ints, day: Ints) -> Mask:
    """Tell which bars have a bar of the same symbol shortly before them; sorted by symbol and day."""
    follows = np.zeros(len(code), dtype=bool)
    follows[1:] = (code[1:] == code[:-1]) & (day[1:] - day[:-1] <= REACH_SESSIONS)
    return follows


@dataclass(frozen=True)
class _Stand:
    """How one move stands to the market's, and to what the name usually does."""

    move: float
    middle: float
    band: float
    limit: float
    own: float  # usual deviation of the name; NaN where it is too young
    times: float  # its usual dollar volume; NaN likewise

    def stands_out(self, move: float) -> bool:
        return abs(move) > self.limit and abs(move - self.middle) > self.band

    @property
    def is_usual(self) -> bool:
        return abs(self.move - self.middle) <= OWN_DEVIATIONS * self.own


def _judge(bars: Bars, held: Mask, row: int, stand: _Stand) -> Suspect | None:
    good = _last_believed(bars, held, row)
    if good is not None and good < row - 1 and not stand.stands_out(_move_between(bars, good, row)):
        return None  # back at the level before the bars that were set aside
    told = f"close {bars.close[row - 1]:.6g} → {bars.close[row]:.6g} ({stand.move:+.1%}; market {stand.middle:+.1%})"
    doubt = _doubt(bars, row, stand)
    if doubt:
        rule, cause = doubt
        return Suspect(row, rule, f"{told}; {cause}", holds_bar=True)
    if stand.is_usual:
        return None
    traded = "" if np.isnan(stand.times) else f", on {stand.times:.2g} times its usual dollar volume"
    if stand.times >= TRADED_VOLUME:
        return Suspect(row, "large_move", f"{told}; no action explains it{traded}", severity="note")
    return Suspect(row, "unexplained_move", f"{told}; no action explains it{traded}")


def _doubt(bars: Bars, row: int, stand: _Stand) -> tuple[str, str] | None:
    """Return the rule by which the bar is set aside until the next one confirms it, and why; None otherwise."""
    ratio = (1.0 + stand.move) / (1.0 + stand.middle)
    cause = _unit_error(ratio)
    if cause:
        return "unit_error", cause
    gap = bars.open[row] / bars.before[row]
    cause = _split(ratio, gap / (1.0 + stand.middle))
    if cause and not stand.times >= NEWS_VOLUME:
        return "unannounced_split", cause
    if stand.move >= DOUBLED_MOVE:
        return "doubled_price", "no action explains it, and no volume proves so much"
    return None


def _last_believed(bars: Bars, held: Mask, row: int) -> int | None:
    for earlier in range(row - 1, -1, -1):
        if bars.code[earlier] != bars.code[row] or bars.day[row] - bars.day[earlier] > REACH_SESSIONS:
            return None
        if not held[earlier]:
            return earlier
    return None


def _move_between(bars: Bars, earlier: int, later: int) -> float:
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
