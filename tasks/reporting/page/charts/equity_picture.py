"""Draw equity_curves.png: the best combinations of a matrix against the benchmark, on a log scale, and their drawdowns.

Uses the fonts shipped with matplotlib, so that equal curves give equal bytes on every machine.
"""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tasks.data.schema.records import Days
from tasks.reporting.page.numerals import number, typeset_percent
from tasks.risk.ratios import Numbers, drawdowns

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT, DPI = 1280, 800, 150  # in points of 1/72 inch / 100
CARD, INK, MUTED, GRID = "#fffefb", "#16212e", "#5c6773", "#ece7db"
COLOURS = ("#14566b", "#b5812a", "#2b8a5f", "#ad2f26", "#6d5a8d")
SANS, SERIF = "DejaVu Sans", "DejaVu Serif"
TITLES = (
    "No combination has a Sharpe ratio",
    "Equity of the best combination",
    "Equity of the {} best combinations",
)
COUNTS = ("none", "one", "two", "three", "four", "five")


@dataclass(frozen=True)
class Style:
    """How a line is drawn."""

    colour: str
    dashes: Any
    width: float


BASELINE_STYLES = (Style("#8a94a0", (0, (1, 1.2)), 1.5), Style(MUTED, (0, (4, 2)), 1.3))


@dataclass(frozen=True)
class EquityLine:
    """One curve: its name, a detail line, a line of figures, and the equity of each session."""

    name: str
    detail: str
    note: str
    equity: Numbers


