"""Judge how a close moved against the one before it and against the market (D6, accuracy).

A move is suspect when it exceeds the limit *and* stands out from all moves of that session, so that a crash which
takes everything down passes. Where the ratio betrays a slipped decimal point or a split nobody announced, the bar
is set aside for that day; if the new level holds, the next bar confirms it. Uses no later row. Repairs nothing.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.data.schema import Mask

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

REACH_SESSIONS = 25  # a bar is compared with the one before only when that is not older
DEVIATIONS = 8.0  # robust standard deviations from the session's median move
USUAL_SESSIONS = 21  # of dollar volume
UNUSUAL_VOLUME = 3.0  # times its median: people really traded, so the move is likely real
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
    close: Floats
    dollar_volume: Floats
    factor: Floats  # total-return factor of actions between the bar before and this one; 1 without
    was_held: Mask  # set aside by an earlier refresh
    is_new: Mask  # to be judged; the others are there to compare with


@dataclass(frozen=True)
class Suspect:
    """One bar, or the action that came with it, that does not fit. `row` indexes the bars that were judged."""

    row: int
    rule: str
    evidence: str
    holds_bar: bool = False
    holds_action: bool = False


def judge_moves(bars: Bars, *, limit: float) -> list[Suspect]:
    """Return what stands out, in row order."""
    move = moves(bars)
    middle, spread = _cross_section(bars.day, move)
    band = np.maximum(limit, DEVIATIONS * spread)
    with np.errstate(invalid="ignore"):
        candidates = np.flatnonzero(bars.is_new & (np.abs(move) > limit) & (np.abs(move - middle) > band))
    held = bars.was_held.copy()
    suspects = []
    for row in candidates:
        found = _judge(bars, held, int(row), move=move[row], middle=middle[row], band=band[row], limit=limit)
        if found is not None:
            held[row] = found.holds_bar
            suspects.append(found)
    return suspects


def moves(bars: Bars) -> Floats:
    """Return each bar's move since the bar before, actions undone; NaN where there is none within reach."""
    result = np.full(len(bars.code), np.nan)
    follows = follows_within_reach(bars.code, bars.day)
    later = np.flatnonzero(follows)
    result[later] = bars.close[later] * bars.factor[later] / bars.close[later - 1] - 1.0
    return result


def follows_within_reach(code: Ints, day: Ints) -> Mask:
    """Tell which bars have a bar of the same symbol shortly before them; sorted by symbol and day."""
    follows = np.zeros(len(code), dtype=bool)
    follows[1:] = (code[1:] == code[:-1]) & (day[1:] - day[:-1] <= REACH_SESSIONS)
    return follows


def _cross_section(day: Ints, move: Floats) -> tuple[Floats, Floats]:
    """Return for each bar the median move of its session and the robust spread around it."""
    frame = pd.DataFrame({"day": day, "move": move})
    middle = frame.groupby("day")["move"].transform("median")
    frame["distance"] = (frame["move"] - middle).abs()
    spread = 1.4826 * frame.groupby("day")["distance"].transform("median")
    return middle.fillna(0.0).to_numpy(), spread.fillna(0.0).to_numpy()


def _judge(
    bars: Bars, held: Mask, row: int, *, move: float, middle: float, band: float, limit: float
) -> Suspect | None:
    def stands_out(one: float) -> bool:
        return abs(one) > limit and abs(one - middle) > band

    good = _last_believed(bars, held, row)
    if good is not None and good < row - 1 and not stands_out(_move_between(bars, good, row)):
        return None  # back at the level before the bars that were set aside
    factor = bars.factor[row]
    raw_move = bars.close[row] / bars.close[row - 1] - 1.0
    told = f"close {bars.close[row - 1]:.6g} → {bars.close[row]:.6g} ({move:+.1%}; market {middle:+.1%})"
    if abs(factor - 1.0) > limit / 2 and not stands_out(raw_move):
        return Suspect(
            row, "unconfirmed_action", f"{told}; the action's factor is {factor:.4g}", holds_action=True
        )
    ratio = (1.0 + move) / (1.0 + middle)
    cause = _unit_error(ratio)
    if cause:
        return Suspect(row, "unit_error", f"{told}; {cause}", holds_bar=True)
    gap = bars.open[row] * factor / bars.close[row - 1]
    cause = _split(ratio, gap / (1.0 + middle))
    if cause and not _volume_is_unusual(bars, row):
        return Suspect(row, "unannounced_split", f"{told}; {cause}", holds_bar=True)
    return Suspect(row, "unexplained_move", f"{told}; no action explains it")


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


def _volume_is_unusual(bars: Bars, row: int) -> bool:
    first = row
    while (
        first > 0
        and row - first < USUAL_SESSIONS
        and bars.code[first - 1] == bars.code[row]
        and bars.day[row] - bars.day[first - 1] <= REACH_SESSIONS
    ):
        first -= 1
    usual = float(np.median(bars.dollar_volume[first:row])) if first < row else 0.0
    return bool(bars.dollar_volume[row] > UNUSUAL_VOLUME * usual)
