"""Cross-sectional transforms over the members of each session; all other symbols are missing.

Independent of other sessions, of the order of the symbols, and of symbols that are not members.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from tasks.data.schema.records import Mask
from tasks.features.engine import session_kernels
from tasks.features.engine.feature import Transform
from tasks.features.engine.session_kernels import SessionValues

WINSOR_FRAC = 0.01
BEYOND_FLOAT32 = 2.0**1000


@dataclass(frozen=True)
class Peers:
    """The groups for transforms: members, their sectors, and the ranks of factors that neutral transforms remove.

    Names without a dated sector (−1) form one group.
    """

    is_member: Mask
    sector: NDArray[np.int8]  # sessions × symbols
    order: NDArray[np.intp]  # order of summation, whatever the order of the columns
    size: SessionValues | None = None  # 0–1 in each session; NaN counts as the sector's average
    beta: SessionValues | None = None

    def of(self, rows: slice) -> "Peers":
        """Return the groups of these sessions."""
        size, beta = (None if figure is None else figure[rows] for figure in (self.size, self.beta))
        return Peers(self.is_member[rows], self.sector[rows], self.order, size, beta)


def transformed(values: SessionValues, transform: Transform, peers: Peers) -> SessionValues:
    """Return the values after the named transform; `none` only removes non-members."""
    if values.size == 0:
        return values
    among = np.where(peers.is_member, values, np.float32(np.nan))
    if transform == "rank":
        return rank(among)
    if transform == "zscore":
        return zscore(among)
    if transform == "sector_rank":
        return rank(sector_neutral(among, peers.sector))
    if transform == "neutral_rank":
        return rank(neutral(rank(among), peers))
    return among


def rank(values: SessionValues) -> SessionValues:
    """Return each value's rank in its session, from 0 (smallest) to 1 (largest); ties share their mean rank.

    A single value gets 0.5.
    """
    ranked = np.full(values.shape, np.nan, dtype=np.float32)
    session_kernels.place(_sorted(values), ranked)
    return ranked


def zscore(values: SessionValues) -> SessionValues:
    """Return z-scores within each session, winsorized at WINSOR_FRAC on each side.

    A session of equal values gives 0.
    """
    ordered = np.sort(values, axis=1)  # sorted, so that the sum does not depend on the order of symbols
    return session_kernels.score(values, ordered, WINSOR_FRAC)


def sector_neutral(values: SessionValues, sector: NDArray[np.int8]) -> SessionValues:
    """Return distances from the median of the symbol's sector in that session."""
    result = np.full_like(values, np.nan)
    for rows in _spans_of_equal_rows(sector):
        of_names = sector[rows.start]
        for number in np.unique(of_names):
            inside = np.flatnonzero(of_names == number)
            result[rows, inside] = values[rows, inside] - _median(values[rows, inside])
    return result


def _spans_of_equal_rows(sector: NDArray[np.int8]) -> list[slice]:
    """Return spans of sessions on which no name changed its sector: few, so that each is computed at once."""
    changes = np.flatnonzero((sector[1:] != sector[:-1]).any(axis=1)) + 1
    bounds = [0, *changes.tolist(), len(sector)]
    return [slice(begin, end) for begin, end in pairwise(bounds)]


def neutral(ranks: SessionValues, peers: Peers) -> SessionValues:
    """Return the residuals of a least-squares fit on sector, size and beta in each session."""
    unknown = np.full_like(ranks, np.nan)
    size = unknown if peers.size is None else peers.size
    beta = unknown if peers.beta is None else peers.beta
    return session_kernels.residuals(ranks, size, beta, peers.sector, peers.order)


def _median(values: SessionValues) -> SessionValues:
    ordered = np.sort(values, axis=1)
    last = np.maximum(np.sum(~np.isnan(ordered), axis=1, keepdims=True) - 1, 0)
    lower = np.take_along_axis(ordered, last // 2, axis=1)
    upper = np.take_along_axis(ordered, (last + 1) // 2, axis=1)
    return (lower + upper) / np.float32(2)


def _sorted(values: SessionValues) -> NDArray[np.int64]:
    """Return each row sorted, missing last, with the column of each value in its low bits.

    A float32 leaves the low 29 bits of a float64 free: the column is stored there, so that one vectorized sort gives
    the order, three times as fast as `argsort`.
    """
    wide = values.astype(np.float64) + 0.0  # −0 becomes 0
    wide[np.isnan(wide)] = BEYOND_FLOAT32
    keyed = (wide.view(np.int64) | np.arange(values.shape[1])).view(np.float64)
    keyed.sort(axis=1)
    return keyed.view(np.int64)
