"""Execute a program symbol by symbol: compiled loops over blocks of rows small enough for the L1 cache.

Everything is float64; NaN is missing. All steps are executed for one block of rows, then for the next. A series that a
step looks back on is preceded by its earlier rows (the tail). A step starts at the first row that another step needs,
and writes NaN where the history is too short. Rows that are not needed are never read.

All series share one flat buffer and steps get offsets into it, because slicing an array takes longer than most steps.
Offsets are unsigned: loops with an index that may be negative cannot be vectorized.

The operations are numbered here and nowhere else: the cached machine code contains the numbers, and is invalidated when
this file changes.
"""

import math

import numpy as np
from numpy.typing import NDArray

from tasks.core.compiled import compiled

History = NDArray[np.float64]  # of one symbol

(
    CONSTANT,
    INPUT,
    ADD,
    SUBTRACT,
    MULTIPLY,
    DIVIDE,  # minus the number
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
    FILL,  # the value, or the number where it is missing
    WHERE_KNOWN,  # the first part where the second is not missing
    RUNNING,  # running sum of integers from an arbitrary row: only its differences are meaningful, and they are exact
    RUNNING_COUNT,  # of present values
    CROSSED,  # product of the first two inputs minus that of the last two
    CANCELLED,  # whether the first input is less than the number × the product of the others
    CORRELATION,  # from the sums of products and squares of deviations
    ROW,  # the row's number: only its differences are meaningful
    LAG,
    DIFFERENCE,  # of a running sum, over `size` rows and the row itself; the second input is the summed series
    COUNT,  # of a running count, likewise; missing below the number
    MERGE,  # the later window + number × the earlier one, which ends `size` rows before
    SUM_OF_2,  # of equal windows, of which the earliest ends `size` rows before
    SUM_OF_3,
    SUM_OF_5,
    SUM_OF_7,
    MERGE_MAX,
    MERGE_MIN,
    MERGE_SINCE,  # rows since the larger of two maxima, the earlier of equals
    PLACE,  # the input + 1 for each row from `number` to `size` back that is smaller than the row, ½ for equal
    QUANTILE,
    WEIGHTED,
    POWER_SUM,  # of deviations from the second input, to the power of the number
    MEAN,  # of a window, from its count and sums, or from the rows themselves where the sums cancel
    DEVIATION,  # likewise
    DIRECTLY,  # the first input; where the second is set, count × the sum of products of deviations of the last two
    KEEP,  # writes a feature's values
) = range(51)

MASKS = {LESS, LESS_EQUAL, EQUAL, IS_MISSING, AND, OR, NOT}

# missing exactly where their inputs are
KEEPS_GAPS = {ADD, SUBTRACT, MAXIMUM, MINIMUM, NEGATIVE, ABSOLUTE}

GO_ON = {RUNNING, RUNNING_COUNT}  # continue from their own last row

