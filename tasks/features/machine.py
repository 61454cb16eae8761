"""Go through a program for one symbol after the other, compiled, a piece of history at a time in the nearest cache.

Everything is float64; NaN is missing. A step writes the last rows that are asked of it, and puts NaN where the history
does not reach back far enough. What lies in rows that nobody asked for is never read.

All histories lie in one flat room, and a step is handed where its own begin: cutting an array out of another takes
longer than most steps. Places are unsigned, as an index that may count from the end cannot be computed by the dozen.

The operations are numbered here and nowhere else: machine code kept on disk has the numbers in it, and is renewed when
this file changes.
"""

import math

import numpy as np
from numpy.typing import NDArray

from tasks.features.compiled import History, compiled

(
    CONSTANT,
    INPUT,
    ADD,
    SUBTRACT,
    MULTIPLY,
    DIVIDE,
    POWER,
    MAXIMUM,
    MINIMUM,
    NEGATIVE,
    ABSOLUTE,
    SIGN,
    SQRT,
    LOG,
    LOG1P,
    TANH,
    LESS,
    LESS_EQUAL,
    EQUAL,
    IS_MISSING,
    AND,
    OR,
    NOT,
    SELECT,
    FILL,  # what is there, or the number where nothing is
    WHERE_KNOWN,  # the first part where the second is not missing
    RUNNING,  # the sum of whole numbers from any row on: only differences of it mean anything, and they are exact
    AROUND,  # the first part less the product of the others: sums of products to those around the means
    CANCELLED,  # whether the spread is too small a part (the number) of the squares to be told by them
    LAG,
    ROW,  # the row's number: only differences of it mean anything
    DIFFERENCE,  # of a running sum, over `size` rows and the row itself, missing below the number; the second part is
    # what was summed
    MERGE,  # the later part + number × the earlier one, which ends `size` rows before
    MERGE_MAX,
    MERGE_MIN,
    MERGE_SINCE,  # how long ago the larger of two maxima was, the earlier of equals
    PLACE,  # the part so far + 1 for each row from `number` to `size` back that is smaller than the row, ½ for equals
    QUANTILE,
    WEIGHTED,
    DEVIATIONS,  # the sum of deviations from the second part, to the power of the number
    DIRECTLY,  # the first part; where the second says so, the moment that `number` names of the last two
    KEEP,  # writes a feature's figures
) = range(42)

MASKS = {LESS, LESS_EQUAL, EQUAL, IS_MISSING, AND, OR, NOT}

LOOKS_BACK = {  # in which of its parts: nothing else reaches back, and nothing forward
    LAG: (0,),
    DIFFERENCE: (0, 1),
    MERGE: (1,),
    MERGE_MAX: (1,),
    MERGE_MIN: (1,),
    MERGE_SINCE: (1, 3),
    PLACE: (1,),
    QUANTILE: (0,),
    WEIGHTED: (0,),
    DEVIATIONS: (0,),
    DIRECTLY: (2, 3),
}

MEAN, SPREAD = range(
    2
)  # what DIRECTLY finds: of the last part its mean; of both, the sum of their deviations' products

LINE = 8  # figures in a line of the processor's cache: loops that begin with one are faster

Steps = NDArray[np.uint64]


