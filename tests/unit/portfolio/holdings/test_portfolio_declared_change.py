"""A declaration of positions is shown as what it would change, with the equity before and after."""

import pytest

from tasks.portfolio.holdings.declared_change import DeclaredChange, shares_by_symbol
from tasks.portfolio.holdings.positions import Position, Positions

BEFORE = {"AAA": 10.0, "BBB": 5.0, "DDD": 7.0}
AFTER = {"AAA": 12.5, "CCC": 1000.0, "DDD": 7.0}
CLOSES = {"AAA": 100.0, "BBB": 20.0, "CCC": 3.0, "DDD": 1.0}
CHANGE = DeclaredChange(BEFORE, AFTER, 500.0, 250.25, CLOSES)


def test_each_changed_name_is_shown_with_its_shares_before_and_after_then_cash_and_equity():
    assert CHANGE.lines == [
        "This would change 3 names (1 removed, 1 added, 1 changed):",
        "  changed  AAA                      10 → 12.5",
        "  removed  BBB                       5 → 0",
        "  added    CCC                       0 → 1,000",
        "CASH: $500.00 → $250.25",
        "Equity at the last closes: $1,607.00 → $4,507.25",
    ]


def test_a_script_gets_the_same_figures_as_numbers():
    assert CHANGE.document == {
        "shares": {
            "AAA": {"before": 10.0, "after": 12.5},
            "BBB": {"before": 5.0, "after": 0.0},
            "CCC": {"before": 0.0, "after": 1000.0},
        },
        "cash_usd": {"before": 500.0, "after": 250.25},
        "equity_usd": {"before": 1607.0, "after": 4507.25},
    }


def test_names_without_a_last_close_count_nothing_and_are_counted():
    unpriced = CHANGE._replace(closes_usd={"AAA": 100.0, "DDD": 1.0})

    assert unpriced.lines[-1] == (
        "Equity at the last closes, without 2 names for which the lake has no last close: $1,507.00 → $1,507.25"
    )


@pytest.mark.parametrize(
    ("after", "cash_usd", "is_empty"),
    [
        (BEFORE, 500.0, True),
        (BEFORE | {"CCC": 0.0}, 500.004, True),
        (BEFORE, 500.01, False),
        (BEFORE | {"CCC": 1.0}, 500.0, False),
        ({"AAA": 10.0, "BBB": 5.0}, 500.0, False),
    ],
)
def test_a_change_is_empty_if_shares_and_cash_to_the_cent_are_equal(after, cash_usd, is_empty):
    change = CHANGE._replace(shares_after=after, cash_after_usd=cash_usd)

    assert change.is_empty is is_empty


def test_a_change_of_cash_alone_names_nothing():
    cash_alone = CHANGE._replace(shares_after=BEFORE)

    assert cash_alone.lines[:2] == ["No name would change.", "CASH: $500.00 → $250.25"]


def test_the_lines_of_one_symbol_add_up_and_empty_ones_are_left_out():
    lines = (Position("AAA", 10.0), Position("BBB", 0.0), Position("AAA", 2.5))

    assert shares_by_symbol(Positions(lines, 0.0)) == {"AAA": 12.5}
