"""Draw the report's charts: regime, portfolio against market, drawdown, scores, tail losses.

Each is drawn twice, for a wide and a narrow page, so that its text is legible on a phone. Computes nothing but the
layout. Does not use pyplot, which has global state.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from tasks.reporting.page.numerals import MONTHS, number, typeset_percent
from tasks.reporting.page.svg import COLOUR, to_svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]
Days = NDArray[np.datetime64]
Drawing = Callable[["Figure", "Size"], None]
Write = Callable[[float, int], str]  # value and decimals

FONT = 11.0


@dataclass(frozen=True)
class Size:
    """A canvas in CSS pixels."""

    name: str
    width: float
    height: float


WIDE, NARROW = Size("wide", 544, 236), Size("narrow", 344, 208)


@dataclass(frozen=True)
class Chart:
    """Both sizes of one chart, ready for the page."""

    wide: Markup
    narrow: Markup


@dataclass(frozen=True)
class Line:
    """One named line of a time chart."""

    label: str
    values: Floats
    colour: str


def regime_chart(sessions: Days, states: Sequence[str], level: Floats, description: str) -> Chart:
    """Draw the market's level over a ribbon of regime states."""

    def draw(figure: "Figure", size: Size) -> None:
        ribbon = 12 / size.height
        axes = _time_axes(figure, size, sessions, bottom=24 / size.height + ribbon + 6 / size.height)
        x = np.arange(len(sessions))
        for first, last, state in runs(states):
            axes.axvspan(first - 0.5, last + 0.5, color=COLOUR[state.lower()], alpha=0.10, linewidth=0)
        axes.plot(x, level, color=COLOUR["ink"], linewidth=1.5)
        axes.tick_params(labelbottom=False)
        if np.isfinite(level).any():
            _values(axes, number)
        else:
            axes.set_yticks([])
        left, width = axes.get_position().x0, axes.get_position().width
        strip = figure.add_axes((left, 24 / size.height, width, ribbon), sharex=axes)
        for first, last, state in runs(states):
            strip.axvspan(first - 0.5, last + 0.5, color=COLOUR[state.lower()], linewidth=0)
        _bare(strip)
        strip.set_yticks([])
        _months(strip, sessions, size)

    return _chart("regime", "Market and regime", description, draw)


def lines_chart(key: str, title: str, sessions: Days, lines: Sequence[Line], description: str) -> Chart:
    """Draw lines that share a start, each named at its end."""

    def draw(figure: "Figure", size: Size) -> None:
        axes = _time_axes(figure, size, sessions, right=74)
        for line in reversed(lines):
            axes.plot(line.values, color=COLOUR[line.colour], linewidth=1.8 if line is lines[0] else 1.2)
        _values(axes, number)
        _end_labels(axes, lines, size)

    return _chart(key, title, description, draw)


def drawdown_chart(sessions: Days, drawdown: Floats, description: str) -> Chart:
    """Draw the portfolio's drawdown from its highest close."""

    def draw(figure: "Figure", size: Size) -> None:
        axes = _time_axes(figure, size, sessions)
        axes.fill_between(np.arange(len(drawdown)), drawdown, 0, color=COLOUR["bad"], alpha=0.22, linewidth=0)
        axes.plot(drawdown, color=COLOUR["bad"], linewidth=1.3)
        axes.set_ylim(min(float(np.nanmin(drawdown)) * 1.15, -0.01), 0)
        _values(axes, typeset_percent, scale=100)

    return _chart("drawdown", "Drawdown", description, draw)


def scores_chart(scores: Floats, chosen: Floats, description: str) -> Chart:
    """Draw the distribution of all scores, with the selected names marked."""

    def draw(figure: "Figure", size: Size) -> None:
        axes = _axes(figure, size, left=34, right=12, bottom=24 / size.height)
        counts, edges = np.histogram(scores, bins=_bins(len(scores)))
        axes.stairs(counts, edges, fill=True, color=COLOUR["bars"], linewidth=0)
        in_bins, _ = np.histogram(chosen, bins=edges)
        axes.stairs(in_bins, edges, fill=True, color=COLOUR["accent"], linewidth=0)
        rug = np.full(len(chosen), -0.045 * max(int(counts.max()), 1))
        axes.plot(
            chosen, rug, linestyle="", marker="|", markersize=7, markeredgewidth=1.2, color=COLOUR["accent"]
        )
        axes.set_ylim(-0.1 * counts.max(), counts.max() * 1.08)
        _counts(axes)
        _across(axes, number)

    return _chart("scores", "Distribution of scores", description, draw)


def losses_chart(returns: Floats, var: float, cvar: float, description: str) -> Chart:
    """Draw the daily returns that the target portfolio would have had, with VaR and CVaR in the tail."""

    def draw(figure: "Figure", size: Size) -> None:
        axes = _axes(figure, size, left=34, right=12, bottom=24 / size.height)
        counts, edges = np.histogram(returns, bins=_bins(len(returns)))
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
        _counts(axes)
        _across(axes, typeset_percent, scale=100)

    return _chart("losses", "Daily returns of the target portfolio", description, draw)


def runs(states: Sequence[str]) -> list[tuple[int, int, str]]:
    """Return (first, last, state) of each unbroken stretch."""
    found: list[tuple[int, int, str]] = []
    for index, state in enumerate(states):
        if found and found[-1][2] == state:
            found[-1] = (found[-1][0], index, state)
        else:
            found.append((index, index, state))
    return found


