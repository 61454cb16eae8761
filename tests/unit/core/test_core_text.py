from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from tasks.core.text import (
    ascii_label,
    counted,
    dollars,
    escape_controls,
    instant_text,
    no_formula,
    one_line,
    percent,
    probability,
    replace_unprintable,
)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (counted(0, "row"), "no rows"),
        (counted(1, "row"), "1 row"),
        (counted(2, "row"), "2 rows"),
        (counted(1234, "company", "companies"), "1,234 companies"),
        (counted(1, "company", "companies"), "1 company"),
        (dollars(1234.5), "$1,234.50"),
        (dollars(-180_000), "\N{MINUS SIGN}$180,000.00"),
        (dollars(-0.004), "$0.00"),
        (dollars(-1.5, 0), "\N{MINUS SIGN}$2"),
        (percent(0.15), "15%"),
        (percent(0.0175), "1.75%"),
        (percent(-1e-9), "0%"),
        (percent(0.15, 2), "15.00%"),
        (percent(-0.05, 2), "-5.00%"),
        (percent(-1e-9, 2), "0.00%"),
        (percent(12.345, 1), "1,234.5%"),
        (percent(float("nan"), 2), "nan%"),
    ],
)
def test_counts_and_percentages_are_written_for_people(written, expected):
    assert written == expected


@pytest.mark.parametrize("character", ["\u202e", "\u2066", "\x00", "\x1b", "\ud800", "\u2028", "\n"])
def test_an_unprintable_character_is_replaced_by_a_visible_one(character):
    assert replace_unprintable(f"a{character}b") == "a\N{REPLACEMENT CHARACTER}b"


@pytest.mark.parametrize(
    ("hostile", "shown"),
    [
        ("\x1b[2Jgone", "\\x1b[2Jgone"),
        ("a\rb", "a\\rb"),
        ("a\x00b", "a\\x00b"),
        ("abc\u202ecba", "abc\\u202ecba"),
        ("\u2066x\u2069", "\\u2066x\\u2069"),
        ("\x9b31m", "\\x9b31m"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
        ("Müller & Söhne – 東京\t1\n", "Müller & Söhne – 東京\t1\n"),
    ],
)
def test_fault_112_what_a_terminal_would_obey_is_escaped(hostile, shown):
    assert escape_controls(hostile) == shown


@pytest.mark.parametrize(
    ("symbol", "label"), [("B\u00c4D\n", "B\\xc4D\\n"), ("A" * 50, "A" * 40), ("AAPL", "AAPL")]
)
def test_fault_112_a_rejected_symbol_is_written_in_at_most_40_ascii_characters(symbol, label):
    assert ascii_label(symbol) == label


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (1.0, "more than 0.999"),
        (0.9991, "more than 0.999"),
        (0.95, "0.950"),
        (0.9499, "0.949"),
        (0.0, "less than 0.001"),
    ],
)
def test_a_probability_is_never_a_certainty_nor_rounded_up_to_a_limit(value, shown):
    assert probability(value) == shown


def test_what_a_person_entered_becomes_one_line_without_controls():
    assert one_line(" odd\r\n\x1b[31mfill\u202e \t") == "odd \\x1b[31mfill\\u202e"


def test_an_instant_is_written_in_utc_to_the_second():
    at = datetime(2024, 6, 14, 18, 0, 0, 999, tzinfo=ZoneInfo("America/New_York"))

    assert instant_text(at) == "2024-06-14T22:00:00+00:00"


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\tx", "\rx", "\nx", "＝1+1", "＠x"])
def test_a_cell_that_a_spreadsheet_would_evaluate_gets_an_apostrophe(text):
    assert no_formula(text) == f"'{text}"


@pytest.mark.parametrize("text", ["AAPL", "1-2", ""])
def test_any_other_cell_stays_as_it_is(text):
    assert no_formula(text) == text
