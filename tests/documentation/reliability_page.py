"""The scoreboard of docs/reliability.md: for each fault, the tests that cover it. `make docs` rewrites the last column.

A test covers a fault if its name has the fault's number (`test_fault_066_…`, `test_faults_050_051_…`), or a comment on
its line or the line before (`# fault 66`). Tests that cover a fault without either are listed in `OTHERS`. The other
columns are written by hand.
"""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "reliability.md"
DEFINITION = re.compile(r"^(?:async )?def (test_\w+)", re.MULTILINE)
COMMENTED = re.compile(
    r"(?:^# (?P<above>[^\n]*\bfaults? [\d, and]+).*\n(?:@.*\n)*)?"
    r"^def (?P<name>test_\w+)(?:.*# (?P<beside>[^\n]*\bfaults? [\d, and]+))?",
    re.MULTILINE,
)
NUMBERS = re.compile(r"test_faults?_((?:\d{3}_(?:and_)?)+)")
ROW = re.compile(r"^\| (\d+) \| (.+?) \| (.+?) \| (.+?) \|(?: (.*?) \|)?$", re.MULTILINE)
SHOWN = 3
# Where a fault is shown best: the folders in which its tests are listed first.
FIRST = ("faults", "properties", "acceptance", "flows", "contracts", "unit")
ORDER_GATES = "test_each_order_gate_fires_by_itself_in_every_profile"
BATCH_GATES = "test_each_batch_gate_fires_by_itself_in_every_profile"
OTHERS = {
    25: ["test_a_store_that_cannot_be_written_is_a_warning"],
    40: [BATCH_GATES],
    45: [BATCH_GATES, ORDER_GATES],
    46: [ORDER_GATES],
    75: ["test_an_answer_that_drips_ends_at_the_deadline"],
    77: [ORDER_GATES],
    78: [ORDER_GATES, "test_what_comes_too_late_waits_for_the_evening"],
    79: [ORDER_GATES],
    81: [
        "test_open_orders_beyond_a_page_are_all_listed_once",
        "test_all_open_orders_are_listed_beyond_a_page",
    ],
    91: ["test_a_run_that_starts_late_works_on_the_session_it_was_scheduled_for"],
    93: [BATCH_GATES],
    94: ["test_a_run_whose_home_is_held_is_retried_until_it_is_free"],
    124: ["test_a_split_voids_the_orders_that_rest_over_it"],
    128: [ORDER_GATES, "test_a_cash_account_spends_settled_cash_and_a_margin_account_all"],
    129: [ORDER_GATES],
    139: ["test_an_activity_of_a_kind_that_is_not_known_is_never_booked_by_itself"],
    145: [
        "test_the_champion_is_the_same_on_one_core_and_on_a_cluster_whose_worker_is_killed_midway",
        "test_the_work_of_a_worker_that_dies_is_done_again_and_counted_once",
    ],
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
    found: dict[int, list[str]] = {}
    for name in all_tests():
        if numbers := NUMBERS.match(name):
            for number in re.findall(r"\d{3}", numbers[1]):
                found.setdefault(int(number), []).append(name)
    for number, names in [*OTHERS.items(), *_commented()]:
        found.setdefault(number, []).extend(name for name in names if name not in found.get(number, []))
    return found


def _commented() -> Iterator[tuple[int, list[str]]]:
    for path in sorted((ROOT / "tests").rglob("test_*.py")):
        for test in COMMENTED.finditer(path.read_text()):
            for comment in filter(None, (test["above"], test["beside"])):
                for number in re.findall(r"\d+", comment.partition("fault")[2]):
                    yield int(number), [test["name"]]


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
