"""Windows of sums behind `rolling.py`, compiled: one symbol at a time, its history in the processor's cache.

Every array is symbols × sessions, contiguous, float64; NaN is missing. A value at a row is put together from the rows
of its own window, in an order that the window alone decides: never a running sum, whose rounding would depend on
where the array begins. They are merged from windows of 1, 2, 4, 8 … rows after a plan; what cannot be merged is in
`walks.py`.

A kernel returns NaN where fewer than `least` rows of the window are present or the array does not hold all of it.
"""

from functools import cache

import numpy as np
from numpy.typing import NDArray

from tasks.features.compiled import Histories, History, compiled

Plan = NDArray[np.int64]  # merges in order: kind, rows

BEGIN, JOIN, DOUBLE = 0, 1, 2
FEW_WINDOWS = 16
JOINT_ROOM = 18
LEAST_SPREAD = (
    1e-6  # of the squares: where less is left of them around the mean, too many digits have cancelled out
)


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
def averages(values: Histories, merges: Plan, fades: History, least: int, is_mean: bool) -> Histories:  # noqa: FBT001 - a compiled kernel takes no keywords
    """Return the sum, or the mean, of each window; what lies `n` rows back counts `fades[n]`, powers of one number."""
    window = len(fades)
    out = np.empty_like(values)
    scratch, weight = np.empty((4, values.shape[1])), np.empty(values.shape[1])
    filled, present, count = _room(values)
    for symbol in range(len(values)):
        total, whole_from = out[symbol], _split(values[symbol], filled, present, 0.0)
        _count(count, present, whole_from, window)
        _fold(total, filled, merges, fades, scratch)
        if is_mean and fades[-1] == 1.0:
            _divide(total, count)
        elif is_mean:
            _fold(weight, present, merges, fades, scratch)
            _divide(total, weight)
        _blank(total, count, window, least)
    return out


@compiled
def moments(values: Histories, merges: Plan, window: int, least: int) -> tuple[Histories, Histories]:
    """Return each window's mean and sample deviation, exactly 0 where nothing varies."""
    means, deviations = np.empty_like(values), np.empty_like(values)
    sessions, ones = values.shape[1], np.ones(window)
    scratch, total, squares = np.empty((4, sessions)), np.empty(sessions), np.empty(sessions)
    filled, present, count = _room(values)
    for symbol in range(len(values)):
        history = values[symbol]
        _count(count, present, _split(history, filled, present, 0.0), window)
        _fold(total, filled, merges, ones, scratch)
        for row in range(sessions):
            filled[row] *= filled[row]
        _fold(squares, filled, merges, ones, scratch)
        mean, spread = means[symbol], deviations[symbol]
        _centre(mean, spread, count, total, squares)
        for row in range(window - 1, len(history)):
            if count[row] >= least and not spread[row] > LEAST_SPREAD * squares[row]:
                past = history[row - window + 1 : row + 1]
                mean[row], _, spread[row], _, _ = _directly(past, past)
        for row in range(len(spread)):
            spread[row] = np.sqrt(spread[row] / max(count[row] - 1.0, 1.0))
        _blank(mean, count, window, least)
        _blank(spread, count, window, least)
    return means, deviations


@compiled
def correlations(x: Histories, y: Histories, merges: Plan, window: int, least: int) -> Histories:
    """Return Pearson's correlation over the rows where both are present, 0 where either does not vary."""
    out, room = np.empty_like(x), np.empty((JOINT_ROOM, x.shape[1]))
    count, xx, yy, xy = room[0], room[3], room[4], room[5]
    for symbol in range(len(x)):
        _joint(room, x[symbol], y[symbol], merges, window, least)
        correlation = out[symbol]
        for row in range(len(correlation)):
            spread = np.sqrt(xx[row] * yy[row])
            correlation[row] = min(max(xy[row] / spread, -1.0), 1.0) if spread > 0 else 0.0
        _blank(correlation, count, window, least)
    return out


