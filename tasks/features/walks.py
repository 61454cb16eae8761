"""Windows that cannot be merged from smaller ones, compiled: gone through row by row, for all sessions at once.

As in `kernels.py`: symbols × sessions, NaN is missing, and NaN is returned where fewer than `least` rows of the window
are present, which `counts` says, or the array does not hold all of it.
"""

import numpy as np

from tasks.features.compiled import Histories, History, compiled


@compiled
def rows_since_max(values: Histories, counts: Histories, window: int, least: int) -> Histories:
    """Return how many rows ago each window's largest value was, the oldest of equals."""
    out = np.zeros_like(values)
    for symbol in range(len(values)):
        since = out[symbol, window - 1 :]
        largest = np.full(len(since), -np.inf)
        for place in range(window):
            past, back = values[symbol, place:], float(window - 1 - place)
            for row in range(len(since)):
                is_larger = past[row] > largest[row]
                largest[row] = past[row] if is_larger else largest[row]
                since[row] = back if is_larger else since[row]
        _blank(out[symbol], counts[symbol], window, least)
    return out


@compiled
def places(values: Histories, counts: Histories, window: int, least: int) -> Histories:
    """Return each row's own place among what is present in its window, 1 the largest; equals share their mean."""
    out = np.zeros_like(values)
    for symbol in range(len(values)):
        history = values[symbol]
        place_of, own = out[symbol, window - 1 :], history[window - 1 :]
        for place in range(window):
            past = history[place:]
            for row in range(len(own)):
                smaller = 0.5 if past[row] < own[row] else 0.0
                not_larger = 0.5 if past[row] <= own[row] else 0.0
                place_of[row] += smaller + not_larger
        for row in range(len(own)):
            n = counts[symbol, window - 1 + row]
            place_of[row] = (place_of[row] + 0.5) / n if own[row] == own[row] else np.nan
        _blank(out[symbol], counts[symbol], window, least)
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
        cubes, fourths = out[0][symbol, window - 1 :], out[1][symbol, window - 1 :]
        centre = mean[symbol, window - 1 :]
        for place in range(window):
            past = values[symbol, place:]
            for row in range(len(centre)):
                step = past[row] - centre[row] if past[row] == past[row] else 0.0
                square = step * step
                cubes[row] += square * step
                fourths[row] += square * square
    return out


@compiled
def _blank(out: History, counts: History, window: int, least: int) -> None:
    out[: window - 1] = np.nan
    for row in range(len(out)):
        out[row] = out[row] if counts[row] >= least else np.nan
