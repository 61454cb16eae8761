"""The loops behind `rolling.py`, compiled: one symbol at a time, its whole history in the processor's cache.

Every array is symbols × sessions, contiguous, float64; NaN is missing. A value at a row is put together from the rows
of its own window, in an order that the window alone decides: never a running sum, whose rounding would depend on
where the array begins. Sums and moments of a window are merged from windows of 1, 2, 4, 8 … rows after a plan; the
rest goes through the window row by row for all sessions at once, which the processor does several at a time.

A kernel returns NaN where fewer than `least` rows of the window are present or the array does not hold all of it.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar, cast

import numba
import numpy as np
from numpy.typing import NDArray

Histories = NDArray[np.float64]  # symbols × sessions
History = NDArray[np.float64]  # of one symbol
Plan = NDArray[np.int64]  # merges in order: kind, rows

Kernel = TypeVar("Kernel", bound=Callable[..., Any])

BEGIN, JOIN, DOUBLE = 0, 1, 2


def compiled(function: Kernel) -> Kernel:
    """Compile at the first call, without Python's lock, and keep the machine code on disk where that can be done."""
    try:
        return cast("Kernel", numba.njit(function, nogil=True, error_model="numpy", cache=True))
    except (
        RuntimeError
    ):  # neither the package's folder nor the user's cache can be written: compile in each process
        return cast("Kernel", numba.njit(function, nogil=True, error_model="numpy"))


@cache
def plan(window: int) -> Plan:
    """Say how windows of 1 row become windows of `window` rows.

    DOUBLE merges the power of two with the one before it. BEGIN takes the power as the result so far; JOIN merges the
    power before the result with it. The number is how many rows earlier the earlier part ends.
    """
    merges: list[tuple[int, int]] = []
    span, covered = 1, 0
    for bit in range(window.bit_length()):
        if window >> bit & 1:
            merges.append((JOIN, covered) if covered else (BEGIN, 0))
            covered += span
        if window >> bit > 1:
            merges.append((DOUBLE, span))
            span *= 2
    return np.array(merges, dtype=np.int64)


@compiled
def averages(
    values: Histories,
    merges: Plan,
    fades: History,
    least: int,
    is_mean: bool,  # noqa: FBT001 - a compiled kernel takes no keywords
) -> Histories:
    """Return the sum, or the mean, of each window; what lies `n` rows back counts `fades[n]`, powers of one number."""
    window = len(fades)
    out = np.empty_like(values)
    whole = _faded(np.ones(window), merges, fades)[-1]
    for symbol in range(len(values)):
        filled, present, whole_from = _parts(values[symbol])
        total = _faded(filled, merges, fades)
        if is_mean:
            partly = min(whole_from + window - 1, len(total)) if whole_from else 0
            weight = _faded(present[:partly], merges, fades)
            for row in range(partly):
                total[row] /= weight[row] if weight[row] > 0 else 1.0
            total[partly:] /= whole
        out[symbol] = total
        _blank(out[symbol], _counts(present, whole_from, window), window, least)
    return out


@compiled
def moments(
    values: Histories, merges: Plan, window: int, least: int
) -> tuple[Histories, Histories, Histories]:
    """Return each window's count, mean and sum of squared deviations, exactly 0 where nothing varies.

    Two neighbouring windows are merged as Chan, Golub and LeVeque (1983) do: no cancellation.
    """
    out = np.empty_like(values), np.empty_like(values), np.empty_like(values)
    whole = _shares(np.ones(values.shape[1]), merges)
    for symbol in range(len(values)):
        filled, present, whole_from = _parts(values[symbol])
        out[0][symbol] = _counts(present, whole_from, window)
        for start, end in _stretches(len(filled), whole_from, window):
            share, weight = whole if start == whole_from else _shares(present[start:end], merges)
            power = filled[start:end], np.zeros(end - start)
            result = power
            for step in range(len(merges)):
                kind, rows = merges[step]
                if kind == BEGIN:
                    result = power
                elif kind == JOIN:
                    result = _merged(power, result, share[step], weight[step], rows)
                else:
                    power = _merged(power, power, share[step], weight[step], rows)
            kept = 0 if start == 0 else window - 1
            out[1][symbol, start + kept : end] = result[0][kept:]
            out[2][symbol, start + kept : end] = result[1][kept:]
        for figure in out[::-1]:
            _blank(figure[symbol], out[0][symbol], window, least)
    return out


