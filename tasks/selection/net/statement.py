"""State the portfolio after costs: for the report, and for the champion's metrics."""

from dataclasses import asdict
from math import isfinite

from tasks.core.text import counted
from tasks.selection.schema import NetFigures, NetResult
from tasks.selection.statement import signed_ratio, stated_p_value

LEGEND = (
    "After costs, whole shares, the limits and the regime of the daily run, starting with cash; the scores are those of"
    " the confirmation folds. Monthly turnover: half the sum of buys and sales, divided by equity, in 21 sessions."
    " Regime consistency: fraction of the regimes of at least 60 sessions with a positive Sharpe ratio. p-value: of the"
    " difference of the Sharpe ratios (SPA, block bootstrap, both at equal volatility)."
)
PERCENTAGES = ("total_return", "max_drawdown", "turnover_month", "cost_year", "regime_consistency")
NAMES = {
    "total_return": "total return",
    "sharpe": "Sharpe ratio",
    "max_drawdown": "largest drawdown",
    "calmar": "Calmar ratio",
    "turnover_month": "monthly turnover",
    "cost_year": "annual costs",
    "regime_consistency": "regime consistency",
    "score": "weighted score",
}


def net_figures_of(net: NetResult | None) -> dict[str, float]:
    """Return the figures that are stored with a champion; withheld ones are omitted."""
    if net is None:
        return {}
    own = {f"net_{name}": value for name, value in asdict(net.candidate).items()}
    others = {"net_sessions": float(net.sessions), "equal_weight_sharpe": net.equal_weight.sharpe}
    found = own | others | {"spa_p_value": net.p_value}
    return {name: value for name, value in found.items() if isfinite(value)}


def net_section(net: NetResult | None, name: str) -> list[str]:
    """Return the section of the report, as lines of Markdown. `name` is that of the candidate."""
    if net is None:
        return ["No candidate passed the statistical tests: no portfolio was simulated."]
    rows = [
        f"| {text} | {_cell(net.candidate, key)} | {_cell(net.equal_weight, key)} |"
        for key, text in NAMES.items()
    ]
    return [
        f"{net.first} to {net.last}, {counted(net.sessions, 'session')}, optimizer {net.optimizer}.",
        "",
        f"| | {name} | equal weight |",
        "|---|---|---|",
        *rows,
        f"| p-value of the difference | {stated_p_value(net.p_value)} | |",
        "",
        LEGEND,
    ]


def _cell(figures: NetFigures, name: str) -> str:
    value: float = getattr(figures, name)
    if not isfinite(value):
        return "withheld"
    if name in PERCENTAGES:
        return f"{100 * value:.1f}%".replace("-", "−")
    return signed_ratio(value)
