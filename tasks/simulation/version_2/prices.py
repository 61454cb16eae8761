"""Simulate returns in version 2: market, sector, style and idiosyncratic parts, all with clustered volatility.

All names share one drift; no factor carries a premium; every part is a symmetric log return around zero. So without
planted alpha nothing predicts returns across names on average, although in a single session factors can make a ranking
look predictive.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from tasks.simulation.companies import Companies, Slots, Values
from tasks.simulation.mechanics import News, Own
from tasks.simulation.naming import SECTORS
from tasks.simulation.parameters import SESSIONS_PER_YEAR, Parameters
from tasks.simulation.trading import move_special
from tasks.simulation.version_2.market import CALM_VOLATILITY, overnight_part

CONTAGION = 0.60  # elasticity of the volatility of names, sectors and styles to the market's
# sensitivity of each sector to the market, its own annual volatility in a calm market, and its loading on the factor
# that separates cyclical from defensive sectors; in the order of SECTORS
SECTOR_BETA = np.array([1.10, 0.85, 1.10, 1.05, 0.90, 1.05, 0.70, 1.10, 0.65, 0.90, 1.05])
SECTOR_VOLATILITY = 1.27 * np.array(
    [0.045, 0.045, 0.045, 0.035, 0.040, 0.030, 0.040, 0.095, 0.065, 0.060, 0.045]
)
SECTOR_CYCLE = np.array([0.2, -0.7, 0.8, 0.3, -0.2, 0.7, -1.2, 1.2, -1.7, -1.0, 0.8])
CYCLE_VOLATILITY = 0.041 / sqrt(SESSIONS_PER_YEAR)
FACTOR_FREEDOM = 5  # of Student's t
OWN_FREEDOM = 5
LARGEST_SURPRISE = 9.0  # in standard deviations
UNREST_KEEP, UNREST_NOISE = 0.985, 0.045  # log volatility of each sector around the market's
COMMON_KEEP, COMMON_NOISE = 0.993, 0.060  # log volatility that all names share, besides the market's
SLOW_KEEP, SLOW_NOISE = 0.993, 0.058  # log volatility of a name
FAST_KEEP, FAST_REACTION, FAST_LEVERAGE = 0.90, 0.09, 0.03
EARNINGS_MOVE, EARNINGS_FREEDOM = 3.5, 4
NEWS_OVERNIGHT = 0.95
OWN_LEVEL = 0.37  # of the volatility that companies were drawn with, in a calm market
OVERNIGHT_SHARE = 0.25  # of the variance without news
ALPHA_OVERNIGHT = 0.30  # of the planted return of a session


class Draws:
    """Random generators for prices, one per purpose."""

    def __init__(self, parameters: Parameters) -> None:
        self.surprise = parameters.generator("residual")
        self.unrest = parameters.generator("unrest")
        self.factors = parameters.generator("factors")
        self.slide = parameters.generator("slide")
        self.night = parameters.generator("nights")
        self.earnings = parameters.generator("earnings days")
        self.profile = parameters.generator("profiles")


@dataclass
class Unrest:
    """Log deviations of volatilities."""

    sectors: Values  # and the cycle
    common: float
    slow: Values  # by slot
    fast: Values


@dataclass(frozen=True)
class MarketSession:
    """The market's session; returns are log returns, volatility is daily."""

    drift: float
    volatility: float
    shock: float
    overnight: float


@dataclass(frozen=True)
class SessionMove:
    """One session's returns, their parts, and what the next steps need."""

    returns: Values
    overnight: Values
    own: Own
    own_volatility: Values
    surprise: Values


def new_unrest(count: int) -> Unrest:
    """Return the state before the first session."""
    return Unrest(np.zeros(len(SECTORS) + 1), 0.0, np.zeros(count), np.zeros(count))


def complete(companies: Companies, unrest: Unrest, slots: Slots, draws: Draws) -> None:
    """Complete new companies: volatile companies and cyclical sectors move more with the market."""
    restless = np.log(companies.base_volatility[slots] / (0.26 / sqrt(SESSIONS_PER_YEAR)))
    noise = draws.profile.standard_normal((2, slots.size))
    beta = SECTOR_BETA[companies.sector[slots]] + 0.55 * restless + 0.17 * noise[0]
    companies.beta[slots] = np.clip(beta, 0.3, 2.0)
    companies.beta_variance = float(np.var(companies.beta))
    unrest.slow[slots] = 0.2 * noise[1]
    unrest.fast[slots] = 0.0


def volatility_factor(market_volatility: float) -> float:
    """Return the volatility of names relative to a calm market."""
    return float((market_volatility / CALM_VOLATILITY) ** CONTAGION)


