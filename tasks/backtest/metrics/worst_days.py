"""List the worst sessions with their reasons: the parts of the attribution and the names that lost most."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.backtest.metrics.attribution import PARTS
from tasks.backtest.metrics.curve import Curve
from tasks.data.schema.records import Matrix

NAMES_SHOWN = 3


@dataclass(frozen=True)
class WorstDay:
    """One session. Fractions are of the previous equity; `names` lost most, worst first."""

    session: date
    return_frac: float
    benchmark: float
    regime: str  # determined at the close before
    exposure: float  # at the close before
    parts: dict[str, float]
    names: tuple[tuple[str, float], ...]

    @property
    def largest_part(self) -> str:
        """The part with the largest loss."""
        return min(self.parts, key=lambda name: self.parts[name])


def worst_days(
    curve: Curve, parts_cents: pd.DataFrame, pnl_usd: Matrix, symbols: NDArray[np.str_], *, count: int
) -> tuple[WorstDay, ...]:
    """Return the sessions with the lowest returns, worst first; sessions without a loss are excluded.

    `parts_cents` of `attribute`; `pnl_usd`: sessions × companies, before costs, the first row being the start.
    """
    returns = curve.returns
    order = [int(row) for row in np.argsort(returns, kind="stable")[:count] if returns[row] < 0]
    return tuple(_day(curve, parts_cents, pnl_usd, symbols, row) for row in order)


def _day(
    curve: Curve, parts_cents: pd.DataFrame, pnl_usd: Matrix, symbols: NDArray[np.str_], row: int
) -> WorstDay:
    equity = float(curve.equity_usd[row])
    lost = pnl_usd[row + 1] / equity
    worst = [int(name) for name in np.argsort(lost, kind="stable")[:NAMES_SHOWN] if lost[name] < 0]
    session: date = curve.sessions[row + 1].astype("datetime64[D]").item()
    return WorstDay(
        session=session,
        return_frac=float(curve.returns[row]),
        benchmark=float(curve.benchmark[row + 1]),
        regime=str(curve.regime[row]),
        exposure=float(curve.exposure[row]),
        parts={name: float(parts_cents[name].iloc[row]) / 100 / equity for name in PARTS},
        names=tuple((str(symbols[name]), float(lost[name])) for name in worst),
    )
