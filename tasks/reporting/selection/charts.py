"""Draw the charts of a selection. Computes nothing but the layout."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from tasks.reporting.page.charts.canvas import (
    FONT,
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
    time_axes,
)
from tasks.reporting.page.charts.drawings import FULL, histogram_bins
from tasks.reporting.page.charts.svg import COLOUR
from tasks.reporting.page.numerals import number, typeset_percent

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DOT = 5.0


def growth_chart(sessions: Days, lines: Sequence[Line], description: str) -> Chart:
    """Draw portfolios on one logarithmic axis, each named at its end."""
    drawn = [Line(line.label, np.log(line.values), line.colour, line.dashes) for line in lines]

    def draw(figure: "Figure", size: Size) -> None:
        axes = time_axes(figure, size, sessions, right=124)
        for line in reversed(drawn):
            style = (0, line.dashes) if line.dashes else "-"
            axes.plot(line.values, color=COLOUR[line.colour], linewidth=1.5, linestyle=style)
        low, high = axes.get_ylim()
        levels = [each for each in _levels() if low <= np.log(each) <= high]
        levels = levels[:: max(len(levels) // 5, 1)]
        axes.set_yticks([float(np.log(each)) for each in levels], [number(each, 0) for each in levels])
        axes.set_ylim(low, high)
        label_ends(axes, drawn, size)

    return draw_chart("equity", "Portfolios after costs", description, draw, sizes=FULL)


def skill_chart(
    sessions: Days, mean: Floats, low: Floats, high: Floats, start: int, description: str
) -> Chart:
    """Draw a moving mean with its band; a dotted line marks the first session of the confirmation folds."""

    def draw(figure: "Figure", size: Size) -> None:
        axes = time_axes(figure, size, sessions)
        across = np.arange(len(sessions))
        axes.fill_between(across, low, high, color=COLOUR["accent"], alpha=0.16, linewidth=0)
        axes.plot(mean, color=COLOUR["accent"], linewidth=1.6)
        axes.axhline(0, color=COLOUR["ink"], linewidth=0.8)
        axes.axvline(start, color=COLOUR["gold"], linewidth=1.2, linestyle=(0, (1, 1.5)))
        mark_values(axes, number)

    return draw_chart("skill", "Neutral IC over time", description, draw, sizes=FULL)


def bars_chart(key: str, title: str, labels: Sequence[str], values: Floats, description: str) -> Chart:
    """Draw one upright bar for each label; values are fractions."""

    def draw(figure: "Figure", size: Size) -> None:
        axes = plain_axes(figure, size, left=52, right=12, bottom=24 / size.height)
        colours = [COLOUR["accent"] if value >= 0 else COLOUR["bad"] for value in values]
        axes.bar(range(len(labels)), values, width=0.62, color=colours)
        axes.axhline(0, color=COLOUR["ink"], linewidth=0.8)
        axes.set_xticks(range(len(labels)), labels)
        mark_values(axes, typeset_percent, scale=100)

    return draw_chart(key, title, description, draw)


def dots_chart(
    key: str,
    title: str,
    rows: Mapping[str, Sequence[float]],
    description: str,
    *,
    hollow: int = 0,
    lines: Sequence[float] = (),
) -> Chart:
    """Draw the values of each name as dots in a row of its own, the first `hollow` ones as circles.

    `lines`: a value of each row that is marked by a stroke.
    """
    names = list(rows)

    def draw(figure: "Figure", size: Size) -> None:
        axes = plain_axes(figure, size, left=128, right=12, bottom=24 / size.height)
        axes.grid(visible=False, axis="y")
        axes.axvline(0, color=COLOUR["ink"], linewidth=0.8)
        for place, name in enumerate(names):
            values = np.array(rows[name], dtype=np.float64)
            height = -place
            axes.axhline(height, color=COLOUR["grid"], linewidth=1, zorder=0)
            for each, filled in ((values[:hollow], False), (values[hollow:], True)):
                axes.plot(
                    each,
                    np.full(len(each), height),
                    linestyle="",
                    marker="o",
                    markersize=DOT,
                    markeredgecolor=COLOUR["accent"],
                    markerfacecolor=COLOUR["accent"] if filled else COLOUR["card"],
                )
            if place < len(lines) and np.isfinite(lines[place]):
                axes.plot(
                    [lines[place]] * 2, [height - 0.32, height + 0.32], color=COLOUR["gold"], linewidth=2
                )
        axes.set_ylim(-len(names) + 0.4, 0.6)
        axes.set_yticks([-place for place in range(len(names))], names)
        mark_across(axes, number)

    return draw_chart(key, title, description, draw)


def placebo_chart(placebos: Floats, found: float, description: str) -> Chart:
    """Draw the distribution of the placebo runs, with the candidate marked."""

    def draw(figure: "Figure", size: Size) -> None:
        axes = plain_axes(figure, size, left=34, right=16, bottom=24 / size.height)
        counts, edges = np.histogram(placebos, bins=histogram_bins(len(placebos)))
        axes.stairs(counts, edges, fill=True, color=COLOUR["bars"], linewidth=0)
        top = float(counts.max()) * 1.25
        axes.plot([found, found], [0, top], color=COLOUR["accent"], linewidth=2)
        axes.annotate(
            f"t {number(found, 2)}",
            (found, top),
            xytext=(-4, 0),
            textcoords="offset points",
            color=COLOUR["accent"],
            fontsize=FONT,
            va="top",
            ha="right",
        )
        axes.set_ylim(0, top)
        mark_counts(axes)
        mark_across(axes, number)

    return draw_chart("placebo", "Placebo runs", description, draw)


def trials_chart(sessions: Days, bars: Floats, sharpe: float, description: str) -> Chart:
    """Draw the Sharpe ratio expected by chance over the life of the home, and the candidate's, dashed."""
    lines = [Line("by chance", bars, "muted")]
    if np.isfinite(sharpe):
        lines.append(Line("candidate", np.full(len(bars), sharpe), "accent", (4.0, 2.0)))

    def draw(figure: "Figure", size: Size) -> None:
        axes = time_axes(figure, size, sessions, right=74)
        for line in lines:
            style = (0, line.dashes) if line.dashes else "-"
            axes.plot(
                line.values,
                color=COLOUR[line.colour],
                linewidth=1.5,
                linestyle=style,
                marker="o",
                markersize=3,
            )
        axes.set_ylim(0, max(float(np.nanmax(line.values)) for line in lines) * 1.15 + 0.1)
        mark_values(axes, number)
        label_ends(axes, lines, size)

    return draw_chart("trials", "Trials and luck", description, draw)


def importance_chart(names: Sequence[str], shares: Floats, description: str) -> Chart:
    """Draw one lying bar for each feature, the most important on top."""

    def draw(figure: "Figure", size: Size) -> None:
        axes = plain_axes(figure, size, left=168, right=12, bottom=24 / size.height)
        axes.grid(visible=False, axis="y")
        axes.barh([-place for place in range(len(names))], shares, height=0.6, color=COLOUR["accent"])
        axes.set_yticks([-place for place in range(len(names))], names)
        mark_across(axes, typeset_percent, scale=100)

    return draw_chart("importance", "Most important features", description, draw)


def _levels() -> list[float]:
    return [*range(10, 100, 5), *range(100, 200, 10), *range(200, 500, 25), *range(500, 5001, 250)]
