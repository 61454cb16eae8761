"""docs/reliability.md: every fault has a row, and what the row says of its tests is so."""

import re

from tests.documentation.reliability_page import NOT_BUILT, PAGE, all_tests, covering_tests, rows, with_tests

TEXT = PAGE.read_text()
FAULTS = set(range(1, 146)) - {102}  # this number is not used


def test_every_fault_has_a_row():
    assert set(rows(TEXT)) == FAULTS


def test_every_test_that_the_page_names_exists():
    known = all_tests()

    assert [name for name in re.findall(r"`(test_\w+)`", TEXT) if name not in known] == []


def test_a_fault_that_is_met_has_a_test_and_one_that_is_not_built_has_none():
    table = rows(TEXT)

    assert [
        number for number, (result, named) in table.items() if result.startswith("met") and not named
    ] == []
    assert [number for number, (result, named) in table.items() if result == NOT_BUILT and named] == []
    assert {result.split(":")[0] for result, _ in table.values()} <= {"met", "in part", NOT_BUILT}


def test_tests_are_found_by_the_numbers_in_their_names():
    found = covering_tests()

    assert "test_faults_051_052_a_failing_disk_keeps_what_was_there" in found[51]
    assert "test_faults_051_052_a_failing_disk_keeps_what_was_there" in found[52]
    assert "test_fault_117_processes_that_trip_and_reset_at_once_never_lose_a_trip" in found[117]


def test_tests_are_found_by_a_comment_too():
    assert "test_a_gate_that_raises_has_failed" in covering_tests()[48]


def test_the_column_of_tests_is_rewritten_and_nothing_else():
    text = "| 117 | a race | H | met |  |\n| 4 | x | Q | met | `test_gone` |\n"

    assert "| 117 | a race | H | met | `test_fault_117_processes_that" in with_tests(text)
    assert "test_gone" not in with_tests(text)
    assert with_tests("other text\n") == "other text\n"
