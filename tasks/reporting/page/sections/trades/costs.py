"""Costs configured, estimated and realized; the capital at which today's trades would be too large or too small.

Realized costs are those of the last executions. What the fills cost against the closes of the decision is split into
the move until the next open, the wait until the order was sent, and spread and impact: the last two from the bridge.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from tasks.core.text import counted
from tasks.portfolio.schema import CASH
from tasks.reporting.day.executed import BPS, ExecutedDay
from tasks.reporting.day.inputs import DayInputs
from tasks.reporting.page.numerals import number, typeset_percent, usd
from tasks.reporting.page.sections.trades.trade_list import TradeLine


@dataclass(frozen=True)
class Realised:
    """The costs of some executions, in cents; positive: they cost. `estimated` None: not known for all of them."""

    days: int
    traded: int
    fees: int
    overnight: int  # from the close of the decision to the next open
    waiting: int  # from the open until the order was sent
    execution: int  # spread and impact: the price paid less the price current then
    estimated: int | None

    @property
    def total(self) -> int:
        return self.fees + self.overnight + self.waiting + self.execution

    @property
    def comparable(self) -> int:
        """What the estimate is of: fees, spread and impact, without the moves of the market before the order."""
        return self.fees + self.execution

    def bps(self, cents: int) -> float:
        """Return an amount relative to what was traded."""
        return cents / self.traded * BPS if self.traded else float("nan")


@dataclass(frozen=True)
class Size:
    """The equity at which a name would be the first that is too large or too small; NaN where it is unknown."""

    usd: float
    symbol: str


def realised(executed: tuple[ExecutedDay, ...]) -> Realised | None:
    """Sum the executions that have a bridge; None without one."""
    days = [day for day in executed if day.bridge and day.traded_cents]
    if not days:
        return None
    waiting = sum(day.waiting_cents for day in days)
    paid = sum(day.execution_cents for day in days)
    estimates = [day.estimated_cents for day in days]
    return Realised(
        days=len(days),
        traded=sum(day.traded_cents for day in days),
        fees=sum(day.fee_cents for day in days),
        overnight=sum(day.slippage_cents for day in days) - waiting - paid,
        waiting=waiting,
        execution=paid,
        estimated=sum(known)
        if len(known := [one for one in estimates if one is not None]) == len(days)
        else None,
    )


def configured(inputs: DayInputs) -> str:
    """Return the configured costs in one sentence."""
    costs = inputs.run.settings.costs
    multiple = "" if costs.multiple == 1 else f"; all of it times {number(costs.multiple)}"
    return (
        f"Configured: commission {usd(costs.commission_per_share_usd, 4)} a share, at least"
        f" {usd(costs.min_commission_usd, 2)} an order, the exchange's fees, and a spread and impact by price,"
        f" volatility and volume{multiple}."
    )


def capacity(inputs: DayInputs, trades: list[TradeLine]) -> Size | None:
    """Return the equity up to which no trade of today exceeds the limit of a name's daily volume; None if unknown."""
    weights = inputs.frames.weights
    if "adv_usd" not in weights:
        return None
    equity, limit = inputs.records.portfolio.book.equity_usd, inputs.run.settings.trades.max_adv_frac
    sizes = [
        Size(equity * limit * float(weights["adv_usd"][line.symbol]) / line.notional, line.symbol)
        for line in trades
        if line.symbol in weights.index and line.notional
    ]
    known = [size for size in sizes if np.isfinite(size.usd)]
    return min(known, key=lambda size: size.usd, default=None)


def least_capital(inputs: DayInputs) -> Size | None:
    """Return the equity at which every targeted weight is at least one whole share; None if nothing is targeted."""
    weights = inputs.frames.weights
    wanted = weights[(weights["weight"] > 0) & (weights.index != CASH)]
    needed = wanted["price"].to_numpy(dtype=float) / wanted["weight"].to_numpy(dtype=float)
    sizes = [Size(float(equity), str(name)) for name, equity in zip(wanted.index, needed, strict=True)]
    return max(sizes, key=lambda size: size.usd, default=None)


def size_words(inputs: DayInputs, trades: list[TradeLine]) -> Iterator[str]:
    """Yield a sentence on capacity and on the minimum capital, where they are known."""
    most, least = capacity(inputs, trades), least_capital(inputs)
    if most is not None:
        limit = typeset_percent(inputs.run.settings.trades.max_adv_frac, 0)
        yield f"Today's trades stay within {limit} of daily volume up to an equity of {usd(most.usd)} ({most.symbol})."
    if least is not None:
        yield f"Below {usd(least.usd)}, the target of {least.symbol} is less than one share."


def realised_words(found: Realised) -> str:
    """Return the basis of the realized costs."""
    return f"Last {counted(found.days, 'execution')}, {usd(found.traded / 100)} traded"
