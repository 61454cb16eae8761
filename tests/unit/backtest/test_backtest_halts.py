"""Halt rules in a walk: what trips, what a trip leaves, and what follows it."""

from collections import Counter

import numpy as np
import pytest

from tasks.backtest.accounting.account import Account
from tasks.backtest.combination import Combination, run_combination
from tasks.backtest.halts import Halts, counts
from tests.builders import make_settings
from tests.unit.backtest.stored import DAYS, flat, world
from tests.unit.backtest.test_backtest_session_decision import SESSIONS, SETTINGS, market, signals

__all__ = ["market"]  # a fixture

CALM = np.full(SESSIONS, 15.0)
PRICES = {"A": flat() | {5: 9.5, 6: 9.5, 7: 9.4}}  # 10 dollars; 5% are lost on day 5, 1% on day 7


def asked(after, *, volatility=CALM, rows=range(3, 9), **settings):
    made = world(PRICES)
    halts = Halts(made, make_settings(**settings), volatility, after=after)
    account = Account(np.array([1_000]), 0)
    return [halts.reductions_only(row, account) for row in rows], halts.trips


def test_a_loss_beyond_the_limit_halts_that_session_and_is_reset_for_the_next():
    halted, trips = asked("reset")

    assert halted == [False, False, True, False, False, False]
    (trip,) = trips
    assert (trip.session, trip.rule) == (DAYS[5].item(), "daily_loss")
    assert counts(trips) == {"daily_loss": 1, "sharpe_ratio": 0, "volatility": 0, "sessions": 1}


def test_who_stays_out_buys_nothing_from_the_first_halt_on():
    halted, trips = asked("stay_out")

    assert halted == [False, False, True, True, True, True]
    assert len(trips) == 1


def test_halts_can_be_ignored():
    assert asked("ignore") == ([False] * 6, [])


def test_a_volatile_market_halts_each_session_anew():
    halted, trips = asked("reset", volatility=np.where(np.arange(SESSIONS) < 7, 41.0, 39.0))

    assert halted == [True, True, True, True, False, False]
    assert counts(trips)["volatility"] == 4
    assert counts(trips)["sessions"] == 4


def test_a_poor_sharpe_ratio_is_measured_anew_after_its_reset():
    short = {"safety.kill_sharpe_sessions": 5, "safety.kill_daily_loss_frac": 0.5, "safety.kill_sharpe": 0.0}
    made = world({"A": {day: 100.0 - day - day % 2 / 2 for day in range(30)}})
    halts = Halts(made, make_settings(**short), CALM, after="reset")
    account = Account(np.array([1_000]), 0)

    halted = [halts.reductions_only(row, account) for row in range(20)]

    assert [row for row, is_halted in enumerate(halted) if is_halted] == [5, 11, 17]


@pytest.mark.parametrize(("after", "buys_later"), [("reset", True), ("stay_out", False)])
def test_a_halted_session_of_a_walk_has_no_purchases(market, after, buys_later):
    shocked = np.where(np.arange(SESSIONS) == 75, 50.0, 15.0)
    combination = Combination(
        *("one", "min_volatility", DAYS[70].item(), DAYS[90].item(), "next_open", 1), after_halt=after
    )
    halts = Halts(market, SETTINGS, shocked, after=after)

    course = run_combination(market, signals(market), SETTINGS, combination, halts)

    assert course.ordered_buys[4].any()
    assert not course.ordered_buys[5].any()
    assert course.ordered_sells[5].any()
    assert course.ordered_buys[6:].any() == buys_later
    assert [trip.session for trip in halts.trips] == [DAYS[75].item()]


def test_a_walk_counts_its_decisions_by_the_rung_of_the_ladder(market):
    combination = Combination("one", "min_volatility", DAYS[70].item(), DAYS[75].item(), "next_open", 1)
    nothing_allowed = signals(market)
    nothing_allowed.exposure_cap[73:] = 0.0
    methods = Counter()

    run_combination(
        market,
        nothing_allowed,
        SETTINGS,
        combination,
        Halts(market, SETTINGS, CALM, after="ignore"),
        methods=methods,
    )

    assert methods == {"min_volatility": 3, "cash": 3}