def equity_picture(
    sessions: Days,
    lines: Sequence[EquityLine],
    baselines: Sequence[EquityLine],
    *,
    subtitle: str,
    footer: str,
) -> bytes:
    """Return the PNG. The first line is the thickest; `baselines`, one or two, are gray and dashed."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure

    with rc_context({"font.family": SANS, "axes.unicode_minus": True}):
        figure = Figure(figsize=(WIDTH / 100, HEIGHT / 100), dpi=DPI, facecolor=CARD)
        _titles(figure, len(lines), subtitle, footer)
        styles = [
            *(Style(colour, "-", 2.2 if place == 0 else 1.3) for place, colour in enumerate(COLOURS)),
        ][: len(lines)]
        _charts(figure, sessions, [*lines, *baselines], [*styles, *BASELINE_STYLES[: len(baselines)]])
        buffer = io.BytesIO()
        figure.savefig(buffer, format="png", metadata={"Software": None}, facecolor=CARD)
    return buffer.getvalue()


def _charts(figure: "Figure", sessions: Days, lines: Sequence[EquityLine], styles: Sequence["Style"]) -> None:
    upper = _axes(figure, bottom=0.345, height=0.435)
    _levels(upper, sessions, lines, styles)
    lower = _axes(figure, bottom=0.105, height=0.175)
    _depths(lower, sessions, lines, styles)


def _titles(figure: "Figure", count: int, subtitle: str, footer: str) -> None:
    title = TITLES[min(count, 2)].format(COUNTS[count])
    figure.text(
        0.045, 0.945, "BACKTEST MATRIX", color="#8a6420", fontsize=8.5, fontweight="bold", va="center"
    )
    figure.text(0.045, 0.902, title, color=INK, fontsize=19, family=SERIF, fontweight="bold", va="center")
    figure.text(0.045, 0.860, subtitle, color=MUTED, fontsize=9.5, va="center")
    figure.text(0.045, 0.035, footer, color=MUTED, fontsize=8, va="center")


def _axes(figure: "Figure", *, bottom: float, height: float) -> "Axes":
    axes = figure.add_axes((0.075, bottom, 0.665, height), facecolor="none")
    axes.set_frame_on(False)
    axes.grid(axis="y", color=GRID, linewidth=1)
    axes.set_axisbelow(True)
    axes.tick_params(length=0, labelsize=9, labelcolor=MUTED, pad=6)
    return axes


def _levels(axes: "Axes", sessions: Days, lines: Sequence[EquityLine], styles: Sequence[Style]) -> None:
    levels = [100 * line.equity / line.equity[0] for line in lines]
    for level, style in reversed(list(zip(levels, styles, strict=True))):
        axes.plot(level, color=style.colour, linewidth=style.width, linestyle=style.dashes)
    axes.set_yscale("log")
    _log_ticks(axes, min(float(each.min()) for each in levels), max(float(each.max()) for each in levels))
    axes.set_title("Growth of 100, log scale", loc="left", fontsize=9.5, color=MUTED, pad=8)
    _years(axes, sessions, labels=False)
    _end_labels(axes, lines, [float(np.log(each[-1])) for each in levels], styles)


def _depths(axes: "Axes", sessions: Days, lines: Sequence[EquityLine], styles: Sequence[Style]) -> None:
    depths = [drawdowns(line.equity) for line in lines]
    axes.fill_between(np.arange(len(sessions)), depths[0], 0, color=styles[0].colour, alpha=0.16, linewidth=0)
    for depth, style in reversed(list(zip(depths, styles, strict=True))):
        axes.plot(depth, color=style.colour, linewidth=0.6 * style.width, linestyle=style.dashes, alpha=0.85)
    low = min(float(each.min()) for each in depths)
    axes.set_ylim(min(1.08 * low, -0.01), 0.004)
    ticks = [tick for tick in axes.get_yticks() if axes.get_ylim()[0] <= tick <= 0]
    axes.set_yticks(ticks, [typeset_percent(float(tick), 0) for tick in ticks])
    axes.set_title("Drawdown", loc="left", fontsize=9.5, color=MUTED, pad=8)
    _years(axes, sessions, labels=True)


def _log_ticks(axes: "Axes", low: float, high: float) -> None:
    """Mark round levels, at most seven."""
    steps = [round(base * 10**power, 6) for power in range(-1, 7) for base in (1, 1.5, 2, 3, 5, 7)]
    fine = [round(level, 6) for level in np.arange(10 * (low // 10), high + 10, 10)]
    inside = [level for level in steps if 0.97 * low <= level <= 1.03 * high]
    if len(inside) < 3:
        inside = [level for level in fine if 0.97 * low <= level <= 1.03 * high]
        inside = inside[:: -(-len(inside) // 6)] or [100.0]
    while len(inside) > 7:
        inside = inside[::2]
    axes.set_ylim(0.96 * low, 1.04 * high)
    axes.set_yticks(inside, [number(level, 0) for level in inside])
    axes.minorticks_off()


def _years(axes: "Axes", sessions: Days, *, labels: bool) -> None:
    axes.set_xlim(-0.5, len(sessions) - 0.5)
    years = sessions.astype("datetime64[Y]")
    places = np.flatnonzero(years[1:] != years[:-1]) + 1
    if len(places) < 2:
        places = np.unique(np.linspace(0, len(sessions) - 1, 4).round().astype(int))
        words = [str(day) for day in sessions[places].astype("datetime64[M]")]
    else:
        places = places[:: -(-len(places) // 12)]
        words = [str(day) for day in years[places]]
    axes.set_xticks(places.tolist(), words if labels else [""] * len(places))


def _end_labels(
    axes: "Axes", lines: Sequence[EquityLine], ends: Sequence[float], styles: Sequence[Style]
) -> None:
    """Write each line's name and figures next to its end; separate labels that would overlap."""
    low, high = (float(np.log(limit)) for limit in axes.get_ylim())
    heights = _spread([(end - low) / (high - low) for end in ends], apart=0.165)
    for line, end, height, style in zip(lines, ends, heights, styles, strict=True):
        place = (end - low) / (high - low)
        axes.plot(
            [1.0, 1.018, 1.026],
            [place, height, height],
            transform=axes.transAxes,
            color=style.colour,
            linewidth=0.8,
            alpha=0.6,
            clip_on=False,
        )
        texts = (
            (0.048, line.name, style.colour, 9.5, "bold"),
            (0.0, line.detail, style.colour, 9, "normal"),
            (-0.046, line.note, MUTED, 7.5, "normal"),
        )
        for lift, text, ink, size, weight in texts:
            axes.text(
                1.032,
                height + lift,
                text,
                transform=axes.transAxes,
                color=ink,
                fontsize=size,
                fontweight=weight,
                va="center",
            )


def _spread(heights: Sequence[float], *, apart: float) -> list[float]:
    """Return the heights, in the same order, with at least `apart` between neighbors and as near as they can be."""
    order = np.argsort(heights, kind="stable")
    moved = np.array(heights, dtype=np.float64)[order] - apart * np.arange(len(heights))
    # pools neighbors that are out of order to their mean: the closest ascending sequence
    blocks: list[list[float]] = []
    for value in moved.tolist():
        blocks.append([value, 1.0])
        while len(blocks) > 1 and blocks[-2][0] > blocks[-1][0]:
            (one, count), (other, more) = blocks[-2:]
            blocks[-2:] = [[(one * count + other * more) / (count + more), count + more]]
    pooled = np.concatenate([np.full(int(count), value) for value, count in blocks])
    placed = np.empty(len(heights))
    placed[order] = pooled + apart * np.arange(len(heights))
    return [float(height) for height in placed]
