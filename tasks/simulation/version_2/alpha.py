"""The planted alpha of version 2: combinations of public characteristics that change within weeks.

Six fast-changing characteristics: the returns over four consecutive spans (with alternating signs), unusual
volume, and unusual volatility. Each predicts little by itself. About two fifths of the variance come from their
products: with one another, with slower characteristics, and with the public state of the volatility index. Only public
prices are used.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np

from tasks.simulation.companies import Companies, Status, Values
from tasks.simulation.fundamentals import EARNINGS, Reports
from tasks.simulation.version_2.styles import STYLES, standard_ranks

SPANS = (0, 16, 46, 90, 150)  # sessions ago at which the returns begin and end
OF_SPANS = np.array([-0.31, 0.31, -0.31, 0.24])  # weights of the characteristics by themselves
OF_VOLUME, OF_VOLATILITY = 0.33, -0.31
OF_PRODUCTS = 0.33  # of each product
FAST_VOLUME, SLOW_VOLUME, FAST_VOLATILITY, SLOW_VOLATILITY = 14, 63, 21, 126  # windows, in sessions
INDEX_KEEP = 1 - 1 / 126
# per session, so that the rank correlation with the own return of the next five, from the open, is as asked
SCALE = 0.56
HIGH, SIZE = STYLES.index("high_52w"), STYLES.index("size")


@dataclass
class AlphaState:
    """Sums from the first row on, rows × slots, with a row of zeros before; and the usual level of the index."""

    turnover: Values
    squares: Values  # of returns in excess of all names'
    usual_index: float = 0.0


def new_state(count: int, slots: int) -> AlphaState:
    """Return the state before the first of `count` sessions."""
    return AlphaState(np.zeros((count + 1, slots)), np.zeros((count + 1, slots)))


def update(
    state: AlphaState, row: int, returns: Values, log_turnover: Values, volatility_index: float
) -> None:
    """Add a session's public returns, turnover and volatility index."""
    excess = returns - returns.mean()
    np.add(state.squares[row], excess * excess, out=state.squares[row + 1])
    np.add(state.turnover[row], np.exp(log_turnover), out=state.turnover[row + 1])
    usual = state.usual_index or volatility_index
    state.usual_index = INDEX_KEEP * usual + (1 - INDEX_KEEP) * volatility_index


def scores(
    state: AlphaState,
    companies: Companies,
    reports: Reports,
    levels: Values,
    row: int,
    styles: Values,
    volatility_index: float,
) -> Values:
    """Return the score of each name at the close of the row, with a variance of about 1.

    0 for names without half a year of history, or about to be delisted. Uses rows up to `row` only.
    """
    exists = (companies.age >= SPANS[-1]) & (companies.status == Status.TRADED)
    if row < SPANS[-1] or not exists.any():
        return np.zeros(companies.count)
    closes = levels[[row - ago for ago in SPANS]]
    volume = _ratio(state.turnover, row, FAST_VOLUME, SLOW_VOLUME)
    volatility = _ratio(state.squares, row, FAST_VOLATILITY, SLOW_VOLATILITY)
    earnings_yield = reports.public[EARNINGS] / np.maximum(companies.cap_usd, 1.0)
    values = np.vstack([closes[:-1] - closes[1:], closes[0] - closes[2], volume, volatility, earnings_yield])
    ranked = standard_ranks(values, np.broadcast_to(exists, values.shape))
    spans, (trend, busy, shaken, cheap) = ranked[:4], ranked[4:]
    nervous = 1.0 if volatility_index > state.usual_index else -1.0
    products = (
        trend * busy  # a trend on high volume continues, one on low volume reverts
        + busy * styles[HIGH]  # attention near the high is good, far from it bad
        + shaken * cheap  # unrest is a chance where the price is low
        - nervous * trend * styles[SIZE]  # large names revert in nervous markets, small ones in calm ones
    )
    total: Values = OF_SPANS @ spans + OF_VOLUME * busy + OF_VOLATILITY * shaken + OF_PRODUCTS * products
    return np.where(exists, total, 0.0)


def _ratio(sums: Values, row: int, fast: int, slow: int) -> Values:
    """Return the sum of the last `fast` sessions relative to the sum of the last `slow` ones."""
    ends = sums[row + 1]
    ratio: Values = (ends - sums[row + 1 - fast]) / np.maximum(ends - sums[row + 1 - slow], 1e-12)
    return ratio


def planted_returns(scores: Values, own_volatility: Values, *, strength: float) -> Values:
    """Return each name's expected log return of the next session, in excess of the mean over names."""
    has_some = scores != 0
    deviation = sqrt(float(scores @ scores) / max(int(has_some.sum()), 1))
    if strength == 0 or deviation == 0:
        return np.zeros_like(own_volatility)
    scaled = scores * own_volatility
    scaled -= has_some * (scaled.sum() / max(int(has_some.sum()), 1))  # a common return is not alpha
    planted: Values = scaled * (SCALE * strength / deviation)
    return planted
