"""Axes, marks and sizes of the charts of all reports.

Each chart is drawn twice, for a wide and a narrow page, so that its text is legible on a phone. Does not use pyplot,
which has global state.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from tasks.reporting.page.charts.svg import COLOUR, to_svg
from tasks.reporting.page.numerals import MONTHS, number

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
HALF = (WIDE, NARROW)  # of a card that fills half of a wide page


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
    dashes: tuple[float, ...] = ()  # lengths of dashes and gaps, in line widths; empty: solid


def draw_chart(
    key: str, title: str, description: str, draw: Drawing, *, sizes: tuple[Size, Size] = HALF
) -> Chart:
    """Draw a chart in both sizes. `key` is unique in the page; title and description are for screen readers."""
    from matplotlib import style
    from matplotlib.figure import Figure

    drawn = []
    with style.context("default"):  # a matplotlibrc of this machine must not change a report
        for size in sizes:
            figure = Figure(figsize=(size.width / 72, size.height / 72), dpi=72, facecolor="none")
            draw(figure, size)
            key_of_size = f"{key}-{size.name}"
            svg = to_svg(figure, key=key_of_size, title=title, description=description, css_class=size.name)
            drawn.append(Markup(svg))  # noqa: S704 - to_svg escapes the words; the rest is matplotlib's
    return Chart(*drawn)


def plain_axes(figure: "Figure", size: Size, *, left: float, right: float, bottom: float) -> "Axes":
    """Add axes without a frame, with horizontal grid lines. Left and right in CSS pixels, bottom as a fraction."""
    box = (left / size.width, bottom, 1 - (left + right) / size.width, 1 - bottom - 10 / size.height)
    axes = figure.add_axes(box, facecolor="none")
    remove_frame(axes)
    axes.grid(axis="y", color=COLOUR["grid"], linewidth=1)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelsize=FONT, labelcolor=COLOUR["muted"], pad=5)
    return axes


def time_axes(
    figure: "Figure", size: Size, sessions: Days, *, right: float = 12, bottom: float | None = None
) -> "Axes":
    """Add axes whose horizontal positions are indices into `sessions`."""
    axes = plain_axes(
        figure, size, left=48, right=right, bottom=24 / size.height if bottom is None else bottom
    )
    axes.set_xlim(-0.5, max(len(sessions) - 0.5, 1))
    mark_dates(axes, sessions, size)
    return axes


def ribbon_axes(
    figure: "Figure", size: Size, sessions: Days, states: Sequence[str], *, right: float = 12
) -> "Axes":
    """Add time axes over a ribbon of regime states, tinted by them."""
    ribbon = 12 / size.height
    axes = time_axes(figure, size, sessions, right=right, bottom=30 / size.height + ribbon)
    axes.tick_params(labelbottom=False)
    box = axes.get_position()
    strip = figure.add_axes((box.x0, 24 / size.height, box.width, ribbon), sharex=axes)
    for first, last, state in runs(states):
        axes.axvspan(first - 0.5, last + 0.5, color=COLOUR[state.lower()], alpha=0.10, linewidth=0)
        strip.axvspan(first - 0.5, last + 0.5, color=COLOUR[state.lower()], linewidth=0)
    remove_frame(strip)
    strip.set_yticks([])
    mark_dates(strip, sessions, size)
    return axes


def remove_frame(axes: "Axes") -> None:
    """Remove frame and tick marks; labels are muted."""
    axes.set_frame_on(False)
    axes.tick_params(length=0, labelsize=FONT, labelcolor=COLOUR["muted"], pad=5)


def mark_dates(axes: "Axes", sessions: Days, size: Size) -> None:
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
        labels = _months(sessions[places].tolist(), before=sessions[0].item().year)
    else:
        places = years[:: -(-len(years) // room)]
        labels = [str(day.year) for day in sessions[places].tolist()]
    axes.set_xticks(places.tolist(), labels)


def _starts(periods: Days) -> NDArray[np.intp]:
    return np.flatnonzero(periods[1:] != periods[:-1]) + 1


def _months(days: Iterable[date], *, before: int) -> list[str]:
    """Return the months of the days; the year is added where it changes."""
    labels = []
    for day in days:
        name = MONTHS[day.month - 1][:3]
        labels.append(name if day.year == before else f"{name} {day.year}")
        before = day.year
    return labels


def mark_values(axes: "Axes", write: Write, *, scale: float = 1.0) -> None:
    """Mark round values on the vertical axis, with just enough decimals to distinguish them."""
    low, high = axes.get_ylim()
    places, labels = ticks(low, high, write, count=4, scale=scale)
    axes.set_yticks(places, labels)
    axes.set_ylim(low, high)


def mark_counts(axes: "Axes") -> None:
    """Mark whole numbers on the vertical axis."""
    low, high = axes.get_ylim()
    places = [place for place in ticks(0, high, number, count=3, scale=1)[0] if place == int(place)]
    axes.set_yticks(places, [number(place, 0) for place in places])
    axes.set_ylim(low, high)


def mark_across(axes: "Axes", write: Write, *, scale: float = 1.0) -> None:
    """Mark round values on the horizontal axis."""
    low, high = axes.get_xlim()
    places, labels = ticks(low, high, write, count=5, scale=scale)
    axes.set_xticks(places, labels)
    axes.set_xlim(low, high)


def ticks(
    low: float, high: float, write: Write, *, count: int, scale: float
) -> tuple[list[float], list[str]]:
    """Return round values between low and high, and their labels. `scale`: 100 where labels are percentages."""
    from matplotlib.ticker import MaxNLocator

    values = [float(value) for value in MaxNLocator(count).tick_values(low, high) if low <= value <= high]
    step = (values[1] - values[0]) * scale if len(values) > 1 else 1.0
    decimals = next(
        places for places in range(9) if places == 8 or abs(round(step, places) - step) < step / 100
    )
    return values, [write(value, decimals) for value in values]


def label_ends(axes: "Axes", lines: Sequence[Line], size: Size) -> None:
    """Label each line at the height of its last known point.

    Labels that would overlap are separated, and all are kept below the top of the axes.
    """
    low, high = axes.get_ylim()
    apart = (high - low) * 15 / (size.height - 34)
    known = ((float(line.values[np.isfinite(line.values)][-1]), line) for line in lines)
    ends = sorted(known, key=lambda end: end[0])
    heights: list[float] = []
    for value, _ in ends:
        heights.append(max(value, heights[-1] + apart) if heights else value)
    for place in reversed(range(len(ends))):
        above = heights[place + 1] - apart if place + 1 < len(ends) else high
        heights[place] = min(heights[place], above)
    for height, (_, line) in zip(heights, ends, strict=True):
        axes.text(
            len(line.values) - 0.5,
            height,
            f" {line.label}",
            color=COLOUR[line.colour],
            fontsize=FONT,
            va="center",
            fontweight="bold" if line is lines[0] else "normal",
        )


def runs(states: Sequence[str]) -> list[tuple[int, int, str]]:
    """Return (first, last, state) of each run of equal states."""
    found: list[tuple[int, int, str]] = []
    for index, state in enumerate(states):
        if found and found[-1][2] == state:
            found[-1] = (found[-1][0], index, state)
        else:
            found.append((index, index, state))
    return found
