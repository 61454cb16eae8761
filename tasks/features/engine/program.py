"""Compile expressions into one list of steps for `machine`: each step once, with minimal memory.

Nothing is computed here. Each step starts at the first row that a later step needs from it: if only a feature's last
row is wanted, a step starts earlier by the total look-back of the steps that follow it.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.features.engine import machine
from tasks.features.engine.series import Series

MOST_PARTS = 4
STEP = 4 + MOST_PARTS  # integers per step


@dataclass(frozen=True)
class Program:
    """The steps that `machine.run` executes, symbol by symbol, some rows at a time.

    A row of `steps` holds: the operation, the offset of its output, up to four offsets of its inputs, the number of
    rows needed before the first requested one, and its look-back in rows. Inputs that a step looks back on are preceded
    by earlier rows: `tails` holds where those begin, and how many there are.
    """

    steps: NDArray[np.uint64]
    numbers: NDArray[np.float64]  # one per step
    weights: NDArray[np.float64]  # of all weighted sums; `numbers` holds the offset of each step's own
    tails: NDArray[np.uint64]
    constants: tuple[tuple[int, int, float], ...]  # start, stop and value of each constant in the buffer
    inputs: tuple[str, ...]
    outputs: tuple[int, ...]  # offsets of the outputs
    rows_at_once: int
    figures: int  # length of the buffer in float64 values

    @property
    def parts(
        self,
    ) -> tuple[NDArray[np.uint64], NDArray[np.float64], NDArray[np.float64], NDArray[np.uint64], int]:
        """The arguments for `machine.run`."""
        return self.steps, self.numbers, self.weights, self.tails, self.rows_at_once

    def new_buffer(self) -> NDArray[np.float64]:
        """Return a new work buffer with the constants in it."""
        buffer = machine.aligned_buffer(self.figures)
        for begin, end, number in self.constants:
            buffer[begin:end] = number
        return buffer


def program_of(outputs: Sequence[Series], *, rows_at_once: int) -> Program:
    """Return the program for the outputs, executed `rows_at_once` rows at a time."""
    steps = _in_order(outputs)
    before, tails = _rows_before(steps), _tails(steps)
    begins, figures = _places(steps, tails, outputs, rows_at_once)
    constants = [step for step in steps if step.operation == machine.CONSTANT]
    done = [step for step in steps if step.operation != machine.CONSTANT]
    inputs = tuple(step.name for step in done if step.operation == machine.INPUT)
    written: list[list[int]] = []
    numbers: list[float] = []
    weights: list[float] = []
    for step in done:
        size = inputs.index(step.name) if step.operation == machine.INPUT else step.size
        parts = [begins[id(part)] for part in step.parts] + [0] * (MOST_PARTS - len(step.parts))
        written.append([step.operation, begins[id(step)], *parts, before[id(step)], size])
        numbers.append(float(len(weights)) if step.weights else step.number)
        weights.extend(step.weights)

    def tail_begins(step: Series) -> int:
        return begins[id(step)] - tails[id(step)]

    return Program(
        _table(written, STEP),
        np.array(numbers),
        np.array(weights),
        _table([[tail_begins(step), tails[id(step)]] for step in done if tails[id(step)]], 2),
        tuple((tail_begins(step), begins[id(step)] + rows_at_once, step.number) for step in constants),
        inputs,
        tuple(begins[id(output)] for output in outputs if output.operation != machine.KEEP),
        rows_at_once,
        figures,
    )


def rows_of_inputs(output: Series) -> int:
    """Return how many rows of the inputs, the current one included, a row of the output depends on."""
    steps = _in_order([output])
    before = _rows_before(steps)
    return 1 + max((before[id(step)] for step in steps if step.operation == machine.INPUT), default=0)


def _in_order(outputs: Iterable[Series]) -> list[Series]:
    """Return the steps in an order in which each follows its inputs, close to its first use."""
    done: dict[int, Series] = {}
    for output in outputs:
        waiting = [output]
        while waiting:
            step = waiting[-1]
            missing = [part for part in step.parts if id(part) not in done]
            waiting.extend(reversed(missing))
            if not missing:
                done[id(step)] = waiting.pop()
    return list(done.values())


def _looked_at(step: Series) -> Iterator[tuple[Series, int]]:
    """Yield the step's inputs with the look-back in rows of each."""
    for position, part in enumerate(step.parts):
        yield part, step.size if position in machine.LOOKS_BACK.get(step.operation, ()) else 0


def _rows_before(steps: Sequence[Series]) -> dict[int, int]:
    """Return, by identity, how many rows before the first requested one each step is needed for."""
    before = dict.fromkeys(map(id, steps), 0)
    for step in reversed(steps):
        for part, back in _looked_at(step):
            before[id(part)] = max(before[id(part)], before[id(step)] + back)
    return before


def _tails(steps: Sequence[Series]) -> dict[int, int]:
    """Return, by identity, how many earlier rows of each step later ones look back at, in whole cache lines."""
    tails = {id(step): int(step.operation in machine.GO_ON) for step in steps}
    for step in steps:
        for part, back in _looked_at(step):
            tails[id(part)] = max(tails[id(part)], back)
    return {step: _whole_lines(rows) for step, rows in tails.items()}


def _places(
    steps: Sequence[Series], tails: Mapping[int, int], outputs: Sequence[Series], rows_at_once: int
) -> tuple[dict[int, int], int]:
    """Return, by identity, the buffer offset of each step, and the buffer's length.

    Rows that are not read again are overwritten. Slots are one cache line longer than necessary, because addresses a
    multiple of 4 KiB apart conflict in the cache.
    """
    size = _whole_lines(rows_at_once) + machine.LINE
    lasting = {id(step) for step in steps if tails[id(step)] or step.operation == machine.CONSTANT}
    lasting |= {id(output) for output in outputs if output.operation != machine.KEEP}
    last_use = {id(part): position for position, step in enumerate(steps) for part in step.parts}
    begins, free, taken = dict[int, int](), list[int](), 0
    for position, step in enumerate(steps):
        ended = {id(part) for part in step.parts if last_use[id(part)] == position} - lasting
        if id(step) not in lasting and step.operation == machine.DIRECTLY and id(step.parts[0]) in ended:
            begins[id(step)] = begins[id(step.parts[0])]  # a few rows are changed in place
            ended.remove(id(step.parts[0]))
        elif step.operation == machine.KEEP:
            begins[id(step)] = int(step.number)  # of the feature
        elif id(step) not in lasting and free:
            begins[id(step)] = free.pop()
        else:
            begins[id(step)] = taken + tails[id(step)]
            taken += tails[id(step)] + size
        free.extend(begins[part] for part in ended)
    return begins, taken


def _table(rows: Sequence[Sequence[int]], columns: int) -> NDArray[np.uint64]:
    return np.array(rows, dtype=np.uint64).reshape(-1, columns)


def _whole_lines(rows: int) -> int:
    return -(-rows // machine.LINE) * machine.LINE
