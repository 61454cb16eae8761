"""What the first lines of a tear sheet say."""

from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from tasks.backtest.halts import Trip
from tasks.data.panel.coverage import Coverage
from tasks.reporting.tearsheet.wording import OPTIMISTIC, basis_lines, headline, reason, survivorship
from tests.unit.reporting.tearsheet.sheets import BASIS, COMBINATION, make_sheet

DOCS = Path(__file__).parents[4] / "docs"
WHOLE = Coverage(date(2023, 12, 29), 100, 100)


def test_sessions_fills_and_costs_come_first():
    sessions, costs, _, halts = basis_lines(make_sheet(), COMBINATION)

    assert sessions.startswith(
        "600 sessions, from 1 February 2022 to 28 June 2024, rebalanced every 5 sessions"
    )
    assert "filled at the next open" in sessions
    assert "5.0 bps of the amount traded, 0.44%" in costs  # 1,000 in 2.38 years of about 100,000
    assert headline(BASIS) == "600 sessions, 1,234 fills, $1,000 of costs"
    assert halts == "No halt rule of the daily run tripped."


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ("reset", "each halt was reset for the next session"),
        ("stay_out", "nothing was bought from 14 March 2023 on"),
    ],
)
def test_halts_are_counted_with_what_followed(after, said):
    trips = tuple(Trip(date(2023, 3, day), "daily_loss", "4.0%", "≤ 3.0%") for day in (14, 20))
    combination = replace(COMBINATION, after_halt=after)

    line = basis_lines(replace(make_sheet(), halts=trips), combination)[-1]

    assert line.startswith("A halt rule tripped in 2 sessions (daily loss 2, Sharpe ratio 0, volatility 0)")
    assert said in line


def test_what_replaced_the_optimizer_is_counted():
    """Not the sessions in which the regime allowed nothing: no optimizer was asked."""
    sheet = replace(make_sheet(), methods={"cash": 7, "equal_weight": 1, "hrp": 1_200, "max_sharpe": 32})

    line = basis_lines(sheet, replace(COMBINATION, optimizer="max_sharpe"))[1]

    assert line == (
        "Max Sharpe did not set the weights of 1,201 of 1,240 decisions: a fallback method did"
        " (Equal weight 1, HRP 1,200)."
    )


def test_nothing_is_replaced_where_the_optimizer_set_all_weights():
    sheet = replace(make_sheet(), methods={"cash": 7, "hrp": 3})

    assert basis_lines(sheet, COMBINATION) == basis_lines(make_sheet(), COMBINATION)


def test_ignored_halts_are_not_mentioned():
    assert len(basis_lines(make_sheet(), replace(COMBINATION, after_halt="ignore"))) == 3


def test_a_backtest_without_the_regime_says_so():
    without = basis_lines(make_sheet(), replace(COMBINATION, uses_regime=False))[0]

    assert without.endswith("The regime does not limit exposure, sizes or buys.")
    assert "regime" not in basis_lines(make_sheet(), COMBINATION)[0]


def test_a_backtest_without_fills_says_so():
    sheet = make_sheet(basis=replace(BASIS, fills=0, traded_usd=0.0, cost_usd=0.0))

    assert basis_lines(sheet, COMBINATION)[1] == "Nothing was traded."
    assert headline(sheet.basis) == "600 sessions, no fills, $0 of costs"


def test_borrow_is_said_only_where_it_was_paid():
    sheet = make_sheet(basis=replace(BASIS, borrow_usd=50.0))

    assert "Borrow fees were another $50." in basis_lines(sheet, COMBINATION)[1]
    assert "Borrow" not in basis_lines(make_sheet(), COMBINATION)[1]


@pytest.mark.parametrize(
    ("coverage", "said"),
    [
        ((), "no index membership"),
        ((WHOLE,), "Every member of the index has a price"),
        ((WHOLE, Coverage(date(2022, 12, 30), 50, 20)), "only 20 of 50 members"),
    ],
)
def test_survivorship_is_said_by_what_the_lake_holds(coverage, said):
    line = survivorship(replace(BASIS, coverage=coverage))

    assert said in line
    assert line.endswith("Delisted in these sessions: 4 of 100 companies in the universe.")
    assert ("survivorship" in line) == (coverage != (WHOLE,))


def test_no_company_that_ended_is_said_too():
    assert survivorship(replace(BASIS, ended=0)).endswith(
        "Delisted in these sessions: 0 of 100 companies in the universe."
    )


def test_a_day_names_its_largest_part_and_who_lost():
    day = make_sheet().worst_days[0]
    plain = replace(day, parts={"market": -0.02, "cost": -0.001}, names=(("AAA", -0.015), ("BRK-B", -0.004)))

    assert reason(plain) == "Market −2.00%. Largest losses: AAA −1.50%, BRK-B −0.40%."
    assert reason(replace(plain, names=())) == "Market −2.00%."


def test_the_documentation_says_the_same_of_what_is_optimistic():
    page = " ".join((DOCS / "backtest.md").read_text().split())

    for line in OPTIMISTIC:
        assert line in page
