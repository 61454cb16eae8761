from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from tasks.core.errors import DataError
from tasks.core.sessions import sessions_ending
from tasks.safety.equity_history import EquityHistory
from tasks.safety.kill_switch.triggers import daily_loss, sharpe_ratio, stale_data, volatility
from tests.builders import FRIDAY, make_settings
from tests.safety_days import make_day, make_regime

THURSDAY = date(2024, 6, 13)
NOTHING = EquityHistory((), (), (), ())
SHORT = make_settings(**{"safety.kill_sharpe_sessions": 5, "safety.kill_sharpe": 0.5})


def past_of(*equity_usd: float, last: date = THURSDAY, exposure: float = 0.9) -> EquityHistory:
    days = [day.item() for day in sessions_ending(last, len(equity_usd))]
    return EquityHistory(tuple(days), equity_usd, (exposure,) * len(days), (0.0,) * len(days))


@pytest.mark.parametrize(("before", "passed"), [(1_030_000, True), (1_032_000, False), (900_000, True)])
def test_a_loss_of_more_than_three_percent_trips(before, passed):
    assert daily_loss(make_day(), past_of(before), None).passed is passed


def test_the_first_session_has_nothing_to_lose_against():
    assert daily_loss(make_day(), NOTHING, None).passed


def test_a_session_does_not_look_at_its_own_row_nor_at_later_ones():
    past = past_of(1_000_000.0, 2_000_000.0, 2_000_000.0, last=date(2024, 6, 17))

    assert past.sessions[1] == FRIDAY
    assert daily_loss(make_day(), past, None).passed


def test_after_four_sessions_without_a_run_the_limit_is_twice_as_wide():
    monday = date(2024, 6, 10)

    assert daily_loss(make_day(), past_of(1_060_000, last=monday), None).passed
    assert not daily_loss(make_day(), past_of(1_070_000, last=monday), None).passed


def test_a_loss_that_a_person_has_looked_at_does_not_trip_again():
    assert daily_loss(make_day(), past_of(1_200_000), FRIDAY).passed
    assert not daily_loss(make_day(), past_of(1_200_000), THURSDAY).passed


def test_a_losing_run_of_invested_sessions_trips():
    falling = past_of(*np.linspace(1_020_000, 1_004_000, 5) + np.array([0, 900, 0, 900, 0]))

    outcome = sharpe_ratio(make_day(settings=SHORT), falling, None)

    assert not outcome.passed
    assert outcome.limit == "≥ 0.5"


def test_the_sharpe_is_mean_over_deviation_per_year():
    equity = np.array([980_000.0, 985_000, 983_000, 990_000, 996_000])
    returns = np.diff([*equity, 1_000_000]) / equity

    outcome = sharpe_ratio(make_day(settings=SHORT), past_of(*equity), None)

    assert outcome.passed
    assert float(outcome.value) == pytest.approx(returns.mean() / returns.std(ddof=1) * 252**0.5, abs=0.01)


@pytest.mark.parametrize(
    ("past", "acknowledged"),
    [
        (past_of(1_020_000, 1_010_000, 1_005_000, 1_001_000), None),
        (past_of(*[1_020_000] * 5, exposure=0.0), None),
        (past_of(*np.linspace(1_020_000, 1_001_000, 5)), date(2024, 6, 10)),
    ],
    ids=["too short", "not invested", "already looked at"],
)
def test_without_a_full_invested_window_nothing_is_judged(past, acknowledged):
    assert sharpe_ratio(make_day(settings=SHORT), past, acknowledged).passed


def test_equity_that_never_moves_is_not_an_invested_record():
    assert not sharpe_ratio(make_day(settings=SHORT), past_of(*[1_000_000.0] * 5), None).passed


@pytest.mark.parametrize("unknown", [float("nan"), 0.0])
def test_an_unknown_return_is_not_a_reason_to_measure_the_rest(unknown):
    rising = past_of(980_000, 985_000, unknown, 990_000, 996_000)

    assert sharpe_ratio(
        make_day(settings=SHORT), past_of(980_000, 985_000, 983_000, 990_000, 996_000), None
    ).passed
    assert not sharpe_ratio(make_day(settings=SHORT), rising, None).passed


def test_data_of_the_session_before_is_stale():
    assert stale_data(make_day(), NOTHING, None).passed
    assert not stale_data(make_day(snapshot_session=THURSDAY), NOTHING, None).passed


# issue 10, line 6
@pytest.mark.parametrize(("level", "passed"), [(40.0, True), (40.1, False)])
def test_a_volatility_above_forty_halts_new_risk_until_a_person_has_looked_at_that_session(level, passed):
    panic = make_day(regime=make_regime(inputs={"volatility_pct": level}))

    assert volatility(panic, NOTHING, None).passed is passed
    assert volatility(panic, NOTHING, None).detail == ("" if passed else "no new risk")
    assert volatility(panic, NOTHING, THURSDAY).passed is passed
    assert volatility(panic, NOTHING, FRIDAY).passed


def test_a_volatility_that_nobody_knows_cannot_be_judged():
    with pytest.raises(DataError):
        volatility(make_day(regime=make_regime(inputs={})), NOTHING, None)


def parts(outcome):
    return tuple(outcome)


