import pytest

from tasks.reporting.day.cells import csv_bytes, csv_cell, fixed
from tasks.reporting.day.files import as_text


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "＝1+1"])
def test_a_cell_that_a_spreadsheet_would_compute_is_quoted(text):
    assert csv_cell(text).startswith("'")


@pytest.mark.parametrize(
    "text", ["AAPL", "BRK.B", "Left the book: score −0.2", "Société Générale", "三菱", ""]
)
def test_an_ordinary_cell_stays_as_it_is(text):
    assert csv_cell(text) == text


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [(1.005, 2, "1.00"), (-0.001, 2, "0.00"), (-1.5, 1, "-1.5"), (float("nan"), 2, ""), (1e6, 0, "1000000")],
)
def test_a_number_is_written_with_a_fixed_count_of_decimals_and_never_as_minus_zero(value, places, text):
    assert fixed(value, places) == text


def test_lines_end_with_plain_newlines_and_are_utf8():
    assert csv_bytes(("a", "b"), [("é", 'say "x", y')]) == 'a,b\né,"say ""x"", y"\n'.encode()


@pytest.mark.parametrize(
    ("value", "text"), [(None, ""), (float("nan"), ""), (False, ""), (True, "yes"), ("thin", "thin")]
)
def test_a_missing_or_false_text_is_empty(value, text):
    assert as_text(value) == text
