"""The scoreboard of docs/reliability.md: for each fault, the tests that cover it. `make docs` rewrites the last column.

A test covers a fault if its name has the fault's number (`test_fault_066_…`, `test_faults_050_051_…`). Tests that
cover a fault under another name are listed in `OTHERS`. The other columns are written by hand.
"""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reliability.md"
DEFINITION = re.compile(r"^(?:async )?def (test_\w+)", re.MULTILINE)
NUMBERS = re.compile(r"test_faults?_((?:\d{3}_(?:and_)?)+)")
ROW = re.compile(r"^\| (\d+) \| (.+?) \| (.+?) \| (.+?) \|(?: (.*?) \|)?$", re.MULTILINE)
SHOWN = 3
# Where a fault is shown best: the folders in which its tests are listed first.
FIRST = ("faults", "properties", "acceptance", "flows", "contracts", "unit")
OTHERS = {
    91: ["test_a_run_that_starts_late_works_on_the_session_it_was_scheduled_for"],
    94: ["test_a_run_whose_home_is_held_is_retried_until_it_is_free"],
    145: ["test_the_work_of_a_killed_worker_is_done_again_and_counted_once"],
}
NOT_BUILT = "not built"


def all_tests() -> dict[str, str]:
    """Return the folder of each test by its name, in the order in which they are listed."""
    found = {}
    for folder in FIRST:
        for path in sorted((ROOT / "tests" / folder).rglob("test_*.py")):
            for name in DEFINITION.findall(path.read_text()):
                found.setdefault(name, folder)
    return found


def covering_tests() -> dict[int, list[str]]:
    """Return the names of the tests of each fault."""
    found: dict[int, list[str]] = {number: list(names) for number, names in OTHERS.items()}
    for name in all_tests():
        if numbers := NUMBERS.match(name):
            for number in re.findall(r"\d{3}", numbers[1]):
                found.setdefault(int(number), []).append(name)
    return found


def rows(text: str) -> dict[int, tuple[str, list[str]]]:
    """Return result and named tests of each fault on the page."""
    return {
        int(number): (result, re.findall(r"`(test_\w+)`", tests or ""))
        for number, _, _, result, tests in ROW.findall(text)
    }


def with_tests(text: str) -> str:
    """Return the page with the tests that exist now."""
    known = covering_tests()

    def row(found: re.Match[str]) -> str:
        names = known.get(int(found[1]), [])
        shown = ", ".join(f"`{name}`" for name in names[:SHOWN])
        more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
        return f"| {found[1]} | {found[2]} | {found[3]} | {found[4]} | {shown or '–'}{more} |"

    return ROW.sub(row, text)
