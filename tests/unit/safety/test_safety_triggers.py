from datetime import date

import numpy as np
import pytest

from tasks.core.errors import DataError
from tasks.core.sessions import sessions_ending
from tasks.safety.performance import Performance
from tasks.safety.triggers import daily_loss, six_week_sharpe, stale_data, volatility
from tests.builders import FRIDAY, make_settings
from tests.safety_days import make_day, make_regime

THURSDAY = date(2024, 6, 13)
NOTHING = Performance((), (), ())
SHORT = make_settings(**{"safety.kill_sharpe_sessions": 5})


def past_of(*equity_usd: float, last: date = THURSDAY, exposure: float = 0.9) -> Performance:
    days = [day.item() for day in sessions_ending(last, len(equity_usd))]
    return Performance(tuple(days), equity_usd, (exposure,) * len(days))


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

    outcome = six_week_sharpe(make_day(settings=SHORT), falling, None)

    assert not outcome.passed
    assert outcome.limit == "≥ 0.5"


def test_the_sharpe_is_mean_over_deviation_per_year():
    equity = np.array([980_000.0, 985_000, 983_000, 990_000, 996_000])
    returns = np.diff([*equity, 1_000_000]) / equity

    outcome = six_week_sharpe(make_day(settings=SHORT), past_of(*equity), None)

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
    assert six_week_sharpe(make_day(settings=SHORT), past, acknowledged).passed


def test_equity_that_never_moves_is_no_invested_record():
    assert not six_week_sharpe(make_day(settings=SHORT), past_of(*[1_000_000.0] * 5), None).passed


def test_data_of_the_session_before_is_stale():
    assert stale_data(make_day(), NOTHING, None).passed
    assert not stale_data(make_day(snapshot_session=THURSDAY), NOTHING, None).passed


# issue 10, line 6
@pytest.mark.parametrize(("level", "passed"), [(40.0, True), (40.1, False)])
def test_a_volatility_above_forty_halts_new_risk_until_a_person_has_looked_at_that_session(level, passed):
    panic = make_day(regime=make_regime(inputs={"volatility_pct": level}))

    assert volatility(panic, NOTHING, None).passed is passed
    assert volatility(panic, NOTHING, THURSDAY).passed is passed
    assert volatility(panic, NOTHING, FRIDAY).passed


def test_a_volatility_that_nobody_knows_cannot_be_judged():
    with pytest.raises(DataError):
        volatility(make_day(regime=make_regime(inputs={})), NOTHING, None)