LOOKS_BACK = {  # in which inputs: no other operation looks back, and none forward
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

LINE = 8  # float64 values in a cache line: aligned loops are faster

Steps = NDArray[np.uint64]


def aligned_buffer(figures: int) -> History:
    """Return a buffer of so many float64 values, aligned to a cache line."""
    buffer = np.empty(figures + LINE)
    first = -(buffer.ctypes.data // buffer.itemsize) % LINE
    return buffer[first : first + figures]


@compiled
def run(  # noqa: PLR0913, PLR0917 - compiled code takes no keywords
    steps: Steps,
    numbers: History,
    weights: History,
    tails: Steps,
    rows_at_once: int,
    inputs: NDArray[np.float64],  # inputs × symbols × rows
    bars: NDArray[np.float64],  # symbols × rows
    buffer: History,
    out: NDArray[np.float32],  # features × symbols × last rows
    first_symbol: int,
) -> None:
    """Compute the features of these symbols into `out`; the outputs of the last block of rows stay in the buffer.

    Rows before a symbol's first bar and after its last are not computed.
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
                steps, numbers, weights, inputs, symbol, earliest, listed, start, rows, buffer, kept, own_rows
            )
            for tail in range(len(tails)):
                begin, moved = tails[tail, 0], tails[tail, 0] + np.uint64(rows_at_once)
                for row in range(tails[tail, 1]):
                    buffer[begin + row] = buffer[moved + row]


@compiled
def _run_rows(  # noqa: C901, PLR0912, PLR0913, PLR0917 - one branch per kind of step; compiled code takes no keywords
    steps: Steps,
    numbers: History,
    weights: History,
    inputs: NDArray[np.float64],
    symbol: int,
    earliest: int,
    listed: int,
    start: int,
    rows_here: int,
    buffer: History,
    kept: NDArray[np.float32],
    own_rows: tuple[int, int],  # offset of this symbol in `out`, and the distance to the next feature
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
            _keep(kept, at, buffer, a + first, b + first, rows - first)
            for early in range(min(max(int(back) - row, 0), int(rows - first))):
                kept[at + np.uint64(early)] = np.nan
        elif operation == INPUT:
            buffer[into + begin : into + rows] = inputs[back, symbol, start + int(begin) : start + rows_here]
        elif operation == ROW:
            for row in range(begin, rows):
                buffer[into + row] = float(start + int(row))
        elif operation < LAG:
            if needed_from >= 0 and operation in (RUNNING, RUNNING_COUNT):
                buffer[into + begin - np.uint64(1)] = 0.0
            x, y, z, w = a + begin, b + begin, c + begin, d + begin
            _row_by_row(buffer, operation, into + begin, x, y, z, w, rows - begin, number)
        else:
            whole = min(max(begin, np.uint64(max(int(back) - start, 0))), rows)
            for row in range(begin, whole):
                buffer[into + row] = np.nan
            x, y, z, w, left = a + whole, b + whole, c + whole, d + whole, rows - whole
            if operation < PLACE:
                _looking_back(buffer, operation, into + whole, x, y, z, w, left, back, number)
            elif operation >= MEAN:
                if _from_sums(buffer, operation, into + whole, x, y, z, left, number) > 0:
                    _directly(buffer, operation, into + whole, x, y, z, w, left, back, number)
            elif left > 0:
                _in_windows(buffer, operation, into + whole, x, y, left, back, number, weights)


@compiled
def _listed(bars: History, first: int) -> tuple[int, int]:
    """Return the first row with a bar from `start` on, and the row after the last one."""
    stop = len(bars)
    while stop > first and np.isnan(bars[stop - 1]):
        stop -= 1
    while first < stop and np.isnan(bars[first]):
        first += 1
    return first, stop


@compiled
def gather(out: NDArray[np.float64], values: NDArray[np.float64]) -> None:
    """Transpose sessions × symbols into one history per symbol, in blocks of rows."""
    for top in range(0, len(values), 64):
        for symbol in range(len(out)):
            for row in range(top, min(top + 64, len(values))):
                out[symbol, row] = values[row, symbol]


@compiled
def _row_by_row(  # noqa: C901, PLR0912, PLR0913, PLR0915, PLR0917 - one branch per operation; compiled code takes no keywords
    buffer: History,
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
            buffer[out + row] = buffer[x + row] + buffer[y + row]
    elif operation == SUBTRACT:
        for row in range(rows):
            buffer[out + row] = buffer[x + row] - buffer[y + row]
    elif operation == MULTIPLY:
        for row in range(rows):
            buffer[out + row] = buffer[x + row] * buffer[y + row]
    elif operation == DIVIDE:
        for row in range(rows):
            buffer[out + row] = buffer[x + row] / buffer[y + row] - number
    elif operation == POWER:
        for row in range(rows):
            buffer[out + row] = buffer[x + row] ** buffer[y + row]
    elif operation == MAXIMUM:
        for row in range(rows):
            one, other = buffer[x + row], buffer[y + row]
            buffer[out + row] = one if one >= other or np.isnan(one) else other
    elif operation == MINIMUM:
        for row in range(rows):
            one, other = buffer[x + row], buffer[y + row]
            buffer[out + row] = one if one <= other or np.isnan(one) else other
    elif operation == NEGATIVE:
        for row in range(rows):
            buffer[out + row] = -buffer[x + row]
    elif operation == ABSOLUTE:
        for row in range(rows):
            buffer[out + row] = abs(buffer[x + row])
    elif operation == SIGN:
        for row in range(rows):
            buffer[out + row] = (
                buffer[x + row]
                if buffer[x + row] == 0 or buffer[x + row] != buffer[x + row]
                else math.copysign(1.0, buffer[x + row])
            )
    elif operation == SQRT:
        for row in range(rows):
            buffer[out + row] = math.sqrt(buffer[x + row])
    elif operation == LOG:
        for row in range(rows):
            buffer[out + row] = np.log(buffer[x + row])
    elif operation == LOG1P:
        for row in range(rows):
            buffer[out + row] = np.log1p(buffer[x + row])
    elif operation == TANH:
        for row in range(rows):
            buffer[out + row] = math.tanh(buffer[x + row])
    elif operation == LESS:
        for row in range(rows):
            buffer[out + row] = 1.0 if buffer[x + row] < buffer[y + row] else 0.0
    elif operation == LESS_EQUAL:
        for row in range(rows):
            buffer[out + row] = 1.0 if buffer[x + row] <= buffer[y + row] else 0.0
    elif operation == EQUAL:
        for row in range(rows):
            buffer[out + row] = 1.0 if buffer[x + row] == buffer[y + row] else 0.0
    elif operation == IS_MISSING:
        for row in range(rows):
            buffer[out + row] = 1.0 if buffer[x + row] != buffer[x + row] else 0.0
    elif operation == AND:
        for row in range(rows):
            buffer[out + row] = buffer[x + row] * buffer[y + row]
    elif operation == OR:
        for row in range(rows):
            buffer[out + row] = max(buffer[x + row], buffer[y + row])
    elif operation == NOT:
        for row in range(rows):
            buffer[out + row] = 1.0 - buffer[x + row]
    elif operation == SELECT:
        for row in range(rows):
            one, other = buffer[y + row], buffer[z + row]  # read both: a conditional read is not vectorized
            buffer[out + row] = one if buffer[x + row] != 0 else other
    elif operation == FILL:
        for row in range(rows):
            buffer[out + row] = buffer[x + row] if buffer[x + row] == buffer[x + row] else number
    elif operation == WHERE_KNOWN:
        for row in range(rows):
            buffer[out + row] = buffer[x + row] if buffer[y + row] == buffer[y + row] else np.nan
    elif operation == CROSSED:
        for row in range(rows):
            buffer[out + row] = buffer[x + row] * buffer[y + row] - buffer[z + row] * buffer[w + row]
    elif operation == CANCELLED:
        for row in range(rows):
            buffer[out + row] = (
                1.0 if buffer[x + row] <= number * (buffer[y + row] * buffer[z + row]) else 0.0
            )
    elif operation == CORRELATION:
        for row in range(rows):
            spread = math.sqrt(buffer[y + row] * buffer[z + row])
            share = buffer[x + row] / spread
            buffer[out + row] = 0.0 if spread == 0 else min(max(share, -1.0), 1.0)
    elif operation == RUNNING:
        total = int(buffer[out - np.uint64(1)])
        for row in range(rows):
            total += int(buffer[x + row])
            buffer[out + row] = total
    elif operation == RUNNING_COUNT:
        total = int(buffer[out - np.uint64(1)])
        for row in range(rows):
            total += 1 if buffer[x + row] == buffer[x + row] else 0
            buffer[out + row] = total


@compiled
def _looking_back(  # noqa: C901, PLR0912, PLR0913, PLR0917 - one branch per operation; compiled code takes no keywords
    buffer: History,
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
            buffer[out + row] = buffer[p + row]
    elif operation == DIFFERENCE:
        p, q = x - back, y - back
        for row in range(rows):
            buffer[out + row] = buffer[x + row] - buffer[p + row] + buffer[q + row]
    elif operation == COUNT:
        p, q = x - back, y - back
        for row in range(rows):
            own = 1.0 if buffer[q + row] == buffer[q + row] else 0.0
            total = buffer[x + row] - buffer[p + row] + own
            buffer[out + row] = total if total >= number else np.nan
    elif operation == MERGE:
        p = y - back
        for row in range(rows):
            buffer[out + row] = buffer[x + row] + number * buffer[p + row]
    elif operation == SUM_OF_2:
        p = x - back
        for row in range(rows):
            buffer[out + row] = buffer[x + row] + buffer[p + row]
    elif operation == SUM_OF_3:
        p, q = x - back // np.uint64(2), x - back
        for row in range(rows):
            buffer[out + row] = buffer[x + row] + buffer[p + row] + buffer[q + row]
    elif operation == SUM_OF_5:
        part = back // np.uint64(4)
        p, q, r, s = x - part, x - part - part, x - back + part, x - back
        for row in range(rows):
            buffer[out + row] = (
                buffer[x + row] + buffer[p + row] + buffer[q + row] + buffer[r + row] + buffer[s + row]
            )
    elif operation == SUM_OF_7:
        part = back // np.uint64(6)
        p, q, r = x - part, x - part - part, x - part - part - part
        s, t, u = r - part, x - back + part, x - back
        for row in range(rows):
            later = buffer[x + row] + buffer[p + row] + buffer[q + row] + buffer[r + row]
            buffer[out + row] = later + buffer[s + row] + buffer[t + row] + buffer[u + row]
    elif operation == MERGE_MAX:
        p = y - back
        for row in range(rows):
            buffer[out + row] = max(buffer[x + row], buffer[p + row])
    elif operation == MERGE_MIN:
        p = y - back
        for row in range(rows):
            buffer[out + row] = min(buffer[x + row], buffer[p + row])
    elif operation == MERGE_SINCE:
        p, q = y - back, w - back
        for row in range(rows):
            is_earlier = buffer[q + row] >= buffer[z + row]
            buffer[out + row] = buffer[p + row] + float(back) if is_earlier else buffer[x + row]


@compiled
def _in_windows(  # noqa: PLR0913, PLR0917 - compiled code takes no keywords
    buffer: History,
    operation: int,
    out: np.uint64,
    x: np.uint64,
    y: np.uint64,
    rows: np.uint64,
    back: np.uint64,
    number: float,
    weights: History,
) -> None:
    ends, window = buffer[out : out + rows], int(back) + 1
    if operation == PLACE:
        own, earlier = buffer[y : y + rows], buffer[y - back : y + rows]
        _place(ends, buffer[x : x + rows], own, earlier, int(number), int(back))
    elif operation == QUANTILE:
        _quantile(ends, buffer[x - back : x + rows], number, window)
    elif operation == WEIGHTED:
        offset = int(number)
        _weighted(ends, buffer[x - back : x + rows], weights[offset : offset + window])
    elif operation == POWER_SUM:
        _power_sum(ends, buffer[x - back : x + rows], buffer[y : y + rows], number, window)


@compiled
def _keep(
    kept: NDArray[np.float32],
    at: np.uint64,
    buffer: History,
    values: np.uint64,
    bars: np.uint64,
    rows: np.uint64,
) -> None:
    """Write values as float32; NaN without a bar, and where a value is not finite."""
    for row in range(rows):
        figure = np.float32(buffer[values + row])
        is_finite = figure - figure == 0  # `&`: `and` is not vectorized
        kept[at + row] = (
            figure if (buffer[bars + row] == buffer[bars + row]) & is_finite else np.float32(np.nan)
        )


@compiled
def _weighted(out: History, past: History, weights: History) -> None:
    out[:] = 0.0
    for place in range(len(weights)):
        weight, earlier = weights[place], past[place:]
        for row in range(len(out)):
            out[row] += weight * earlier[row]


@compiled
def _place(out: History, so_far: History, own: History, past: History, nearest: int, farthest: int) -> None:
    """Count smaller values, from the farthest row to the nearest; equals count half."""
    out[:] = so_far
    for place in range(farthest - nearest + 1):
        earlier = past[place:]
        for row in range(len(out)):
            smaller = 0.5 if earlier[row] < own[row] else 0.0
            not_larger = 0.5 if earlier[row] <= own[row] else 0.0
            out[row] += smaller + not_larger


@compiled
def _quantile(out: History, past: History, fraction: float, window: int) -> None:
    """Maintain the sorted window, and interpolate between the values on either side of the quantile's position.

    Missing values are stored at the end, as infinity. Values between the one that leaves and the one that enters shift
    by one position; the loop visits all positions without branches, so that it is vectorized.
    """
    ordered, count = np.full(window + 2, np.inf), 0  # with one more position on either side
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
    buffer: History,
    operation: int,
    out: np.uint64,
    x: np.uint64,
    y: np.uint64,
    z: np.uint64,
    rows: np.uint64,
    least: float,
) -> int:
    """Compute from the sums, and return in how many windows they cancel out."""
    cases = 0
    if operation == MEAN:
        for row in range(rows):
            count, total = buffer[x + row], buffer[z + row]
            squares = count * buffer[y + row]
            cases += 1 if squares - total * total <= least * squares else 0
            buffer[out + row] = total / count
    elif operation == DEVIATION:
        for row in range(rows):
            count, total = buffer[x + row], buffer[z + row]
            squares = count * buffer[y + row]
            spread = squares - total * total
            cases += 1 if spread <= least * squares else 0
            buffer[out + row] = math.sqrt(spread / (count * (count - 1.0)))
    else:
        for row in range(rows):
            cases += 1 if buffer[y + row] > 0 else 0
        if out != x:
            for row in range(rows):
                buffer[out + row] = buffer[x + row]
    return cases


@compiled
def _directly(  # noqa: PLR0913, PLR0917 - compiled code takes no keywords
    buffer: History,
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
    """Compute from the rows the windows whose sums cancel out."""
    for row in range(rows):
        first, end = w + row - back, w + row + np.uint64(1)
        if operation == DIRECTLY:
            if buffer[y + row] > 0:
                count, _, products = _moments(
                    buffer[z + row - back : z + row + np.uint64(1)], buffer[first:end]
                )
                buffer[out + row] = count * products
        else:
            total, squares = buffer[z + row], buffer[x + row] * buffer[y + row]
            if squares - total * total <= least * squares:
                count, mean, products = _moments(buffer[first:end], buffer[first:end])
                buffer[out + row] = mean if operation == MEAN else math.sqrt(products / (count - 1.0))


@compiled
def _moments(x: History, y: History) -> tuple[float, float, float]:
    """Return count, mean of the second, and the sum of products of deviations, from the rows.

    Values are taken relative to the first present row, so that a high level costs no precision.
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
