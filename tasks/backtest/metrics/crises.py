"""Measure a curve in the crises of the past that lie within its span.

The dates are closes of the S&P 500: each window runs from the highest to the lowest close within it; there may have
been a higher close before it, as in 2011 and 2015. Chosen before any backtest was run; a window is left out only if the
curve does not cover it.
"""

from datetime import date
from typing import NamedTuple

import numpy as np

from tasks.backtest.metrics.curve import Curve
from tasks.risk.ratios import Numbers, max_drawdown


class Window(NamedTuple):
    """A crisis: from the close of `first` to that of `last`."""

    name: str
    first: date
    last: date


class Crossed(NamedTuple):
    """A curve in one window. Returns and drawdowns are fractions; those of the benchmark are NaN where unknown."""

    window: Window
    total_return: float
    benchmark: float
    deepest: float
    benchmark_deepest: float
    exposure: float  # mean at the close before each session


CRISES = (
    Window("Dot-com bust", date(2000, 3, 24), date(2002, 10, 9)),
    Window("Financial crisis", date(2007, 10, 9), date(2009, 3, 9)),
    Window("Euro crisis, spring 2010", date(2010, 4, 23), date(2010, 7, 2)),
    Window("Downgrade of US debt", date(2011, 7, 22), date(2011, 10, 3)),
    Window("China and oil", date(2015, 7, 20), date(2016, 2, 11)),
    Window("End of 2018", date(2018, 9, 20), date(2018, 12, 24)),
    Window("Pandemic", date(2020, 2, 19), date(2020, 3, 23)),
    Window("Inflation and interest rates", date(2022, 1, 3), date(2022, 10, 12)),
    Window("Tariffs", date(2025, 2, 19), date(2025, 4, 8)),
)


def windows_within(curve: Curve, windows: tuple[Window, ...] = CRISES) -> tuple[Window, ...]:
    """Return the windows that the curve covers from the first close to the last."""
    return tuple(each for each in windows if curve.first <= each.first and each.last <= curve.last)


def cross(curve: Curve, window: Window) -> Crossed:
    """Measure the curve in a window that it covers, from the last close until `first` to the last until `last`."""
    start, end = (
        int(np.searchsorted(curve.sessions, np.datetime64(day), side="right")) - 1
        for day in (window.first, window.last)
    )
    own = curve.equity_usd[start : end + 1]
    market = np.concatenate([[1.0], np.cumprod(1 + curve.benchmark[start + 1 : end + 1])])
    return Crossed(
        window,
        float(own[-1] / own[0] - 1),
        float(market[-1] - 1),
        max_drawdown(own),
        _deepest(market),
        float(curve.exposure[start:end].mean()),
    )


def _deepest(levels: Numbers) -> float:
    return max_drawdown(levels) if np.isfinite(levels).all() else float("nan")