def test_each_trigger_tells_what_it_measured_what_it_allows_and_since_when():
    day, panic = make_day(), make_day(regime=make_regime(inputs={"volatility_pct": 45.0}))
    loss = daily_loss(day, past_of(1_040_000), None)

    assert parts(loss) == (False, "3.85%", "≤ 3.00%", "lost since 2024-06-13")
    assert parts(daily_loss(day, past_of(1_000_000), None)) == (True, "0.00%", "≤ 3.00%", "")
    assert parts(daily_loss(day, NOTHING, None)) == (True, "no earlier session", "loss ≤ 3.00%", "")
    assert parts(daily_loss(day, past_of(1_040_000), FRIDAY)) == (
        True,
        "reset by a person",
        "loss ≤ 3.00%",
        "",
    )
    assert parts(volatility(day, NOTHING, None)) == (True, "15.0", "≤ 40", "")
    assert parts(volatility(panic, NOTHING, None)) == (False, "45.0", "≤ 40", "no new risk")
    assert parts(volatility(panic, NOTHING, FRIDAY)) == (True, "reset by a person", "≤ 40", "")
    assert parts(stale_data(day, NOTHING, None)) == (True, "0 sessions old", "≤ 0", "")
    old = make_day(snapshot_session=date(2024, 6, 12))
    assert parts(stale_data(old, NOTHING, None)) == (False, "2 sessions old", "≤ 0", "")
    short = sharpe_ratio(make_day(settings=SHORT), NOTHING, None)
    assert parts(short) == (True, "fewer than 5 invested sessions", "≥ 0.5", "")
    falling = past_of(*[1_020_000, 1_016_000, 1_013_000, 1_008_000, 1_004_000])
    poor = sharpe_ratio(make_day(settings=SHORT), falling, None)
    assert (poor.passed, poor.limit, poor.detail) == (False, "≥ 0.5", "over the last 5 sessions")


def test_the_sharpe_that_is_asked_for_is_enough():
    equity = np.array([980_000.0, 985_000, 983_000, 990_000, 996_000])
    returns = np.diff([*equity, 1_000_000]) / equity
    sharpe = returns.mean() / returns.std(ddof=1) * 252**0.5

    for asked, passed in ((sharpe - 1e-9, True), (sharpe + 1e-9, False)):
        chosen = make_settings(**{"safety.kill_sharpe_sessions": 5, "safety.kill_sharpe": asked})
        assert sharpe_ratio(make_day(settings=chosen), past_of(*equity), None).passed is passed


def test_a_session_in_cash_anywhere_in_the_window_leaves_the_sharpe_unjudged():
    falling = past_of(*np.linspace(1_040_000, 1_004_000, 9))
    cash_first = EquityHistory(falling.sessions, falling.equity_usd, (0.0,) * 6 + (0.9,) * 3, (0.0,) * 9)
    cash_before = EquityHistory(falling.sessions, falling.equity_usd, (0.0,) * 5 + (0.9,) * 4, (0.0,) * 9)
    day = make_day(settings=SHORT)

    assert sharpe_ratio(day, cash_first, None).passed  # five sessions: the last four of these, and today
    assert sharpe_ratio(day, cash_before, None).value == sharpe_ratio(day, falling, None).value
    in_cash_today = make_day(settings=SHORT, holdings={}, cash_usd=1e6)
    assert sharpe_ratio(in_cash_today, falling, None).passed


def test_the_sharpe_forgets_what_was_before_its_window():
    equity = np.array([980_000.0, 985_000, 983_000, 990_000, 996_000])

    judged = [
        sharpe_ratio(make_day(settings=SHORT), past_of(*earlier, *equity), None)
        for earlier in ((), (5_000_000.0,), (5_000_000.0, 1.0))
    ]

    assert (judged[0].passed, judged[0].detail) == (True, "")
    assert judged[1:] == [judged[0], judged[0]]


def with_flows(past: EquityHistory, *net_flows_usd: float) -> EquityHistory:
    return replace(past, net_flows_usd=net_flows_usd)


# X14: declared capital flows are neither gains nor losses
def test_a_withdrawal_is_not_a_loss_and_a_deposit_hides_none():
    withdrawn = make_day(book=replace(make_day().book, net_flows_usd=-100_000.0))
    deposited = make_day(book=replace(make_day().book, net_flows_usd=100_000.0))

    assert daily_loss(withdrawn, past_of(1_100_000), None).passed
    assert not daily_loss(deposited, past_of(1_000_000), None).passed
    assert daily_loss(deposited, with_flows(past_of(1_000_000), 100_000.0), None).passed


# fault 136: between ex-date and payment the price has fallen and the cash has not come
def test_fault_136_a_dividend_between_ex_date_and_payment_is_not_a_loss():
    due = make_day(book=replace(make_day().book, receivable_usd=40_000.0))

    assert not daily_loss(make_day(), past_of(1_040_000), None).passed
    assert daily_loss(due, past_of(1_040_000), None).passed


def test_the_sharpe_ratio_is_that_of_returns_net_of_flows():
    rising = past_of(1_990_000, 1_992_000, 1_995_000, 1_996_000, 1_999_000)
    withdrawn = make_day(settings=SHORT, book=replace(make_day().book, net_flows_usd=-1e6))

    assert sharpe_ratio(withdrawn, rising, None).passed
    assert not sharpe_ratio(make_day(settings=SHORT), rising, None).passed
    longer = past_of(900_000, *rising.equity_usd)
    assert sharpe_ratio(withdrawn, longer, None) == sharpe_ratio(withdrawn, rising, None)
