"""The human ledger: what persons changed, and what each change earned against the proposal."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from tasks.monitoring.decisions.changes import changes_of
from tasks.monitoring.decisions.outcomes import HORIZON_SESSIONS, outcome_of, totals_of
from tasks.monitoring.decisions.schema import Change, DecidedDay, Line, Outcome
from tests.builders import make_panel

DAY = date(2024, 5, 1)
PROPOSED = (Line("AAA", 100, 20.0, 4.0), Line("BBB", -50, 40.0, 6.0))


def decided(approved=None, *, rejected=False):
    return DecidedDay(DAY, PROPOSED, approved, rejected, "Ann Lee", "odd prices")


def kinds(day):
    return {(one.symbol, one.kind, one.shares, round(one.cost_usd, 6)) for one in changes_of(day)}


def test_a_day_that_is_approved_as_proposed_has_no_change():
    assert kinds(decided(PROPOSED)) == set()


def test_struck_halved_raised_and_added_lines_are_changes_with_the_costs_that_they_avoid_or_add():
    approved = (Line("AAA", 50, 20.0, 0.0), Line("CCC", 10, 100.0, 0.0))

    assert kinds(decided(approved)) == {
        ("AAA", "reduced", -50, -2.0),
        ("BBB", "struck", 50, -6.0),
        ("CCC", "added", 10, 2.5),  # at the 25 bp of the day's other lines
    }
    assert ("AAA", "increased", 100, 4.0) in kinds(decided((Line("AAA", 200, 20.0, 0.0), PROPOSED[1])))


def test_without_an_approval_every_line_is_a_decision_of_who_rejected_or_of_nobody():
    assert {one.kind for one in changes_of(decided(rejected=True))} == {"rejected"}
    assert {one.kind for one in changes_of(decided())} == {"lapsed"}
    assert [(one.person, one.reason) for one in changes_of(decided(rejected=True))] == [
        ("Ann Lee", "odd prices")
    ] * 2


@pytest.fixture(scope="module")
def panel():
    return make_panel(sessions=100, symbols=12)


def change(panel, row, shares=-10.0, symbol="S003", cost=-1.5):
    wanted = max(-shares, 0.0)
    return Change(panel.sessions[row].item(), symbol, "struck", "Ann", "", wanted, wanted + shares, cost)


def test_a_struck_purchase_earns_what_it_would_have_lost_from_the_next_open_and_its_costs(panel):
    found = outcome_of(change(panel, 50), panel)

    bought, worth = panel.open[51, 3], panel.close[51 + HORIZON_SESSIONS - 1, 3]
    assert found.price == pytest.approx(bought)
    assert found.earned_usd == pytest.approx(-10 * (worth - bought) + 1.5)
    assert (found.sessions, found.measured_on) == (21, panel.sessions[71].item())
    assert found.notional_usd == pytest.approx(10 * bought)


def test_a_young_decision_is_measured_until_today(panel):
    found = outcome_of(change(panel, 95), panel)

    assert (found.sessions, found.measured_on) == (4, panel.sessions[-1].item())


def test_raw_prices_give_the_money_and_total_returns_the_growth(panel):
    split = replace(panel, raw_close=panel.raw_close * 7)

    assert outcome_of(change(split, 50), split).price == pytest.approx(7 * panel.open[51, 3])


def test_a_name_that_stopped_trading_keeps_its_last_price_and_one_without_an_open_has_none(panel):
    close, opened = panel.close.copy(), panel.open.copy()
    close[60:, 3] = np.nan
    opened[51, 4] = np.nan
    gone = replace(panel, close=close, open=opened)

    assert outcome_of(change(gone, 50), gone).earned_usd == pytest.approx(
        -10 * (panel.close[59, 3] - panel.open[51, 3]) + 1.5
    )
    assert outcome_of(change(gone, 50, symbol="S004"), gone).earned_usd is None
    assert outcome_of(change(panel, 99), panel).earned_usd is None
    assert outcome_of(change(panel, 50, symbol="ZZZ"), panel).earned_usd is None


def outcomes(earned, panel):
    return [Outcome(change(panel, row), 10.0, DAY, 21, amount) for row, amount in enumerate(earned, start=10)]


def test_totals_have_an_interval_over_sessions_from_ten_on(panel):
    few, enough = (
        totals_of(outcomes([5.0] * 9, panel)),
        totals_of(outcomes([5.0, -3.0, 2.0, 9.0, -4.0] * 4, panel)),
    )

    assert [(one.kind, one.changes, one.sessions, one.earned_usd) for one in few] == [
        ("struck", 9, 9, 45.0),
        ("all", 9, 9, 45.0),
    ]
    assert few[0].low_usd is None
    assert enough[0].earned_usd == pytest.approx(36.0)
    assert enough[0].low_usd < 36.0 < enough[0].high_usd


def test_what_has_no_price_is_not_counted_as_nothing(panel):
    missing = Outcome(change(panel, 10), None, None, 0, None)

    assert totals_of([missing]) == ()
    assert totals_of([missing, *outcomes([1.0], panel)])[0].changes == 1
