"""Measure past performance from the history: return and drawdown, compared with the benchmark.

The portfolio's level is its equity, with dividends due and without capital flows; returns of rows are not chained, so
that a session inserted later is not counted twice. On the first day the series has one row, with nothing to compare.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.reporting.day.history import amount, benchmark_level, levels, numbers
from tasks.reporting.page.numerals import signed
from tasks.risk.ratios import drawdowns, max_drawdown

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Performance:
    """The portfolio by session, and totals. Levels start at 100; all else is fractions."""

    sessions: NDArray[np.datetime64]
    book: Floats
    benchmark: Floats | None  # NaN from the first unknown return on; None where there is none
    drawdown: Floats
    day_return: float
    day_flow_usd: float  # deposits less withdrawals, which are in the equity and not in the return
    day_benchmark: float
    total_return: float
    total_benchmark: float
    max_drawdown: float
    cost_usd: float

    @property
    def has_past(self) -> bool:
        return len(self.sessions) > 1

    @property
    def benchmark_words(self) -> str:
        """The benchmark's return, or until when it is known: a shorter one cannot be compared with the portfolio's."""
        if self.benchmark is None or np.isfinite(self.total_benchmark):
            return signed(self.total_benchmark, 2)
        last = self.sessions[np.flatnonzero(np.isfinite(self.benchmark))[-1]]
        return f"known only until {last}"

    @property
    def last_before(self) -> date:
        """The row before the session's own; requires at least two rows."""
        day: date = self.sessions[-2].item()
        return day


def performance(before: pd.DataFrame, row: dict[str, str]) -> Performance:
    """Measure performance from the earlier rows and the session's own."""
    rows = pd.concat([before, pd.DataFrame([row], dtype=str)], ignore_index=True).fillna("")
    equity = levels(rows)
    book = 100 * equity / equity[0]
    benchmark = 100 * benchmark_level(rows)
    has_benchmark = len(rows) > 1 and bool(np.isfinite(benchmark[1:]).any())
    return Performance(
        sessions=rows["date"].to_numpy().astype("datetime64[D]"),
        book=book,
        benchmark=benchmark if has_benchmark else None,
        drawdown=drawdowns(book),
        day_return=float(equity[-1] / equity[-2] - 1) if len(rows) > 1 else 0.0,
        day_flow_usd=amount(rows.iloc[-1], "net_flows") - amount(rows.iloc[-2], "net_flows")
        if len(rows) > 1
        else 0.0,
        day_benchmark=float(numbers(rows["benchmark_return"])[-1]) if len(rows) > 1 else float("nan"),
        total_return=float(book[-1] / 100 - 1),
        total_benchmark=float(benchmark[-1] / 100 - 1) if has_benchmark else float("nan"),
        max_drawdown=max_drawdown(book),
        cost_usd=float(np.nansum(numbers(rows["cost"]))),
    )
