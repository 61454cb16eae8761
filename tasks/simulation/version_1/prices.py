"""Simulate prices and volumes of one session.

All names share one drift and differ only by symmetric log returns around it: market, sector, style and idiosyncratic,
none of which carries a premium. So without planted alpha returns cannot be predicted across names.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from tasks.simulation.companies import STYLES, Companies, Values
from tasks.simulation.naming import SECTORS
from tasks.simulation.parameters import SESSIONS_PER_YEAR, Parameters
from tasks.simulation.regimes import CALM_VOLATILITY
from tasks.simulation.trading import move_special

RESIDUAL_FREEDOM = 5  # degrees of freedom of Student's t
RESIDUAL_SCALE = sqrt((RESIDUAL_FREEDOM - 2) / RESIDUAL_FREEDOM)
LARGEST_SURPRISE = 10.0  # in standard deviations; without news no price triples overnight
SECTOR_VOLATILITY = 0.055 / sqrt(SESSIONS_PER_YEAR)
STYLE_VOLATILITY = 0.025 / sqrt(SESSIONS_PER_YEAR)
CONTAGION = 0.4  # elasticity of every name's volatility to the market's


@dataclass(frozen=True)
class MarketSession:
    """The market's session; returns are log returns, volatility is daily."""

    drift: float
    volatility: float
    shock: float

    @property
    def volatility_factor(self) -> float:
        """Volatility of names relative to a calm market."""
        return float((self.volatility / CALM_VOLATILITY) ** CONTAGION)


class Draws:
    """Random generators for prices, one per purpose."""

    def __init__(self, parameters: Parameters) -> None:
        self.residual = parameters.generator("residual")
        self.volatility_shift = parameters.generator("unrest")
        self.factors = parameters.generator("factors")
        self.slide = parameters.generator("slide")


@dataclass(frozen=True)
class SessionReturns:
    """One session's log returns, and the volatility and standardized draw of each name's idiosyncratic part."""

    returns: Values
    own_volatility: Values
    surprise: Values


def own_volatility(companies: Companies, market: MarketSession) -> Values:
    """Return the daily idiosyncratic volatility of each name."""
    return companies.base_volatility * np.exp(companies.volatility_shift) * market.volatility_factor


def spread_of_returns(companies: Companies, market: MarketSession, own: Values) -> float:
    """Return the cross-sectional variance of a session's log returns."""
    common = SECTOR_VOLATILITY**2 + STYLES * STYLE_VOLATILITY**2
    of_market = companies.beta_variance * market.volatility**2
    return of_market + common * market.volatility_factor**2 + float(own @ own) / own.size


def draw_returns(
    companies: Companies, market: MarketSession, expected: Values, draws: Draws
) -> SessionReturns:
    """Draw the session's returns. `expected` is the planted alpha of each name."""
    own = own_volatility(companies, market)
    surprise = draws.residual.standard_t(RESIDUAL_FREEDOM, companies.count) * RESIDUAL_SCALE
    np.clip(surprise, -LARGEST_SURPRISE, LARGEST_SURPRISE, out=surprise)
    factors = draws.factors.standard_normal(len(SECTORS) + STYLES) * market.volatility_factor
    sector = SECTOR_VOLATILITY * factors[: len(SECTORS)]
    style = STYLE_VOLATILITY * factors[len(SECTORS) :]
    # half the variance is the convexity gain of a mean of exponentials: subtracted from all names, so that an
    # equal-weight portfolio earns the benchmark's return
    level = market.drift - spread_of_returns(companies, market, own) / 2
    returns = level + expected + companies.beta * market.shock
    returns += sector[companies.sector] + style @ companies.styles + own * surprise
    move_special(companies, level, returns, draws.slide)
    companies.volatility_shift *= 0.985
    companies.volatility_shift += 0.03 * draws.volatility_shift.standard_normal(companies.count)
    return SessionReturns(returns, own, surprise)
