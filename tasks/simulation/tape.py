"""Print the tape: bars rounded to cents, as anybody saw them.

Each session's open and range come from its own random numbers, so that any stretch can be printed by itself.
"""

import numpy as np

from tasks.simulation.companies import Values
from tasks.simulation.walk import Walk

LEAST_PRICE_USD = 0.01
GAP_SHARE, NIGHT_SHARE, RANGE_SHARE = 0.25, 0.35, 0.45  # of the return, and of its deviation
NEWS_DEVIATIONS, NEWS_GAP_SHARE = 8.0, 0.95  # beyond so many deviations it was overnight news
Quote = tuple[Values, Values, Values, Values]


def quote(walk: Walk, row: int) -> Quote:
    """Return open, high, low and close of every slot in the row."""
    before = walk.levels[row - 1] if row else np.zeros(walk.levels.shape[1])
    returns = walk.levels[row] - before
    own = walk.volatility[row].astype(np.float64)
    draws = walk.parameters.generator("tape", row).standard_normal((3, len(own)))
    return bar(walk.raw[row], returns, own, draws)


def bar(close: Values, returns: Values, deviation: Values, draws: Values) -> Quote:
    """Return a bar around the close: low ≤ open, close ≤ high, in cents, never zero."""
    is_news = np.abs(returns) > NEWS_DEVIATIONS * deviation
    gap = np.where(
        is_news, NEWS_GAP_SHARE * returns, GAP_SHARE * returns + NIGHT_SHARE * deviation * draws[0]
    )
    opened = close * np.exp(gap - returns)
    high = np.maximum(opened, close) * np.exp(RANGE_SHARE * deviation * np.abs(draws[1]))
    low = np.minimum(opened, close) * np.exp(-RANGE_SHARE * deviation * np.abs(draws[2]))
    return in_cents(opened), in_cents(high), in_cents(low), in_cents(close)


def in_cents(price: Values) -> Values:
    """Round to the tape's tick; nothing trades below a cent."""
    rounded: Values = np.maximum(np.round(price, 2), LEAST_PRICE_USD)
    return rounded
