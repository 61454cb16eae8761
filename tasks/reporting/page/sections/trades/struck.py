"""State what striking one trade would leave, with all the other trades filled: cash, turnover, risk and sectors.

The figures and limits are those of the review page (tasks/reporting/day/filled_book.py), computed in the same way.
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tasks.portfolio.candidates import Obstacle
from tasks.portfolio.explanation import OBSTACLES
from tasks.portfolio.limits import UNKNOWN_SECTOR
from tasks.portfolio.schema import CASH
from tasks.reporting.day.filled_book import BookFigures, Limits, figures_of, limits_of, sector_weights
from tasks.reporting.day.inputs import DayInputs
from tasks.reporting.page.numerals import typeset_percent
from tasks.reporting.page.sections.trades.trade_list import TradeLine
from tasks.risk.tail import PastReturns, portfolio_risk
from tasks.safety.after_checks import limited_groups
from tasks.safety.facts import limited_sectors
from tasks.safety.trade_checks import is_covered

STOP = OBSTACLES[Obstacle.STOPPED]
TOLERANCE = 1e-9


@dataclass(frozen=True)
class Affected:
    """A limit on a fraction of the portfolio, and its figure after all trades and without the struck one."""

    name: str
    before: float
    after: float
    limit: float

    @property
    def is_over(self) -> bool:
        return self.after > self.limit * (1 + TOLERANCE)

    @property
    def rank(self) -> tuple[bool, float]:
        """Sort by whether the strike puts the figure above its limit, then by the change in the limit's use."""
        change = self.after - self.before
        return self.is_over and change > TOLERANCE, abs(change) / self.limit if self.limit > 0 else 0.0


@dataclass(frozen=True)
class Struck:
    """The portfolio after all trades but one, and after all.

    `affected` is the limit that the strike puts out of bounds, or else whose use it changes most; None without limits.
    `refused`: why the day's checks refuse the rest of the list as it is; "" if they do not.
    """

    figures: BookFigures
    of_all: BookFigures
    sector: str
    affected: Affected | None
    refused: str

    @property
    def volatility_change(self) -> float:
        return self.figures.volatility_frac - self.of_all.volatility_frac

    @property
    def sector_weight(self) -> float:
        return self.figures.sectors.get(self.sector, 0.0)

    @property
    def sector_change(self) -> float:
        return self.sector_weight - self.of_all.sectors.get(self.sector, 0.0)


def without_each(inputs: DayInputs, trades: Sequence[TradeLine]) -> dict[str, Struck]:
    """Return the effect of striking each trade, by symbol."""
    if not trades:
        return {}
    of_all, filled = _figures_of_all(inputs), _Filled(inputs, trades)
    return {line.symbol: _struck(inputs, trades, line, filled, of_all) for line in trades}


def _struck(
    inputs: DayInputs, trades: Sequence[TradeLine], line: TradeLine, filled: "_Filled", of_all: BookFigures
) -> Struck:
    records = inputs.records
    figures = filled.without(line).figures(
        records.trades.turnover - line.notional / 2 / records.portfolio.book.equity_usd,
        records.trades.cost_usd - line.cost,
    )
    limits = limits_of(
        inputs.run.settings,
        exposure_cap=records.portfolio.exposure_cap,
        equity_usd=records.portfolio.book.equity_usd,
        sectors={*figures.sectors, *of_all.sectors},
    )
    sectors = inputs.frames.weights["sector"]
    return Struck(
        figures,
        of_all,
        str(sectors.get(line.symbol, "")),
        max(_affected(of_all, figures, limits), key=lambda one: one.rank, default=None),
        _refused(inputs, trades, line, filled, figures),
    )


def _refused(
    inputs: DayInputs, trades: Sequence[TradeLine], line: TradeLine, filled: "_Filled", figures: BookFigures
) -> str:
    """Return the first of the day's checks that a strike can fail, in words: cash, a limit of the portfolio, a stop.

    A struck buy fails none: it only lowers weights. Cash and limits are checked by the checks' own functions; the
    decision states which holdings a stop sells.
    """
    if not line.is_sale:
        return ""
    buys = any(not other.is_sale for other in trades)
    if not is_covered(figures.cash_usd, inputs.records.portfolio.book.cash_usd, buys=buys):
        return "the buys cost more than the cash"
    if line.symbol in inputs.records.portfolio.stopped:
        return STOP
    return filled.limited.exceeded(line)