@compiled
def joint_moments(
    x: Histories, y: Histories, merges: Plan, window: int, least: int
) -> tuple[Histories, Histories, Histories, Histories, Histories, Histories]:
    """Return, over the rows where both are present: their count, both means, the sums of squared deviations, and that
    of the products."""
    shape = x.shape
    out = (
        np.empty(shape),
        np.empty(shape),
        np.empty(shape),
        np.empty(shape),
        np.empty(shape),
        np.empty(shape),
    )
    whole = _shares(np.ones(shape[1]), merges)
    for symbol in range(shape[0]):
        _, present, whole_from = _parts(x[symbol] + y[symbol])
        out[0][symbol] = _counts(present, whole_from, window)
        of_x, of_y = _where(present, x[symbol]), _where(present, y[symbol])
        for start, end in _stretches(shape[1], whole_from, window):
            share, weight = whole if start == whole_from else _shares(present[start:end], merges)
            zeros = np.zeros(end - start)
            power = of_x[start:end], of_y[start:end], zeros, zeros, zeros
            result = power
            for step in range(len(merges)):
                kind, rows = merges[step]
                if kind == BEGIN:
                    result = power
                elif kind == JOIN:
                    result = _jointly_merged(power, result, share[step], weight[step], rows)
                else:
                    power = _jointly_merged(power, power, share[step], weight[step], rows)
            kept = 0 if start == 0 else window - 1
            out[1][symbol, start + kept : end] = result[0][kept:]
            out[2][symbol, start + kept : end] = result[1][kept:]
            out[3][symbol, start + kept : end] = result[2][kept:]
            out[4][symbol, start + kept : end] = result[3][kept:]
            out[5][symbol, start + kept : end] = result[4][kept:]
        for figure in out[::-1]:
            _blank(figure[symbol], out[0][symbol], window, least)
    return out


@compiled
def maxima(values: Histories, window: int, least: int) -> Histories:
    """Return each window's largest value. Two overlapping powers of two cover it."""
    out = np.empty_like(values)
    for symbol in range(len(values)):
        power, present, whole_from = _parts(values[symbol], -np.inf)
        span = 1
        while 2 * span <= window:
            power = _larger(power, span)
            span *= 2
        out[symbol] = _larger(power, window - span)
        _blank(out[symbol], _counts(present, whole_from, window), window, least)
    return out


@compiled
def rows_since_max(values: Histories, window: int, least: int) -> Histories:
    """Return how many rows ago each window's largest value was, the oldest of equals."""
    out = np.zeros_like(values)
    for symbol in range(len(values)):
        filled, present, whole_from = _parts(values[symbol], -np.inf)
        since = out[symbol, window - 1 :]
        largest = np.full(len(since), -np.inf)
        for place in range(window):
            past, back = filled[place:], float(window - 1 - place)
            for row in range(len(since)):
                is_larger = past[row] > largest[row]
                largest[row] = past[row] if is_larger else largest[row]
                since[row] = back if is_larger else since[row]
        _blank(out[symbol], _counts(present, whole_from, window), window, least)
    return out


@compiled
def weighted_sums(values: Histories, weights: History) -> Histories:
    """Sum each window with one weight a row, oldest first; a missing row makes the sum missing."""
    window = len(weights)
    out = np.zeros_like(values)
    for symbol in range(len(values)):
        total = out[symbol, window - 1 :]
        for place in range(window):
            weight, past = weights[place], values[symbol, place:]
            for row in range(len(total)):
                total[row] += weight * past[row]
        out[symbol, : window - 1] = np.nan
    return out


@compiled
def higher_moments(values: Histories, mean: Histories, window: int) -> tuple[Histories, Histories]:
    """Return the sums of the third and fourth powers of each window's deviations from its mean."""
    out = np.zeros_like(values), np.zeros_like(values)
    for symbol in range(len(values)):
        filled, present, _ = _parts(values[symbol])
        cubes, fourths = out[0][symbol, window - 1 :], out[1][symbol, window - 1 :]
        centre = mean[symbol, window - 1 :]
        for place in range(window):
            past, here = filled[place:], present[place:]
            for row in range(len(centre)):
                step = (past[row] - centre[row]) * here[row]
                square = step * step
                cubes[row] += square * step
                fourths[row] += square * square
    return out


