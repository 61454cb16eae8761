"""Compute the planted alpha: each name's expected return of the next session in excess of the market.

It is a function of characteristics that are public at the close: momentum, distance to the 52-week high, low residual
volatility, earnings yield, weekly reversal, and a non-linear one: unusual volume, high or low. Each enters as its rank
among the names that have it. It uses no price that is not public yet.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from tasks.simulation.companies import Companies, Slots, Status, Values
from tasks.simulation.cross_section import MONTH, YEAR, YearHigh, new_year_high, ranks
from tasks.simulation.fundamentals import EARNINGS, Reports

WEEK = 5
WEIGHTS = {
    "momentum": 0.50,
    "high": 0.50,
    "quiet": 0.50,
    "earnings_yield": 0.50,
    "reversal": 0.25,
    "volume": 0.45,
}
HORIZON = 5  # sessions of the return in the information coefficient
# characteristics decay within the horizon, so the first session must carry a little more than a fifth
DECAY = 1.13
VARIANCE_DECAY = 1 - 1 / 45
FAST_VOLUME, SLOW_VOLUME = 1 - 1 / 3, 1 - 1 / 32
MIN_AGE = np.array([[YEAR], [YEAR], [MONTH], [0], [WEEK], [MONTH]])  # in sessions, by characteristic
STRENGTH = np.array(list(WEIGHTS.values()))


@dataclass
class AlphaState:
    """Running statistics of each name, by slot."""

    high: YearHigh
    residual_variance: Values
    fast_volume: Values
    slow_volume: Values


def new_state(companies: Companies) -> AlphaState:
    """Return the state before the first session."""
    return AlphaState(
        new_year_high(companies.count),
        companies.base_volatility**2,
        np.zeros(companies.count),
        np.zeros(companies.count),
    )


def reset(state: AlphaState, companies: Companies, slots: Slots) -> None:
    """Reset slots that get a new company."""
    state.high.reset(slots)
    state.residual_variance[slots] = companies.base_volatility[slots] ** 2


def update(
    state: AlphaState, companies: Companies, row: int, level: Values, residual: Values, log_turnover: Values
) -> None:
    """Update the state with a session's log levels, market residuals and log turnover."""
    state.high.update(row, level)
    state.residual_variance += (1 - VARIANCE_DECAY) * (residual * residual - state.residual_variance)
    is_first = companies.age == 0
    for mean, keep in ((state.fast_volume, FAST_VOLUME), (state.slow_volume, SLOW_VOLUME)):
        mean[:] = np.where(is_first, log_turnover, keep * mean + (1 - keep) * log_turnover)


def characteristics(
    state: AlphaState, companies: Companies, reports: Reports, levels: Values, row: int
) -> tuple[Values, NDArray[np.bool_]]:
    """Return characteristics × slots, in the order of WEIGHTS, and where each exists. Uses rows up to `row` only."""
    now = levels[row]
    year_ago, month_ago, week_ago = (levels[max(row - ago, 0)] for ago in (YEAR, MONTH, WEEK))
    values = np.empty((len(WEIGHTS), now.size))
    momentum, high, quiet, earnings_yield, reversal, volume = values
    np.subtract(month_ago, year_ago, out=momentum)
    high[:] = state.high.distance(now)
    np.negative(state.residual_variance, out=quiet)
    np.divide(reports.public[EARNINGS], np.maximum(companies.cap_usd, 1.0), out=earnings_yield)
    np.subtract(week_ago, now, out=reversal)
    np.subtract(state.fast_volume, state.slow_volume, out=volume)
    return values, (companies.age >= MIN_AGE) & (companies.status == Status.TRADED)


def planted_returns(
    values: Values, exists: NDArray[np.bool_], own_volatility: Values, spread: float, *, strength: float
) -> Values:
    """Return each name's expected log return of the next session, in excess of the mean over names.

    `spread` is the cross-sectional variance of a session's returns. Scaled so that the cross-sectional correlation with
    the return of the next five sessions is `strength` on average.
    """
    scores = _scores(values, exists)
    has_some = exists.any(axis=0)
    scaled = scores * own_volatility
    scaled -= has_some * (scaled.sum() / max(int(has_some.sum()), 1))  # a common return is not alpha
    deviation = sqrt(float(scaled @ scaled) / scaled.size)
    if strength == 0 or deviation == 0:
        return np.zeros_like(own_volatility)
    return scaled * (DECAY * strength / sqrt(HORIZON) * sqrt(spread) / deviation)


def _scores(values: Values, exists: NDArray[np.bool_]) -> Values:
    ranked = ranks(values, exists)
    linear, quadratic = ranked[:-1], ranked[-1]
    linear *= sqrt(3)
    quadratic[:] = (quadratic**2 - 1 / 3) / sqrt(4 / 45)
    ranked[~exists] = 0.0
    scores: Values = STRENGTH @ ranked
    return scores
