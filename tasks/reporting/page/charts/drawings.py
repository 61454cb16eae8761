"""Draw the report's charts: regime, portfolio against market, drawdown, scores, tail losses.

Computes nothing but the layout.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tasks.reporting.page.charts.canvas import (
    FONT,
    HALF,
    Chart,
    Days,
    Floats,
    Line,
    Size,
    draw_chart,
    label_ends,
    mark_across,
    mark_counts,
    mark_values,
    plain_axes,
    ribbon_axes,
    time_axes,
)
from tasks.reporting.page.charts.svg import COLOUR
from tasks.reporting.page.numerals import number, typeset_percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FULL = (Size("wide", 1130, 300), Size("narrow", 344, 250))  # of a card over the whole width


def regime_chart(sessions: Days, states: Sequence[str], level: Floats, description: str) -> Chart:
    """Draw the market's level over a ribbon of regime states."""

    def draw(figure: "Figure", size: Size) -> None:
        axes = ribbon_axes(figure, size, sessions, states)
        axes.plot(np.arange(len(sessions)), level, color=COLOUR["ink"], linewidth=1.5)
        if np.isfinite(level).any():
            mark_values(axes, number)
        else:
            axes.set_yticks([])

    return draw_chart("regime", "Market and regime", description, draw)


def cone_chart(
    sessions: Days,
    lines: Sequence[Line],
    bands: Sequence[Floats] | None,
    marks: Sequence[int],
    description: str,
) -> Chart:
    """Draw the lines over a cone of four edges, low to high, with a dotted line at each mark."""

    def draw(figure: "Figure", size: Size) -> None:
        axes = time_axes(figure, size, sessions, right=82)
        across = np.arange(len(sessions))
        if bands is not None:
            low, lower, upper, high = bands
            axes.fill_between(across, low, high, color=COLOUR["accent"], alpha=0.10, linewidth=0)
            axes.fill_between(across, lower, upper, color=COLOUR["accent"], alpha=0.16, linewidth=0)
            for edge in (low, high):
                axes.plot(edge, color=COLOUR["accent"], linewidth=0.8, linestyle=(0, (1, 2)))
        for line in reversed(lines):
            axes.plot(
                line.values,
                color=COLOUR[line.colour],
                linewidth=2 if line is lines[0] else 1.3,
                linestyle=(0, line.dashes) if line.dashes else "-",
            )
        for mark in marks:
            axes.axvline(mark, color=COLOUR["gold"], linewidth=1.2, linestyle=(0, (1, 1.5)))
        mark_values(axes, number)
        label_ends(axes, lines, size)

    return draw_chart("performance", "Portfolio, benchmark and cone", description, draw, sizes=FULL)


def lines_chart(
    key: str,
    title: str,
    sessions: Days,
    lines: Sequence[Line],
    description: str,
    *,
    sizes: tuple[Size, Size] = HALF,
) -> Chart:
    """Draw lines that share a start, each named at its end."""

    def draw(figure: "Figure", size: Size) -> None:
        axes = time_axes(figure, size, sessions, right=74)
        for line in reversed(lines):
            width = 1.8 if line is lines[0] else 1.2
            style = (0, line.dashes) if line.dashes else "-"
            axes.plot(line.values, color=COLOUR[line.colour], linewidth=width, linestyle=style)
        mark_values(axes, number)
        label_ends(axes, lines, size)

    return draw_chart(key, title, description, draw, sizes=sizes)


def drawdown_chart(sessions: Days, drawdown: Floats, description: str) -> Chart:
    """Draw the portfolio's drawdown from its highest close."""

    def draw(figure: "Figure", size: Size) -> None:
        axes = time_axes(figure, size, sessions)
        axes.fill_between(np.arange(len(drawdown)), drawdown, 0, color=COLOUR["bad"], alpha=0.22, linewidth=0)
        axes.plot(drawdown, color=COLOUR["bad"], linewidth=1.3)
        axes.set_ylim(min(float(np.nanmin(drawdown)) * 1.15, -0.01), 0)
        mark_values(axes, typeset_percent, scale=100)

    return draw_chart("drawdown", "Drawdown", description, draw)


def scores_chart(scores: Floats, chosen: Floats, description: str) -> Chart:
    """Draw the distribution of all scores, with the selected names marked."""

    def draw(figure: "Figure", size: Size) -> None:
        axes = plain_axes(figure, size, left=34, right=12, bottom=24 / size.height)
        counts, edges = np.histogram(scores, bins=histogram_bins(len(scores)))
        axes.stairs(counts, edges, fill=True, color=COLOUR["bars"], linewidth=0)
        in_bins, _ = np.histogram(chosen, bins=edges)
        axes.stairs(in_bins, edges, fill=True, color=COLOUR["accent"], linewidth=0)
        rug = np.full(len(chosen), -0.045 * max(int(counts.max()), 1))
        axes.plot(
            chosen, rug, linestyle="", marker="|", markersize=7, markeredgewidth=1.2, color=COLOUR["accent"]
        )
        axes.set_ylim(-0.1 * counts.max(), counts.max() * 1.08)
        mark_counts(axes)
        mark_across(axes, number)

    return draw_chart("scores", "Distribution of scores", description, draw)


def losses_chart(returns: Floats, var: float, cvar: float, description: str) -> Chart:
    """Draw the daily returns that the portfolio after the trades would have had, with VaR and CVaR in the tail."""

    def draw(figure: "Figure", size: Size) -> None:
        axes = plain_axes(figure, size, left=34, right=12, bottom=24 / size.height)
        counts, edges = np.histogram(returns, bins=histogram_bins(len(returns)))
        axes.stairs(counts, edges, fill=True, color=COLOUR["bars"], linewidth=0)
        top = counts.max()
        tail = np.where(edges[1:] <= -var, counts, 0)
        axes.stairs(tail, edges, fill=True, color=COLOUR["bad"], linewidth=0)
        for label, loss, height in (("VaR", var, 1.1), ("CVaR", cvar, 1.28)):
            axes.plot(
                [-loss, -loss], [0, top * height], color=COLOUR["bad"], linewidth=1.2, linestyle=(0, (3, 2))
            )
            axes.annotate(
                f"{label} {typeset_percent(loss, 2)}",
                (-loss, top * height),
                xytext=(4, 0),
                textcoords="offset points",
                color=COLOUR["bad"],
                fontsize=FONT,
                va="top",
            )
        axes.set_ylim(0, top * 1.32)
        mark_counts(axes)
        mark_across(axes, typeset_percent, scale=100)

    return draw_chart("losses", "Daily returns of the portfolio after the trades", description, draw)


def histogram_bins(count: int) -> int:
    """Return the number of bars for this many values: more than the rule of thumb, to resolve the tails."""
    return int(min(max(1.6 * count**0.5, 8), 40))
