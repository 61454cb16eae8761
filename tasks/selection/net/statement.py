"""State the portfolio after costs: for the report, and for the champion's metrics."""

from dataclasses import asdict
from math import isfinite

from tasks.core.text import counted
from tasks.selection.pair_choice import NEAR_TIE_SCORE
from tasks.selection.schema import NetFigures, NetResult, PairResult, Pairs
from tasks.selection.statement import signed_ratio, stated_p_value

LEGEND = (
    "After costs, whole shares, the limits and the regime of the daily run, starting with cash; the scores are those of"
    " the confirmation folds. Monthly turnover: half the sum of buys and sells, divided by equity, in 21 sessions."
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


PAIRS_LEGEND = (
    "Portfolios after costs over the selection folds except the first, which is used only to convert scores into"
    " expected returns. The learners that these folds cannot tell apart are compared. Of the pairs within"
    f" {NEAR_TIE_SCORE:g} of the largest weighted score, the first model is selected, with the optimizer in production"
    " or else the first. Fallbacks: decisions that another method made, because the optimizer found no solution or had"
    " no expected returns: the scores had no measured skill yet. The gates above use later sessions, which played no"
    " part in this."
)
FALLBACKS = "fallbacks"
PAIR_COLUMNS = ("sharpe", "max_drawdown", "calmar", "turnover_month", "regime_consistency", "score")


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
        return [
            "No candidate passed the statistical tests, so the gates on the portfolio were not evaluated."
        ]
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


def stated_pair(pairs: Pairs) -> str:
    """Return which pair was selected, as a sentence; empty if none was."""
    found = pairs.selected
    if found is None or found.figures is None:
        return ""
    tied = pairs.tied_with
    tie = "" if tied is None else f"; near tie: preferred to {tied.model} with {tied.optimizer}"
    return (
        f"Of {counted(len(pairs.results), 'pair')} of model and optimizer on the selection folds, {found.model} with"
        f" {found.optimizer} was selected (weighted score {signed_ratio(found.figures.score)}{tie})."
        f"{_mostly_another(found)}"
    )


def _mostly_another(pair: PairResult) -> str:
    """Return a warning if other methods made most of the decisions; their figures are compared then."""
    if 2 * sum(pair.fallbacks.values()) <= pair.decisions:
        return ""
    return f" Most of its decisions were made by another method ({_fallbacks(pair)})."


def _fallbacks(pair: PairResult) -> str:
    made = ", ".join(f"{method} {count}" for method, count in sorted(pair.fallbacks.items()))
    return f"{made} of {pair.decisions}" if made else "none"


def pairs_section(pairs: Pairs | None) -> list[str]:
    """Return the section of the report, as lines of Markdown."""
    if pairs is None:
        return ["No optimizers were compared: the portfolio is that of `portfolio.optimizer`."]
    heads = " | ".join(pair_heads())
    found = pairs.selected
    rows = [
        f"| {model} | {optimizer} | {' | '.join(cells)}"
        f"{' (selected)' if found and (model, optimizer) == (found.model, found.optimizer) else ''} |"
        for model, optimizer, *cells in pair_rows(pairs)
    ]
    return [
        f"{pairs.first} to {pairs.last}, {counted(pairs.sessions, 'session')}. {stated_pair(pairs)}".rstrip(),
        "",
        f"| model | optimizer | {heads} |",
        "|---" * (2 + len(pair_heads())) + "|",
        *rows,
        "",
        PAIRS_LEGEND,
    ]


def pair_rows(pairs: Pairs) -> list[tuple[str, ...]]:
    """Return model, optimizer and the cells under `pair_heads` of each pair, and of equal weight last."""
    return [
        *[(each.model, each.optimizer, *_pair_cells(each)) for each in pairs.results],
        ("equal weight", "", "", *[_cell(pairs.equal_weight, name) for name in PAIR_COLUMNS]),
    ]


def pair_heads() -> list[str]:
    """Return the heads of the columns of a pair, after model and optimizer."""
    return [FALLBACKS, *(NAMES[name] for name in PAIR_COLUMNS)]


def _pair_cells(pair: PairResult) -> list[str]:
    if pair.figures is None:
        return [f"failed: {pair.problem}", *[""] * len(PAIR_COLUMNS)]
    return [_fallbacks(pair), *[_cell(pair.figures, name) for name in PAIR_COLUMNS]]


def _cell(figures: NetFigures, name: str) -> str:
    value: float = getattr(figures, name)
    if not isfinite(value):
        return "withheld"
    if name in PERCENTAGES:
        return f"{100 * value:.1f}%".replace("-", "−")
    return signed_ratio(value)
