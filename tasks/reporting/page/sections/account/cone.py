"""Live equity on the champion's out-of-sample cone: the range in which its net portfolio, as measured before its
promotion, would be after as many sessions. Promotions are marked.

The cone assumes independent normal log returns with the mean and volatility of the net out-of-sample portfolio.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np

from tasks.core.text import counted
from tasks.models.schema import Champion
from tasks.reporting.page.charts.canvas import Floats, Line
from tasks.reporting.page.charts.drawings import cone_chart
from tasks.reporting.page.charts.figures import Figure, stretch_ends
from tasks.reporting.page.numerals import number, signed, typeset_percent
from tasks.reporting.page.performance import Performance
from tasks.risk.ratios import SESSIONS_PER_YEAR

NEEDED = ("net_cagr", "net_volatility", "net_sessions")
MOST_NAMED = 5
Z_50, Z_90 = 0.6744897501960817, 1.6448536269514722  # of the normal distribution


@dataclass(frozen=True)
class Cone:
    """The bands by row, NaN before the model's first session: 5%, 25%, 50%, 75% and 95% of outcomes are below."""

    low: Floats
    lower: Floats
    middle: Floats
    upper: Floats
    high: Floats
    first: int


def cone_of(book: Performance, champion: Champion, promotions: tuple[date, ...]) -> Cone | None:
    """Return the cone from the level at the model's first session; None if its net figures were not stored."""
    level = book.book
    figures = champion.metrics
    if any(name not in figures for name in NEEDED) or figures["net_cagr"] <= -1:
        return None
    first = _place(book, promotions[-1]) if promotions else 0
    passed = np.arange(len(level)) - first
    mean = np.log1p(figures["net_cagr"]) / SESSIONS_PER_YEAR
    spread = figures["net_volatility"] / SESSIONS_PER_YEAR**0.5
    since = np.where(passed < 0, np.nan, passed).astype(np.float64)

    def band(z: float) -> Floats:
        return np.asarray(level[first] * np.exp(mean * since + z * spread * np.sqrt(since)), dtype=np.float64)

    return Cone(band(-Z_90), band(-Z_50), band(0.0), band(Z_50), band(Z_90), first)


def cone_figure(book: Performance, champion: Champion, promotions: tuple[date, ...]) -> Figure | None:
    """Draw portfolio, benchmark, cone and promotions; None on the first day."""
    if not book.has_past:
        return None
    ends = stretch_ends(len(book.sessions))
    lines = [Line("Portfolio", book.book[ends], "accent")]
    if book.benchmark is not None:
        lines.append(Line("Benchmark", book.benchmark[ends], "muted", (4, 2)))
    cone = cone_of(book, champion, promotions)
    bands = None if cone is None else [band[ends] for band in (cone.low, cone.lower, cone.upper, cone.high)]
    marks = [int(np.searchsorted(ends, _place(book, one))) for one in promotions]
    caption = f"{_measured(book)} {_cone_words(cone, book, champion)}{_promotion_words(promotions)}"
    return Figure(cone_chart(book.sessions[ends], lines, bands, marks, caption), caption)


def _measured(book: Performance) -> str:
    own = f"The portfolio since {book.sessions[0]}: {signed(book.total_return, 2)}"
    if book.benchmark is None:
        return f"{own}. It starts at 100."
    return f"{own}; the benchmark (dashed): {book.benchmark_words}. Both start at 100."


def _cone_words(cone: Cone | None, book: Performance, champion: Champion) -> str:
    if cone is None:
        return "There is no cone: this model's portfolio after costs was not measured before its promotion."
    now = float(book.book[-1])
    place = next(
        words
        for words, edge in (
            ("below the 90% range", cone.low),
            ("in the lower part of the 90% range", cone.lower),
            ("within the 50% range", cone.upper),
            ("in the upper part of the 90% range", cone.high),
            ("above the 90% range", np.full(1, np.inf)),
        )
        if now <= edge[-1] + 1e-9
    )
    figures = champion.metrics
    return (
        f"The cone holds 50% (dark) and 90% (light) of the outcomes expected of {champion.name}, judging by its"
        f" {number(figures['net_sessions'], 0)} out-of-sample sessions after costs"
        f" ({typeset_percent(figures['net_cagr'])} a year, volatility {typeset_percent(figures['net_volatility'])})."
        f" After {counted(len(book.sessions) - 1 - cone.first, 'session')} the portfolio is {place}."
    )


def _promotion_words(promotions: tuple[date, ...]) -> str:
    if not promotions:
        return ""
    return f" Promotions (dotted lines): {', '.join(str(day) for day in promotions[-MOST_NAMED:])}."


def _place(book: Performance, session: date) -> int:
    """Return the row of the session, or of the first one after it."""
    found = int(np.searchsorted(book.sessions, np.datetime64(session)))
    return min(found, len(book.sessions) - 1)
