"""Select the data of each chart and describe it in text; None if there is nothing to draw yet.

The text is the chart's description for screen readers. page/charts draws.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise, product

import numpy as np
from numpy.typing import NDArray

from tasks.core.text import counted
from tasks.portfolio.schema import CASH
from tasks.regime.schema import STATES
from tasks.reporting.day.inputs import DayInputs
from tasks.reporting.page.charts.canvas import Chart, Line
from tasks.reporting.page.charts.drawings import (
    drawdown_chart,
    lines_chart,
    losses_chart,
    regime_chart,
    scores_chart,
)
from tasks.reporting.page.numerals import number, signed, typeset_percent
from tasks.reporting.page.performance import Performance
from tasks.risk.tail import book_returns

RIBBON_SESSIONS = 252
MOST_POINTS = 500  # per line: more are indistinguishable and bloat the page


@dataclass(frozen=True)
class StateCount:
    """The number of displayed sessions in one state."""

    state: str
    sessions: int


@dataclass(frozen=True)
class Figure:
    """A chart with its caption."""

    chart: Chart
    caption: str


@dataclass(frozen=True)
class StateChange:
    """How often one state followed another."""

    before: str
    after: str
    times: int


@dataclass(frozen=True)
class RegimeFigure:
    """The ribbon, the days in each state, the changes between states, and the duration of the current state."""

    figure: Figure | None
    counts: tuple[StateCount, ...]
    changes: tuple[StateChange, ...]  # from the better states down; empty if the state never changed
    lasted: int


def regime_figure(inputs: DayInputs) -> RegimeFigure:
    """Show the last year's states under the market's level."""
    history = inputs.frames.regime_history.tail(RIBBON_SESSIONS)
    states = [str(state) for state in history["state"]]
    counts = tuple(StateCount(state, states.count(state)) for state in reversed(STATES) if state in states)
    changes = state_changes(states)
    changed = [index for index, state in enumerate(states) if state != states[-1]]
    lasted = len(states) - 1 - changed[-1] if changed else len(states)
    if len(states) < 2:
        return RegimeFigure(None, counts, changes, lasted)
    sessions = history.index.to_numpy().astype("datetime64[D]")
    caption = f"The benchmark over the last {len(states)} sessions, and the state of each."
    spoken = ", ".join(f"{count.state} {count.sessions}" for count in counts)
    chart = regime_chart(sessions, states, _level_at(inputs, sessions), f"{caption} Sessions: {spoken}.")
    return RegimeFigure(Figure(chart, caption), counts, changes, lasted)


def state_changes(states: Sequence[str]) -> tuple[StateChange, ...]:
    """Count the changes from each state to each other one."""
    times = Counter(pairwise(states))
    pairs = product(reversed(STATES), reversed(STATES))
    return tuple(StateChange(a, b, times[a, b]) for a, b in pairs if a != b and times[a, b])


def performance_figure(book: Performance) -> Figure | None:
    """Show the portfolio and the benchmark, both starting at 100."""
    if not book.has_past:
        return None
    ends = stretch_ends(len(book.sessions))
    lines = [Line("Portfolio", book.book[ends], "accent")]
    caption = f"The portfolio since {book.sessions[0]}: {signed(book.total_return, 2)}"
    if book.benchmark is not None:
        lines.append(Line("Benchmark", book.benchmark[ends], "muted"))
        caption += f"; the benchmark: {book.benchmark_words}"
    caption += ". Both start at 100." if book.benchmark is not None else ". It starts at 100."
    chart = lines_chart("performance", "Portfolio and benchmark", book.sessions[ends], lines, caption)
    return Figure(chart, caption)


def drawdown_figure(book: Performance) -> Figure | None:
    """Show the portfolio's drawdown from its highest close."""
    if not book.has_past:
        return None
    caption = (
        f"Distance from the highest close. Deepest {typeset_percent(book.max_drawdown, 2)}, now"
        f" {typeset_percent(float(book.drawdown[-1]), 2)}."
    )
    ends = stretch_ends(len(book.sessions))
    deepest = np.minimum.reduceat(book.drawdown, np.concatenate([[0], ends[:-1] + 1]))
    return Figure(drawdown_chart(book.sessions[ends], deepest, caption), caption)


def scores_figure(inputs: DayInputs) -> Figure | None:
    """Show the selected names among all scored names; None if all scores are equal."""
    scores = inputs.frames.scores["score"]
    known = scores[np.isfinite(scores)]
    if known.nunique() < 2:
        return None
    weights = inputs.frames.weights["weight"]
    chosen = known.reindex([name for name in weights.index[weights > 0] if name != CASH]).dropna()
    caption = f"{counted(len(known), 'name')} scored"
    if len(chosen):
        ranks = inputs.frames.scores["rank"].reindex(chosen.index)
        caption += (
            f"; the {counted(len(chosen), 'selected name')} in color,"
            f" ranks {number(ranks.min(), 0)} to {number(ranks.max(), 0)}"
        )
    else:
        caption += "; none is in the target portfolio"
    return Figure(
        scores_chart(known.to_numpy(dtype=float), chosen.to_numpy(dtype=float), f"{caption}."), f"{caption}."
    )


def losses_figure(inputs: DayInputs, losses: Mapping[str, float]) -> Figure | None:
    """Show what the portfolio after the trades would have returned, with its VaR and CVaR; None if it is all cash.

    `losses`: by historical simulation, as assessed.
    """
    weights = inputs.frames.after["weight"].drop(CASH, errors="ignore")
    invested = weights[weights != 0]
    var, cvar = losses.get("var_1d", float("nan")), losses.get("cvar_1d", float("nan"))
    if invested.empty or not np.isfinite([var, cvar]).all():
        return None
    returns = book_returns(invested, inputs.frames.returns)
    if len(returns) < 20:
        return None
    confidence = inputs.run.settings.risk.confidence
    caption = (
        f"What the portfolio after the trades would have returned on each of {len(returns)} sessions. On the worst"
        f" {typeset_percent(1 - confidence, 0)} of them it lost {typeset_percent(var, 2)} or more,"
        f" {typeset_percent(cvar, 2)} on average."
    )
    return Figure(losses_chart(returns, var, cvar, caption), caption)


def stretch_ends(count: int) -> NDArray[np.intp]:
    """Return the last index of each of at most MOST_POINTS equal intervals; a short history keeps every index."""
    return np.unique(np.linspace(0, count - 1, min(count, MOST_POINTS)).round().astype(np.intp))


def _level_at(inputs: DayInputs, sessions: np.ndarray) -> np.ndarray:
    """Return the benchmark's level on these sessions, NaN where it is unknown."""
    known = dict(zip(inputs.backdrop.sessions.tolist(), inputs.backdrop.benchmark.tolist(), strict=True))
    return np.array([known.get(day, float("nan")) for day in sessions.tolist()])
