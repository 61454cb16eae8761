"""The account's figures: withheld below 60 sessions, compared with the champion's backtest."""

import numpy as np
import pytest

from tasks.monitoring.account import account_alerts, account_figures
from tests.builders import make_settings

LIMITS = make_settings().monitoring


def levels(mean, count, spread=0.01):
    noise = np.random.default_rng(2).normal(0, 1, count)
    returns = mean + spread * (noise - noise.mean()) / noise.std(ddof=1)
    return 1e6 * np.cumprod(np.concatenate([[1.0], 1 + returns]))


def figures(mean, count):
    regimes = ["BULL", "BEAR"] * (count // 2 + 1)
    return account_figures(levels(mean, count), regimes[: count + 1])


def test_ratios_of_few_sessions_are_withheld():
    short, enough = figures(0.001, 59), figures(0.001, 60)

    assert (short.sharpe, short.win_rate, short.sessions) == (None, None, 59)
    assert enough.sharpe == pytest.approx(0.1 * np.sqrt(252))
    assert enough.sharpe_error == pytest.approx(np.sqrt((1 + 0.005) / 60 * 252))


def test_a_return_counts_towards_the_regime_at_the_previous_close():
    """The loss of the session whose close sets CRASH is BULL's: BULL sized what was held."""
    levels = np.array([100.0, 110, 110, 88, 88, 44])
    regimes = ["BULL", "BULL", "BULL", "CRASH", "BEAR", "BULL"]

    found = account_figures(levels, regimes)

    assert found.by_regime == (
        ("CRASH", 1, 0.0, 0.0),
        ("BEAR", 1, pytest.approx(-0.5), 0.0),
        ("BULL", 3, pytest.approx((0.1 - 0.2) / 3), pytest.approx(1 / 3)),
    )


def test_regimes_are_those_of_the_last_126_returns():
    levels = np.concatenate([np.ones(10), 1.01 ** np.arange(1, 127)])

    found = account_figures(levels, ["BEAR"] * 9 + ["BULL"] * 126 + ["CRASH"])

    assert found.by_regime == (("BULL", 126, pytest.approx(0.01), 1.0),)


def test_an_account_far_below_its_backtest_is_an_alert_and_one_that_may_be_unlucky_is_not():
    assert account_alerts(figures(-0.004, 126), 2.0, LIMITS)[0].name == "sharpe"
    assert account_alerts(figures(-0.0005, 126), 2.0, LIMITS) == []
    assert account_alerts(figures(-0.004, 126), None, LIMITS) == []
    assert account_alerts(figures(-0.004, 50), 2.0, LIMITS) == []


def test_a_shortfall_of_three_errors_is_what_a_bear_market_may_bring_and_no_alert():
    found = figures(-0.002, 126)
    shortfall = 3.3 * found.sharpe_error

    assert account_alerts(found, found.sharpe + shortfall, LIMITS) == []
    assert account_alerts(found, found.sharpe + shortfall * 3.6 / 3.3, LIMITS)[0].name == "sharpe"


def test_a_session_without_a_gain_is_not_a_win():
    levels = np.repeat(1e6 * 1.01 ** np.arange(31), 2)  # every second session changes nothing

    found = account_figures(levels, ["BULL"] * len(levels))

    assert found.win_rate == pytest.approx(30 / 61)
    assert found.by_regime[0][3] == pytest.approx(30 / 61)


def has_alert_in_a_quarter(seed, *, earned, expected):
    """Simulate daily returns with fat tails and a wandering volatility, and look at the account on 63 sessions."""
    rng = np.random.default_rng(seed)
    volatility = np.exp(rng.normal(0, 0.03, 189).cumsum())
    noise = volatility / volatility.mean() * rng.standard_t(5, 189) / np.sqrt(5 / 3)
    level = np.cumprod(np.concatenate([[1.0], 1 + 0.01 * (noise + earned / np.sqrt(252))]))
    windows = (level[first + 1 : first + 128] for first in range(63))
    return any(account_alerts(account_figures(each, ["BULL"] * 127), expected, LIMITS) for each in windows)


def test_an_account_that_earns_what_was_expected_has_no_alert_in_nearly_all_quarters():
    alerted = [has_alert_in_a_quarter(seed, earned=2.0, expected=2.0) for seed in range(80)]

    assert np.mean(alerted) <= 0.05


def test_an_account_that_loses_four_deviations_a_year_is_nearly_always_alerted():
    alerted = [has_alert_in_a_quarter(seed, earned=-4.0, expected=2.0) for seed in range(60)]

    assert np.mean(alerted) >= 0.9


@pytest.mark.parametrize(("last", "drawdown"), [(75.0, -0.25), (100.0, 0.0), (110.0, 0.0)])
def test_the_drawdown_is_that_of_the_last_session_and_none_once_the_account_has_recovered(last, drawdown):
    found = account_figures(np.array([100.0, 50.0, last]), ["BULL"] * 3)

    assert found.drawdown == pytest.approx(drawdown)


def test_one_session_has_no_figures():
    assert account_figures(np.array([1e6]), ["BULL"]) is None
