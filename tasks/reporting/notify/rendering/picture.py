"""Draw the equity of the past year, with the benchmark, as a PNG for a mail. Equal rows give equal bytes."""

import io
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from tasks.reporting.day.history import levels, numbers
from tasks.reporting.notify.schema import Picture
from tasks.reporting.page.charts.canvas import Days, Floats
from tasks.reporting.page.numerals import MONTHS, short_date, signed

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDTH, HEIGHT, DENSITY = 560, 180, 2  # CSS pixels, and how many pixels each has
MOST_SESSIONS = 252
INK, MUTED, GRID, BENCHMARK = "#2f5d7c", "#5b6770", "#e6e2d9", "#b8892d"


def equity_picture(history: pd.DataFrame) -> Picture | None:
    """Return the chart of the last year; None for fewer than two sessions."""
    rows = history.tail(MOST_SESSIONS)
    if len(rows) < 2:
        return None
    days: Days = rows["date"].to_numpy().astype("datetime64[D]")
    equity = levels(rows)
    book = 100 * equity / equity[0]
    benchmark = _benchmark(rows)
    return Picture(_drawn(days, book, benchmark), _description(days, book, benchmark), WIDTH, HEIGHT)


def _benchmark(rows: pd.DataFrame) -> Floats | None:
    returns = numbers(rows["benchmark_return"])
    returns[0] = 0.0
    if not np.isfinite(returns[1:]).any():
        return None
    return np.asarray(100 * np.cumprod(1 + np.nan_to_num(returns)), dtype=np.float64)


def _description(days: Days, book: Floats, benchmark: Floats | None) -> str:
    said = f"Equity since {short_date(days[0].item())}: {signed(book[-1] / 100 - 1)}"
    return said if benchmark is None else f"{said}, benchmark {signed(benchmark[-1] / 100 - 1)}"


def _drawn(days: Days, book: Floats, benchmark: Floats | None) -> bytes:
    from matplotlib import style
    from matplotlib.figure import Figure

    with style.context("default"):  # a matplotlibrc of this machine must not change a mail
        figure = Figure(figsize=(WIDTH / 72, HEIGHT / 72), dpi=72 * DENSITY, facecolor="white")
        axes = figure.add_axes((0.075, 0.14, 0.8, 0.8))
        axes.set_frame_on(False)
        axes.grid(axis="y", color=GRID, linewidth=1)
        axes.tick_params(length=0, labelsize=10, labelcolor=MUTED)
        if benchmark is not None:
            axes.plot(benchmark, color=BENCHMARK, linewidth=1.4)
        axes.plot(book, color=INK, linewidth=2)
        _label(axes, book, benchmark)
        places = np.linspace(0, len(days) - 1, min(4, len(days))).astype(int)
        axes.set_xticks(places, [_day(days, int(place)) for place in places])
        content = io.BytesIO()
        figure.savefig(content, format="png", metadata={"Software": None})
    return content.getvalue()


def _label(axes: "Axes", book: Floats, benchmark: Floats | None) -> None:
    """Name the lines at their ends, at least a line of text apart."""
    low, high = axes.get_ylim()
    apart = (high - low) * 0.11
    place = float(book[-1])
    other = None if benchmark is None else float(benchmark[-1])
    if other is not None and abs(place - other) < apart:
        middle = (place + other) / 2
        up = 1 if place >= other else -1
        place, other = middle + up * apart / 2, middle - up * apart / 2
    x = len(book) - 1 + len(book) * 0.015
    axes.text(x, place, "portfolio", color=INK, fontsize=10, va="center")
    if other is not None:
        axes.text(x, other, "benchmark", color=BENCHMARK, fontsize=10, va="center")
    axes.margins(x=0)


def _day(days: Days, place: int) -> str:
    day = days[place].item()
    return f"{day.day} {MONTHS[day.month - 1][:3]}"
