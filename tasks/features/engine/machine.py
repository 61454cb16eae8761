"""Go through a program for one symbol after the other, compiled, some rows of history at a time in the nearest cache.

Everything is float64; NaN is missing. All steps are done for some rows, then for the next: few enough that what one
step writes is still near when another reads it. In front of the rows of what is looked back at stand the rows before
(its tail). A step begins with the first row that another needs of it, and puts NaN where the history does not reach
back far enough. What lies in rows that nobody needs is never read.

All histories lie in one flat room, and a step is handed where its own begin: cutting an array out of another takes
longer than most steps. Places are unsigned, as an index that may count from the end cannot be computed by the dozen.

The operations are numbered here and nowhere else: machine code kept on disk has the numbers in it, and is renewed when
this file changes.
"""

import math

import numpy as np
from numpy.typing import NDArray

from tasks.features.engine.compiled import History, compiled

(
    CONSTANT,
    INPUT,
    ADD,
    SUBTRACT,
    MULTIPLY,
    DIVIDE,  # less the number
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
    RUNNING_COUNT,  # of what is not missing
    CROSSED,  # the product of the first two parts less that of the last two
    CANCELLED,  # whether the first part is too small a share (the number) of the product of the others
    CORRELATION,  # from the product, and both squares, of deviations
    ROW,  # the row's number: only differences of it mean anything
    LAG,
    DIFFERENCE,  # of a running sum, over `size` rows and the row itself; the second part is what was summed
    COUNT,  # the same of a running count, missing below the number; the second part is what was counted
    MERGE,  # the later part + number × the earlier one, which ends `size` rows before
    SUM_OF_2,  # of equal parts, of which the earliest ends `size` rows before
    SUM_OF_3,
    SUM_OF_5,
    SUM_OF_7,
    MERGE_MAX,
    MERGE_MIN,
    MERGE_SINCE,  # how long ago the larger of two maxima was, the earlier of equals
    PLACE,  # the part so far + 1 for each row from `number` to `size` back that is smaller than the row, ½ for equals
    QUANTILE,
    WEIGHTED,
    POWER_SUM,  # of deviations from the second part, to the power of the number
    MEAN,  # of a window, from its count, the sums of its squares and of itself, and, where these cancel, from itself
    DEVIATION,  # likewise
    DIRECTLY,  # the first part; where the second says so, count × the sum of the products of deviations of the last two
    KEEP,  # writes a feature's figures
) = range(51)

MASKS = {LESS, LESS_EQUAL, EQUAL, IS_MISSING, AND, OR, NOT}

# missing where their parts are, and nowhere else
KEEPS_GAPS = {ADD, SUBTRACT, MAXIMUM, MINIMUM, NEGATIVE, ABSOLUTE}

GO_ON = {RUNNING, RUNNING_COUNT}  # from their own last row

LOOKS_BACK = {  # in which of its parts: nothing else reaches back, and nothing forward
    LAG: (0,),
    DIFFERENCE: (0, 1),
    COUNT: (0, 1),
    MERGE: (1,),
    SUM_OF_2: (0,),
    SUM_OF_3: (0,),
    SUM_OF_5: (0,),
    SUM_OF_7: (0,),
    MERGE_MAX: (1,),
    MERGE_MIN: (1,),
    MERGE_SINCE: (1, 3),
    PLACE: (1,),
    QUANTILE: (0,),
    WEIGHTED: (0,),
    POWER_SUM: (0,),
    MEAN: (3,),
    DEVIATION: (3,),
    DIRECTLY: (2, 3),
}

LINE = 8  # figures in a line of the processor's cache: loops that begin with one are faster

Steps = NDArray[np.uint64]


