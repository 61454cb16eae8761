"""Draw the charts of a tear sheet: equity, drawdown, years, rolling figures, exposure, costs, returns, attribution.

Computes nothing but the layout.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from tasks.reporting.page.charts.canvas import (
    FONT,
    Chart,
    Days,
    Floats,
    Line,
    Size,
    Write,
    draw_chart,
    label_ends,
    mark_across,
    mark_counts,
    mark_values,
    plain_axes,
    remove_frame,
    ribbon_axes,
    ticks,
    time_axes,
)
from tasks.reporting.page.charts.svg import COLOUR
from tasks.reporting.page.numerals import number, typeset_percent, usd

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FULL = (Size("wide", 1130, 340), Size("narrow", 344, 250))  # of a card over the whole width
FLAT = (Size("wide", 1130, 190), Size("narrow", 344, 180))
LABELS = 82  # room for the names at the ends of lines, in CSS pixels
FINE, COARSE = (1, 1.5, 2, 3, 5, 7), (1, 2, 5)  # marks in each factor of 10
MOST_MARKS = 8
FEW = 2.5  # a span up to this factor is marked as on a linear scale


def equity_chart(sessions: Days, lines: Sequence[Line], states: Sequence[str], description: str) -> Chart:
    """Draw levels on a logarithmic scale over a ribbon of regime states. Equal distances are equal returns."""

    def draw(figure: "Figure", size: Size) -> None:
        axes = ribbon_axes(figure, size, sessions, states, right=LABELS)
        logs = [Line(line.label, np.log10(line.values), line.colour) for line in lines]
        _plot(axes, logs)
        low, high = axes.get_ylim()
        places = level_marks(10**low, 10**high)
        axes.set_yticks(np.log10(places), [number(place, 0 if place >= 10 else 1) for place in places])
        axes.set_ylim(low, high)
        label_ends(axes, logs, size)

    return draw_chart("equity", "Equity on a logarithmic scale", description, draw, sizes=FULL)


def level_marks(low: float, high: float) -> list[float]:
    """Return round levels between two positive ones, for a logarithmic scale."""
    if high / low <= FEW:
        return [place for place in ticks(low, high, number, count=4, scale=1)[0] if place > 0]
    decades = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    for steps in (FINE, COARSE):
        marks = [step * 10.0**decade for decade in decades for step in steps]
        inside = [mark for mark in marks if low <= mark <= high]
        if len(inside) <= MOST_MARKS:
            break
    return inside


def underwater_chart(sessions: Days, depth: Floats, others: Sequence[Line], description: str) -> Chart:
    """Draw the portfolio's drawdown as an area, other drawdowns as lines."""

    def draw(figure: "Figure", size: Size) -> None:
        axes = time_axes(figure, size, sessions, right=LABELS)
        axes.fill_between(np.arange(len(depth)), depth, 0, color=COLOUR["bad"], alpha=0.25, linewidth=0)
        for line in others:
            axes.plot(line.values, color=COLOUR[line.colour], linewidth=1.0)
        axes.plot(depth, color=COLOUR["bad"], linewidth=1.4)
        deepest = min(float(np.min(line.values)) for line in (Line("", depth, ""), *others))
        axes.set_ylim(min(deepest * 1.1, -0.01), 0)
        mark_values(axes, typeset_percent, scale=100)
        label_ends(axes, [Line("Portfolio", depth, "bad"), *others], size)

    return draw_chart("underwater", "Drawdown", description, draw, sizes=FLAT)


