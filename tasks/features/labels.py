"""Labels: forward returns from the next session on, absolute or relative to the other members of the session.

A decision is made after the close of its session, which can then no longer be traded. So every label counts from the
entry: the open or the close of the next session. This is the only module of tasks/features that reads later rows; no
feature imports it. Each label has the row on which it ends, so that training purges exactly the rows whose labels
overlap the test. Prices are total-return levels; only their ratios are used.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from tasks.data.schema.records import Mask, Matrix, Panel
from tasks.features.compute import on_arrays
from tasks.features.engine.arithmetic import log
from tasks.features.engine.cross_section import rank
from tasks.features.engine.rolling import lag, rolling_mean_and_std
from tasks.features.engine.series import Series

SIGNIFICANT_MOVE_FRAC = 0.01
VOLATILITY_WINDOW = 63  # a quarter, because volatility changes slowly

Entry = Literal["next_open", "next_close"]  # of the session after the decision


@dataclass(frozen=True)
class Labels:
    """One value per session and symbol; NaN where there is none, or not yet.

    `end_row` is the last row that the label depends on; it is beyond the panel if the label is not known yet. For a
    delisted name it is the end of the horizon as well: only then is it known that no bar follows.
    """

    values: Matrix
    end_row: NDArray[np.int32]  # sessions × symbols


def sessions_known_after(sessions: int, entry: Entry) -> int:
    """Return how many sessions after the decision a label of this horizon is known."""
    return sessions + (entry == "next_close")


def forward_return(panel: Panel, *, sessions: int, entry: Entry) -> Labels:
    """Return the total return over `sessions` closes; the entry is on the row after each decision.

    `next_open`: close[t + sessions] / open[t + 1] − 1. `next_close`: close[t + 1 + sessions] / close[t + 1] − 1. A
    symbol without a bar on the last row is valued at its last price before it, as for a delisted holding. NaN where it
    has no bar on the row of the entry, because nothing could be bought, and where the horizon exceeds the panel.
    """
    values = np.full(panel.close.shape, np.nan)
    ahead = sessions_known_after(sessions, entry)
    if len(values) > ahead:
        bought = _entry_price(panel, entry)[:-ahead]
        values[:-ahead] = _carried_forward(panel.close)[ahead:] / bought - 1
    return Labels(values, _ends(panel.close, ahead))


def forward_rank(panel: Panel, *, sessions: int, entry: Entry) -> Labels:
    """Return the members' ranks by forward return, from 0 (worst) to 1 (best); NaN for others."""
    label = forward_return(panel, sessions=sessions, entry=entry)
    return Labels(_ranked(label.values, panel.is_member), label.end_row)


def target(panel: Panel, *, horizons: Sequence[int], entry: Entry) -> Labels:
    """Return the mean of the members' ranks over the horizons; NaN unless all are known."""
    ranks = [forward_rank(panel, sessions=sessions, entry=entry).values for sessions in horizons]
    return Labels(np.mean(ranks, axis=0), _ends(panel.close, sessions_known_after(max(horizons), entry)))


def significant_move(panel: Panel, *, sessions: int, entry: Entry) -> Labels:
    """Return 1 for members that rise and 0 for those that fall by more than 1%; NaN for smaller moves."""
    label = forward_return(panel, sessions=sessions, entry=entry)
    is_large = panel.is_member & (np.abs(label.values) > SIGNIFICANT_MOVE_FRAC)
    return Labels(np.where(is_large, (label.values > 0).astype(np.float64), np.nan), label.end_row)


def triple_barrier(panel: Panel, *, sessions: int, upper: float, lower: float, entry: Entry) -> Labels:
    """Return 1 if the upper barrier is touched first, −1 if the lower one is, 0 if neither is within `sessions`.

    The barriers are above and below the entry price, in units of the volatility known at the decision, scaled to the
    horizon: at a width of 1, a random walk ends beyond one of them a third of the time. They are touched by highs and
    lows after the entry: with `next_open` from the row of the entry on, with `next_close` from the row after it. If
    both are touched on one row, the label is 0, because the order is unknown. The label ends with the first touch. NaN
    where the symbol has no bar on the row of the decision or of the entry, where its volatility is unknown or 0, and
    where the panel ends before the label.
    """
    _, volatility = on_arrays(_mean_and_volatility, panel.close)
    unit = volatility * math.sqrt(sessions)
    bought = np.where(np.isnan(panel.close), np.nan, _entry_price(panel, entry))
    top, bottom = bought * np.exp(upper * unit), bought * np.exp(-lower * unit)
    is_open = np.isfinite(top) & (unit > 0)
    last = sessions_known_after(sessions, entry)
    rows, end_row = len(panel.close), _ends(panel.close, last).copy()
    values = np.where(is_open & (end_row < rows), 0.0, np.nan)
    for ahead in range(1 + last - sessions, min(last, rows - 1) + 1):
        above, below = panel.high[ahead:] >= top[:-ahead], panel.low[ahead:] <= bottom[:-ahead]
        touched = is_open[:-ahead] & (above | below)
        values[:-ahead][touched] = above[touched].astype(np.float64) - below[touched]
        end_row[:-ahead][touched] -= last - ahead
        is_open[:-ahead][touched] = False
    return Labels(values, end_row)


def _mean_and_volatility(close: Series) -> tuple[Series, Series]:
    return rolling_mean_and_std(log(close / lag(close, 1)), VOLATILITY_WINDOW)


def _entry_price(panel: Panel, entry: Entry) -> Matrix:
    """Return, for each row on which a decision is made, its entry price on the next row; NaN on the last row."""
    bought = np.full(panel.close.shape, np.nan)
    bought[:-1] = (panel.open if entry == "next_open" else panel.close)[1:]
    return bought


def _ends(close: Matrix, ahead: int) -> NDArray[np.int32]:
    """Return for every cell the row `ahead` later, as a read-only view."""
    return np.broadcast_to(np.arange(len(close), dtype=np.int32)[:, None] + np.int32(ahead), close.shape)


def _ranked(values: Matrix, is_member: Mask) -> Matrix:
    return rank(np.where(is_member, values, np.nan).astype(np.float32)).astype(np.float64)


def _carried_forward(close: Matrix) -> Matrix:
    """Fill each symbol's gaps with its last price."""
    row_of_last = np.where(np.isnan(close), 0, np.arange(len(close))[:, None])
    return np.take_along_axis(close, np.maximum.accumulate(row_of_last, axis=0), axis=0)
