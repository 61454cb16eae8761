"""What models learn to foresee: returns after the close, set against the other members of the session.

The only place in the features slice that looks at later rows. Nothing that computes a feature imports it. Each label
says on which row it ends, so that training can purge exactly the rows whose labels reach into a test.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.data.schema import Mask, Matrix
from tasks.features.cross_section import rank

QUINTILES = 5
SIGNIFICANT_MOVE_FRAC = 0.01


@dataclass(frozen=True)
class Labels:
    """One value per session and symbol, missing where it cannot be known yet. `end_row` is each session's last row
    that entered its labels; it lies beyond the panel where they are missing for that reason."""

    values: Matrix
    end_row: NDArray[np.intp]


def forward_return(close: Matrix, *, sessions: int) -> Labels:
    """Return the total return from the close of each row to the close `sessions` later.

    A symbol without a bar on the later row counts with its last price until then: who holds a name that is delisted
    is left with cash. Missing where the symbol has no bar today or the horizon reaches beyond the panel.
    """
    values = np.full(close.shape, np.nan)
    if len(close) > sessions:
        values[:-sessions] = _carried_forward(close)[sessions:] / close[:-sessions] - 1
    return Labels(values, np.arange(len(close)) + sessions)


def forward_rank(close: Matrix, is_member: Mask, *, sessions: int) -> Labels:
    """Return the members' ranks by forward return, 0 the worst, 1 the best."""
    label = forward_return(close, sessions=sessions)
    return Labels(_ranked(label.values, is_member), label.end_row)


def target(close: Matrix, is_member: Mask, *, horizons: Sequence[int]) -> Labels:
    """Return the mean of the members' ranks over the horizons; missing unless all are known."""
    ranks = [forward_rank(close, is_member, sessions=sessions).values for sessions in horizons]
    return Labels(np.mean(ranks, axis=0), np.arange(len(close)) + max(horizons))


def forward_quintile(close: Matrix, is_member: Mask, *, sessions: int) -> Labels:
    """Return the members' fifth by forward return, 0 the worst to 4 the best."""
    ranks = forward_rank(close, is_member, sessions=sessions)
    return Labels(np.minimum(np.floor(ranks.values * QUINTILES), QUINTILES - 1), ranks.end_row)


def significant_move(close: Matrix, is_member: Mask, *, sessions: int) -> Labels:
    """Return 1 for members that rise and 0 for those that fall by more than 1 %; smaller moves are missing."""
    label = forward_return(close, sessions=sessions)
    is_large = is_member & (np.abs(label.values) > SIGNIFICANT_MOVE_FRAC)
    return Labels(np.where(is_large, (label.values > 0).astype(np.float64), np.nan), label.end_row)


def _ranked(values: Matrix, is_member: Mask) -> Matrix:
    return rank(np.where(is_member, values, np.nan).astype(np.float32)).astype(np.float64)


def _carried_forward(close: Matrix) -> Matrix:
    """Fill each symbol's gaps with its last price before them."""
    row_of_last = np.where(np.isnan(close), 0, np.arange(len(close))[:, None])
    return np.take_along_axis(close, np.maximum.accumulate(row_of_last, axis=0), axis=0)