@compiled
def lines(values: Histories, mean: Histories, window: int) -> tuple[Histories, Histories, Histories]:
    """Return for each window the mean row number (0 oldest) of what is present, the sum of its squared deviations,
    and that of their products with the values' deviations from their mean; missing where that is."""
    out = np.zeros_like(values), np.zeros_like(values), np.zeros_like(values)
    for symbol in range(len(values)):
        filled, present, _ = _parts(values[symbol])
        centre, squares = out[0][symbol, window - 1 :], out[1][symbol, window - 1 :]
        products, middle = out[2][symbol, window - 1 :], mean[symbol, window - 1 :]
        count = np.zeros_like(middle)
        for place in range(window):
            here = present[place:]
            for row in range(len(middle)):
                count[row] += here[row]
                centre[row] += here[row] * place
        for row in range(len(middle)):
            centre[row] /= max(count[row], 1.0)
        for place in range(window):
            past, here = filled[place:], present[place:]
            for row in range(len(middle)):
                step = (place - centre[row]) * here[row]
                squares[row] += step * step
                products[row] += step * (past[row] - middle[row])
    return out


@compiled
def quantiles(values: Histories, window: int, fraction: float, least: int) -> Histories:
    """Return the value below which `fraction` of each window lies, on the line between its two neighbours."""
    out = np.full_like(values, np.nan)
    ordered = np.empty(window)
    for symbol in range(len(values)):
        history, count = values[symbol], 0
        for row in range(len(history)):
            if row >= window and not np.isnan(history[row - window]):
                gone = np.searchsorted(ordered[:count], history[row - window])
                for place in range(gone, count - 1):
                    ordered[place] = ordered[place + 1]
                count -= 1
            new = history[row]
            if not np.isnan(new):
                place = count
                while place > 0 and ordered[place - 1] > new:
                    ordered[place] = ordered[place - 1]
                    place -= 1
                ordered[place] = new
                count += 1
            if count >= least and row >= window - 1:
                position = fraction * (count - 1)
                below = int(position)
                step = ordered[min(below + 1, count - 1)] - ordered[below]
                out[symbol, row] = ordered[below] + step * (position - below)
    return out


@compiled
def places(values: Histories, window: int, least: int) -> Histories:
    """Return each row's own place among what is present in its window, 1 the largest; equals share their mean."""
    out = np.zeros_like(values)
    for symbol in range(len(values)):
        history = values[symbol]
        _, present, whole_from = _parts(history)
        place_of, own = out[symbol, window - 1 :], history[window - 1 :]
        count = np.zeros_like(own)
        for place in range(window):
            past, here = history[place:], present[place:]
            for row in range(len(own)):
                smaller = 0.5 if past[row] < own[row] else 0.0
                not_larger = 0.5 if past[row] <= own[row] else 0.0
                place_of[row] += smaller + not_larger
                count[row] += here[row]
        for row in range(len(own)):
            place_of[row] = (place_of[row] + 0.5) / count[row] if own[row] == own[row] else np.nan
        _blank(out[symbol], _counts(present, whole_from, window), window, least)
    return out


@compiled
def _parts(history: History, blank: float = 0.0) -> tuple[History, History, int]:
    """Return the history with `blank` for what is missing, 1 or 0 for each row's presence, and the row from which on
    nothing is missing."""
    filled, present = history.copy(), np.ones_like(history)
    whole_from = 0
    for row in range(len(history)):
        if np.isnan(history[row]):
            filled[row], present[row] = blank, 0.0
            whole_from = row + 1
    return filled, present, whole_from


@compiled
def _stretches(sessions: int, whole_from: int, window: int) -> list[tuple[int, int]]:
    """Cut a history in two: the rows whose windows may lack something, and the rows from which on nothing is missing.

    The second begins where the presence does, for its own windows' sake: its first window − 1 rows are the first's.
    """
    if whole_from == 0:
        return [(0, sessions)]
    if whole_from + window > sessions:
        return [(0, sessions)]
    return [(0, whole_from + window - 1), (whole_from, sessions)]


@compiled
def _where(present: History, history: History) -> History:
    out = np.zeros_like(history)
    for row in range(len(out)):
        out[row] = history[row] if present[row] else 0.0
    return out


@compiled
def _counts(present: History, whole_from: int, window: int) -> History:
    """Count what is present in each window. Whole numbers: a running count has no rounding."""
    out = np.full_like(present, float(window))
    count = 0.0
    for row in range(min(whole_from + window - 1, len(out)) if whole_from else 0):
        count += present[row]
        if row >= window:
            count -= present[row - window]
        out[row] = count
    return out


