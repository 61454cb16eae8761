"""Move prices and volumes by one session.

All names share one drift and differ only by symmetric log moves around it: market, sector, style and their own, none
of which pays a premium. So without planted alpha no name's return can be told from another's in advance.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from tasks.simulation.companies import STYLES, Companies, Life, Slots, Values
from tasks.simulation.naming import SECTORS
from tasks.simulation.parameters import SESSIONS_PER_YEAR, Parameters
from tasks.simulation.regimes import CALM_VOLATILITY

RESIDUAL_FREEDOM = 5  # of Student's t
RESIDUAL_SCALE = sqrt((RESIDUAL_FREEDOM - 2) / RESIDUAL_FREEDOM)
LARGEST_SURPRISE = 10.0  # in standard deviations; without news no company trebles overnight
SECTOR_VOLATILITY = 0.055 / sqrt(SESSIONS_PER_YEAR)
STYLE_VOLATILITY = 0.025 / sqrt(SESSIONS_PER_YEAR)
CONTAGION = (
    0.4  # how far a wild market makes every name wilder: elasticity of their volatility to the market's
)
BOUGHT_VOLATILITY = 0.002
FAILING_DRIFT, FAILING_VOLATILITY = -0.22, 0.08


@dataclass(frozen=True)
class Weather:
    """What the market as a whole does in the session; returns are log returns, volatility is daily."""

    drift: float
    volatility: float
    shock: float

    @property
    def wildness(self) -> float:
        """How much more volatile names are than in a calm market."""
        return float((self.volatility / CALM_VOLATILITY) ** CONTAGION)


class Draws:
    """The random numbers behind prices, one generator for each purpose."""

    def __init__(self, parameters: Parameters) -> None:
        self.residual = parameters.generator("residual")
        self.unrest = parameters.generator("unrest")
        self.factors = parameters.generator("factors")
        self.volume = parameters.generator("volume")
        self.slide = parameters.generator("slide")


@dataclass(frozen=True)
class Move:
    """One session's log returns, the deviation each name's own part was drawn with, and how large the draw was."""

    returns: Values
    own_volatility: Values
    surprise: Values


def own_volatility(companies: Companies, weather: Weather) -> Values:
    """Return the daily deviation of each name's own moves."""
    return companies.base_volatility * np.exp(companies.unrest) * weather.wildness


def spread_of_returns(companies: Companies, weather: Weather, own: Values) -> float:
    """Return the variance between names that a session's log returns are drawn with."""
    common = SECTOR_VOLATILITY**2 + STYLES * STYLE_VOLATILITY**2
    of_market = companies.beta_variance * weather.volatility**2
    return of_market + common * weather.wildness**2 + float(own @ own) / own.size


def move(companies: Companies, weather: Weather, expected: Values, draws: Draws) -> Move:
    """Draw the session's returns. `expected` is what alpha adds to each name."""
    own = own_volatility(companies, weather)
    surprise = draws.residual.standard_t(RESIDUAL_FREEDOM, companies.count) * RESIDUAL_SCALE
    np.clip(surprise, -LARGEST_SURPRISE, LARGEST_SURPRISE, out=surprise)
    factors = draws.factors.standard_normal(len(SECTORS) + STYLES) * weather.wildness
    sector = SECTOR_VOLATILITY * factors[: len(SECTORS)]
    style = STYLE_VOLATILITY * factors[len(SECTORS) :]
    # half the variance is what a mean of exponentials gains: taken off, the same for all, so that
    # an equal-weight book earns what the benchmark does
    level = weather.drift - spread_of_returns(companies, weather, own) / 2
    returns = level + expected + companies.beta * weather.shock
    returns += sector[companies.sector] + style @ companies.styles + own * surprise
    _move_special(companies, level, returns, draws)
    companies.unrest *= 0.985
    companies.unrest += 0.03 * draws.unrest.standard_normal(companies.count)
    return Move(returns, own, surprise)


def _move_special(companies: Companies, level: float, returns: Values, draws: Draws) -> None:
    (special,) = (companies.life != Life.TRADED).nonzero()
    if special.size:
        noise = draws.slide.standard_normal(special.size)
        life = companies.life[special]
        failing = FAILING_DRIFT + FAILING_VOLATILITY * noise
        bought = level + BOUGHT_VOLATILITY * noise
        returns[special] = (life == Life.BOUGHT) * bought + (life == Life.FAILING) * failing
    returns[companies.age == 0] = 0.0


def trade(companies: Companies, weather: Weather, moved: Move, jumping: Slots, draws: Draws) -> Values:
    """Return the log share of all shares that traded: more on large moves, in wild markets and on news."""
    noise = draws.volume.standard_normal((2, companies.count))
    companies.attention *= 0.97
    companies.attention += 0.08 * noise[0]
    busy = 0.25 * noise[1] + 0.30 * (np.minimum(np.abs(moved.surprise), 6.0) - 0.75)
    log_turnover: Values = (
        companies.log_turnover + companies.attention + busy + 0.6 * np.log(weather.wildness)
    )
    log_turnover[jumping] += 2.0
    log_turnover[companies.life == Life.FAILING] += 1.0
    return log_turnover
