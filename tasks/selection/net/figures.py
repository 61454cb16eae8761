"""The after-cost portfolio figures on which a champion is evaluated, and their weighted score. Pure."""

from math import isfinite

from config.selection_section import ScoreWeights
from tasks.backtest.matrix.tables import COST, Baseline
from tasks.backtest.metrics.figures import MIN_SESSIONS
from tasks.backtest.metrics.tables import per_regime
from tasks.selection.schema import NetFigures

MONTHS_PER_YEAR = 12
SCALES = {  # from the value that scores 0 to the one that scores 1
    "sharpe": (0.0, 2.0),
    "drawdown": (-0.30, 0.0),
    "calmar": (0.0, 1.5),
    "turnover": (0.50, 0.0),
    "regime_consistency": (0.0, 1.0),
}


def net_figures(measured: Baseline, weights: ScoreWeights) -> NetFigures:
    """Return the figures of a walk. Annualized ones are NaN below 60 sessions."""
    value = {name: figure.value for name, figure in measured.figures.items()}
    figures = {
        "sharpe": value["sharpe"],
        "drawdown": value["max_drawdown"],
        "calmar": value["calmar"],
        "turnover": value["turnover"] / MONTHS_PER_YEAR,
        "regime_consistency": _consistency(measured),
    }
    return NetFigures(
        total_return=value["total_return"],
        cagr=value["cagr"],
        volatility=value["volatility"],
        sharpe=figures["sharpe"],
        max_drawdown=figures["drawdown"],
        calmar=figures["calmar"],
        turnover_month=figures["turnover"],
        cost_year=value[COST],
        regime_consistency=figures["regime_consistency"],
        score=weighted_score(figures, weights),
    )


def weighted_score(figures: dict[str, float], weights: ScoreWeights) -> float:
    """Return the weighted mean of the figures on their scales, 0 to 1; a figure that is NaN scores 0."""
    given = weights.model_dump()
    return float(sum(given[name] * _scaled(figures[name], *scale) for name, scale in SCALES.items()))


def _scaled(value: float, worst: float, best: float) -> float:
    if not isfinite(value):
        return 0.0
    return min(max((value - worst) / (best - worst), 0.0), 1.0)


def _consistency(measured: Baseline) -> float:
    """Return the fraction of the regimes with a positive Sharpe ratio, of those with enough sessions for one.

    A regime in which nothing is held has no Sharpe ratio, and does not count.
    """
    table = per_regime(measured.curve)
    stated = table["sharpe"][(table["sessions"] >= MIN_SESSIONS) & table["sharpe"].notna()]
    return float((stated > 0).mean()) if len(stated) else float("nan")
