"""docs/safety.md lists every gate and every limit of the guard, which may wait, and which may be waived."""

import re
from pathlib import Path

from tasks.execution.gates.table import BATCH_GATES, ORDER_GATES, WAITING, WAIVABLE
from tasks.execution.wire_guard import LIMITS

PAGE = (Path(__file__).parents[3] / "docs" / "safety.md").read_text()


def listed(heading):
    """Return the names in the first column of the table with this heading, each with the rest of its cell."""
    table = PAGE.split(f"| {heading} |", 1)[1].split("\n\n", 1)[0]
    cells = [line.split("|")[1] for line in table.splitlines()[2:]]
    return [match for cell in cells for match in re.findall(r"`(\w+)`((?: \(waits\))?)", cell)]


def test_every_gate_is_listed_in_its_order():
    assert [name for name, _ in listed("gate of the batch")] == [name for name, _ in BATCH_GATES]
    assert [name for name, _ in listed("gate of an order")] == [name for name, _ in ORDER_GATES]


def test_the_gates_that_wait_are_marked():
    rows = [*listed("gate of the batch"), *listed("gate of an order")]

    assert {name for name, waits in rows if waits} == WAITING


def test_every_limit_of_the_guard_is_listed():
    assert [name for name, _ in listed("limit")] == list(LIMITS)


def test_the_gates_that_can_be_waived_are_listed():
    sentence = PAGE.split("in the same way: only ", 1)[1].split(". ", 1)[0]

    assert re.findall(r"`(\w+)`", sentence) == sorted(WAIVABLE)
