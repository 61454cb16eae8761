"""Co-movement with the market, and the returns that the market does not explain."""

import math
from dataclasses import dataclass
from functools import partial

from tasks.features.engine.arithmetic import is_missing, maximum, ratio, sqrt, where
from tasks.features.engine.rolling import lag, rolling_sum
from tasks.features.engine.series import Series
from tasks.features.families.declaration import Family

SESSIONS_PER_YEAR = 252
MONTH, YEAR = 21, 252

feature = Family("market")


def beta(returns: Series, market_returns: Series, *, window: int) -> Series:
    """Return the beta of the returns on the market's; missing if the market did not move."""
    joint = _jointly(returns, market_returns, window)
    return joint.with_market / joint.of_market


def downside_beta(returns: Series, market_returns: Series, *, window: int) -> Series:
    """Return beta over days on which the market fell (Ang, Chen and Xing 2006)."""
    joint = _jointly(returns, market_returns, window, only=market_returns < 0)
    return joint.with_market / joint.of_market


def market_correlation(returns: Series, market_returns: Series, *, window: int) -> Series:
    """Return the correlation with the market; 0 without moves."""
    joint = _jointly(returns, market_returns, window)
    return ratio(joint.with_market, sqrt(joint.of_share * joint.of_market), flat=0.0)


def market_delay(returns: Series, market_returns: Series, *, window: int) -> Series:
    """Return the correlation with the market's return of the previous day (Hou and Moskowitz 2005): price delay."""
    return market_correlation(returns, lag(market_returns, 1), window=window)


def residual_volatility(returns: Series, market_returns: Series, *, window: int) -> Series:
    """Return the annualized standard deviation of the residual on the market."""
    variance = _jointly(returns, market_returns, window).residual_variance
    return sqrt(variance * SESSIONS_PER_YEAR)


def residual_momentum(returns: Series, market_returns: Series, *, window: int, skip: int) -> Series:
    """Return the mean daily residual on the market in standard deviations of the residual; 0 without moves.

    Blitz, Huij and Martens (2011), with one factor: momentum without market exposure.
    """
    joint = _jointly(lag(returns, skip), lag(market_returns, skip), window)
    mean_residual = (joint.share - joint.with_market / joint.of_market * joint.market) / joint.count
    return ratio(mean_residual, sqrt(joint.residual_variance), flat=0.0)


@dataclass(frozen=True)
class _Joint:
    """Sums of returns, squared deviations and their products, over the days on which both are present."""

    count: Series
    share: Series
    market: Series
    of_share: Series
    of_market: Series
    with_market: Series

    @property
    def residual_variance(self) -> Series:
        """The share's variance around the line fitted on the market's returns."""
        unexplained = self.of_share - self.with_market**2 / self.of_market
        return maximum(unexplained, 0.0) / (self.count - 2)


def _jointly(returns: Series, market_returns: Series, window: int, *, only: Series | None = None) -> _Joint:
    """Sum over the window's days, or over those in `only`; the whole window must have enough days."""
    counted = 1.0 if only is None else where(only, 1.0, 0.0)
    share = where(is_missing(market_returns), math.nan, returns) * counted
    market = where(is_missing(returns), math.nan, market_returns) * counted
    count = rolling_sum(where(is_missing(share), math.nan, counted), window)
    of_share, of_market = rolling_sum(share, window), rolling_sum(market, window)
    return _Joint(  # the means of daily returns are far below their deviations, so subtraction loses no precision
        count,
        of_share,
        of_market,
        rolling_sum(share * share, window) - of_share * of_share / count,
        rolling_sum(market * market, window) - of_market * of_market / count,
        rolling_sum(share * market, window) - of_share * of_market / count,
    )


FEATURES = (
    feature(
        "beta_252",
        partial(beta, window=YEAR),
        YEAR + 1,
        "covariance of return and market return / variance of the market return, 252 sessions",
    ),
    feature(
        "downside_beta_252",
        partial(downside_beta, window=YEAR),
        YEAR + 1,
        "beta_252 over only those of the 252 sessions on which the market fell",
    ),
    *(
        feature(
            f"residual_volatility_{n}",
            partial(residual_volatility, window=n),
            n + 1,
            f"√(252 × Σ residual² / (n − 2)), residuals of the regression of returns on market returns, {n} sessions",
        )
        for n in (63, 126)
    ),
    feature(
        "market_correlation_252",
        partial(market_correlation, window=YEAR),
        YEAR + 1,
        "correlation of return and market return, 252 sessions; 0",
    ),
    feature(
        "market_delay_126",
        partial(market_delay, window=126),
        128,
        "correlation of return and market return of the previous session, 126 sessions; 0",
    ),
    feature(
        "residual_momentum_12m",
        partial(residual_momentum, window=YEAR - MONTH, skip=MONTH),
        YEAR + 1,
        "a / √(Σ residual² / (n − 2)), a the intercept of the regression of returns on market returns,"
        " 231 sessions that ended 21 sessions ago; 0",
    ),
)
