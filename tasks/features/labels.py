"""Labels: forward returns after the close, absolute or relative to the other members of the session.

The only module of the slice that reads later rows; no feature imports it. Each label has the row on which it ends, so
that training purges exactly the rows whose labels overlap the test. Prices are total-return levels, of which only
ratios are used.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.data.schema.records import Mask, Matrix
from tasks.features.compute import on_arrays
from tasks.features.engine.arithmetic import log
from tasks.features.engine.cross_section import rank
from tasks.features.engine.rolling import lag, rolling_mean_and_std
from tasks.features.engine.series import Series

QUINTILES = 5
SIGNIFICANT_MOVE_FRAC = 0.01
VOLATILITY_WINDOW = 63  # a quarter, because volatility changes slowly


@dataclass(frozen=True)
class Labels:
    """One value per session and symbol; NaN where there is none, or not yet.

    `end_row` is the last row that the label depends on; it is beyond the panel if the label is not known yet. For a
    delisted name it is the end of the horizon too: only then is it known that no bar follows.
    """

    values: Matrix
    end_row: NDArray[np.int32]  # sessions × symbols


def forward_return(close: Matrix, *, sessions: int) -> Labels:
    """Return the total return from the close of each row to the close `sessions` later.

    A symbol without a bar on the later row counts with its last price before it, as for a delisted holding. NaN where
    the symbol has no bar on the row or the horizon exceeds the panel.
    """
    values = np.full(close.shape, np.nan)
    if len(close) > sessions:
        values[:-sessions] = _carried_forward(close)[sessions:] / close[:-sessions] - 1
    return Labels(values, _horizon_end(close, sessions))


def forward_rank(close: Matrix, is_member: Mask, *, sessions: int) -> Labels:
    """Return the members' ranks by forward return, from 0 (worst) to 1 (best); NaN for others."""
    label = forward_return(close, sessions=sessions)
    return Labels(_ranked(label.values, is_member), label.end_row)


def target(close: Matrix, is_member: Mask, *, horizons: Sequence[int]) -> Labels:
    """Return the mean of the members' ranks over the horizons; NaN unless all are known."""
    ranks = [forward_rank(close, is_member, sessions=sessions).values for sessions in horizons]
    return Labels(np.mean(ranks, axis=0), _horizon_end(close, max(horizons)))


def forward_quintile(close: Matrix, is_member: Mask, *, sessions: int) -> Labels:
    """Return the members' quintile by forward return, from 0 (worst) to 4 (best)."""
    ranks = forward_rank(close, is_member, sessions=sessions)
    return Labels(np.minimum(np.floor(ranks.values * QUINTILES), QUINTILES - 1), ranks.end_row)


def significant_move(close: Matrix, is_member: Mask, *, sessions: int) -> Labels:
    """Return 1 for members that rise and 0 for those that fall by more than 1%; NaN for smaller moves."""
    label = forward_return(close, sessions=sessions)
    is_large = is_member & (np.abs(label.values) > SIGNIFICANT_MOVE_FRAC)
    return Labels(np.where(is_large, (label.values > 0).astype(np.float64), np.nan), label.end_row)


def triple_barrier(
    close: Matrix,
    high: Matrix | None = None,
    low: Matrix | None = None,
    *,
    sessions: int,
    upper: float,
    lower: float,
) -> Labels:
    """Return 1 if the upper barrier is touched first, −1 if the lower one is, 0 if neither is within `sessions`.

    The barriers are above and below the row's close, in units of the trailing volatility scaled to the horizon: at 1, a
    random walk ends beyond one of them a third of the time. Highs and lows are used if given, else closes. Both
    barriers on one row give 0, because the order is unknown. The label ends with the first touch. NaN where the symbol
    has no bar, where its volatility is unknown or 0, and where the panel ends before the label.
    """
    highs, lows = close if high is None else high, close if low is None else low
    _, volatility = on_arrays(_mean_and_volatility, close)
    unit = volatility * math.sqrt(sessions)
    top, bottom = close * np.exp(upper * unit), close * np.exp(-lower * unit)
    is_open = np.isfinite(top) & (unit > 0)
    end_row = _horizon_end(close, sessions).copy()
    values = np.where(is_open & (end_row < len(close)), 0.0, np.nan)
    for ahead in range(1, min(sessions, len(close) - 1) + 1):
        above, below = highs[ahead:] >= top[:-ahead], lows[ahead:] <= bottom[:-ahead]
        touched = is_open[:-ahead] & (above | below)
        values[:-ahead][touched] = above[touched].astype(np.float64) - below[touched]
        end_row[:-ahead][touched] -= sessions - ahead
        is_open[:-ahead][touched] = False
    return Labels(values, end_row)


def _mean_and_volatility(close: Series) -> tuple[Series, Series]:
    return rolling_mean_and_std(log(close / lag(close, 1)), VOLATILITY_WINDOW)


def _horizon_end(close: Matrix, sessions: int) -> NDArray[np.int32]:
    """Return for every cell the row `sessions` later, as a read-only view."""
    return np.broadcast_to(np.arange(len(close), dtype=np.int32)[:, None] + np.int32(sessions), close.shape)


def _ranked(values: Matrix, is_member: Mask) -> Matrix:
    return rank(np.where(is_member, values, np.nan).astype(np.float32)).astype(np.float64)


def _carried_forward(close: Matrix) -> Matrix:
    """Fill each symbol's gaps with its last price."""
    row_of_last = np.where(np.isnan(close), 0, np.arange(len(close))[:, None])
    return np.take_along_axis(close, np.maximum.accumulate(row_of_last, axis=0), axis=0)
