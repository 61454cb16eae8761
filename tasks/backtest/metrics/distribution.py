"""Describe the distribution of daily returns: its tails, and how far it is from a normal one."""

import numpy as np

from tasks.backtest.metrics.figures import Figure, figure
from tasks.risk.ratios import NO_SPREAD, Numbers, known
from tasks.risk.tail import tail_loss

TAIL_CONFIDENCE = 0.95


def measure_distribution(returns: Numbers) -> dict[str, Figure]:
    """Return mean_return, best_day, worst_day, var_95, cvar_95, skewness and kurtosis of daily returns.

    Losses (var_95, cvar_95) are positive. Kurtosis is in excess of a normal distribution's. NaN for no returns;
    skewness and kurtosis also without spread.
    """
    present = known(returns)
    if not present.size:
        names = ("mean_return", "best_day", "worst_day", "var_95", "cvar_95", "skewness", "kurtosis")
        return {name: figure(name, float("nan"), 0) for name in names}
    loss, shortfall = tail_loss(present, TAIL_CONFIDENCE)
    spread = present.std()
    standard = (present - present.mean()) / spread if spread > NO_SPREAD else np.array([np.nan])
    values = {
        "mean_return": present.mean(),
        "best_day": present.max(),
        "worst_day": present.min(),
        "var_95": loss,
        "cvar_95": shortfall,
        "skewness": (standard**3).mean(),
        "kurtosis": (standard**4).mean() - 3,
    }
    return {name: figure(name, float(value), present.size) for name, value in values.items()}
