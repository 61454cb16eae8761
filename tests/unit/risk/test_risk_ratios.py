"""Formulas of performance against oracles: shared cases (V12, O1), empyrical-reloaded 0.7.1, and hand computation.

The figures marked EMPYRICAL were computed once by that library on the two series below.
"""

from datetime import date

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from tasks.risk.ratios import (
    annual_volatility,
    beta_and_alpha,
    cagr,
    calmar,
    drawdowns,
    max_drawdown,
    sharpe,
    sortino,
    total_return,
)

OWN = np.array([((i * 37) % 23 - 10.4) / 1000 for i in range(80)])
MARKET = np.array([((i * 53) % 19 - 8.7) / 1200 for i in range(80)])
RETURNS = arrays(float, st.integers(2, 40), elements=st.floats(-0.2, 0.2).map(lambda x: round(x, 6)))


def test_sharpe_of_the_published_series_v12():
    yearly = np.array([0.259, 0.198, 0.364, -0.081, 0.057, 0.055, 0.188, 0.317, 0.24, 0.184, -0.01, 0.526])

    assert sharpe(yearly, 0.05, periods=1) == pytest.approx(0.834364, abs=1e-6)


def test_sortino_of_the_published_series_v12():
    yearly = np.array([0.17, 0.15, 0.23, -0.05, 0.12, 0.09, 0.13, -0.04])

    assert sortino(yearly, periods=1) == pytest.approx(4.417261, abs=1e-6)


def test_growth_rate_of_the_published_account_o1():
    assert cagr(1.2046208, date(1998, 1, 5), date(2005, 12, 30)) == pytest.approx(0.02359, abs=5e-6)


def test_formulas_equal_those_of_empyrical():
    level = np.concatenate([[1.0], np.cumprod(1 + OWN)])
    beta, alpha = beta_and_alpha(OWN, MARKET, 0.0001)

    assert annual_volatility(OWN) == pytest.approx(0.10665331271894017, rel=1e-12)
    assert sharpe(OWN, 0.0001) == pytest.approx(0.6497688466801201, rel=1e-12)
    assert sortino(OWN, 0.0002) == pytest.approx(0.6033088032261588, rel=1e-12)
    assert max_drawdown(level) == pytest.approx(-0.01484653133940644, rel=1e-12)
    assert total_return(OWN) == pytest.approx(0.028614529452662296, rel=1e-12)
    assert calmar(0.0929388450097628, max_drawdown(level)) == pytest.approx(6.25997028431009, rel=1e-12)
    assert beta == pytest.approx(0.204246560390039, rel=1e-12)
    assert (1 + alpha / 252) ** 252 - 1 == pytest.approx(0.06521856, abs=1e-8)  # it compounds the alpha


def test_missing_sessions_are_omitted_and_do_not_dilute_a_ratio():
    gapped = np.full(120, np.nan)
    gapped[::3] = OWN[:40]
    market = np.full(120, np.nan)
    market[::3] = MARKET[:40]

    assert sharpe(gapped) == sharpe(OWN[:40])
    assert sortino(gapped) == sortino(OWN[:40])
    assert annual_volatility(gapped) == annual_volatility(OWN[:40])
    assert total_return(gapped) == total_return(OWN[:40])
    assert beta_and_alpha(gapped, market) == beta_and_alpha(OWN[:40], MARKET[:40])


@pytest.mark.parametrize("returns", [[], [0.01], [0.001] * 30, [np.nan] * 5])
def test_a_ratio_without_spread_is_unknown_and_not_infinite(returns):
    returns = np.array(returns, dtype=float)

    assert np.isnan(sharpe(returns))
    assert np.isnan(sortino(np.abs(returns)))
    assert np.isnan(beta_and_alpha(returns, returns)).all()


def test_two_sessions_suffice_for_a_ratio():
    returns, market = np.array([0.01, 0.03]), np.array([0.0, 0.01])
    deviation = 0.01 * np.sqrt(2)

    assert annual_volatility(returns, periods=1) == pytest.approx(deviation)
    assert sharpe(returns, periods=1) == pytest.approx(0.02 / deviation)
    assert beta_and_alpha(returns, market, periods=1) == pytest.approx((2, 0.01))


def test_a_level_without_sessions_or_losses():
    assert np.isnan(max_drawdown(np.array([])))
    assert max_drawdown(np.array([1.0, 2.0])) == 0
    assert np.isnan(calmar(0.1, 0.0))
    assert total_return(np.array([])) == 0


def test_growth_rates_at_the_edges():
    day = date(2024, 1, 2)

    assert np.isnan(cagr(1.1, day, day))
    assert np.isnan(cagr(float("nan"), day, date(2025, 1, 2)))
    assert cagr(0.0, day, date(2025, 1, 2)) == -1
    assert cagr(-0.5, day, date(2025, 1, 2)) == -1
    assert cagr(1.21, date(2022, 1, 1), date(2024, 1, 1)) == pytest.approx(0.1, abs=1e-4)


def test_a_missing_level_neither_hides_nor_makes_a_drawdown():
    assert drawdowns(np.array([100.0, np.nan, 90.0, 110.0])).tolist() == pytest.approx(
        [0, np.nan, -0.1, 0], nan_ok=True
    )
    assert max_drawdown(np.array([100.0, np.nan, 90.0])) == pytest.approx(-0.1)


@given(RETURNS, st.floats(0.1, 4), st.floats(-0.001, 0.001))
def test_a_levered_market_has_that_beta_and_what_is_added_is_alpha(market, leverage, added):
    if market.std() < 1e-6:
        return
    beta, alpha = beta_and_alpha(leverage * market + added, market)

    assert beta == pytest.approx(leverage, rel=1e-6)
    assert alpha == pytest.approx(252 * added, abs=1e-8)


@given(RETURNS, st.floats(0.1, 5))
def test_leverage_changes_neither_sharpe_nor_sortino(returns, leverage):
    if returns.std() < 1e-6:
        return

    assert sharpe(leverage * returns) == pytest.approx(sharpe(returns), rel=1e-9, nan_ok=True)
    assert sortino(leverage * returns) == pytest.approx(sortino(returns), rel=1e-9, nan_ok=True)


@given(RETURNS)
def test_the_deepest_drawdown_is_the_worst_loss_between_any_two_sessions(returns):
    level = np.cumprod(1 + returns)
    worst = min(later / earlier - 1 for i, earlier in enumerate(level) for later in level[i:])

    assert max_drawdown(level) == pytest.approx(worst, abs=1e-12)
