"""What is the same in every simulated market: companies about to be delisted, and traded volume."""

import numpy as np

from tasks.simulation.companies import Companies, Slots, Status, Values

ACQUIRED_VOLATILITY = 0.002
FAILING_DRIFT, FAILING_VOLATILITY = -0.22, 0.08


def move_special(companies: Companies, level: float, returns: Values, draw: np.random.Generator) -> None:
    """Overwrite the returns of companies that are acquired, failing or new. `level` is the return of all names."""
    (special,) = (companies.status != Status.TRADED).nonzero()
    if special.size:
        noise = draw.standard_normal(special.size)
        status = companies.status[special]
        failing = FAILING_DRIFT + FAILING_VOLATILITY * noise
        acquired = level + ACQUIRED_VOLATILITY * noise
        returns[special] = (status == Status.ACQUIRED) * acquired + (status == Status.FAILING) * failing
    returns[companies.age == 0] = 0.0


def draw_turnover(
    companies: Companies,
    surprise: Values,
    volatility_factor: float,
    jumping: Slots,
    draw: np.random.Generator,
) -> Values:
    """Return the log turnover as a fraction of all shares: higher on large moves, in volatile markets and on news.

    `surprise` is each name's move in standard deviations, `volatility_factor` volatility relative to a calm market.
    """
    noise = draw.standard_normal((2, companies.count))
    companies.attention *= 0.97
    companies.attention += 0.08 * noise[0]
    busy = 0.25 * noise[1] + 0.30 * (np.minimum(np.abs(surprise), 6.0) - 0.75)
    log_turnover: Values = (
        companies.log_turnover + companies.attention + busy + 0.6 * np.log(volatility_factor)
    )
    log_turnover[jumping] += 2.0
    log_turnover[companies.status == Status.FAILING] += 1.0
    return log_turnover
