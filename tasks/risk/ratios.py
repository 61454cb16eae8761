"""Performance formulas: growth, volatility, Sharpe, Sortino, drawdown, Calmar, beta and alpha.

Each formula exists once, here. Arrays have one entry per session. Returns are simple returns as fractions; a session
whose return is NaN is omitted. A ratio of too few sessions, or of returns that do not vary, is NaN, never infinite.
Nothing is withheld here: tasks/backtest/metrics does that.
"""

from datetime import date

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.float64]

SESSIONS_PER_YEAR = 252
DAYS_PER_YEAR = 365.25
NO_SPREAD = 1e-15  # a standard deviation up to this is rounding


def total_return(returns: Numbers) -> float:
    """Return the compounded return; 0 for no sessions."""
    return float(np.prod(1 + known(returns)) - 1)


def net_return(after: float, before: float, flow: float) -> float:
    """Return the return from one equity to the next, of which `flow` was paid in: it is neither a gain nor a loss."""
    return (after - flow) / before - 1


def net_levels(equity: Numbers, net_flows: Numbers) -> Numbers:
    """Return the equity as it would be without the capital flows after the first session: a time-weighted level.

    `net_flows`: deposits minus withdrawals until each session, cumulative. Without flows it is the equity itself.
    """
    flows = np.diff(net_flows)
    if not flows.any():
        return equity
    growth = (equity[1:] - flows) / equity[:-1]
    return np.asarray(equity[0] * np.concatenate([[1.0], np.cumprod(growth)]), dtype=np.float64)


def cagr(growth: float, first: date, last: date) -> float:
    """Return the yearly growth rate of a level that grew by the factor `growth` between two dates.

    By calendar time, with 365.25 days a year: missing sessions do not change it. -1 if everything was lost, NaN
    without elapsed time.
    """
    years = (last - first).days / DAYS_PER_YEAR
    if years <= 0 or not np.isfinite(growth):
        return float("nan")
    return float(max(growth, 0.0) ** (1 / years) - 1)


def annual_volatility(returns: Numbers, *, periods: float = SESSIONS_PER_YEAR) -> float:
    """Return the standard deviation (n − 1) × √periods; NaN for fewer than two sessions."""
    present = known(returns)
    return float(present.std(ddof=1) * np.sqrt(periods)) if present.size > 1 else float("nan")


def sharpe(
    returns: Numbers, risk_free: Numbers | float = 0.0, *, periods: float = SESSIONS_PER_YEAR
) -> float:
    """Return mean / standard deviation (n − 1) of excess returns over the risk-free rate, × √periods.

    `risk_free` per session, as an array or one figure. NaN for fewer than two sessions or returns that do not vary.
    """
    excess = known(returns - risk_free)
    spread = excess.std(ddof=1) if excess.size > 1 else 0.0
    return float(excess.mean() / spread * np.sqrt(periods)) if spread > NO_SPREAD else float("nan")


def sortino(returns: Numbers, target: Numbers | float = 0.0, *, periods: float = SESSIONS_PER_YEAR) -> float:
    """Return the mean excess return over the target, divided by the downside deviation, × √periods.

    The downside deviation is the root of the mean squared shortfall below the target, over all n
    sessions. NaN without any shortfall.
    """
    excess = known(returns - target)
    downside = float(np.sqrt(np.mean(np.minimum(excess, 0) ** 2))) if excess.size else 0.0
    return float(excess.mean() / downside * np.sqrt(periods)) if downside > NO_SPREAD else float("nan")


def drawdowns(level: Numbers) -> Numbers:
    """Return each level relative to the highest one until then, zero or negative; NaN where the level is NaN."""
    below: Numbers = level / np.fmax.accumulate(level) - 1
    return below


def max_drawdown(level: Numbers) -> float:
    """Return the deepest drawdown, zero or negative; NaN for no levels."""
    present = known(level)
    return float(drawdowns(present).min()) if present.size else float("nan")


def calmar(yearly_growth: float, deepest: float) -> float:
    """Return the yearly growth rate divided by the absolute value of the maximum drawdown; NaN without a drawdown."""
    return yearly_growth / -deepest if deepest < 0 else float("nan")


def beta_and_alpha(
    returns: Numbers,
    market: Numbers,
    risk_free: Numbers | float = 0.0,
    *,
    periods: float = SESSIONS_PER_YEAR,
) -> tuple[float, float]:
    """Return beta and Jensen's alpha (yearly: mean × periods) from a regression of excess returns on the market's.

    Sessions on which either is NaN are omitted. NaN for fewer than two sessions or a constant market return.
    """
    own, other = returns - risk_free, market - risk_free
    both = np.isfinite(own) & np.isfinite(other)
    own, other = own[both], other[both]
    if own.size < 2 or other.std() <= NO_SPREAD:
        return float("nan"), float("nan")
    beta = float(np.mean((own - own.mean()) * (other - other.mean())) / other.var())
    return beta, float((own.mean() - beta * other.mean()) * periods)


def known(values: Numbers) -> Numbers:
    """Return the finite values."""
    present: Numbers = values[np.isfinite(values)]
    return present