def room_for(figures: int) -> History:
    """Return room for so many figures, which begins with a line of the processor's cache."""
    room = np.empty(figures + LINE)
    first = -(room.ctypes.data // room.itemsize) % LINE
    return room[first : first + figures]


@compiled
def run(  # noqa: PLR0913, PLR0917 - it takes no keywords
    steps: Steps,
    numbers: History,
    weights: History,
    tails: Steps,
    rows_at_once: int,
    inputs: NDArray[np.float64],  # inputs × symbols × rows
    bars: NDArray[np.float64],  # symbols × rows
    room: History,
    out: NDArray[np.float32],  # features × symbols × last rows
    first_symbol: int,
) -> None:
    """Write the last rows of these symbols' features, some rows at once; the last ones' outputs stay in the room.

    Nothing is computed for the rows before a symbol's first bar and after its last.
    """
    before_kept, longest, kept = inputs.shape[2] - out.shape[2], 0, out.ravel()
    for step in range(len(steps)):
        longest = max(longest, int(steps[step, 6]))
    for symbol in range(inputs.shape[1]):
        own = first_symbol + symbol
        listed, stop = _listed(bars[symbol], before_kept)
        out[:, own, : listed - before_kept] = np.nan
        out[:, own, stop - before_kept :] = np.nan
        earliest = max(listed - longest, 0)
        for start in range(earliest, stop, rows_at_once):
            rows = min(rows_at_once, stop - start)
            own_rows = own * out.shape[2] - before_kept, out.shape[1] * out.shape[2]
            _run_rows(
                steps, numbers, weights, inputs, symbol, earliest, listed, start, rows, room, kept, own_rows
            )
            for tail in range(len(tails)):
                begin, moved = tails[tail, 0], tails[tail, 0] + np.uint64(rows_at_once)
                for row in range(tails[tail, 1]):
                    room[begin + row] = room[moved + row]


@compiled
def _run_rows(  # noqa: C901, PLR0912, PLR0913, PLR0917 - one branch a kind of step; it takes no keywords
    steps: Steps,
    numbers: History,
    weights: History,
    inputs: NDArray[np.float64],
    symbol: int,
    earliest: int,
    listed: int,
    start: int,
    rows_here: int,
    room: History,
    kept: NDArray[np.float32],
    own_rows: tuple[int, int],  # where this symbol's begin in it, and how far the next feature's are
) -> None:
    rows = np.uint64(rows_here)
    for step in range(len(steps)):
        needed_from = max(listed - int(steps[step, 6]), earliest) - start
        if needed_from >= rows_here:
            continue
        operation, into, back, number = steps[step, 0], steps[step, 1], steps[step, 7], numbers[step]
        a, b, c, d = steps[step, 2], steps[step, 3], steps[step, 4], steps[step, 5]
        first = np.uint64(max(needed_from, 0))
        begin = first - first % np.uint64(LINE)
        if operation == KEEP:
            row = start + int(first)
            at = np.uint64(own_rows[0] + int(into) * own_rows[1] + row)
            _keep(kept, at, room, a + first, b + first, rows - first)
            for early in range(min(max(int(back) - row, 0), int(rows - first))):
                kept[at + np.uint64(early)] = np.nan
        elif operation == INPUT:
            room[into + begin : into + rows] = inputs[back, symbol, start + int(begin) : start + rows_here]
        elif operation == ROW:
            for row in range(begin, rows):
                room[into + row] = float(start + int(row))
        elif operation < LAG:
            if needed_from >= 0 and operation in (RUNNING, RUNNING_COUNT):
                room[into + begin - np.uint64(1)] = 0.0
            x, y, z, w = a + begin, b + begin, c + begin, d + begin
            _row_by_row(room, operation, into + begin, x, y, z, w, rows - begin, number)
        else:
            whole = min(max(begin, np.uint64(max(int(back) - start, 0))), rows)
            for row in range(begin, whole):
                room[into + row] = np.nan
            x, y, z, w, left = a + whole, b + whole, c + whole, d + whole, rows - whole
            if operation < PLACE:
                _looking_back(room, operation, into + whole, x, y, z, w, left, back, number)
            elif operation >= MEAN:
                if _from_sums(room, operation, into + whole, x, y, z, left, number) > 0:
                    _directly(room, operation, into + whole, x, y, z, w, left, back, number)
            elif left > 0:
                _in_windows(room, operation, into + whole, x, y, left, back, number, weights)


@compiled
def _listed(bars: History, first: int) -> tuple[int, int]:
    """Return the first row from this one on that has a bar, and the row after the last that has one."""
    stop = len(bars)
    while stop > first and np.isnan(bars[stop - 1]):
        stop -= 1
    while first < stop and np.isnan(bars[first]):
        first += 1
    return first, stop


@compiled
def gather(out: NDArray[np.float64], values: NDArray[np.float64]) -> None:
    """Lay sessions × symbols out as one history after the other, some rows of all symbols at a time."""
    for top in range(0, len(values), 64):
        for symbol in range(len(out)):
            for row in range(top, min(top + 64, len(values))):
                out[symbol, row] = values[row, symbol]


@compiled
def _row_by_row(  # noqa: C901, PLR0912, PLR0913, PLR0915, PLR0917 - one branch an operation; it takes no keywords
    room: History,
    operation: int,
    out: np.uint64,
    x: np.uint64,
    y: np.uint64,
    z: np.uint64,
    w: np.uint64,
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
            room[out + row] = room[x + row] / room[y + row] - number
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
    elif operation == CROSSED:
        for row in range(rows):
            room[out + row] = room[x + row] * room[y + row] - room[z + row] * room[w + row]
    elif operation == CANCELLED:
        for row in range(rows):
            room[out + row] = 1.0 if room[x + row] <= number * (room[y + row] * room[z + row]) else 0.0
    elif operation == CORRELATION:
        for row in range(rows):
            spread = math.sqrt(room[y + row] * room[z + row])
            share = room[x + row] / spread
            room[out + row] = 0.0 if spread == 0 else min(max(share, -1.0), 1.0)
    elif operation == RUNNING:
        total = int(room[out - np.uint64(1)])
        for row in range(rows):
            total += int(room[x + row])
            room[out + row] = total
    elif operation == RUNNING_COUNT:
        total = int(room[out - np.uint64(1)])
        for row in range(rows):
            total += 1 if room[x + row] == room[x + row] else 0
            room[out + row] = total


@compiled
def _looking_back(  # noqa: C901, PLR0912, PLR0913, PLR0917 - one branch an operation; it takes no keywords
    room: History,
    operation: int,
    out: np.uint64,
    x: np.uint64,
    y: np.uint64,
    z: np.uint64,
    w: np.uint64,
    rows: np.uint64,
    back: np.uint64,
    number: float,
) -> None:
    if operation == LAG:
        p = x - back
        for row in range(rows):
            room[out + row] = room[p + row]
    elif operation == DIFFERENCE:
        p, q = x - back, y - back
        for row in range(rows):
            room[out + row] = room[x + row] - room[p + row] + room[q + row]
    elif operation == COUNT:
        p, q = x - back, y - back
        for row in range(rows):
            own = 1.0 if room[q + row] == room[q + row] else 0.0
            total = room[x + row] - room[p + row] + own
            room[out + row] = total if total >= number else np.nan
    elif operation == MERGE:
        p = y - back
        for row in range(rows):
            room[out + row] = room[x + row] + number * room[p + row]
    elif operation == SUM_OF_2:
        p = x - back
        for row in range(rows):
            room[out + row] = room[x + row] + room[p + row]
    elif operation == SUM_OF_3:
        p, q = x - back // np.uint64(2), x - back
        for row in range(rows):
            room[out + row] = room[x + row] + room[p + row] + room[q + row]
    elif operation == SUM_OF_5:
        part = back // np.uint64(4)
        p, q, r, s = x - part, x - part - part, x - back + part, x - back
        for row in range(rows):
            room[out + row] = room[x + row] + room[p + row] + room[q + row] + room[r + row] + room[s + row]
    elif operation == SUM_OF_7:
        part = back // np.uint64(6)
        p, q, r = x - part, x - part - part, x - part - part - part
        s, t, u = r - part, x - back + part, x - back
        for row in range(rows):
            later = room[x + row] + room[p + row] + room[q + row] + room[r + row]
            room[out + row] = later + room[s + row] + room[t + row] + room[u + row]
    elif operation == MERGE_MAX:
        p = y - back
        for row in range(rows):
            room[out + row] = max(room[x + row], room[p + row])
    elif operation == MERGE_MIN:
        p = y - back
        for row in range(rows):
            room[out + row] = min(room[x + row], room[p + row])
    elif operation == MERGE_SINCE:
        p, q = y - back, w - back
        for row in range(rows):
            is_earlier = room[q + row] >= room[z + row]
            room[out + row] = room[p + row] + float(back) if is_earlier else room[x + row]


@compiled
def _in_windows(  # noqa: PLR0913, PLR0917 - it takes no keywords
    room: History,
    operation: int,
    out: np.uint64,
    x: np.uint64,
    y: np.uint64,
    rows: np.uint64,
    back: np.uint64,
    number: float,
    weights: History,
) -> None:
    ends, window = room[out : out + rows], int(back) + 1
    if operation == PLACE:
        own, earlier = room[y : y + rows], room[y - back : y + rows]
        _place(ends, room[x : x + rows], own, earlier, int(number), int(back))
    elif operation == QUANTILE:
        _quantile(ends, room[x - back : x + rows], number, window)
    elif operation == WEIGHTED:
        offset = int(number)
        _weighted(ends, room[x - back : x + rows], weights[offset : offset + window])
    elif operation == POWER_SUM:
        _power_sum(ends, room[x - back : x + rows], room[y : y + rows], number, window)


@compiled
def _keep(
    kept: NDArray[np.float32],
    at: np.uint64,
    room: History,
    values: np.uint64,
    bars: np.uint64,
    rows: np.uint64,
) -> None:
    """Write values as float32: missing without a bar, and where one is not finite."""
    for row in range(rows):
        figure = np.float32(room[values + row])
        is_finite = figure - figure == 0  # `&`: `and` would look at one row after the other
        kept[at + row] = figure if (room[bars + row] == room[bars + row]) & is_finite else np.float32(np.nan)


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

    What is missing stands at the end, as infinity. Between the row that leaves and the row that comes everything moves
    over by one place; all places are looked at alike, as that can be done by the dozen.
    """
    ordered, count = np.full(window + 2, np.inf), 0  # with a place more on either side
    ordered[0] = -np.inf
    for row in range(len(out) + window - 1):
        old = past[row - window] if row >= window else np.inf
        old, new = np.inf if np.isnan(old) else old, np.inf if np.isnan(past[row]) else past[row]
        count += int(new < np.inf) - int(old < np.inf)
        if new > old:
            for place in range(1, window + 1):
                here, moved = ordered[place], min(ordered[place + 1], new)
                ordered[place] = moved if (here >= old) & (here < new) else here
        elif new < old:
            for place in range(window, 0, -1):
                here, moved = ordered[place], max(ordered[place - 1], new)
                ordered[place] = moved if (here >= new) & (here <= old) else here
        if row >= window - 1:
            position = fraction * (count - 1)
            below = int(position)
            value = np.nan
            if count:
                lower, upper = ordered[below + 1], ordered[min(below + 2, count)]
                value = lower + (upper - lower) * (position - below)
            out[row - window + 1] = value


@compiled
def _power_sum(out: History, past: History, mean: History, power: float, window: int) -> None:
    out[:] = 0.0
    for place in range(window):
        earlier = past[place:]
        for row in range(len(out)):
            step = earlier[row] - mean[row] if earlier[row] == earlier[row] else 0.0
            square = step * step
            out[row] += square * (step if power == 3 else square)


@compiled
def _from_sums(
    room: History,
    operation: int,
    out: np.uint64,
    x: np.uint64,
    y: np.uint64,
    z: np.uint64,
    rows: np.uint64,
    least: float,
) -> int:
    """Find what sums tell, and say in how many windows they have cancelled out."""
    cases = 0
    if operation == MEAN:
        for row in range(rows):
            count, total = room[x + row], room[z + row]
            squares = count * room[y + row]
            cases += 1 if squares - total * total <= least * squares else 0
            room[out + row] = total / count
    elif operation == DEVIATION:
        for row in range(rows):
            count, total = room[x + row], room[z + row]
            squares = count * room[y + row]
            spread = squares - total * total
            cases += 1 if spread <= least * squares else 0
            room[out + row] = math.sqrt(spread / (count * (count - 1.0)))
    else:
        for row in range(rows):
            cases += 1 if room[y + row] > 0 else 0
        if out != x:
            for row in range(rows):
                room[out + row] = room[x + row]
    return cases


@compiled
def _directly(  # noqa: PLR0913, PLR0917 - it takes no keywords
    room: History,
    operation: int,
    out: np.uint64,
    x: np.uint64,
    y: np.uint64,
    z: np.uint64,
    w: np.uint64,
    rows: np.uint64,
    back: np.uint64,
    least: float,
) -> None:
    """Look at each row of the windows whose sums have cancelled out."""
    for row in range(rows):
        first, end = w + row - back, w + row + np.uint64(1)
        if operation == DIRECTLY:
            if room[y + row] > 0:
                count, _, products = _moments(room[z + row - back : z + row + np.uint64(1)], room[first:end])
                room[out + row] = count * products
        else:
            total, squares = room[z + row], room[x + row] * room[y + row]
            if squares - total * total <= least * squares:
                count, mean, products = _moments(room[first:end], room[first:end])
                room[out + row] = mean if operation == MEAN else math.sqrt(products / (count - 1.0))


@compiled
def _moments(x: History, y: History) -> tuple[float, float, float]:
    """Return count, mean of the second, and the sum of the products of both deviations, digit by digit.

    Everything is counted from the first row that is present, so that a level, however high, costs no digits.
    """
    origin_x = origin_y = total_x = total_y = count = products = 0.0
    for row in range(len(x)):
        if not np.isnan(x[row] + y[row]):
            if count == 0:
                origin_x, origin_y = x[row], y[row]
            total_x += x[row] - origin_x
            total_y += y[row] - origin_y
            count += 1.0
    mean_x, mean_y = total_x / count, total_y / count
    for row in range(len(x)):
        if not np.isnan(x[row] + y[row]):
            products += (x[row] - origin_x - mean_x) * (y[row] - origin_y - mean_y)
    return count, origin_y + mean_y, products
