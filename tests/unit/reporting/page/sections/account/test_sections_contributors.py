"""The contributors of a period: three names on either side, all others, and what is no name's."""

from dataclasses import replace
from datetime import date

import pytest

from tasks.ledger.balance import NameCash
from tasks.reporting.page.sections.account.contributors import contributor_lines
from tasks.reporting.page.sections.account.returns import Period
from tests.unit.reporting.example_day import make_inputs

MONDAY = date(2024, 6, 10)
CHANGES = {"AAA": 9_00, "BBB": 8_00, "CCC": 7_00, "DDD": 6_00, "EEE": 5_00}
LOSSES = {"VVV": -1_00, "WWW": -2_00, "XXX": -3_00, "YYY": -4_00, "ZZZ": -50_00}


def line_of(usd):
    """Return the line of a day on which only cash came and went: nothing is held."""
    inputs = make_inputs()
    names = NameCash({**CHANGES, **LOSSES, "": 25})
    portfolio = inputs.records.portfolio
    book = replace(portfolio.book, holdings=(), names=names)
    records = replace(inputs.records, portfolio=replace(portfolio, book=book))
    period = Period("day", "Day", MONDAY, 1, usd, 0.0, 0.0)
    (line,) = contributor_lines(replace(inputs, records=records, worths={MONDAY: {"": 0}}), [period])
    return line


def test_the_largest_gains_and_the_largest_losses_are_named_and_all_others_are_summed():
    line = line_of(-24.75)

    assert line.gained == (("AAA", 9_00), ("BBB", 8_00), ("CCC", 7_00))
    assert line.lost == (("ZZZ", -50_00), ("YYY", -4_00), ("XXX", -3_00))
    assert (line.others, line.others_cents) == (4, 6_00 + 5_00 - 1_00 - 2_00)
    assert (line.other_cents, line.unexplained_cents, line.cents) == (25, 0, -24_75)


@pytest.mark.parametrize("planted", [0.0, 3.21, -1_000.0])
def test_a_difference_that_nothing_explains_is_stated_as_such(planted):
    line = line_of(-24.75 + planted)

    assert line.other_cents == 25
    assert line.unexplained_cents == round(100 * planted)
    assert line.others_cents == 8_00