@compiled
def maxima(values: Histories, window: int, least: int) -> Histories:
    """Return each window's largest value. Two overlapping powers of two cover it."""
    out = np.empty_like(values)
    power, present, count = _room(values)
    other = np.empty_like(power)
    for symbol in range(len(values)):
        whole_from, span = _split(values[symbol], power, present, -np.inf), 1
        while 2 * span <= window:
            _larger(other, power, span)
            power, other, span = other, power, 2 * span
        _larger(out[symbol], power, window - span)
        _count(count, present, whole_from, window)
        _blank(out[symbol], count, window, least)
    return out


@compiled
def counts(values: Histories, window: int) -> Histories:
    """Count what is present in each window."""
    out = np.empty_like(values)
    filled, present, _ = _room(values)
    for symbol in range(len(values)):
        _count(out[symbol], present, _split(values[symbol], filled, present, 0.0), window)
    return out


@compiled
def lines(values: Histories, merges: Plan, window: int, least: int) -> tuple[Histories, Histories, Histories]:
    """Return slope a row, r² and the row's own residual of the straight line through what is present in each window."""
    slopes, explained, residuals = np.empty_like(values), np.empty_like(values), np.empty_like(values)
    sessions, ones, places_in_window = values.shape[1], np.ones(window), np.arange(float(window))
    scratch, sums = np.empty((8, sessions)), np.empty((4, sessions))
    total, aged, squares, fold_room = sums[0], sums[1], sums[2], scratch[:4]
    filled, present, _ = _room(values)
    for symbol in range(len(values)):
        history = values[symbol]
        whole_from = _split(history, filled, present, 0.0)
        count, age, spread = _ages(present, whole_from, window)
        _fold_aged(total, aged, filled, merges, scratch)
        _fold(squares, filled * filled, merges, ones, fold_room)
        slope, r_squared, residual = slopes[symbol], explained[symbol], residuals[symbol]
        for row in range(window - 1, sessions):
            n = max(count[row], 1.0)
            mean, behind = total[row] / n, age[row] / n
            xx, yy, xy = spread[row], squares[row] - total[row] * mean, behind * total[row] - aged[row]
            if count[row] >= least and not yy > LEAST_SPREAD * squares[row]:
                centre, mean, xx, yy, xy = _directly(places_in_window, history[row - window + 1 : row + 1])
                behind = window - 1.0 - centre
            slope[row] = xy / xx
            r_squared[row] = xy * xy / (xx * yy) if yy > 0 else np.nan
            residual[row] = history[row] - mean - slope[row] * behind
        _blank(slope, count, window, least)
        _blank(r_squared, count, window, least)
        _blank(residual, count, window, least)
    return slopes, explained, residuals


@compiled
def keep(out: NDArray[np.float32], values: Histories, close: Histories, blank_rows: int) -> None:
    """Write values as float32: missing before the first whole window, without a bar, and where one is not finite."""
    for symbol in range(len(values)):
        history, bars, figures = values[symbol], close[symbol], out[symbol]
        for row in range(len(history)):
            figure = np.float32(history[row])
            is_known = bars[row] == bars[row] and np.isfinite(figure)
            figures[row] = figure if is_known else np.float32(np.nan)
        figures[:blank_rows] = np.nan


@compiled
def _room(histories: Histories) -> tuple[History, History, History]:
    """Return room for one history without gaps, for its presence and for its counts: allocating takes longer than most
    of what is done in it."""
    sessions = histories.shape[1]
    return np.empty(sessions), np.empty(sessions), np.empty(sessions)


@compiled
def _split(history: History, filled: History, present: History, blank: float) -> int:
    """Write the history with `blank` for what is missing, and 1 or 0 for each row's presence; return the row from which
    on nothing is missing."""
    for row in range(len(history)):
        filled[row] = history[row] if history[row] == history[row] else blank
    for row in range(len(history)):
        present[row] = 1.0 if history[row] == history[row] else 0.0
    whole_from = len(history)
    while whole_from > 0 and present[whole_from - 1] > 0:
        whole_from -= 1
    return whole_from


@compiled
def _divide(total: History, weight: History) -> None:
    for row in range(len(total)):
        total[row] /= weight[row] if weight[row] > 0 else 1.0


@compiled
def _count(count: History, present: History, whole_from: int, window: int) -> None:
    """Count what is present in each window. Whole numbers: a running count has no rounding."""
    partly = min(whole_from + window - 1, len(count)) if whole_from else 0
    n = 0
    for row in range(partly):
        n += int(present[row])
        if row >= window:
            n -= int(present[row - window])
        count[row] = n
    count[partly:] = window


