"""The catalog of faults is the scoreboard: every case that this release promises has a test that names it."""

import re
from pathlib import Path

TESTS = Path(__file__).parents[1]
PROMISED = {
    *range(1, 7),
    *range(8, 25),
    *range(26, 36),
    37,
    41,
    43,
    *range(44, 50),
    *range(50, 65),
    77,
    78,
    79,
    *range(83, 89),
    93,
    94,
    96,
    97,
    98,
    99,
    100,
    *range(103, 109),
    109,
    112,
    113,
    115,
    116,
    *range(120, 124),
    128,
    *range(131, 137),
    139,
    141,
    142,
    144,
}


def test_every_promised_fault_has_a_test_that_names_it():
    names = re.findall(
        r"def test_faults?((?:_\d{3})+)_", "\n".join(path.read_text() for path in TESTS.rglob("*.py"))
    )
    tested = {int(number) for name in names for number in name.strip("_").split("_")}

    assert sorted(PROMISED - tested) == []
