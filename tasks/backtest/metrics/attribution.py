"""Attribute every session's change in equity to market, timing, sector, selection, trading, interest and cost.

To the cent: the parts of a session sum to its change in equity, the parts of all sessions to the total profit.
docs/metrics.md defines the parts.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.core.errors import DataError
from tasks.data.schema.records import Days, Mask, Matrix
from tasks.risk.ratios import Numbers

PARTS = ("market", "timing", "sector", "selection", "trading", "interest", "cost")
UNKNOWN_SECTOR = -1
ROUNDING_CENTS = 4.0  # six parts and the equity are rounded to the cent, the rest is selection


@dataclass(frozen=True)
class Holdings:
    """Holdings and their profit, by session. Matrices are sessions × companies.

    The first row is the start: only its `value_usd` and `sector` count. `returns` are close to close with dividends,
    NaN where unknown. `pnl_usd` is the profit of price and dividends before `cost_usd` (commission, fees, slippage,
    borrow, positive). `sector` is the column index into `sector_returns`; -1: unknown.
    """

    value_usd: Matrix
    returns: Matrix
    pnl_usd: Matrix
    sector: NDArray[np.int64]
    market: Numbers
    sector_returns: Matrix
    interest_usd: Numbers
    cost_usd: Numbers


def attribute(sessions: Days, equity_usd: Numbers, holdings: Holdings) -> pd.DataFrame:
    """Return the parts of each session after the start in whole cents (int64), index session, columns PARTS.

    Raises DataError if the parts do not explain the change in equity to the cent.
    """
    exact = parts_usd(equity_usd, holdings)
    cents = {name: np.rint(100 * values).astype(np.int64) for name, values in exact.items()}
    level = np.rint(100 * equity_usd).astype(np.int64)
    change = level[1:] - level[:-1]
    cents["selection"] = change - sum(cents[name] for name in PARTS if name != "selection")
    gap = np.abs(cents["selection"] - 100 * exact["selection"])
    if (gap > ROUNDING_CENTS).any():
        worst = int(gap.argmax())
        raise DataError(
            f"The attribution of {sessions[1 + worst]} does not sum to the change in equity: "
            f"{gap[worst] / 100:,.2f} USD is unexplained.",
            remedy="This is a defect in the backtest: run it again with --debug and report it.",
        )
    index = pd.DatetimeIndex(sessions[1:], name="session")
    return pd.DataFrame({name: cents[name] for name in PARTS}, index=index)


def parts_usd(equity_usd: Numbers, holdings: Holdings) -> dict[str, Numbers]:
    """Return the parts of each session after the start, unrounded."""
    value, pnl = holdings.value_usd[:-1], holdings.pnl_usd[1:]
    market = np.nan_to_num(holdings.market[1:])
    of_sector = _sector_return(holdings, market)
    held = _held_profit(value, holdings.returns[1:], pnl)
    invested = value.sum(axis=1)
    exposure = invested / equity_usd[:-1]
    average = float(exposure.mean()) if exposure.size else 0.0
    return {
        "market": average * equity_usd[:-1] * market,
        "timing": (invested - average * equity_usd[:-1]) * market,
        "sector": (value * (of_sector - market[:, None])).sum(axis=1),
        "selection": (held - value * of_sector).sum(axis=1),
        "trading": (pnl - held).sum(axis=1),
        "interest": holdings.interest_usd[1:],
        "cost": -holdings.cost_usd[1:],
    }


def sector_returns(returns: Matrix, sector: NDArray[np.int64], members: Mask, *, count: int) -> Matrix:
    """Return the mean return of each sector's members, sessions × `count`; NaN where a sector has no known return.

    Uses sector and membership at the previous close: a session's own changes do not affect who is in the mean.
    """
    table = np.full((len(returns), count), np.nan)
    for number in range(count):
        counts = np.isfinite(returns[1:]) & members[:-1] & (sector[:-1] == number)
        total = np.where(counts, returns[1:], 0.0).sum(axis=1)
        names = counts.sum(axis=1)
        table[1:, number] = np.where(names > 0, total / np.maximum(names, 1), np.nan)
    return table


def _held_profit(value: Matrix, returns: Matrix, pnl: Matrix) -> Matrix:
    """Return the profit of yesterday's shares if held until the close; the actual profit where that is unknown."""
    profit: Matrix = np.where(
        np.isfinite(returns), value * np.nan_to_num(returns), np.where(value != 0, pnl, 0.0)
    )
    return profit


def _sector_return(holdings: Holdings, market: Numbers) -> Matrix:
    """Return each name's sector return; the market's where sector or return are unknown."""
    sector = holdings.sector[:-1]
    table = np.column_stack([holdings.sector_returns[1:], market])  # column -1 is the market
    chosen = np.take_along_axis(table, np.where(sector == UNKNOWN_SECTOR, table.shape[1] - 1, sector), axis=1)
    known: Matrix = np.where(np.isfinite(chosen), chosen, market[:, None])
    return known
