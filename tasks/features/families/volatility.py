"""How much a price moves, by itself and with the market."""

from dataclasses import dataclass
from functools import partial

import numpy as np

from tasks.data.schema import Matrix
from tasks.features.rolling import lag, ratio, rolling_mean, rolling_mean_and_std, rolling_sum
from tasks.features.schema import Feature

SESSIONS_PER_YEAR = 252


def realized_volatility(returns: Matrix, *, window: int) -> Matrix:
    """Return the yearly deviation of daily returns."""
    _, std = rolling_mean_and_std(returns, window)
    yearly: Matrix = std * np.sqrt(SESSIONS_PER_YEAR)
    return yearly


def volatility_ratio(returns: Matrix, *, fast: int, slow: int) -> Matrix:
    """Return recent volatility against its longer level; 1 where nothing moved."""
    return ratio(
        realized_volatility(returns, window=fast), realized_volatility(returns, window=slow), flat=1.0
    )


def beta(returns: Matrix, market_returns: Matrix, *, window: int) -> Matrix:
    """Return the slope of the share's returns on the market's; missing when the market did not move."""
    joint = _joint_deviations(returns, market_returns, window)
    return joint.with_market / joint.of_market


def residual_volatility(returns: Matrix, market_returns: Matrix, *, window: int) -> Matrix:
    """Return the yearly deviation of what the market does not explain."""
    joint = _joint_deviations(returns, market_returns, window)
    unexplained = joint.of_share - joint.with_market**2 / joint.of_market
    variance = np.maximum(unexplained, 0.0) / (joint.count - 2)
    return np.sqrt(variance * SESSIONS_PER_YEAR)


def intraday_range(high: Matrix, low: Matrix, close: Matrix) -> Matrix:
    """Return the day's range as a fraction of the close."""
    return (high - low) / close


def atr_fraction(high: Matrix, low: Matrix, close: Matrix, *, window: int) -> Matrix:
    """Return the mean true range, gaps included, as a fraction of the close."""
    before = lag(close, 1)
    true_range = np.maximum(high, before) - np.minimum(low, before)
    return rolling_mean(true_range, window) / close


@dataclass(frozen=True)
class _Joint:
    """Sums of squared deviations and of their product, over the days on which both share and market have a return."""

    count: Matrix
    of_share: Matrix
    of_market: Matrix
    with_market: Matrix


def _joint_deviations(returns: Matrix, market_returns: Matrix, window: int) -> _Joint:
    share = np.where(np.isnan(market_returns), np.nan, returns)
    market = np.where(np.isnan(returns), np.nan, market_returns)
    count = rolling_sum(np.where(np.isnan(share), np.nan, 1.0), window)
    of_share, of_market = rolling_sum(share, window), rolling_sum(market, window)
    return _Joint(  # daily returns have means far below their deviations: nothing is lost by subtracting
        count,
        rolling_sum(share * share, window) - of_share * of_share / count,
        rolling_sum(market * market, window) - of_market * of_market / count,
        rolling_sum(share * market, window) - of_share * of_market / count,
    )


FEATURES = (
    *(
        Feature(
            f"volatility_{n}",
            "volatility",
            partial(realized_volatility, window=n),
            ("returns",),
            n + 1,
            f"deviation of {n} daily returns × √252",
        )
        for n in (21, 63)
    ),
    Feature(
        "volatility_ratio_21_126",
        "volatility",
        partial(volatility_ratio, fast=21, slow=126),
        ("returns",),
        127,
        "volatility of 21 sessions / volatility of 126 sessions",
    ),
    Feature(
        "beta_252",
        "market",
        partial(beta, window=252),
        ("returns", "market_returns"),
        253,
        "covariance with the market's returns / their variance, 252 returns",
    ),
    *(
        Feature(
            f"residual_volatility_{n}",
            "market",
            partial(residual_volatility, window=n),
            ("returns", "market_returns"),
            n + 1,
            f"deviation of returns around the fit on the market's, {n} returns, × √252",
        )
        for n in (63, 126)
    ),
    Feature(
        "intraday_range",
        "ranges",
        intraday_range,
        ("high", "low", "close"),
        1,
        "(high − low) / close of the session",
    ),
    Feature(
        "atr_fraction_14",
        "ranges",
        partial(atr_fraction, window=14),
        ("high", "low", "close"),
        15,
        "mean true range of 14 sessions / close",
    ),
)
