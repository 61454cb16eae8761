"""Set each symbol against the others of its session, over members only. Everyone else is missing.

Never looks at another session, and never depends on the order in which the symbols stand.
"""

import numpy as np
from numpy.typing import NDArray

from tasks.data.schema import Mask
from tasks.features.schema import Transform

Session = NDArray[np.float32]  # sessions × symbols

WINSOR_FRAC = 0.01
BEYOND_FLOAT32 = 2.0**1000
SPARE_BITS = (1 << 29) - 1


def transformed(values: Session, transform: Transform, is_member: Mask, sector: NDArray[np.str_]) -> Session:
    """Return the declared form of the values; `none` keeps them as they are, for members."""
    if values.size == 0:
        return values
    among = np.where(is_member, values, np.float32(np.nan))
    if transform == "rank":
        return rank(among)
    if transform == "zscore":
        return zscore(among)
    if transform == "sector_rank":
        return rank(sector_neutral(among, sector))
    return among


def rank(values: Session) -> Session:
    """Return each value's place in its session, 0 the smallest, 1 the largest; equals share their mean place.

    A value that is alone in its session stands at 0.5.
    """
    is_missing = np.isnan(values)
    count = np.sum(~is_missing, axis=1, keepdims=True)
    order, ordered = _sorted(values)
    place = np.broadcast_to(np.arange(values.shape[1], dtype=np.float32), values.shape).copy()
    tied = np.any(ordered[:, 1:] == ordered[:, :-1], axis=1)
    place[tied] = _mean_places(ordered[tied])
    place /= np.maximum(count - 1, 1).astype(np.float32)
    place[count[:, 0] == 1] = 0.5
    ranked = np.empty_like(values)
    first_of_row = np.arange(len(values))[:, None] * values.shape[1]
    ranked.reshape(-1)[first_of_row + order] = place
    ranked[is_missing] = np.nan
    return ranked


def zscore(values: Session) -> Session:
    """Return distances from the session's mean in standard deviations, the outermost WINSOR_FRAC drawn in.

    A session in which all are equal scores 0.
    """
    ordered = np.sort(
        values.astype(np.float64), axis=1
    )  # summed in order: the same sum however symbols stand
    count = np.sum(~np.isnan(ordered), axis=1, keepdims=True)
    low = np.take_along_axis(ordered, np.floor(WINSOR_FRAC * np.maximum(count - 1, 0)).astype(int), axis=1)
    high = np.take_along_axis(
        ordered, np.ceil((1 - WINSOR_FRAC) * np.maximum(count - 1, 0)).astype(int), axis=1
    )
    drawn_in = np.clip(ordered, low, high)
    mean = np.nansum(drawn_in, axis=1, keepdims=True) / np.maximum(count, 1)
    std = np.sqrt(np.nansum((drawn_in - mean) ** 2, axis=1, keepdims=True) / np.maximum(count - 1, 1))
    is_flat = low == high
    scored = np.where(is_flat, 0.0, (np.clip(values, low, high) - mean) / np.where(is_flat, 1.0, std))
    scored[np.isnan(values)] = np.nan
    return scored.astype(np.float32)


def sector_neutral(values: Session, sector: NDArray[np.str_]) -> Session:
    """Return distances from the median of the symbol's sector in that session."""
    neutral = np.full_like(values, np.nan)
    for name in np.unique(sector):
        inside = np.flatnonzero(sector == name)
        neutral[:, inside] = values[:, inside] - _median(values[:, inside])
    return neutral


def _median(values: Session) -> Session:
    ordered = np.sort(values, axis=1)
    last = np.maximum(np.sum(~np.isnan(ordered), axis=1, keepdims=True) - 1, 0)
    lower = np.take_along_axis(ordered, last // 2, axis=1)
    upper = np.take_along_axis(ordered, (last + 1) // 2, axis=1)
    return (lower + upper) / np.float32(2)


def _sorted(values: Session) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the order of each row, missing last, and a number for each place that is equal where values are.

    A float32 leaves the last 29 bits of a float64 empty: the column goes there, and one plain sort, which the
    processor does several values at a time, gives the order three times as fast as `argsort`.
    """
    wide = values.astype(np.float64) + 0.0  # −0 becomes 0
    wide[np.isnan(wide)] = BEYOND_FLOAT32
    keyed = (wide.view(np.int64) | np.arange(values.shape[1])).view(np.float64)
    ordered = np.sort(keyed, axis=1).view(np.int64)
    return ordered & SPARE_BITS, ordered & ~SPARE_BITS


def _mean_places(ordered: NDArray[np.int64]) -> Session:
    """Return places in sorted rows, every run of equal values at the run's middle."""
    place = np.broadcast_to(np.arange(ordered.shape[1]), ordered.shape)
    differs = np.ones(ordered.shape, dtype=bool)
    differs[:, 1:] = ordered[:, 1:] != ordered[:, :-1]
    first = np.maximum.accumulate(np.where(differs, place, 0), axis=1)
    ends = np.ones(ordered.shape, dtype=bool)
    ends[:, :-1] = differs[:, 1:]
    backwards = np.where(ends, place, ordered.shape[1])[:, ::-1]
    last = np.minimum.accumulate(backwards, axis=1)[:, ::-1]
    return ((first + last) / 2).astype(np.float32)
