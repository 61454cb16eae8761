"""Put recipes into one list of steps: each step once, and with as few histories held at a time as that takes.

Nothing is computed here. Each step is done for the rows that are asked of it: where only the last row of a feature is
wanted, for so many of the last as the windows on the way look back.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.features import machine
from tasks.features.series import Series

MOST_PARTS = 4
STEP = 4 + MOST_PARTS  # numbers a step takes


@dataclass(frozen=True)
class Program:
    """What `machine.run` goes through, for one symbol after the other.

    A row of `steps` says: operation, where the history begins that it writes, and up to four that it reads, how many
    of the last rows, and how many rows back it looks.
    """

    steps: NDArray[np.uint64]
    numbers: NDArray[np.float64]  # one a step
    weights: NDArray[np.float64]  # of all weighted sums; the number of such a step says where its own begin
    constants: NDArray[np.float64]  # what the first histories hold in every row
    inputs: tuple[str, ...]
    outputs: tuple[int, ...]  # the histories in which the outputs lie in the end
    rows_at_once: int
    shape: tuple[int, int]  # of the room it takes: histories, and the rows that go into so many


def program_of(outputs: Sequence[Series], *, rows_at_once: int) -> Program:
    """Return the steps to so many rows of the outputs."""
    steps = _in_order(outputs)
    rows, places = _rows_asked(steps, rows_at_once), _places(steps, outputs)
    inputs = tuple(step.name for step in steps if step.operation == machine.INPUT)
    constants = [step for step in steps if step.operation == machine.CONSTANT]
    room = _room(max(rows.values(), default=1))
    written: list[list[int]] = []
    numbers: list[float] = []
    weights: list[float] = []
    for step in steps:
        if step.operation == machine.CONSTANT:
            continue
        into = int(step.number) if step.operation == machine.KEEP else places[id(step)] * room
        size = inputs.index(step.name) if step.operation == machine.INPUT else step.size
        parts = [places[id(part)] * room for part in step.parts] + [0] * (MOST_PARTS - len(step.parts))
        written.append([step.operation, into, *parts, rows[id(step)], size])
        numbers.append(float(len(weights)) if step.weights else step.number)
        weights.extend(step.weights)
    return Program(
        np.array(written, dtype=np.uint64).reshape(-1, STEP),
        np.array(numbers),
        np.array(weights),
        np.array([constant.number for constant in constants]),
        inputs,
        tuple(places[id(output)] for output in outputs if output.operation != machine.KEEP),
        rows_at_once,
        (max(places.values(), default=-1) + 1, room),
    )


def rows_of_inputs(output: Series) -> int:
    """Return how many rows of its inputs, its own included, a row of the output depends on."""
    steps = _in_order([output])
    rows = _rows_asked(steps, 1)
    return max((rows[id(step)] for step in steps if step.operation == machine.INPUT), default=1)


def _room(rows: int) -> int:
    """Return how far apart histories lie: whole lines, and no multiple of 4 KiB, which the cache would mix up."""
    lines = -(-rows // machine.LINE)
    return (lines + (lines % 64 == 0)) * machine.LINE


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


def _rows_asked(steps: Sequence[Series], rows_at_once: int) -> dict[int, int]:
    """Return, by identity, of how many last rows each step is asked."""
    rows = {id(step): rows_at_once for step in steps}
    for step in reversed(steps):
        for position, part in enumerate(step.parts):
            back = step.size if position in machine.LOOKS_BACK.get(step.operation, ()) else 0
            rows[id(part)] = max(rows[id(part)], rows[id(step)] + back)
    return rows


def _places(steps: Sequence[Series], outputs: Sequence[Series]) -> dict[int, int]:
    """Return, by identity, the history each step writes; one that nobody will read again is written anew."""
    constants = [step for step in steps if step.operation == machine.CONSTANT]
    places = {id(step): place for place, step in enumerate(constants)}
    lasting = {id(step) for step in (*constants, *outputs)}
    last_use = {id(part): position for position, step in enumerate(steps) for part in step.parts}
    free, held = list[int](), len(constants)
    for position, step in enumerate(steps):
        ended = {id(part) for part in step.parts if last_use[id(part)] == position} - lasting
        if step.operation == machine.DIRECTLY and id(step.parts[0]) in ended:
            places[id(step)] = places[id(step.parts[0])]  # a few rows are set right where they stand
            ended.remove(id(step.parts[0]))
        elif step.operation not in {machine.CONSTANT, machine.KEEP}:
            places[id(step)] = free.pop() if free else held
            held = max(held, places[id(step)] + 1)
        free.extend(places[part] for part in ended)
    return places