def years_chart(years: Sequence[int], bars: Sequence[Line], description: str) -> Chart:
    """Draw the return of each year as bars side by side, one color per line."""

    def draw(figure: "Figure", size: Size) -> None:
        axes = plain_axes(figure, size, left=48, right=12, bottom=24 / size.height)
        width = 0.8 / len(bars)
        for place, line in enumerate(bars):
            left = np.arange(len(years)) - 0.4 + width * place
            axes.bar(left, line.values, width * 0.92, align="edge", color=COLOUR[line.colour], linewidth=0)
        axes.axhline(0, color=COLOUR["muted"], linewidth=1)
        axes.set_xlim(-0.55, len(years) - 0.45)
        every = -(-len(years) * 44 // int(size.width - 60))
        axes.set_xticks(range(0, len(years), every), [str(year) for year in years[::every]])
        mark_values(axes, typeset_percent, scale=100)

    return draw_chart("by-year", "Return by year", description, draw)


def rolling_chart(
    key: str, title: str, sessions: Days, lines: Sequence[Line], description: str, *, reference: float
) -> Chart:
    """Draw figures over a moving window, with a line at a reference value."""

    def draw(figure: "Figure", size: Size) -> None:
        axes = time_axes(figure, size, sessions, right=LABELS)
        axes.axhline(reference, color=COLOUR["muted"], linewidth=1, linestyle=(0, (3, 2)))
        _plot(axes, lines)
        mark_values(axes, number)
        label_ends(axes, lines, size)

    return draw_chart(key, title, description, draw)


def exposure_chart(sessions: Days, exposure: Floats, states: Sequence[str], description: str) -> Chart:
    """Draw the invested fraction over a ribbon of regime states."""

    def draw(figure: "Figure", size: Size) -> None:
        axes = ribbon_axes(figure, size, sessions, states)
        axes.fill_between(
            np.arange(len(exposure)), exposure, 0, color=COLOUR["accent"], alpha=0.18, linewidth=0
        )
        axes.plot(exposure, color=COLOUR["accent"], linewidth=1.3)
        axes.set_ylim(min(0.0, float(exposure.min())), max(1.0, float(exposure.max()) * 1.05))
        mark_values(axes, typeset_percent, scale=100)

    return draw_chart("exposure", "Exposure and regime", description, draw)


def sectors_chart(periods: Days, names: Sequence[str], weights: Floats, description: str) -> Chart:
    """Draw periods × sectors as a strip of cells for each sector: the darker, the more is held."""

    def draw(figure: "Figure", size: Size) -> None:
        left = min(7.2 * max(len(name) for name in names) + 10, size.width * 0.42)
        axes = plain_axes(figure, size, left=left, right=12, bottom=24 / size.height)
        axes.grid(visible=False)
        full = max(float(weights.max()), 1e-9)
        for row, column in enumerate(weights.T):
            held = np.flatnonzero(column > 0)
            axes.broken_barh(
                [(place - 0.5, 1.0) for place in held],
                (row - 0.42, 0.84),
                facecolors=[
                    (COLOUR["accent"], min(0.08 + 0.92 * column[place] / full, 1.0)) for place in held
                ],
                linewidth=0,
            )
        axes.set_ylim(len(names) - 0.5, -0.5)
        axes.set_yticks(range(len(names)), [_shortened(name, int(left / 6.4)) for name in names])
        axes.set_xlim(-0.5, max(len(periods) - 0.5, 1))
        _mark_years(axes, periods, size)

    sizes = (Size("wide", 544, 34 + 21.0 * len(names)), Size("narrow", 344, 34 + 20.0 * len(names)))
    return draw_chart("sectors", "Exposure by sector", description, draw, sizes=sizes)


def periods_chart(
    key: str, title: str, periods: Days, values: Floats, write: Write, description: str, *, scale: float
) -> Chart:
    """Draw one bar per period."""

    def draw(figure: "Figure", size: Size) -> None:
        axes = plain_axes(figure, size, left=54, right=12, bottom=24 / size.height)
        axes.bar(np.arange(len(values)), values, 0.78, color=COLOUR["accent"], linewidth=0)
        axes.set_xlim(-0.6, max(len(values) - 0.4, 1))
        axes.set_ylim(0, max(float(values.max()) * 1.08, 1e-9))
        mark_values(axes, write, scale=scale)
        _mark_years(axes, periods, size)

    return draw_chart(key, title, description, draw)


def returns_chart(returns: Floats, var: float, description: str) -> Chart:
    """Draw the daily returns and a normal distribution with their mean and standard deviation; the tail is colored."""

    def draw(figure: "Figure", size: Size) -> None:
        axes = plain_axes(figure, size, left=34, right=12, bottom=24 / size.height)
        spread = float(returns.std())
        reach = min(float(np.abs(returns).max()), 5 * spread) or 0.01
        counts, edges = np.histogram(np.clip(returns, -reach, reach), bins=61, range=(-reach, reach))
        axes.stairs(counts, edges, fill=True, color=COLOUR["bars"], linewidth=0)
        axes.stairs(
            np.where(edges[1:] <= -var, counts, 0), edges, fill=True, color=COLOUR["bad"], linewidth=0
        )
        if spread > 0:
            x = np.linspace(-reach, reach, 121)
            height = np.exp(-(((x - returns.mean()) / spread) ** 2) / 2) / (spread * np.sqrt(2 * np.pi))
            axes.plot(x, height * len(returns) * (edges[1] - edges[0]), color=COLOUR["accent"], linewidth=1.4)
        mark_counts(axes)
        mark_across(axes, typeset_percent, scale=100)

    return draw_chart("returns", "Distribution of daily returns", description, draw)


def attribution_chart(parts: Sequence[tuple[str, float]], description: str) -> Chart:
    """Draw a waterfall: each part starts at the end of the previous one, and the last bar is their sum."""

    def draw(figure: "Figure", size: Size) -> None:
        axes = plain_axes(figure, size, left=78, right=96, bottom=8 / size.height)
        remove_frame(axes)
        axes.grid(visible=False)
        level = 0.0
        reached = [0.0]
        for row, (_, value) in enumerate((*parts, ("Change", sum(value for _, value in parts)))):
            is_sum = row == len(parts)
            start = 0.0 if is_sum else level
            colour = "accent" if is_sum else "good" if value >= 0 else "bad"
            axes.barh(row, value, 0.66, left=start, color=COLOUR[colour], linewidth=0)
            axes.annotate(
                usd(value),
                (max(start, start + value), row),
                xytext=(5, 0),
                textcoords="offset points",
                va="center",
                fontsize=FONT,
                color=COLOUR["ink"],
                fontweight="bold" if is_sum else "normal",
            )
            level = start + value
            reached.append(level)
        axes.axvline(0, color=COLOUR["muted"], linewidth=1)
        low, high = min(reached), max(reached)
        axes.set_xlim(low - 0.01 * (high - low), high + 0.01 * (high - low) or 1.0)
        axes.set_xticks([])
        axes.set_ylim(len(parts) + 0.5, -0.5)
        axes.set_yticks(range(len(parts) + 1), [*(name for name, _ in parts), "Change"])

    sizes = (
        Size("wide", 544, 26.0 * (len(parts) + 1) + 24),
        Size("narrow", 344, 24.0 * (len(parts) + 1) + 24),
    )
    return draw_chart("attribution", "Attribution of the change in equity", description, draw, sizes=sizes)


def trips_chart(
    key: str, title: str, values: Floats, write: Write, description: str, *, signed: bool
) -> Chart:
    """Draw a histogram of round trips; losses are colored if values have a sign."""

    def draw(figure: "Figure", size: Size) -> None:
        axes = plain_axes(figure, size, left=40, right=16, bottom=24 / size.height)
        low, high = np.quantile(values, [0.01, 0.99]) if len(values) > 100 else (values.min(), values.max())
        reach = max(abs(float(low)), abs(float(high)), 1e-9)
        bounds = (-reach, reach) if signed else (0.0, reach)
        counts, edges = np.histogram(np.clip(values, *bounds), bins=40, range=bounds)
        axes.stairs(counts, edges, fill=True, color=COLOUR["accent"], linewidth=0)
        if signed:
            lost = np.where(edges[1:] <= 0, counts, 0)
            axes.stairs(lost, edges, fill=True, color=COLOUR["bad"], linewidth=0)
        mark_counts(axes)
        mark_across(axes, write)

    return draw_chart(key, title, description, draw)


def _plot(axes: "Axes", lines: Sequence[Line]) -> None:
    for line in reversed(lines):
        axes.plot(line.values, color=COLOUR[line.colour], linewidth=1.9 if line is lines[0] else 1.2)


def _mark_years(axes: "Axes", periods: Days, size: Size) -> None:
    """Mark the first period of each year, as many as fit."""
    years = periods.astype("datetime64[Y]").astype(int) + 1970
    starts = np.flatnonzero(np.diff(years, prepend=years[0] - 1))
    if len(starts) > 2 and starts[1] < (starts[2] - starts[1]) / 2:
        starts = starts[1:]  # a short first year has no room for its name
    room = max(int(size.width * axes.get_position().width // 44), 1)
    shown = starts[:: -(-len(starts) // room)]
    axes.set_xticks(shown.tolist(), [str(years[place]) for place in shown])


def _shortened(name: str, room: int) -> str:
    return name if len(name) <= room else f"{name[: room - 1]}…"
