"""The risk stage: the covariance estimate for the optimizer and the report."""

import logging

import numpy as np
import pandas as pd

from tasks.core.artifacts import save_frame
from tasks.core.homes.run import Run
from tasks.core.stage import stage
from tasks.core.text import counted
from tasks.data.panel.reader import read_prices
from tasks.data.panel.returns import daily_returns
from tasks.data.schema.records import Market, Mask, Panel
from tasks.risk.covariance import Shrinkage, estimable, estimator_of
from tasks.risk.schema import RiskModel

log = logging.getLogger(__name__)

NAMED_IN_NOTES = 10


@stage()
def estimate_risk(run: Run, market: Market) -> RiskModel:
    """Estimate the covariance of daily returns over the last `risk.window_sessions`."""
    settings = run.settings.risk
    panel = read_prices(market.snapshot, window=settings.window_sessions + 1)
    returns = daily_returns(panel.close)[1:]
    known = estimable(returns, min_history_frac=settings.min_history_frac)
    estimator = estimator_of(returns[:, known], settings)
    shrinkage, factors = estimator.shrinkage, estimator.factors
    symbols = panel.symbols[known]
    frame = pd.DataFrame(returns[:, known].T, index=symbols, columns=panel.sessions[1:])
    log.info("covariance of %s, shrinkage %.2f", counted(len(symbols), "name"), shrinkage.intensity)
    notes = risk_notes(panel, known, shrinkage, factors=factors)
    return RiskModel(save_frame(run, "returns", frame), shrinkage, notes, factors)


def risk_notes(panel: Panel, known: Mask, shrinkage: Shrinkage, *, factors: int) -> tuple[str, ...]:
    """Return notes on the estimator if it is not the default, members without an estimate, a repaired covariance."""
    notes = [f"The covariance is estimated with {factors} statistical factors."] if factors else []
    left_out = panel.symbols[~known & panel.is_member[-1]]
    if left_out.size:
        named = ", ".join(left_out[:NAMED_IN_NOTES])
        more = f" and {left_out.size - NAMED_IN_NOTES} more" if left_out.size > NAMED_IN_NOTES else ""
        notes.append(
            f"No risk estimate for {named}{more}: the history is too short, or the price does not move."
        )
    if shrinkage.is_repaired:
        notes.append("The covariance was singular and was repaired: its diagonal was increased.")
    if not np.any(known):
        notes.append("No name has enough returns in the window: there is no risk estimate at all.")
    return tuple(notes)