def _bins(count: int) -> int:
    """Return the number of bars for this many values: more than the rule of thumb, to resolve the tails."""
    return int(min(max(1.6 * count**0.5, 8), 40))


def _chart(key: str, title: str, description: str, draw: Drawing) -> Chart:
    from matplotlib import style
    from matplotlib.figure import Figure

    drawn = []
    with style.context("default"):  # a matplotlibrc of this machine must not change a report
        for size in (WIDE, NARROW):
            figure = Figure(figsize=(size.width / 72, size.height / 72), dpi=72, facecolor="none")
            draw(figure, size)
            key_of_size = f"{key}-{size.name}"
            svg = to_svg(figure, key=key_of_size, title=title, description=description, css_class=size.name)
            drawn.append(Markup(svg))  # noqa: S704 - to_svg escapes the words; the rest is matplotlib's
    return Chart(*drawn)


def _axes(figure: "Figure", size: Size, *, left: float, right: float, bottom: float) -> "Axes":
    box = (left / size.width, bottom, 1 - (left + right) / size.width, 1 - bottom - 10 / size.height)
    axes = figure.add_axes(box, facecolor="none")
    _bare(axes)
    axes.grid(axis="y", color=COLOUR["grid"], linewidth=1)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelsize=FONT, labelcolor=COLOUR["muted"], pad=5)
    return axes


def _time_axes(
    figure: "Figure", size: Size, sessions: Days, *, right: float = 12, bottom: float | None = None
) -> "Axes":
    axes = _axes(figure, size, left=48, right=right, bottom=24 / size.height if bottom is None else bottom)
    axes.set_xlim(-0.5, max(len(sessions) - 0.5, 1))
    _months(axes, sessions, size)
    return axes


def _bare(axes: "Axes") -> None:
    axes.set_frame_on(False)
    axes.tick_params(length=0, labelsize=FONT, labelcolor=COLOUR["muted"], pad=5)


def _months(axes: "Axes", sessions: Days, size: Size) -> None:
    """Mark the first sessions of as many months or years as fit; in a short history, days."""
    room = int(size.width // 76)
    months, years = (_starts(sessions.astype(unit)) for unit in ("datetime64[M]", "datetime64[Y]"))
    if len(months) < 3:
        places = np.unique(
            np.linspace(0, len(sessions) - 1, min(room - 1, len(sessions))).round().astype(int)
        )
        labels = [f"{day.day} {MONTHS[day.month - 1][:3]}" for day in sessions[places].tolist()]
    elif len(years) < 3:
        places = months[:: -(-len(months) // room)]
        labels = [_month(day.month, day.year) for day in sessions[places].tolist()]
    else:
        places = years[:: -(-len(years) // room)]
        labels = [str(day.year) for day in sessions[places].tolist()]
    axes.set_xticks(places.tolist(), labels)


def _starts(periods: Days) -> NDArray[np.intp]:
    return np.flatnonzero(periods[1:] != periods[:-1]) + 1


def _month(month: int, year: int) -> str:
    return f"{MONTHS[month - 1][:3]} {year}" if month == 1 else MONTHS[month - 1][:3]


def _values(axes: "Axes", write: Write, *, scale: float = 1.0) -> None:
    """Mark round values on the vertical axis, with just enough decimals to distinguish them."""
    low, high = axes.get_ylim()
    places, labels = _ticks(low, high, write, count=4, scale=scale)
    axes.set_yticks(places, labels)
    axes.set_ylim(low, high)


def _counts(axes: "Axes") -> None:
    low, high = axes.get_ylim()
    places = [place for place in _ticks(0, high, number, count=3, scale=1)[0] if place == int(place)]
    axes.set_yticks(places, [number(place, 0) for place in places])
    axes.set_ylim(low, high)


def _across(axes: "Axes", write: Write, *, scale: float = 1.0) -> None:
    low, high = axes.get_xlim()
    places, labels = _ticks(low, high, write, count=5, scale=scale)
    axes.set_xticks(places, labels)
    axes.set_xlim(low, high)


def _ticks(
    low: float, high: float, write: Write, *, count: int, scale: float
) -> tuple[list[float], list[str]]:
    from matplotlib.ticker import MaxNLocator

    values = [float(value) for value in MaxNLocator(count).tick_values(low, high) if low <= value <= high]
    step = (values[1] - values[0]) * scale if len(values) > 1 else 1.0
    decimals = next(
        places for places in range(9) if places == 8 or abs(round(step, places) - step) < step / 100
    )
    return values, [write(value, decimals) for value in values]


def _end_labels(axes: "Axes", lines: Sequence[Line], size: Size) -> None:
    """Label each line at its last point; move labels apart that would overlap."""
    low, high = axes.get_ylim()
    apart = (high - low) * 15 / (size.height - 34)
    ends = sorted(((float(line.values[-1]), line) for line in lines), key=lambda end: end[0])
    height = -np.inf
    for value, line in ends:
        height = max(value, height + apart)
        axes.text(
            len(line.values) - 0.5,
            height,
            f" {line.label}",
            color=COLOUR[line.colour],
            fontsize=FONT,
            va="center",
            fontweight="bold" if line is lines[0] else "normal",
        )
