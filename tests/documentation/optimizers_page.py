"""The picture and the table of docs/optimizers.md: what each optimizer does to the same ten names.

The page may be white or dark: no background, and colors that can be read on both. Equal code gives equal bytes.
"""

import io
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tasks.portfolio.limits import Limits
from tasks.portfolio.optimizers.problem import Problem
from tasks.portfolio.optimizers.registry import OPTIMIZERS, optimize
from tests.builders import make_settings
from tests.documentation.family_charts import FONT, INK, without_invisible_parts

if TYPE_CHECKING:
    from matplotlib.figure import Figure

PAGE = Path(__file__).parents[2] / "docs" / "optimizers.md"
PICTURE = PAGE.parent / "images" / "optimizers" / "weights.svg"
START, END = "<!-- table: make docs -->\n", "<!-- end -->"

SCORES = np.array([2.0, 1.7, 1.4, 1.2, 1.0, 0.8, 0.6, 0.4, 0.2, -0.2])  # z-scores
VOLATILITIES = np.array([0.45, 0.25, 0.30, 0.20, 0.55, 0.22, 0.35, 0.28, 0.18, 0.40])
INDUSTRIES = np.array([0, 0, 1, 0, 1, 2, 2, 1, 2, 0])
SAME_INDUSTRY, OTHER_INDUSTRY = 0.6, 0.25  # correlations
RETURN_PER_SCORE = 0.3  # and per unit of volatility
MAX_POSITION = 0.30

WIDTH, HEIGHT = 760, 520
COLUMNS, ROWS = 3, 4
COLOURS = ("#3b8eea", "#d97706", "#16a34a")  # of the industries


def example() -> Problem:
    """Return the problem of the page."""
    alike = np.where(INDUSTRIES[:, None] == INDUSTRIES, SAME_INDUSTRY, OTHER_INDUSTRY)
    np.fill_diagonal(alike, 1.0)
    settings = make_settings().portfolio
    return Problem(
        SCORES * VOLATILITIES * RETURN_PER_SCORE,
        alike * np.outer(VOLATILITIES, VOLATILITIES),
        Limits(MAX_POSITION, 1.0, (), ()),
        settings.solver_max_iterations,
        settings.methods,
    )


def table() -> str:
    """Return what each portfolio is expected to earn and to risk, and how many names it spreads over."""
    problem = example()
    rows = [
        "| optimizer | expected return | volatility | Sharpe ratio | largest weight | effective names |",
        "|---|---|---|---|---|---|",
    ]
    for method in OPTIMIZERS:
        weights = optimize(method, problem)
        earned = float(weights @ problem.expected_returns)
        risk = float(np.sqrt(weights @ np.asarray(problem.covariance) @ weights))
        cells = (f"{earned:.1%}", f"{risk:.1%}", f"{earned / risk:.2f}", f"{weights.max():.1%}")
        rows.append(f"| `{method}` | {' | '.join(cells)} | {weights.sum() ** 2 / (weights**2).sum():.1f} |")
    return "\n".join(rows) + "\n"


def with_table(page: str) -> str:
    """Return the page with its table replaced."""
    before, rest = page.split(START)
    return before + START + table() + END + rest.split(END, 1)[1]


def picture() -> str:
    """Return the picture as SVG: scores and volatilities, then the weights of each optimizer."""
    import matplotlib as mpl
    from matplotlib import style
    from matplotlib.figure import Figure

    problem = example()
    panels = [("score (z)", SCORES, "{:.1f}"), ("volatility", VOLATILITIES, "{:.0%}")]
    panels += [(method, optimize(method, problem), "{:.0%}") for method in OPTIMIZERS]
    buffer = io.BytesIO()
    with (
        style.context("default"),  # independent of a local matplotlibrc
        mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": "optimizers"}),
    ):
        figure = Figure(figsize=(WIDTH / 72, HEIGHT / 72), dpi=72)
        for place, (name, values, written) in enumerate(panels):
            _draw(figure, place + (place > 1), name, values, written)
        _name_industries(figure)
        figure.savefig(buffer, format="svg", metadata={"Date": None}, transparent=True)
    return without_invisible_parts(buffer.getvalue().decode())


def _draw(figure: "Figure", place: int, name: str, values: NDArray[np.float64], written: str) -> None:
    row, column = divmod(place, COLUMNS)
    axes = figure.add_axes(((column + 0.02) / COLUMNS, 1 - (row + 0.90) / ROWS, 0.94 / COLUMNS, 0.66 / ROWS))
    axes.set_axis_off()
    axes.bar(range(len(values)), values, color=[COLOURS[each] for each in INDUSTRIES], clip_on=False)
    axes.set_xlim(-0.6, len(values) - 0.4)
    top = MAX_POSITION if name in OPTIMIZERS else float(values.max())
    axes.set_ylim(min(0.0, float(values.min())), top * 1.15)
    axes.axhline(0, color=INK, linewidth=0.8)
    axes.text(0, 1.12, name, transform=axes.transAxes, color=INK, fontsize=FONT, weight="bold")
    most = int(values.argmax())
    axes.text(
        most, values[most], written.format(values[most]), color=INK, fontsize=9, ha="center", va="bottom"
    )


def _name_industries(figure: "Figure") -> None:
    for line, colour in enumerate(COLOURS):
        name = f"industry {'ABC'[line]}"
        figure.text(2.1 / COLUMNS, 0.93 - 0.04 * line, name, color=colour, fontsize=FONT, weight="bold")


def write() -> None:
    """Write the picture and the table."""
    PICTURE.parent.mkdir(parents=True, exist_ok=True)
    PICTURE.write_text(picture())
    PAGE.write_text(with_table(PAGE.read_text()))
