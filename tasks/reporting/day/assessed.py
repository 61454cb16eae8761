"""Assess the risk of the portfolio after the day's trades, and record it for monitoring_log.json."""

from typing import Any

import numpy as np
import pandas as pd

from config.settings import Settings
from tasks.data.panel.returns import daily_returns
from tasks.reporting.day.history import amounts, levels
from tasks.reporting.day.inputs import Backdrop, DayInputs
from tasks.risk.assessment import Assessment, assess
from tasks.risk.ratios import Numbers, drawdowns


def assess_day(inputs: DayInputs) -> Assessment:
    """Assess the portfolio after the trades, in whole shares, and the drawdown of the account until today."""
    own = pd.DataFrame([amounts(inputs.records.portfolio.book)])
    equity = levels(pd.concat([inputs.history, own], ignore_index=True))
    return assess_after(
        inputs.frames.after["weight"],
        inputs.frames.returns,
        inputs.backdrop,
        drawdown=float(drawdowns(equity)[-1]),
        settings=inputs.run.settings,
    )


def assess_after(
    weights: pd.Series, returns: pd.DataFrame, backdrop: Backdrop, *, drawdown: float, settings: Settings
) -> Assessment:
    """Assess a portfolio after the trades, as published or as revised. `drawdown` of the account until today."""
    return assess(
        weights,
        returns,
        market_returns(backdrop, returns.index),
        backdrop.sectors,
        drawdown=drawdown,
        settings=settings.risk,
        seed=settings.seed,
    )


def market_returns(backdrop: Backdrop, sessions: pd.Index) -> Numbers:
    """Return the benchmark's returns on the sessions, NaN where unknown."""
    returns = daily_returns(backdrop.benchmark[:, None])[:, 0]
    known = pd.Series(returns, index=pd.DatetimeIndex(backdrop.sessions))
    return np.asarray(known.reindex(pd.DatetimeIndex(sessions)), dtype=np.float64)


def assessment_record(assessment: Assessment) -> dict[str, Any]:
    """Return the assessment as plain data."""
    return {
        "figures": assessment.figures,
        "losses": assessment.losses,
        "var_test": assessment.var_test._asdict(),
        "risk_shares": dict(assessment.risk_shares),
        "clusters": [cluster._asdict() for cluster in assessment.clusters],
        "scenarios": [
            scenario._asdict() | {"positions": dict(scenario.positions)} for scenario in assessment.scenarios
        ],
        "limits": [limit._asdict() for limit in assessment.limits],
        "sessions": assessment.sessions,
    }
