"""Generate bars, rounded to cents.

Each session's open and range have their own random numbers, so that any range of sessions can be generated alone.
"""

import numpy as np

from tasks.simulation.companies import Values
from tasks.simulation.market_history import MarketHistory

MIN_PRICE_USD = 0.01
GAP_SHARE, NIGHT_SHARE, RANGE_SHARE = 0.25, 0.35, 0.45  # fractions of the return, and of its volatility
SECOND_RANGE_SHARE = 0.90  # where overnight returns are known
NEWS_DEVIATIONS, NEWS_GAP_SHARE = 8.0, 0.95  # beyond this many deviations, a move is overnight news
Quote = tuple[Values, Values, Values, Values]


def bars_of_row(history: MarketHistory, row: int) -> Quote:
    """Return open, high, low and close of every slot on the row."""
    before = history.levels[row - 1] if row else np.zeros(history.levels.shape[1])
    returns = history.levels[row] - before
    own = history.volatility[row].astype(np.float64)
    draws = history.parameters.generator("tape", row).standard_normal((3, len(own)))
    if history.overnight is None:
        return make_bars(history.raw[row], returns, own, draws)
    return bars_around(history.raw[row], returns, history.overnight[row], SECOND_RANGE_SHARE * own, draws[1:])


def make_bars(close: Values, returns: Values, deviation: Values, draws: Values) -> Quote:
    """Return bars with the given closes: low ≤ open, close ≤ high, in cents, never zero."""
    is_news = np.abs(returns) > NEWS_DEVIATIONS * deviation
    gap = np.where(
        is_news, NEWS_GAP_SHARE * returns, GAP_SHARE * returns + NIGHT_SHARE * deviation * draws[0]
    )
    opened = close * np.exp(gap - returns)
    return _with_range(opened, close, RANGE_SHARE * deviation, draws[1:])


def bars_around(close: Values, returns: Values, overnight: Values, reach: Values, draws: Values) -> Quote:
    """Return bars with the given closes and overnight returns; `reach` scales the range beyond them."""
    return _with_range(close * np.exp(overnight - returns), close, reach, draws)


def _with_range(opened: Values, close: Values, reach: Values, draws: Values) -> Quote:
    high = np.maximum(opened, close) * np.exp(reach * np.abs(draws[0]))
    low = np.minimum(opened, close) * np.exp(-reach * np.abs(draws[1]))
    return in_cents(opened), in_cents(high), in_cents(low), in_cents(close)


def in_cents(price: Values) -> Values:
    """Round to cents, at least one cent."""
    rounded: Values = np.maximum(np.round(price, 2), MIN_PRICE_USD)
    return rounded
