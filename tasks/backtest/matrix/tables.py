"""The tables of a matrix: one row per combination, one per combination and regime, and every detail as one document.

No cell is empty and no number is NaN: a figure that cannot be computed is `withheld`, in JSON null, and a failed
combination has its reason in the column `outcome`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.backtest.combination import curve_of, fallbacks
from tasks.backtest.matrix.outcome import Outcome
from tasks.backtest.metrics.curve import Curve
from tasks.backtest.metrics.figures import Figure, figure, measure
from tasks.backtest.metrics.tables import PARTIAL, per_regime, per_year
from tasks.backtest.walk import Totals
from tasks.backtest.world import World
from tasks.risk.ratios import SESSIONS_PER_YEAR

WITHHELD = "withheld"
MEASURED = "measured"
ON_OFF = {True: "on", False: "off"}
KEYS = ("model", "optimizer", "regime_adaptation")
COST = "cost_frac"  # of the equity, a year
FIGURES = (
    *("total_return", "cagr", "volatility", "sharpe", "sortino", "max_drawdown", "calmar", "turnover", COST),
    *("win_rate", "exposure", "beta", "alpha", "benchmark_return", "benchmark_cagr"),
)


@dataclass(frozen=True)
class Measured:
    """An outcome with its figures; without a curve where it failed."""

    outcome: Outcome
    curve: Curve | None
    figures: Mapping[str, Figure]

    @property
    def key(self) -> tuple[str, str, str]:
        """Values of KEYS."""
        combination = self.outcome.combination
        return combination.model, combination.optimizer, ON_OFF[combination.uses_regime]

    @cached_property
    def by_regime(self) -> pd.DataFrame:
        return pd.DataFrame() if self.curve is None else per_regime(self.curve).reset_index()

    @property
    def fallbacks(self) -> int:
        """Decisions whose weights were set by neither the optimizer of the combination nor the regime."""
        return sum(fallbacks(self.outcome.methods, self.outcome.combination.optimizer).values())


@dataclass(frozen=True)
class Baseline:
    """The benchmark of every combination: the equal-weighted universe."""

    curve: Curve
    figures: Mapping[str, Figure]


def measure_outcome(outcome: Outcome, world: World, states: NDArray[np.str_]) -> Measured:
    """Return the figures of an outcome. `states`: by session of the world."""
    if outcome.totals is None:
        return Measured(outcome, None, {})
    baseline = measure_totals(outcome.totals, world, states)
    return Measured(outcome, baseline.curve, baseline.figures)


def measure_totals(totals: Totals, world: World, states: NDArray[np.str_]) -> Baseline:
    """Return the curve and figures of a run's totals."""
    curve = curve_of(totals, world, states)
    yearly = float((totals.costs[1:] / totals.equity[:-1]).mean()) * SESSIONS_PER_YEAR
    cost = figure("turnover", yearly, len(totals.sessions) - 1)  # annualized, as turnover is
    return Baseline(curve, {**measure(curve), COST: cost})


def comparison(measured: Sequence[Measured]) -> pd.DataFrame:
    """Return one row per combination, in the order of the matrix."""
    return pd.DataFrame([_row(each) for each in measured])


def regime_breakdown(measured: Sequence[Measured]) -> pd.DataFrame:
    """Return one row per combination and regime that occurred; failed combinations have none."""
    columns = [*KEYS, "regime", *PARTIAL]
    rows = [
        dict(zip(KEYS, each.key, strict=True)) | {name: _cell(value) for name, value in row.items()}
        for each in measured
        for row in each.by_regime.to_dict("records")
    ]
    return pd.DataFrame(rows, columns=columns)


def details(
    measured: Sequence[Measured], equal_weight: Baseline, scores: Mapping[str, str]
) -> dict[str, Any]:
    """Return all results as plain data. `scores`: id of the stored scores by model."""
    return {
        "scores": dict(scores),
        "equal_weight": _figures(equal_weight.figures),
        "combinations": [_detail(each) for each in measured],
    }


def equity_table(measured: Sequence[Measured]) -> pd.DataFrame:
    """Return the equity in USD by session, one column per combination that has a curve, named model/optimizer/on."""
    curves = {"/".join(each.key): each.curve for each in measured if each.curve is not None}
    if not curves:
        return pd.DataFrame(columns=["session"])
    sessions = next(iter(curves.values())).sessions
    days = [str(day) for day in sessions.astype("datetime64[D]")]
    equity = {name: [f"{value:.2f}" for value in curve.equity_usd] for name, curve in curves.items()}
    return pd.DataFrame({"session": days, **equity})


def best(measured: Sequence[Measured], count: int) -> list[Measured]:
    """Return the combinations with the highest Sharpe ratio after costs, best first; those without one are omitted.

    Of combinations with the same equity, as is common for models that do not rank names, only the first is returned.
    """
    stated = [each for each in measured if np.isfinite(_value(each, "sharpe"))]
    ranked = sorted(stated, key=lambda each: -_value(each, "sharpe"))
    distinct = {each.curve.equity_usd.tobytes(): each for each in reversed(ranked) if each.curve is not None}
    return [each for each in ranked if any(each is kept for kept in distinct.values())][:count]


def _value(measured: Measured, name: str) -> float:
    return measured.figures[name].value if name in measured.figures else float("nan")


def _row(measured: Measured) -> dict[str, object]:
    combination, outcome = measured.outcome.combination, measured.outcome
    return {
        **dict(zip(KEYS, measured.key, strict=True)),
        "outcome": " ".join(outcome.reason.split()) or MEASURED,
        "first": str(combination.first),
        "last": str(combination.last),
        "sessions": 0 if measured.curve is None else len(measured.curve.sessions) - 1,
        "decisions": sum(outcome.methods.values()),
        "fallbacks": measured.fallbacks,
        **{name: _cell(_value(measured, name)) for name in FIGURES},
        "id": outcome.id,
    }


def _cell(value: object) -> object:
    return WITHHELD if isinstance(value, float) and not np.isfinite(value) else value


def _detail(measured: Measured) -> dict[str, Any]:
    outcome, curve = measured.outcome, measured.curve
    combination = {name: _plain(value) for name, value in asdict(outcome.combination).items()}
    if curve is None:
        return {"id": outcome.id, "combination": combination, "outcome": outcome.reason}
    return {
        "id": outcome.id,
        "combination": combination,
        "outcome": MEASURED,
        "methods": dict(outcome.methods),
        "figures": _figures(measured.figures),
        "years": _records(per_year(curve).reset_index()),
        "regimes": _records(measured.by_regime),
    }


def _figures(figures: Mapping[str, Figure]) -> dict[str, Any]:
    return {
        name: {
            "value": _plain(each.value),
            "sessions": each.sessions,
            "standing": WITHHELD if _plain(each.value) is None else each.standing,
        }
        for name, each in figures.items()
    }


def _records(table: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): _plain(value) for name, value in row.items()} for row in table.to_dict("records")]


def _plain(value: object) -> Any:
    """Return the value for JSON; a number that is not finite becomes null."""
    if isinstance(value, bool | int | str):
        return value
    if isinstance(value, float):
        return float(value) if np.isfinite(value) else None
    return str(value)