def own_volatility(companies: Companies, unrest: Unrest, market_volatility: float) -> Values:
    """Return the daily idiosyncratic volatility of each name."""
    shared = volatility_factor(market_volatility) * float(np.exp(unrest.common))
    own: Values = OWN_LEVEL * companies.base_volatility * np.exp(unrest.slow + unrest.fast) * shared
    return own


def draw_move(
    companies: Companies,
    unrest: Unrest,
    market: MarketSession,
    styles: Values,
    expected: Values,
    news: News,
    draws: Draws,
) -> SessionMove:
    """Draw the session's returns. `styles` is each name's return from the style factors, `expected` planted alpha."""
    count, market_volatility = companies.count, market.volatility
    own = own_volatility(companies, unrest, market_volatility)
    surprise = _bounded_t(draws.surprise, OWN_FREEDOM, count)
    night = draws.night.standard_normal(count)
    factor = _draw_sectors(unrest, volatility_factor(market_volatility), draws)[companies.sector] + styles
    factor -= factor.mean()  # what moves all names is the market
    jump = _earnings_jumps(companies, own, news, draws)
    own_part = own * surprise
    level = market.drift - _variance(companies, own, factor, market_volatility) / 2
    own_returns = expected + own_part + jump
    own_overnight = ALPHA_OVERNIGHT * expected + NEWS_OVERNIGHT * jump
    own_overnight += overnight_part(own_part, own, night, share=OVERNIGHT_SHARE)
    returns = level + companies.beta * market.shock + factor + own_returns
    overnight = companies.beta * market.overnight + OVERNIGHT_SHARE * factor + own_overnight
    before = returns.copy()
    move_special(companies, level, returns, draws.slide)
    returns[news.jumping] = news.jumps
    is_special = returns != before
    overnight = np.where(is_special, OVERNIGHT_SHARE * returns, overnight)
    overnight[news.jumping] = NEWS_OVERNIGHT * news.jumps
    own_returns = np.where(is_special, returns - level, own_returns)
    own_overnight = np.where(is_special, overnight, own_overnight)
    _move_volatilities(unrest, surprise, draws)
    return SessionMove(returns, overnight, Own(own_returns, own_overnight), own, 0.5 * returns / own)


def _bounded_t(draw: np.random.Generator, freedom: int, count: int) -> Values:
    surprise: Values = draw.standard_t(freedom, count) * sqrt((freedom - 2) / freedom)
    np.clip(surprise, -LARGEST_SURPRISE, LARGEST_SURPRISE, out=surprise)
    return surprise


def _draw_sectors(unrest: Unrest, factor: float, draws: Draws) -> Values:
    """Return the move of each sector."""
    surprise = _bounded_t(draws.factors, FACTOR_FREEDOM, len(SECTORS) + 1)
    moved = surprise * np.exp(unrest.sectors) * factor
    unrest.sectors *= UNREST_KEEP
    unrest.sectors += UNREST_NOISE * draws.factors.standard_normal(len(moved))
    sectors: Values = SECTOR_VOLATILITY / sqrt(SESSIONS_PER_YEAR) * moved[:-1]
    sectors += CYCLE_VOLATILITY * SECTOR_CYCLE * moved[-1]
    return sectors


def _earnings_jumps(companies: Companies, own: Values, news: News, draws: Draws) -> Values:
    """Return the overnight jumps of the companies that file, symmetric around zero."""
    jump = np.zeros(companies.count)
    filing = news.reporting[companies.age[news.reporting] > 0]
    jump[filing] = EARNINGS_MOVE * own[filing] * _bounded_t(draws.earnings, EARNINGS_FREEDOM, filing.size)
    return jump


def _variance(companies: Companies, own: Values, factor: Values, market_volatility: float) -> float:
    """Return the cross-sectional variance of log returns.

    Half of it is the convexity gain of a mean of exponentials. It is subtracted from all names, so that an equal-weight
    portfolio earns the benchmark's return.
    """
    of_market = companies.beta_variance * market_volatility**2
    return of_market + float(factor @ factor + own @ own) / own.size


def _move_volatilities(unrest: Unrest, surprise: Values, draws: Draws) -> None:
    noise = draws.unrest.standard_normal(surprise.size + 1)
    unrest.common = COMMON_KEEP * unrest.common + COMMON_NOISE * float(noise[-1])
    unrest.slow *= SLOW_KEEP
    unrest.slow += SLOW_NOISE * noise[:-1]
    unrest.fast *= FAST_KEEP
    unrest.fast += FAST_REACTION * (np.minimum(np.abs(surprise), 4.0) - 0.70) - FAST_LEVERAGE * np.clip(
        surprise, -4.0, 4.0
    )
