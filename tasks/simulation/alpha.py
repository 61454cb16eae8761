"""Decide what each name is expected to earn next session beyond the market: the planted alpha.

It is read off characteristics that anybody can compute from what is public by the close: momentum, the 52-week high,
quiet residuals, earnings yield, weekly reversal, and one that no straight line finds: unusual volume, high or low.
Each enters as its rank among the names that have it. It never sees a price before it is printed.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from tasks.simulation.companies import Companies, Life, Slots, Values
from tasks.simulation.fundamentals import EARNINGS, Reports

MONTH, YEAR, WEEK = 21, 252, 5
WEIGHTS = {
    "momentum": 0.50,
    "high": 0.50,
    "quiet": 0.50,
    "earnings_yield": 0.50,
    "reversal": 0.25,
    "volume": 0.45,
}
HORIZON = 5  # sessions over which the information coefficient is meant
# a characteristic fades within the five sessions, so the first one must promise a little more than a fifth
FADING = 1.13
QUIET_MEMORY = 1 - 1 / 45
FAST_VOLUME, SLOW_VOLUME = 1 - 1 / 3, 1 - 1 / 32
KNOWN_FROM_AGE = np.array(
    [[YEAR], [YEAR], [MONTH], [0], [WEEK], [MONTH]]
)  # in sessions, of each characteristic
STRENGTH = np.array(list(WEIGHTS.values()))


@dataclass
class Memory:
    """What alpha keeps of each name's past, by slot."""

    blocks: Values  # highest log level of each of the last months, newest first; −inf before listing
    residual_variance: Values
    fast_volume: Values
    slow_volume: Values


def new_memory(companies: Companies) -> Memory:
    """Begin with no past."""
    blocks = np.full((YEAR // MONTH + 1, companies.count), -np.inf)
    return Memory(blocks, companies.base_volatility**2, np.zeros(companies.count), np.zeros(companies.count))


def forget(memory: Memory, companies: Companies, slots: Slots) -> None:
    """Clear the slots of those who were there before."""
    memory.blocks[:, slots] = -np.inf
    memory.residual_variance[slots] = companies.base_volatility[slots] ** 2


def remember(
    memory: Memory, companies: Companies, row: int, level: Values, residual: Values, log_turnover: Values
) -> None:
    """Take in the session: log levels, residuals to the market, and what share of all shares traded."""
    if row % MONTH == 0:
        memory.blocks[1:] = memory.blocks[:-1].copy()
        memory.blocks[0] = -np.inf
    np.maximum(memory.blocks[0], level, out=memory.blocks[0])
    memory.residual_variance += (1 - QUIET_MEMORY) * (residual * residual - memory.residual_variance)
    is_first = companies.age == 0
    for mean, keep in ((memory.fast_volume, FAST_VOLUME), (memory.slow_volume, SLOW_VOLUME)):
        mean[:] = np.where(is_first, log_turnover, keep * mean + (1 - keep) * log_turnover)


def characteristics(
    memory: Memory, companies: Companies, reports: Reports, levels: Values, row: int
) -> tuple[Values, NDArray[np.bool_]]:
    """Return characteristics × slots and where each exists, in the order of WEIGHTS. Uses rows up to `row` only."""
    now = levels[row]
    year_ago, month_ago, week_ago = (levels[max(row - ago, 0)] for ago in (YEAR, MONTH, WEEK))
    values = np.empty((len(WEIGHTS), now.size))
    momentum, high, quiet, earnings_yield, reversal, volume = values
    np.subtract(month_ago, year_ago, out=momentum)
    # many stand at their high: told apart by slot, so that the order is the same on every processor
    np.add(now - memory.blocks.max(axis=0), 1e-12 * np.arange(now.size), out=high)
    np.negative(memory.residual_variance, out=quiet)
    np.divide(reports.public[EARNINGS], np.maximum(companies.cap_usd, 1.0), out=earnings_yield)
    np.subtract(week_ago, now, out=reversal)
    np.subtract(memory.fast_volume, memory.slow_volume, out=volume)
    return values, (companies.age >= KNOWN_FROM_AGE) & (companies.life == Life.TRADED)


def expected_returns(
    values: Values, exists: NDArray[np.bool_], own_volatility: Values, spread: float, *, strength: float
) -> Values:
    """Return the log return each name is expected to earn next session beyond the others.

    `spread` is the variance between names of a session's returns. Scaled so that the correlation between names of
    this expectation and the return of the next five sessions is `strength` on average.
    """
    scores = _scores(values, exists)
    has_some = exists.any(axis=0)
    scaled = scores * own_volatility
    scaled -= has_some * (scaled.sum() / max(int(has_some.sum()), 1))  # what all have is not alpha
    deviation = sqrt(float(scaled @ scaled) / scaled.size)
    if strength == 0 or deviation == 0:
        return np.zeros_like(own_volatility)
    return scaled * (FADING * strength / sqrt(HORIZON) * sqrt(spread) / deviation)


def _scores(values: Values, exists: NDArray[np.bool_]) -> Values:
    place, places = np.empty(values.shape), np.arange(values.shape[1], dtype=np.float64)
    for row, order in zip(place, np.argsort(np.where(exists, values, np.inf), axis=1), strict=True):
        row[order] = places
    count = np.maximum(exists.sum(axis=1, keepdims=True), 1)
    ranks = (2 * place + 1) / count - 1  # −1 … 1
    straight, bent = ranks[:-1], ranks[-1]
    straight *= sqrt(3)
    bent[:] = (bent**2 - 1 / 3) / sqrt(4 / 45)
    ranks[~exists] = 0.0
    scores: Values = STRENGTH @ ranks
    return scores
