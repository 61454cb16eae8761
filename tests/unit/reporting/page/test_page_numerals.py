from datetime import date

import pytest

from tasks.reporting.page.numerals import (
    long_date,
    number,
    ordinal,
    signed,
    signed_usd,
    tone,
    typeset_percent,
    usd,
    words,
)


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (usd(1234.5), "$1,234"),
        (usd(1234.56, 2), "$1,234.56"),
        (usd(-0.3), "$0"),
        (usd(-12.0), "−$12"),
        (usd(float("nan")), "–"),
        (signed_usd(1200.4), "+$1,200"),
        (signed_usd(-300.0), "−$300"),
        (signed_usd(0.3), "$0"),
        (signed_usd(0.3, 2), "+$0.30"),
        (signed_usd(float("nan")), "–"),
        (typeset_percent(0.1234), "12.3%"),
        (typeset_percent(-0.0001), "0.0%"),
        (signed(0.0123), "+1.2%"),
        (signed(-0.0123), "−1.2%"),
        (signed(0.0), "0.0%"),
        (signed(float("nan")), "–"),
        (number(-1234.5, 1), "−1,234.5"),
        (number(float("inf")), "–"),
        (words("max_sharpe"), "Max Sharpe"),
        (words("hrp"), "HRP"),
        (words("equal_weight"), "Equal weight"),
        (long_date(date(2024, 6, 14)), "Friday, 14 June 2024"),
        (tone(-0.1), "loss"),
        (tone(0.0), "flat"),
    ],
)
def test_figures_are_written_for_people(written, expected):
    assert written == expected


@pytest.mark.parametrize(
    ("count", "text"),
    [(1, "1st"), (2, "2nd"), (3, "3rd"), (4, "4th"), (11, "11th"), (12, "12th"), (13, "13th"), (21, "21st")],
)
def test_a_place_in_a_row_is_written_as_people_say_it(count, text):
    assert ordinal(count) == text
    assert ordinal(count + 1100).startswith("1,1")
