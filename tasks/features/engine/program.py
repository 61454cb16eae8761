"""Put recipes into one list of steps: each step once, and with as few histories held at a time as that takes.

Nothing is computed here. Each step is done from the first row that is needed of it: where only a feature's last row is
wanted, from so many before as the windows on the way look back.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.features.engine import machine
from tasks.features.engine.series import Series

MOST_PARTS = 4
STEP = 4 + MOST_PARTS  # numbers a step takes


@dataclass(frozen=True)
class Program:
    """What `machine.run` goes through, for one symbol after the other, some rows at once.

    A row of `steps` says: operation, where the rows begin that it writes, and up to four that it reads, from how many
    rows before the first that is asked for it is needed, and how many rows back it looks. What is looked back at has
    the rows before in front of it: `tails` says where those begin, and how many they are.
    """

    steps: NDArray[np.uint64]
    numbers: NDArray[np.float64]  # one a step
    weights: NDArray[np.float64]  # of all weighted sums; the number of such a step says where its own begin
    tails: NDArray[np.uint64]
    constants: tuple[tuple[int, int, float], ...]  # from where to where in the room a number stands
    inputs: tuple[str, ...]
    outputs: tuple[int, ...]  # where the outputs begin in the end
    rows_at_once: int
    figures: int  # that it needs room for

    @property
    def parts(
        self,
    ) -> tuple[NDArray[np.uint64], NDArray[np.float64], NDArray[np.float64], NDArray[np.uint64], int]:
        """What the machine is told of it."""
        return self.steps, self.numbers, self.weights, self.tails, self.rows_at_once

    def room(self) -> NDArray[np.float64]:
        """Return room to work in, with the constants in it."""
        room = machine.room_for(self.figures)
        for begin, end, number in self.constants:
            room[begin:end] = number
        return room


def program_of(outputs: Sequence[Series], *, rows_at_once: int) -> Program:
    """Return the steps to the outputs, which are done for so many rows at once."""
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
    """Return how many rows of its inputs, its own included, a row of the output depends on."""
    steps = _in_order([output])
    before = _rows_before(steps)
    return 1 + max((before[id(step)] for step in steps if step.operation == machine.INPUT), default=0)


def _in_order(outputs: Iterable[Series]) -> list[Series]:
    """Return every step after its parts, and near the first that needs it."""
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
    """Yield the step's parts, and how many rows back it looks at each."""
    for position, part in enumerate(step.parts):
        yield part, step.size if position in machine.LOOKS_BACK.get(step.operation, ()) else 0


def _rows_before(steps: Sequence[Series]) -> dict[int, int]:
    """Return, by identity, of how many rows before the first that is asked for each step is needed."""
    before = dict.fromkeys(map(id, steps), 0)
    for step in reversed(steps):
        for part, back in _looked_at(step):
            before[id(part)] = max(before[id(part)], before[id(step)] + back)
    return before


def _tails(steps: Sequence[Series]) -> dict[int, int]:
    """Return, by identity, how many rows of each step are looked back at from the next ones, in whole lines."""
    tails = {id(step): int(step.operation in machine.GO_ON) for step in steps}
    for step in steps:
        for part, back in _looked_at(step):
            tails[id(part)] = max(tails[id(part)], back)
    return {step: _whole_lines(rows) for step, rows in tails.items()}


def _places(
    steps: Sequence[Series], tails: Mapping[int, int], outputs: Sequence[Series], rows_at_once: int
) -> tuple[dict[int, int], int]:
    """Return, by identity, where each step's rows begin, and how much room they take.

    What nobody will read again is written over. Places are one line longer than they need be: the cache mixes up what
    lies a multiple of 4 KiB apart.
    """
    size = _whole_lines(rows_at_once) + machine.LINE
    lasting = {id(step) for step in steps if tails[id(step)] or step.operation == machine.CONSTANT}
    lasting |= {id(output) for output in outputs if output.operation != machine.KEEP}
    last_use = {id(part): position for position, step in enumerate(steps) for part in step.parts}
    begins, free, taken = dict[int, int](), list[int](), 0
    for position, step in enumerate(steps):
        ended = {id(part) for part in step.parts if last_use[id(part)] == position} - lasting
        if id(step) not in lasting and step.operation == machine.DIRECTLY and id(step.parts[0]) in ended:
            begins[id(step)] = begins[id(step.parts[0])]  # a few rows are set right where they stand
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
