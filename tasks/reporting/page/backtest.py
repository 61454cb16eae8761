"""Render the report of a backtest: its figures, equity against the benchmark, drawdown, and its years and regimes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tasks.backtest.combination import Combination
from tasks.backtest.metrics.curve import Curve
from tasks.backtest.metrics.figures import Figure as Measured
from tasks.reporting.page.canvas import Line
from tasks.reporting.page.charts import drawdown_chart, lines_chart
from tasks.reporting.page.document import environment, style
from tasks.reporting.page.figures import Figure, stretch_ends
from tasks.reporting.page.numerals import number, signed, typeset_percent, words
from tasks.risk.ratios import drawdowns

AS_NUMBER = frozenset({"sharpe", "sortino", "calmar", "beta", "turnover"})
SHORT = "fewer than 252 sessions"


@dataclass(frozen=True)
class Row:
    """One figure as it is shown."""

    name: str
    value: str
    sessions: int
    note: str


def render_backtest(
    curve: Curve,
    figures: Mapping[str, Measured],
    years: pd.DataFrame,
    regimes: pd.DataFrame,
    combination: Combination,
    *,
    identity: str,
    is_simulated: bool,
) -> bytes:
    """Return report.html: one file without scripts or external resources."""
    page = environment().get_template("backtest.html.j2")
    return page.render(
        combination=combination,
        identity=identity,
        is_simulated=is_simulated,
        rows=[_row(name, figure) for name, figure in figures.items()],
        equity=_equity(curve),
        drawdown=_drawdown(curve),
        years=_cells(years),
        regimes=_cells(regimes),
        style=style(),
    ).encode()


def _row(name: str, figure: Measured) -> Row:
    if figure.standing == "withheld" or np.isnan(figure.value):
        return Row(words(name), "–", figure.sessions, "withheld")
    value = number(figure.value) if name in AS_NUMBER else typeset_percent(figure.value, 2)
    return Row(words(name), value, figure.sessions, SHORT if figure.standing == "short" else "")


def _equity(curve: Curve) -> Figure:
    ends = stretch_ends(len(curve.sessions))
    level = 100 * curve.equity_usd / curve.equity_usd[0]
    lines = [Line("Portfolio", level[ends], "accent")]
    caption = f"Equity after costs since {curve.first}: {signed(level[-1] / 100 - 1, 2)}"
    if np.isfinite(curve.benchmark[1:]).all():
        market = 100 * np.cumprod(np.concatenate([[1.0], 1 + curve.benchmark[1:]]))
        lines.append(Line("Benchmark", market[ends], "muted"))
        caption += f"; the benchmark with dividends: {signed(market[-1] / 100 - 1, 2)}"
    caption += ". Start: 100."
    return Figure(lines_chart("equity", "Equity", curve.sessions[ends], lines, caption), caption)


def _drawdown(curve: Curve) -> Figure:
    depth = drawdowns(curve.equity_usd)
    ends = stretch_ends(len(curve.sessions))
    deepest = np.minimum.reduceat(depth, np.concatenate([[0], ends[:-1] + 1]))
    caption = f"Distance from the highest close. Deepest {typeset_percent(float(depth.min()), 2)}."
    return Figure(drawdown_chart(curve.sessions[ends], deepest, caption), caption)


def _cells(table: pd.DataFrame) -> list[list[str]]:
    """Return the table as text, its header first."""
    header = [words(str(name)) for name in table.columns]
    return [header, *([_cell(name, value) for name, value in row.items()] for _, row in table.iterrows())]


def _cell(name: object, value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    if np.isnan(value):
        return "–"
    return number(value) if str(name) in AS_NUMBER else typeset_percent(value, 2)