def room_for(histories: int, rows: int) -> NDArray[np.float64]:
    """Return room for histories, each of which begins with a line of the processor's cache."""
    figures = np.empty(histories * rows + LINE)
    first = -(figures.ctypes.data // figures.itemsize) % LINE
    return figures[first : first + histories * rows].reshape(histories, rows)


@compiled
def run(  # noqa: PLR0913, PLR0917 - it takes no keywords
    steps: Steps,
    numbers: History,
    weights: History,
    constants: History,
    rows_at_once: int,
    inputs: NDArray[np.float64],  # inputs × symbols × rows
    room: NDArray[np.float64],  # histories × rows that a piece takes
    out: NDArray[np.float32],  # features × symbols × last rows
    first_symbol: int,
) -> None:
    """Write the last rows of these symbols' features, some rows at once; the last ones' outputs stay in the room."""
    for place in range(len(constants)):
        room[place] = constants[place]
    flat, whole, kept_rows = room.ravel(), inputs.shape[2], out.shape[2]
    for symbol in range(inputs.shape[1]):
        stop = whole
        while stop > 0 and whole - stop < max(kept_rows, 1):
            start = max(stop - room.shape[1], 0)
            length = np.uint64(stop - start)
            for step in range(len(steps)):
                operation, into, asked, back = steps[step, 0], steps[step, 1], steps[step, 6], steps[step, 7]
                a, b, c, d = steps[step, 2], steps[step, 3], steps[step, 4], steps[step, 5]
                first, number = length - min(asked, length), numbers[step]
                begin = first - first % np.uint64(LINE)
                if operation == KEEP:
                    end = stop - whole + kept_rows
                    kept = out[into, first_symbol + symbol, end - int(length - first) : end]
                    _keep(kept, flat[a + first : a + length], flat[b + first : b + length])
                    kept[: max(int(back + length - first) - stop, 0)] = np.nan
                elif operation == INPUT:
                    flat[into + begin : into + length] = inputs[back, symbol, start + int(begin) : stop]
                elif operation < LAG:
                    x, y, z = a + begin, b + begin, c + begin
                    _row_by_row(flat, operation, into + begin, x, y, z, length - begin, number)
                else:
                    _looking_back(flat, operation, into, a, b, c, d, begin, length, back, number, weights)
            stop -= rows_at_once


@compiled
def gather(out: NDArray[np.float64], values: NDArray[np.float64]) -> None:
    """Lay sessions × symbols out as one history after the other, some rows of all symbols at a time."""
    for top in range(0, len(values), 64):
        for symbol in range(len(out)):
            for row in range(top, min(top + 64, len(values))):
                out[symbol, row] = values[row, symbol]


@compiled
def _row_by_row(  # noqa: C901, PLR0912, PLR0915 - one branch an operation
    room: History,
    operation: int,
    out: np.uint64,
    x: np.uint64,
    y: np.uint64,
    z: np.uint64,
    rows: np.uint64,
    number: float,
) -> None:
    if operation == ADD:
        for row in range(rows):
            room[out + row] = room[x + row] + room[y + row]
    elif operation == SUBTRACT:
        for row in range(rows):
            room[out + row] = room[x + row] - room[y + row]
    elif operation == MULTIPLY:
        for row in range(rows):
            room[out + row] = room[x + row] * room[y + row]
    elif operation == DIVIDE:
        for row in range(rows):
            room[out + row] = room[x + row] / room[y + row]
    elif operation == POWER:
        for row in range(rows):
            room[out + row] = room[x + row] ** room[y + row]
    elif operation == MAXIMUM:
        for row in range(rows):
            one, other = room[x + row], room[y + row]
            room[out + row] = one if one >= other or np.isnan(one) else other
    elif operation == MINIMUM:
        for row in range(rows):
            one, other = room[x + row], room[y + row]
            room[out + row] = one if one <= other or np.isnan(one) else other
    elif operation == NEGATIVE:
        for row in range(rows):
            room[out + row] = -room[x + row]
    elif operation == ABSOLUTE:
        for row in range(rows):
            room[out + row] = abs(room[x + row])
    elif operation == SIGN:
        for row in range(rows):
            room[out + row] = (
                room[x + row]
                if room[x + row] == 0 or room[x + row] != room[x + row]
                else math.copysign(1.0, room[x + row])
            )
    elif operation == SQRT:
        for row in range(rows):
            room[out + row] = math.sqrt(room[x + row])
    elif operation == LOG:
        for row in range(rows):
            room[out + row] = np.log(room[x + row])
    elif operation == LOG1P:
        for row in range(rows):
            room[out + row] = np.log1p(room[x + row])
    elif operation == TANH:
        for row in range(rows):
            room[out + row] = math.tanh(room[x + row])
    elif operation == LESS:
        for row in range(rows):
            room[out + row] = 1.0 if room[x + row] < room[y + row] else 0.0
    elif operation == LESS_EQUAL:
        for row in range(rows):
            room[out + row] = 1.0 if room[x + row] <= room[y + row] else 0.0
    elif operation == EQUAL:
        for row in range(rows):
            room[out + row] = 1.0 if room[x + row] == room[y + row] else 0.0
    elif operation == IS_MISSING:
        for row in range(rows):
            room[out + row] = 1.0 if room[x + row] != room[x + row] else 0.0
    elif operation == AND:
        for row in range(rows):
            room[out + row] = room[x + row] * room[y + row]
    elif operation == OR:
        for row in range(rows):
            room[out + row] = max(room[x + row], room[y + row])
    elif operation == NOT:
        for row in range(rows):
            room[out + row] = 1.0 - room[x + row]
    elif operation == SELECT:
        for row in range(rows):
            one, other = room[y + row], room[z + row]  # read both: a read on condition goes row by row
            room[out + row] = one if room[x + row] != 0 else other
    elif operation == FILL:
        for row in range(rows):
            room[out + row] = room[x + row] if room[x + row] == room[x + row] else number
    elif operation == WHERE_KNOWN:
        for row in range(rows):
            room[out + row] = room[x + row] if room[y + row] == room[y + row] else np.nan
    elif operation == AROUND:
        for row in range(rows):
            room[out + row] = room[x + row] - room[y + row] * room[z + row]
    elif operation == CANCELLED:
        for row in range(rows):
            room[out + row] = 1.0 if room[x + row] <= number * room[y + row] else 0.0
    elif operation == RUNNING:
        total = 0
        for row in range(rows):
            total += int(room[x + row])
            room[out + row] = total


@compiled
def _looking_back(  # noqa: C901, PLR0912, PLR0913, PLR0917 - one branch an operation; it takes no keywords
    room: History,
    operation: int,
    out: np.uint64,
    a: np.uint64,
    b: np.uint64,
    c: np.uint64,
    d: np.uint64,
    first: np.uint64,
    length: np.uint64,
    back: np.uint64,
    number: float,
    weights: History,
) -> None:
    begin = min(max(first, back), length)  # the first row that all of it stands behind
    for row in range(first, begin):
        room[out + row] = np.nan
    rows = length - begin
    if rows == 0:
        return
    past, into = begin - back, out + begin
    if operation == LAG:
        for row in range(rows):
            room[into + row] = room[a + past + row]
    elif operation == ROW:
        for row in range(rows):
            room[into + row] = float(begin + row)
    elif operation == DIFFERENCE:
        for row in range(rows):
            total = room[a + begin + row] - room[a + past + row] + room[b + past + row]
            room[into + row] = total if total >= number else np.nan
    elif operation == MERGE:
        for row in range(rows):
            room[into + row] = room[a + begin + row] + number * room[b + past + row]
    elif operation == MERGE_MAX:
        for row in range(rows):
            room[into + row] = max(room[a + begin + row], room[b + past + row])
    elif operation == MERGE_MIN:
        for row in range(rows):
            room[into + row] = min(room[a + begin + row], room[b + past + row])
    elif operation == MERGE_SINCE:
        for row in range(rows):
            is_earlier = room[d + past + row] >= room[c + begin + row]
            room[into + row] = room[b + past + row] + float(back) if is_earlier else room[a + begin + row]
    elif operation == DIRECTLY:
        cases = 0
        for row in range(rows):
            cases += 1 if room[b + begin + row] > 0 else 0
        if out != a:
            for row in range(rows):
                room[into + row] = room[a + begin + row]
        if cases:
            ends, where = room[into : into + rows], room[b + begin : b + length]
            _directly(
                ends, where, room[c + past : c + length], room[d + past : d + length], number, int(back) + 1
            )
    else:
        ends, window = room[into : into + rows], int(back) + 1
        if operation == PLACE:
            own, earlier = room[b + begin : b + length], room[b + past : b + length]
            _place(ends, room[a + begin : a + length], own, earlier, int(number), int(back))
        elif operation == QUANTILE:
            _quantile(ends, room[a + past : a + length], number, window)
        elif operation == WEIGHTED:
            offset = int(number)
            _weighted(ends, room[a + past : a + length], weights[offset : offset + window])
        elif operation == DEVIATIONS:
            _deviations(ends, room[a + past : a + length], room[b + begin : b + length], number, window)


@compiled
def _keep(kept: NDArray[np.float32], values: History, bars: History) -> None:
    """Write values as float32: missing without a bar, and where one is not finite."""
    for row in range(len(kept)):
        figure = np.float32(values[row])
        kept[row] = figure if bars[row] == bars[row] and np.isfinite(figure) else np.float32(np.nan)


@compiled
def _weighted(out: History, past: History, weights: History) -> None:
    out[:] = 0.0
    for place in range(len(weights)):
        weight, earlier = weights[place], past[place:]
        for row in range(len(out)):
            out[row] += weight * earlier[row]


@compiled
def _place(out: History, so_far: History, own: History, past: History, nearest: int, farthest: int) -> None:
    """Count what is smaller, from the farthest row to the nearest; equals are half smaller."""
    out[:] = so_far
    for place in range(farthest - nearest + 1):
        earlier = past[place:]
        for row in range(len(out)):
            smaller = 0.5 if earlier[row] < own[row] else 0.0
            not_larger = 0.5 if earlier[row] <= own[row] else 0.0
            out[row] += smaller + not_larger


@compiled
def _quantile(out: History, past: History, fraction: float, window: int) -> None:
    """Keep the window in order, and read it on the line between the fraction's two neighbours.

    What is missing stands at the end, as infinity. The new row pushes its neighbours aside as far as the place that the
    row which leaves the window gives up.
    """
    ordered, count = np.full(window, np.inf), 0
    for row in range(len(out) + window - 1):
        old = past[row - window] if row >= window else np.inf
        old, new = np.inf if np.isnan(old) else old, np.inf if np.isnan(past[row]) else past[row]
        count += int(new < np.inf) - int(old < np.inf)
        if new != old:
            place = 0
            for other in range(window):
                place += 1 if ordered[other] < new else 0
            step = -1 if new > old else 1
            place += min(step, 0)
            pushed = new
            while pushed != old:
                ordered[place], pushed = pushed, ordered[place]
                place += step
        if row >= window - 1:
            position = fraction * (count - 1)
            below = int(position)
            value = np.nan
            if count:
                gap = ordered[min(below + 1, count - 1)] - ordered[below]
                value = ordered[below] + gap * (position - below)
            out[row - window + 1] = value


@compiled
def _deviations(out: History, past: History, mean: History, power: float, window: int) -> None:
    out[:] = 0.0
    for place in range(window):
        earlier = past[place:]
        for row in range(len(out)):
            step = earlier[row] - mean[row] if earlier[row] == earlier[row] else 0.0
            square = step * step
            out[row] += square * (step if power == 3 else square)


@compiled
def _directly(out: History, where: History, x: History, y: History, moment: float, window: int) -> None:
    """Find a moment of single windows digit by digit.

    Everything is counted from the first row that is present, so that a level, however high, costs no digits.
    """
    for row in range(len(out)):
        if where[row] == 0:
            continue
        origin_x = origin_y = total_x = total_y = count = 0.0
        for place in range(row, row + window):
            if not np.isnan(x[place] + y[place]):
                if count == 0:
                    origin_x, origin_y = x[place], y[place]
                total_x += x[place] - origin_x
                total_y += y[place] - origin_y
                count += 1.0
        mean_x, mean_y, product = total_x / count, total_y / count, 0.0
        if moment == MEAN:
            out[row] = origin_y + mean_y
            continue
        for place in range(row, row + window):
            if not np.isnan(x[place] + y[place]):
                product += (x[place] - origin_x - mean_x) * (y[place] - origin_y - mean_y)
        out[row] = product