@compiled
def _blank(out: History, counts: History, window: int, least: int) -> None:
    """Put NaN where the window is not held, or too little of it is present."""
    out[: window - 1] = np.nan
    for row in range(len(out)):
        out[row] = out[row] if counts[row] >= least else np.nan


@compiled
def _fold(out: History, history: History, merges: Plan, fades: History, scratch: Histories) -> None:
    """Sum each window after the plan. `scratch` has room for four histories, so that nothing is allocated here.

    Where the history holds only a few windows, as for the day's row, each is summed by itself: the same sums of the
    same neighbours, without those that nobody asks for.
    """
    window = len(fades)
    if len(history) < window + FEW_WINDOWS:
        out[: window - 1] = 0.0
        for row in range(window - 1, len(history)):
            out[row] = _folded(history[row - window + 1 : row + 1], fades, scratch[0])
        return
    power, other, result, spare = scratch[0], scratch[1], scratch[2], scratch[3]
    power[:] = history
    for step in range(len(merges)):
        kind, rows = merges[step]
        if kind == BEGIN:
            result[:] = power
        elif kind == JOIN:
            _add(spare, power, result, fades[rows], rows)
            result, spare = spare, result
        else:
            _add(other, power, power, fades[rows], rows)
            power, other = other, power
    out[:] = result


@compiled
def _folded(past: History, fades: History, room: History) -> float:
    """Return the sum of one window, merged as the plan says."""
    window, span, covered, result = len(past), 1, 0, 0.0
    while span <= window:
        if window & span:
            end = window - covered
            for place in range(span):
                room[place] = past[end - span + place]
            pairs, rows = span // 2, 1
            while pairs:
                for pair in range(pairs):
                    room[pair] = room[2 * pair + 1] + fades[rows] * room[2 * pair]
                pairs, rows = pairs // 2, rows * 2
            result = result + fades[covered] * room[0] if covered else room[0]
            covered += span
        span *= 2
    return result


@compiled
def _add(out: History, earlier: History, later: History, fade: float, rows: int) -> None:
    """Add windows that end at each row and those, faded, that end `rows` before it."""
    out[:rows] = later[:rows]
    ends, recent = out[rows:], later[rows:]
    for row in range(len(ends)):
        ends[row] = recent[row] + fade * earlier[row]


@compiled
def _fold_aged(total: History, aged: History, history: History, merges: Plan, scratch: Histories) -> None:
    """Sum each window, and sum it once more with each value counting by how many rows ago it was."""
    power, other, result, spare = scratch[0], scratch[1], scratch[2], scratch[3]
    aged_power, aged_other, aged_result, aged_spare = scratch[4], scratch[5], scratch[6], scratch[7]
    power[:], aged_power[:] = history, 0.0
    for step in range(len(merges)):
        kind, rows = merges[step]
        if kind == BEGIN:
            result[:], aged_result[:] = power, aged_power
        elif kind == JOIN:
            _add(spare, power, result, 1.0, rows)
            _add(aged_spare, aged_power, aged_result, 1.0, rows)
            _add_times(aged_spare, power, rows)
            result, spare = spare, result
            aged_result, aged_spare = aged_spare, aged_result
        else:
            _add(other, power, power, 1.0, rows)
            _add(aged_other, aged_power, aged_power, 1.0, rows)
            _add_times(aged_other, power, rows)
            power, other = other, power
            aged_power, aged_other = aged_other, aged_power
    total[:], aged[:] = result, aged_result


@compiled
def _add_times(out: History, earlier: History, rows: int) -> None:
    ends = out[rows:]
    for row in range(len(ends)):
        ends[row] += rows * earlier[row]


