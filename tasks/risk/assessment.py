"""Assess a portfolio: losses by three methods, the test of VaR, concentration, stress and limits.

Pure: equal inputs and the same seed give the same figures. Fractions of the portfolio unless named otherwise.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from config.sections import Risk as RiskSettings
from tasks.risk.concentration import MARKET_BETA, Cluster, betas, clusters, effective_names, risk_shares
from tasks.risk.limits import LimitState, limit_states
from tasks.risk.ratios import Numbers, annual_volatility
from tasks.risk.stress import ScenarioLoss, scenario_losses
from tasks.risk.tail import book_returns
from tasks.risk.tail_models import losses_by_method
from tasks.risk.var_tests import VarTest, check_forecasts


@dataclass(frozen=True)
class Assessment:
    """The risk of one portfolio. Empty mappings and tuples where nothing is invested."""

    figures: dict[
        str, float
    ]  # volatility, beta, exposure, leverage, effective_names, largest_cluster, drawdown
    losses: dict[str, dict[str, float]]  # by method: var_1d, cvar_1d, var_21d, cvar_21d
    var_test: VarTest
    risk_shares: tuple[tuple[str, float], ...]  # of variance by name, largest first
    clusters: tuple[Cluster, ...]  # of two names or more
    scenarios: tuple[ScenarioLoss, ...]
    limits: tuple[LimitState, ...]
    sessions: int  # returns that the figures are based on

    @property
    def breached(self) -> tuple[LimitState, ...]:
        return tuple(limit for limit in self.limits if limit.state == "breached")


def assess(
    weights: pd.Series,
    returns: pd.DataFrame,
    market: Numbers,
    sectors: Mapping[str, str],
    *,
    drawdown: float,
    settings: RiskSettings,
    seed: int,
) -> Assessment:
    """Assess the portfolio.

    `weights` by symbol, CASH is ignored. `returns`: sessions × names; `market`: the benchmark's returns of the same
    sessions, NaN where unknown. `sectors` by symbol. `drawdown` of the account, zero or negative.
    """
    invested = weights.drop(labels="CASH", errors="ignore").astype(float)
    invested = invested[invested != 0]
    if invested.empty:
        return _of_cash(drawdown, settings)
    book = book_returns(invested, returns)
    beta = betas(returns, market)
    groups = clusters(invested, returns, min_correlation=settings.cluster_correlation)
    scenarios = scenario_losses(_by_symbol(invested), _by_symbol(beta), sectors, settings.scenarios)
    losses = losses_by_method(book, settings.confidence, seed=seed, paths=settings.monte_carlo_paths)
    held_beta = beta.reindex(invested.index).fillna(MARKET_BETA)
    figures = {
        "volatility": annual_volatility(book),
        "beta": float(invested.to_numpy() @ held_beta.to_numpy())
        if np.isfinite(market).any()
        else float("nan"),
        "exposure": float(invested.sum()),
        "leverage": float(invested.abs().sum()),
        "effective_names": effective_names(invested),
        "largest_cluster": groups[0].weight,
        "drawdown": drawdown,
    }
    shares = risk_shares(invested, returns).sort_values(ascending=False, kind="stable")
    return Assessment(
        figures=figures,
        losses=losses,
        var_test=check_forecasts(book, settings.confidence),
        risk_shares=tuple((str(name), float(share)) for name, share in shares.items()),
        clusters=tuple(group for group in groups if len(group.names) > 1),
        scenarios=scenarios,
        limits=_limits(figures, losses["historical"], scenarios, settings),
        sessions=len(book),
    )


def _by_symbol(values: pd.Series) -> dict[str, float]:
    return dict(zip(values.index.astype(str), values.to_numpy(dtype=float).tolist(), strict=True))


def _of_cash(drawdown: float, settings: RiskSettings) -> Assessment:
    names = ("volatility", "beta", "exposure", "leverage", "effective_names", "largest_cluster")
    figures = dict.fromkeys(names, 0.0) | {"drawdown": drawdown}
    nothing = dict.fromkeys(("var_1d", "var_21d"), 0.0)
    limits = _limits(figures, nothing, (), settings)
    return Assessment(figures, {}, check_forecasts(np.empty(0), settings.confidence), (), (), (), limits, 0)


def _limits(
    figures: dict[str, float],
    losses: dict[str, float],
    scenarios: tuple[ScenarioLoss, ...],
    settings: RiskSettings,
) -> tuple[LimitState, ...]:
    """Compare with the limits; `var_1d` against the daily risk budget."""
    values = {
        "var_1d": losses["var_1d"],
        "var_21d": losses["var_21d"],
        "volatility": figures["volatility"],
        "beta": figures["beta"],
        "largest_cluster": figures["largest_cluster"],
        "scenario_loss": max((each.loss for each in scenarios), default=0.0),
        "drawdown": -figures["drawdown"],
    }
    limits = {
        "var_1d": settings.daily_budget_frac,
        "var_21d": settings.max_var_21d_frac,
        "volatility": settings.max_volatility,
        "beta": settings.max_beta,
        "largest_cluster": settings.max_cluster_frac,
        "scenario_loss": settings.max_scenario_loss_frac,
        "drawdown": settings.max_drawdown_frac,
    }
    return limit_states(values, limits, warn_at_frac=settings.warn_at_frac)
