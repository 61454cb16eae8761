"""The volatility of quotes: equal to NumPy's standard deviation, whatever the memory layout of the prices."""

import numpy as np
import pytest

from tasks.portfolio.quotes import daily_volatility


def prices(names=40):
    rng = np.random.default_rng(5)
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.02, (64, names)), axis=0))
    close[rng.random(close.shape) < 0.2] = np.nan
    return close


def test_it_is_the_sample_deviation_of_the_known_log_returns():
    close = prices()

    returns = np.diff(np.log(close), axis=0)

    assert daily_volatility(close) == pytest.approx(np.nanstd(returns, axis=0, ddof=1))


def test_it_does_not_depend_on_the_layout():
    close = prices()

    assert daily_volatility(np.asfortranarray(close)).tobytes() == daily_volatility(close).tobytes()


@pytest.mark.parametrize(("returns", "is_known"), [(4, False), (5, True)])
def test_it_is_unknown_with_fewer_than_five_returns(returns, is_known):
    close = prices(names=1)
    close[:] = np.nan
    close[: returns + 1, 0] = np.linspace(50, 55, returns + 1)

    assert np.isfinite(daily_volatility(close)).tolist() == [is_known]


def test_prices_that_are_not_positive_are_missing():
    close = prices(names=1)
    close[10] = 0.0
    gapped = close.copy()
    gapped[10] = np.nan

    assert daily_volatility(close).tobytes() == daily_volatility(gapped).tobytes()