@compiled
def _blank(out: History, counts: History, window: int, least: int) -> None:
    """Put NaN where the window is not held, or too little of it is present."""
    out[: window - 1] = np.nan
    for row in range(len(out)):
        out[row] = out[row] if counts[row] >= least else np.nan


@compiled
def _faded(history: History, merges: Plan, fades: History) -> History:
    power = history
    result = power
    for step in range(len(merges)):
        kind, rows = merges[step]
        if kind == BEGIN:
            result = power
        elif kind == JOIN:
            result = _added(power, result, fades[rows], rows)
        else:
            power = _added(power, power, fades[rows], rows)
    return result.copy()


@compiled
def _added(earlier: History, later: History, fade: float, rows: int) -> History:
    """Add windows that end at each row and those, faded, that end `rows` before it."""
    out = np.zeros_like(later)
    ends, recent = out[rows:], later[rows:]
    for row in range(len(ends)):
        ends[row] = recent[row] + fade * earlier[row]
    return out


@compiled
def _larger(history: History, rows: int) -> History:
    out = np.zeros_like(history)
    ends, recent = out[rows:], history[rows:]
    for row in range(len(ends)):
        ends[row] = max(recent[row], history[row])
    return out


@compiled
def _shares(present: History, merges: Plan) -> tuple[Histories, Histories]:
    """Return for each merge the later part's share of the rows that both hold, and that times the earlier part's."""
    share, weight = np.zeros((len(merges), len(present))), np.zeros((len(merges), len(present)))
    power = present
    result = power
    for step in range(len(merges)):
        kind, rows = merges[step]
        if kind == BEGIN:
            result = power
            continue
        later = result if kind == JOIN else power
        total = _added(power, later, 1.0, rows)
        for row in range(rows, len(total)):
            share[step, row] = later[row] / max(total[row], 1.0)
            weight[step, row] = power[row - rows] * share[step, row]
        if kind == JOIN:
            result = total
        else:
            power = total
    return share, weight


@compiled
def _merged(
    earlier: tuple[History, History],
    later: tuple[History, History],
    share: History,
    weight: History,
    rows: int,
) -> tuple[History, History]:
    """Merge means and squared deviations of windows that end at each row with those that end `rows` before it."""
    merged = np.zeros_like(later[0]), np.zeros_like(later[0])
    mean_e, mean_l, weight = earlier[0], later[0][rows:], weight[rows:]
    _merge_means(merged[0][rows:], mean_e, mean_l, share[rows:])
    _merge_squares(merged[1][rows:], earlier[1], later[1][rows:], mean_e, mean_l, weight)
    return merged


Joint = tuple[History, History, History, History, History]


@compiled
def _jointly_merged(earlier: Joint, later: Joint, share: History, weight: History, rows: int) -> Joint:
    """Do the same for two series and the products of their deviations."""
    x_e, y_e, xx_e, yy_e, xy_e = earlier
    x_l, y_l, weight = later[0][rows:], later[1][rows:], weight[rows:]
    x, y = np.zeros_like(later[0]), np.zeros_like(later[0])
    xx, yy, xy = np.zeros_like(x), np.zeros_like(x), np.zeros_like(x)
    _merge_means(x[rows:], x_e, x_l, share[rows:])
    _merge_means(y[rows:], y_e, y_l, share[rows:])
    _merge_squares(xx[rows:], xx_e, later[2][rows:], x_e, x_l, weight)
    _merge_squares(yy[rows:], yy_e, later[3][rows:], y_e, y_l, weight)
    ends, xy_l = xy[rows:], later[4][rows:]
    for row in range(len(ends)):
        ends[row] = xy_e[row] + xy_l[row] + (x_l[row] - x_e[row]) * (y_l[row] - y_e[row]) * weight[row]
    return x, y, xx, yy, xy


# One array written in each loop: with more, the compiler gives up asking which of them overlap, and goes row by row.


@compiled
def _merge_means(out: History, earlier: History, later: History, share: History) -> None:
    for row in range(len(out)):
        out[row] = earlier[row] + (later[row] - earlier[row]) * share[row]


@compiled
def _merge_squares(
    out: History, earlier: History, later: History, mean_e: History, mean_l: History, weight: History
) -> None:
    for row in range(len(out)):
        step = mean_l[row] - mean_e[row]
        out[row] = earlier[row] + later[row] + step * step * weight[row]
