"""Style factors of version 2: their volatility clusters, and they have no premium.

The exposures are ranks of characteristics that are public at the close: momentum, distance to the 52-week high,
volatility, size, value and one-week reversal. A rule that sorts by one of them earns its factor's returns: large,
clustered, and zero on average.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from tasks.simulation.companies import Companies, Slots, Status, Values
from tasks.simulation.cross_section import MONTH, YEAR, YearHigh, new_year_high, ranks
from tasks.simulation.fundamentals import BOOK, Reports
from tasks.simulation.parameters import SESSIONS_PER_YEAR, Parameters

WEEK = 5
STYLES = ("momentum", "high_52w", "volatility", "size", "value", "reversal")
MOMENTUM = STYLES.index("momentum")
MIN_AGE = np.array([[YEAR], [YEAR], [MONTH], [0], [0], [WEEK]])  # in sessions
# annual volatility of a factor per unit of exposure in a calm market
VOLATILITY = np.array([0.024, 0.0215, 0.038, 0.017, 0.019, 0.0175]) / sqrt(SESSIONS_PER_YEAR)
FREEDOM = 5  # of Student's t
LARGEST = 5.0  # in standard deviations
KEEP, NOISE = 0.985, 0.060  # log volatility of each factor around the market's
REACTION = 0.03
TREND_SESSIONS, TREND = 21, 0.06  # momentum's return expected after its mean return of a month
CRASH_BELOW, CRASH_BETA = (
    -0.08,
    0.30,
)  # after such a half-year's fall it moves against the market by this fraction
HALF_YEAR_KEEP = 1 - 1 / 126
VARIANCE_KEEP = 1 - 1 / 45


@dataclass
class StyleState:
    """Running statistics: of each name by slot, and of each factor."""

    high: YearHigh
    variance: Values  # of total returns
    exposures: Values  # styles × slots, of the last close
    unrest: Values  # log deviation of each factor's volatility
    momentum_trend: float = 0.0  # mean return of the momentum factor, exponentially weighted
    market_trend: float = 0.0  # return of the market over about half a year


def new_state(companies: Companies) -> StyleState:
    """Return the state before the first session."""
    count = companies.count
    variance = 2 * companies.base_volatility**2
    return StyleState(new_year_high(count), variance, np.zeros((len(STYLES), count)), np.zeros(len(STYLES)))


def reset(state: StyleState, companies: Companies, slots: Slots) -> None:
    """Reset slots that get a new company."""
    state.high.reset(slots)
    state.variance[slots] = 2 * companies.base_volatility[slots] ** 2
    state.exposures[:, slots] = 0.0


class StyleDraws:
    """Random generators for the factors, one per purpose."""

    def __init__(self, parameters: Parameters) -> None:
        self.returns = parameters.generator("style returns")
        self.unrest = parameters.generator("style unrest")


def draw_factors(
    state: StyleState, volatility_factor: float, market_move: float, draws: StyleDraws
) -> Values:
    """Draw the session's return of each factor per unit of exposure."""
    surprise = draws.returns.standard_t(FREEDOM, len(STYLES)) * sqrt((FREEDOM - 2) / FREEDOM)
    np.clip(surprise, -LARGEST, LARGEST, out=surprise)
    moved: Values = VOLATILITY * np.exp(state.unrest) * volatility_factor * surprise
    moved[MOMENTUM] += TREND * state.momentum_trend
    if state.market_trend < CRASH_BELOW:  # past losers have the most to gain: momentum crashes in rebounds
        moved[MOMENTUM] -= CRASH_BETA * market_move
    state.unrest *= KEEP
    state.unrest += NOISE * draws.unrest.standard_normal(len(STYLES)) + REACTION * (np.abs(surprise) - 0.73)
    state.momentum_trend += (moved[MOMENTUM] - state.momentum_trend) / TREND_SESSIONS
    state.market_trend = HALF_YEAR_KEEP * state.market_trend + market_move
    return moved


def update(
    state: StyleState, companies: Companies, reports: Reports, levels: Values, returns: Values, row: int
) -> None:
    """Update the exposures at the close of the row."""
    now = levels[row]
    state.high.update(row, now)
    state.variance += (1 - VARIANCE_KEEP) * (returns * returns - state.variance)
    year_ago, month_ago, week_ago = (levels[max(row - ago, 0)] for ago in (YEAR, MONTH, WEEK))
    cap = np.maximum(companies.cap_usd, 1.0)
    values = np.stack(
        [
            month_ago - year_ago,
            state.high.distance(now),
            state.variance,
            cap,
            reports.public[BOOK] / cap,
            week_ago - now,
        ]
    )
    exists = (companies.age >= MIN_AGE) & (companies.status == Status.TRADED)
    state.exposures = standard_ranks(values, exists)


def standard_ranks(values: Values, exists: NDArray[np.bool_]) -> Values:
    """Return the ranks with mean 0 and variance 1 among the names that have the value, 0 for the others."""
    ranked: Values = np.where(exists, sqrt(3) * ranks(values, exists), 0.0)
    return ranked
