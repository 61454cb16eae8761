"""Compiled loops for `cross_section`: one session at a time, over its symbols.

Sums run in an order that does not depend on the columns and skip missing values, so that neither the order of columns
nor other symbols change a bit.
"""

import numpy as np
from numpy.typing import NDArray

from tasks.core.compiled import compiled

SessionValues = NDArray[np.float32]  # sessions × symbols

MISSING_FROM = np.array([2.0**1000]).view(np.int64)[
    0
]  # `cross_section` codes NaN as values that sort from here on
COLUMN_BITS = (1 << 29) - 1
LEAST_SPREAD = 1e-12  # of a factor after the other is removed: below it, the factor is redundant


@compiled
def place(ordered: NDArray[np.int64], out: SessionValues) -> None:
    """Write each value's rank, 0 to 1, to its column; ties share their mean rank."""
    for session in range(len(ordered)):
        row = ordered[session]
        count = 0
        while count < len(row) and row[count] < MISSING_FROM:
            count += 1
        first = 0
        while first < count:
            last, value = first, row[first] & ~COLUMN_BITS
            while last + 1 < count and (row[last + 1] & ~COLUMN_BITS) == value:
                last += 1
            middle = np.float32((first + last) / 2) / np.float32(count - 1) if count > 1 else np.float32(0.5)
            for position in range(first, last + 1):
                out[session, row[position] & COLUMN_BITS] = middle
            first = last + 1


@compiled
def score(values: SessionValues, ordered: SessionValues, winsor_frac: float) -> SessionValues:
    """Return winsorized z-scores."""
    out = np.full_like(values, np.nan)
    for session in range(len(values)):
        row = ordered[session]
        count = 0
        while count < len(row) and not np.isnan(row[count]):
            count += 1
        if count == 0:
            continue
        low = np.float64(row[int(np.floor(winsor_frac * (count - 1)))])
        high = np.float64(row[int(np.ceil((1 - winsor_frac) * (count - 1)))])
        total = squares = 0.0
        for position in range(count):
            total += min(max(np.float64(row[position]), low), high)
        mean = total / count
        for position in range(count):
            squares += (min(max(np.float64(row[position]), low), high) - mean) ** 2
        std = np.sqrt(squares / max(count - 1, 1))
        for symbol in range(len(row)):
            value = np.float64(values[session, symbol])
            if not np.isnan(value):
                drawn_in = min(max(value, low), high)
                out[session, symbol] = 0.0 if low == high else (drawn_in - mean) / std
    return out


@compiled
def residuals(
    values: SessionValues,
    size: SessionValues,
    beta: SessionValues,
    sector: NDArray[np.int8],
    order: NDArray[np.intp],
) -> SessionValues:
    """Return the residuals of least squares on sectors, size and beta.

    All variables are demeaned by sector first; an unknown size or beta counts as average. A redundant factor is
    omitted.
    """
    out = np.full_like(values, np.nan)
    figures = np.empty((3, values.shape[1]))
    for session in range(len(values)):
        row = values[session]
        figures[0], figures[1], figures[2] = row, size[session], beta[session]
        for factor in range(3):
            _less_sector_mean(figures[factor], row, sector[session], order)
        y, s, b = figures[0], figures[1], figures[2]
        ss = bb = sb = sy = by = 0.0
        for symbol in order:
            if not np.isnan(row[symbol]):
                ss += s[symbol] * s[symbol]
                bb += b[symbol] * b[symbol]
                sb += s[symbol] * b[symbol]
                sy += s[symbol] * y[symbol]
                by += b[symbol] * y[symbol]
        own = ss * bb - sb * sb
        if own > LEAST_SPREAD * ss * bb:
            on_size, on_beta = (sy * bb - by * sb) / own, (by * ss - sy * sb) / own
        else:
            on_size, on_beta = sy / ss if ss > 0 else 0.0, by / bb if bb > 0 and not ss > 0 else 0.0
        for symbol in range(len(row)):
            if not np.isnan(row[symbol]):
                out[session, symbol] = y[symbol] - on_size * s[symbol] - on_beta * b[symbol]
    return out


@compiled
def _less_sector_mean(
    figure: NDArray[np.float64],
    among: SessionValues,
    sector: NDArray[np.int8],
    order: NDArray[np.intp],
) -> None:
    """Subtract each sector's mean in place, over the symbols with a value; 0 where the value is unknown."""
    groups = int(sector.max()) + 2  # the last one, at index −1, holds the names without a dated sector
    total, count = np.zeros(groups), np.zeros(groups)
    for symbol in order:
        if not np.isnan(among[symbol]) and not np.isnan(figure[symbol]):
            total[sector[symbol]] += figure[symbol]
            count[sector[symbol]] += 1
    for symbol in order:
        known = not np.isnan(among[symbol]) and not np.isnan(figure[symbol])
        figure[symbol] = figure[symbol] - total[sector[symbol]] / count[sector[symbol]] if known else 0.0
