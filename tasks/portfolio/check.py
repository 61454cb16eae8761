"""Reject an invalid target portfolio before trades are sized from it.

Checks only the finished frame against the limits, independently of how the weights were computed.
"""

import numpy as np
import pandas as pd

from config.sections import Portfolio as PortfolioSettings
from tasks.core.errors import SafetyError
from tasks.portfolio.frame import limits_for
from tasks.portfolio.limits import breaches
from tasks.portfolio.schema import CASH

SUM_TOLERANCE = 1e-9


def check_book(
    frame: pd.DataFrame,
    *,
    exposure_cap: float,
    settings: PortfolioSettings,
    covariance: pd.DataFrame | None = None,
) -> None:
    """Raise SafetyError unless weights are finite, not negative, sum to 1 with CASH last, and satisfy every limit."""
    weights = frame["weight"].to_numpy(dtype=float)
    if not frame.index.is_unique or frame.index[-1] != CASH:
        raise _refused("each name must be listed once, with CASH last")
    if not np.isfinite(weights).all():
        raise _refused(f"the weight of {frame.index[~np.isfinite(weights)][0]} is not a number")
    if (weights < 0).any():
        raise _refused(f"{frame.index[weights < 0][0]} has a negative weight, but the portfolio is long-only")
    if abs(weights.sum() - 1) > SUM_TOLERANCE:
        raise _refused(f"weights and cash sum to {weights.sum():.10f}, not to 1")
    limits = limits_for(frame.iloc[:-1], covariance, exposure_cap=exposure_cap, settings=settings)
    broken = breaches(weights[:-1], limits)
    if broken:
        raise _refused(f"it breaks the limit of {', '.join(broken)}")


def _refused(why: str) -> SafetyError:
    return SafetyError(
        f"The target portfolio was rejected: {why}.",
        remedy="No trades were proposed. This is a defect: run again with --debug and report it.",
    )
