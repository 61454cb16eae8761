"""Value at risk and expected shortfall of a portfolio by three methods: historical, parametric and Monte Carlo.

Each answers for one session and for 21. Losses are positive fractions of the portfolio. The parametric and Monte Carlo
methods assume a mean return of zero: a year of returns cannot estimate it.
"""

from math import exp, pi, sqrt

import numpy as np
from scipy.special import ndtri

from tasks.risk.ratios import Numbers
from tasks.risk.tail import MONTH, month_loss, tail_loss

MIN_RETURNS = 20  # fewer estimate no volatility
FEWEST_DEGREES = 4.5  # of freedom: at 4 the kurtosis of Student's t is infinite
MOST_DEGREES = 100.0  # practically normal
METHODS = ("historical", "parametric", "monte_carlo")
UNKNOWN = dict.fromkeys(("var_1d", "cvar_1d", "var_21d", "cvar_21d"), float("nan"))


def losses_by_method(
    returns: Numbers, confidence: float, *, seed: int, paths: int
) -> dict[str, dict[str, float]]:
    """Return var_1d, cvar_1d, var_21d and cvar_21d of a portfolio's past returns by each of METHODS.

    `returns`: one per session, no NaN. The same seed gives the same figures. NaN below 20 returns, for the historical
    method without returns.
    """
    return {
        "historical": _named(tail_loss(returns, confidence), month_loss(returns, confidence)),
        "parametric": parametric(returns, confidence),
        "monte_carlo": monte_carlo(returns, confidence, seed=seed, paths=paths),
    }


def parametric(returns: Numbers, confidence: float) -> dict[str, float]:
    """Return the losses of a normal distribution with the returns' volatility, scaled by the square root of time."""
    if returns.size < MIN_RETURNS:
        return dict(UNKNOWN)
    deviation = float(returns.std(ddof=1))
    quantile = float(ndtri(confidence))
    density = exp(-(quantile**2) / 2) / sqrt(2 * pi)
    var, shortfall = deviation * quantile, deviation * density / (1 - confidence)
    return _named((var, shortfall), (var * MONTH**0.5, shortfall * MONTH**0.5))


def monte_carlo(returns: Numbers, confidence: float, *, seed: int, paths: int) -> dict[str, float]:
    """Return the losses of simulated paths of 21 sessions, compounded; the first session is the one-day horizon.

    Sessions are independent draws of Student's t, with the returns' volatility and with degrees of freedom from their
    kurtosis. Half of the paths mirror the other half, so that the draws have no drift.
    """
    if returns.size < MIN_RETURNS:
        return dict(UNKNOWN)
    deviation = float(returns.std(ddof=1))
    degrees = degrees_of_freedom(returns)
    scale = deviation * ((degrees - 2) / degrees) ** 0.5
    drawn = scale * np.random.default_rng(seed).standard_t(degrees, (max(paths // 2, 1), MONTH))
    moves = np.maximum(np.concatenate([drawn, -drawn]), -1.0)
    month = np.prod(1 + moves, axis=1) - 1
    return _named(tail_loss(moves[:, 0], confidence), tail_loss(month, confidence))


def degrees_of_freedom(returns: Numbers) -> float:
    """Return the degrees of freedom of the Student's t that has the returns' kurtosis, between 4.5 and 100."""
    centred = returns - returns.mean()
    variance = float(np.mean(centred**2))
    excess = float(np.mean(centred**4)) / variance**2 - 3 if variance > 0 else 0.0
    return float(np.clip(4 + 6 / excess, FEWEST_DEGREES, MOST_DEGREES)) if excess > 0 else MOST_DEGREES


def _named(day: tuple[float, float], month: tuple[float, float]) -> dict[str, float]:
    return {"var_1d": day[0], "cvar_1d": day[1], "var_21d": month[0], "cvar_21d": month[1]}