@compiled
def _ages(present: History, whole_from: int, window: int) -> tuple[History, History, History]:
    """Return for each window how many rows are present, the sum of how long ago they were, and the sum of the squared
    deviations of that. Whole numbers up to the last division: running sums have no rounding."""
    count, age = np.full_like(present, float(window)), np.full_like(present, window * (window - 1) / 2)
    spread = np.full_like(present, window * (window * window - 1) / 12)
    partly = min(whole_from + window - 1, len(present)) if whole_from else 0
    n = ages = squares = 0
    for row in range(partly):
        squares += 2 * ages + n  # all get a row older: (a + 1)² = a² + 2 a + 1
        ages += n
        n += int(present[row])
        if row >= window and present[row - window] > 0:
            n, ages, squares = n - 1, ages - window, squares - window * window
        count[row], age[row] = n, ages
        spread[row] = (squares * n - ages * ages) / max(n, 1)
    return count, age, spread


@compiled
def _larger(out: History, history: History, rows: int) -> None:
    out[:rows] = history[:rows]
    ends, recent = out[rows:], history[rows:]
    for row in range(len(ends)):
        ends[row] = max(recent[row], history[row])


@compiled
def _joint(room: Histories, x: History, y: History, merges: Plan, window: int, least: int) -> None:
    """Write, over the rows of each window where both are present: their count, both means, the sums of squared
    deviations, and that of the products, into the first six of the JOINT_ROOM rows."""
    count, mean_x, mean_y, xx, yy, xy = room[0], room[1], room[2], room[3], room[4], room[5]
    of_x, of_y, product, present = room[6], room[7], room[8], room[9]
    total_x, total_y, squares_x, squares_y, scratch = room[10], room[11], room[12], room[13], room[14:18]
    ones = np.ones(window)
    for row in range(len(x)):
        product[row] = x[row] + y[row]
    _count(count, present, _split(product, of_x, present, 0.0), window)
    for row in range(len(x)):
        of_x[row] = x[row] if present[row] > 0 else 0.0
    for row in range(len(x)):
        of_y[row] = y[row] if present[row] > 0 else 0.0
    for row in range(len(x)):
        product[row] = of_x[row] * of_y[row]
    _fold(total_x, of_x, merges, ones, scratch)
    _fold(total_y, of_y, merges, ones, scratch)
    _fold(xy, product, merges, ones, scratch)
    for row in range(len(x)):
        of_x[row] *= of_x[row]
    for row in range(len(x)):
        of_y[row] *= of_y[row]
    _fold(squares_x, of_x, merges, ones, scratch)
    _fold(squares_y, of_y, merges, ones, scratch)
    _centre(mean_x, xx, count, total_x, squares_x)
    _centre(mean_y, yy, count, total_y, squares_y)
    for row in range(len(x)):
        xy[row] -= total_x[row] * mean_y[row]
    for row in range(window - 1, len(x)):
        keeps_x = xx[row] > LEAST_SPREAD * squares_x[row]
        if count[row] >= least and not (keeps_x and yy[row] > LEAST_SPREAD * squares_y[row]):
            rows = slice(row - window + 1, row + 1)
            mean_x[row], mean_y[row], xx[row], yy[row], xy[row] = _directly(x[rows], y[rows])


@compiled
def _centre(mean: History, spread: History, count: History, total: History, squares: History) -> None:
    """Turn sums into means and sums of squared deviations from them. One array a loop: with more written in it, the
    compiler gives up asking which of them overlap and goes row by row."""
    for row in range(len(mean)):
        mean[row] = total[row] / max(count[row], 1.0)
    for row in range(len(spread)):
        spread[row] = squares[row] - total[row] * mean[row]


@compiled
def _directly(x: History, y: History) -> tuple[float, float, float, float, float]:
    """Return both means, the sums of squared deviations and that of the products of one window, digit by digit.

    Everything is counted from the first row that is present, so that a level, however high, costs no digits.
    """
    origin_x = origin_y = total_x = total_y = count = 0.0
    for row in range(len(x)):
        if not np.isnan(x[row] + y[row]):
            if count == 0:
                origin_x, origin_y = x[row], y[row]
            total_x += x[row] - origin_x
            total_y += y[row] - origin_y
            count += 1.0
    mean_x, mean_y = total_x / count, total_y / count
    xx = yy = xy = 0.0
    for row in range(len(x)):
        if not np.isnan(x[row] + y[row]):
            step_x, step_y = x[row] - origin_x - mean_x, y[row] - origin_y - mean_y
            xx += step_x * step_x
            yy += step_y * step_y
            xy += step_x * step_y
    return origin_x + mean_x, origin_y + mean_y, xx, yy, xy
