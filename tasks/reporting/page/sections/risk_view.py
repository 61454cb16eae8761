"""The page's lines about risk: limits, stress scenarios, and the sources of risk."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from tasks.reporting.page.numerals import number, typeset_percent
from tasks.risk.assessment import Assessment
from tasks.risk.limits import LimitState
from tasks.risk.stress import ScenarioLoss
from tasks.risk.tail_models import METHODS
from tasks.risk.var_tests import WINDOW, VarTest

NAMES_SHOWN = 3
SHARES_SHOWN = 5
LABELS = {
    "var_1d": "Daily risk budget (VaR 1 d)",
    "var_21d": "VaR 21 d",
    "volatility": "Volatility",
    "beta": "Beta",
    "largest_cluster": "Largest correlated cluster",
    "scenario_loss": "Worst stress scenario",
    "drawdown": "Drawdown of the account",
}
PLACES = {"var_1d": 2, "var_21d": 2}


@dataclass(frozen=True)
class LimitLine:
    """One limit as the page shows it. `bar` is the used fraction, at most 1."""

    label: str
    value: str
    limit: str
    room: str  # what is left to the limit, or by how much it is exceeded
    bar: float
    state: str


@dataclass(frozen=True)
class ScenarioLine:
    """One scenario with its largest losses by position."""

    name: str
    market: float
    loss: float
    positions: tuple[tuple[str, float], ...]


@dataclass(frozen=True)
class ShareLine:
    """One name's share of the portfolio's variance, and its weight."""

    symbol: str
    share: float
    weight: float


@dataclass(frozen=True)
class RiskLines:
    """The text of the page about the risk after the trades."""

    figures: tuple[tuple[str, str], ...]
    losses: tuple[tuple[str, dict[str, float]], ...]
    var_test: str
    limits: tuple[LimitLine, ...]
    scenarios: tuple[ScenarioLine, ...]
    shares: tuple[ShareLine, ...]
    cluster: str
    sessions: int


def risk_lines(assessment: Assessment, after: pd.Series) -> RiskLines:
    """Return the page's lines. `after`: weights after the trades, by symbol."""
    figures = assessment.figures
    return RiskLines(
        figures=(
            ("Leverage", number(figures["leverage"])),
            ("Effective names", number(figures["effective_names"], 1)),
        ),
        losses=tuple((method, assessment.losses[method]) for method in METHODS if assessment.losses),
        var_test=_var_test_words(assessment.var_test),
        limits=tuple(_limit_line(state) for state in assessment.limits),
        scenarios=tuple(_scenario_line(scenario) for scenario in assessment.scenarios),
        shares=tuple(
            ShareLine(name, share, float(after.get(name, 0.0)))
            for name, share in assessment.risk_shares[:SHARES_SHOWN]
        ),
        cluster=_cluster_words(assessment),
        sessions=assessment.sessions,
    )


def limit_notice(breached: Sequence[LimitState], held: Mapping[str, float]) -> str:
    """Return a notice that lists these breached limits.

    `held`: figures of the portfolio before the trades, by limit, where known. Those over the limit are stated.
    """
    named = "; ".join(
        f"{line.label} {line.value}, limit {line.limit}{_before_words(state, held)}"
        for state, line in ((state, _limit_line(state)) for state in breached)
    )
    return (
        f"Over the risk limit after the trades: {named}. "
        f"{'It blocks' if len(breached) == 1 else 'They block'} no trade: reduce the positions, or accept the risk."
    )


def _before_words(state: LimitState, held: Mapping[str, float]) -> str:
    before = held.get(state.name, float("nan"))
    return f" ({limit_figure(state.name, before)} before)" if before > state.limit else ""


def limit_figure(name: str, figure: float) -> str:
    """Write the figure of a limit, or the limit itself, with the precision that every page and command uses."""
    return number(figure) if name == "beta" else typeset_percent(figure, PLACES.get(name, 1))


def _limit_line(state: LimitState) -> LimitLine:
    places = PLACES.get(state.name, 1)
    value, limit = (limit_figure(state.name, each) for each in (state.value, state.limit))
    used = 0.0 if state.state == "unknown" else min(max(state.used, 0.0), 1.0)
    return LimitLine(LABELS[state.name], value, limit, _room(state, places), used, state.state)


def _room(state: LimitState, places: int) -> str:
    if state.state == "unknown":
        return "unknown"
    left = state.limit - state.value
    amount = number(abs(left)) if state.name == "beta" else f"{number(100 * abs(left), places)} pp"
    return f"over by {amount}" if state.state == "breached" else f"room {amount}"


def _scenario_line(scenario: ScenarioLoss) -> ScenarioLine:
    lost = tuple((name, loss) for name, loss in scenario.positions if loss > 0)
    return ScenarioLine(scenario.name, scenario.market, scenario.loss, lost[:NAMES_SHOWN])


def _var_test_words(test: VarTest) -> str:
    if not test.sessions:
        return ""
    return (
        f"Today's portfolio would have lost more than its VaR, estimated from the preceding {WINDOW} sessions, on"
        f" {test.exceedances} of {test.sessions} sessions; {number(test.expected, 1)} were expected"
        f" (Kupiec p = {number(test.kupiec_p)}, Christoffersen p = {number(test.conditional_p)})."
    )


def _cluster_words(assessment: Assessment) -> str:
    if not assessment.clusters:
        return ""
    largest = assessment.clusters[0]
    shown = ", ".join(largest.names[:SHARES_SHOWN])
    more = len(largest.names) - SHARES_SHOWN
    return f"{shown}{f' and {more} more' if more > 0 else ''}: {typeset_percent(largest.weight)}"