class _Limited:
    """The limits on each name and its groups, with the weights now, in the target and after all trades, by place."""

    def __init__(self, inputs: DayInputs) -> None:
        settings, portfolio = inputs.run.settings.portfolio, inputs.records.portfolio
        weights, after = inputs.frames.weights.drop(CASH), inputs.frames.after
        filled = after["shares"] * after["price"] / portfolio.book.equity_usd
        self.lines = pd.DataFrame(
            {"sector": limited_sectors(weights["sector"], settings), "cap_class": weights["cap_class"]}
        )
        self.now, self.target, self.after = (
            column.to_numpy(dtype=float)
            for column in (
                weights["current_weight"],
                weights["weight"],
                filled.reindex(weights.index).fillna(0.0),
            )
        )
        groups = limited_groups(self.lines, settings, exposure_cap=portfolio.exposure_cap)
        self.groups = {group.name: group for group in groups}

    def exceeded(self, line: TradeLine) -> str:
        """Return the limit on the name or on a group of it that the strike exceeds.

        The target, in which the name keeps its weight, must be within every limit, as if nothing had been held; the
        portfolio after the trades may be above one that it exceeded before, but not further above it.
        """
        place = self.lines.index.get_loc(line.symbol)
        sector, size = (str(self.lines[name].iloc[place]) for name in ("sector", "cap_class"))
        target, after = self.target.copy(), self.after.copy()
        target[place] = after[place] = self.now[place]
        names = {
            line.symbol: line.symbol,
            f"sector {sector}": sector,
            f"{size} caps": f"{size} caps",
            "the portfolio": "invested",
        }
        for group in (self.groups[name] for name in names if name in self.groups):
            wanted, left = group.weight(np.zeros_like(target), target), group.weight(self.now, after)
            if wanted.is_refused or left.is_refused:
                places = 1 if wanted.after - wanted.limit > 0.0005 else 2
                most = typeset_percent(max(wanted.after, left.after), places)
                return f"{names[group.name]} {most}, limit {typeset_percent(group.limit, places)}"
        return ""


def _affected(before: BookFigures, after: BookFigures, limits: Limits) -> list[Affected]:
    return [
        *(
            Affected(name, before.sectors.get(name, 0.0), after.sectors.get(name, 0.0), limit)
            for name, limit in limits.sectors.items()
        ),
        Affected("Invested", before.invested_frac, after.invested_frac, limits.invested_frac),
        Affected("Volatility", before.volatility_frac, after.volatility_frac, limits.volatility_frac),
        Affected("VaR 1 d", before.var_frac, after.var_frac, limits.var_frac),
    ]


def _figures_of_all(inputs: DayInputs) -> BookFigures:
    trades, after = inputs.records.trades, inputs.frames.after
    risk = portfolio_risk(
        after["weight"].drop(CASH), inputs.frames.returns, inputs.run.settings.risk.confidence
    )
    sectors = inputs.frames.weights["sector"]
    return figures_of(
        after,
        sectors,
        risk,
        equity_usd=inputs.records.portfolio.book.equity_usd,
        turnover_frac=trades.turnover,
        cost_usd=trades.cost_usd,
    )


class _Filled:
    """The portfolio after the trades, as arrays by name: one trade struck changes one name and cash."""

    def __init__(self, inputs: DayInputs, trades: Sequence[TradeLine]) -> None:
        held = inputs.frames.after.drop(CASH)
        sold = {line.symbol: line.price for line in trades if line.symbol not in held.index}
        self.names = [*held.index, *sold]
        self.sectors = inputs.frames.weights["sector"].reindex(self.names).fillna(UNKNOWN_SECTOR).to_numpy()
        self.shares = np.append(held["shares"].to_numpy(dtype=float), np.zeros(len(sold)))
        self.price = np.append(held["price"].to_numpy(dtype=float), [*sold.values()])
        self.cash_usd = float(inputs.frames.after["shares"][CASH])
        self.equity_before_usd = inputs.records.portfolio.book.equity_usd
        self.past = PastReturns(self.names, inputs.frames.returns)
        self.confidence = inputs.run.settings.risk.confidence
        self.limited = _Limited(inputs)

    def without(self, line: TradeLine) -> "_Filled":
        """Return the portfolio after the other trades: this one's shares and its cost, to the cent, are given back."""
        place = self.names.index(line.symbol)
        struck = copy(self)
        struck.shares, struck.price = self.shares.copy(), self.price.copy()
        struck.shares[place] += line.shares if line.is_sale else -line.shares
        struck.price[place] = line.price
        paid = (-line.notional if line.is_sale else line.notional) + line.cost
        struck.cash_usd = round(self.cash_usd + paid, 2)
        return struck

    def figures(self, turnover_frac: float, cost_usd: float) -> BookFigures:
        (held,) = self.shares.nonzero()
        value = self.shares * self.price
        equity = float(np.append(value[held], self.cash_usd).sum())
        volatility, var = self.past.risk(value / equity, self.confidence)
        weights = value[held] / self.equity_before_usd
        return BookFigures(
            cash_usd=self.cash_usd,
            invested_frac=float(weights.sum()),
            turnover_frac=turnover_frac,
            cost_usd=cost_usd,
            volatility_frac=volatility,
            var_usd=var * equity,
            var_frac=var,
            sectors=sector_weights(self.sectors[held], weights.tolist()),
        )
