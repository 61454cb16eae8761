"""State what striking one trade would do: cash, risk, sector and turnover, with all the other trades filled."""

from dataclasses import dataclass

import pandas as pd

from tasks.portfolio.schema import CASH
from tasks.reporting.day.inputs import DayInputs
from tasks.reporting.page.sections.trades.trade_list import TradeLine
from tasks.risk.ratios import annual_volatility
from tasks.risk.tail import book_returns, tail_loss


@dataclass(frozen=True)
class Struck:
    """The portfolio after all trades but one. Changes are against the portfolio after all trades."""

    cash_usd: float
    volatility: float
    volatility_change: float
    var_1d: float
    sector: str
    sector_weight: float
    sector_change: float
    turnover: float


def without_each(inputs: DayInputs, trades: list[TradeLine]) -> dict[str, Struck]:
    """Return the effect of striking each trade, by symbol."""
    after = inputs.frames.after["weight"].drop(CASH, errors="ignore")
    sectors = {str(name): str(sector) for name, sector in inputs.frames.weights["sector"].items()}
    volatility, _ = _risk(inputs, after)
    book = inputs.records.portfolio.book
    cash = inputs.records.trades.cash_after_usd
    equity = book.equity_usd - inputs.records.trades.cost_usd
    found = {}
    for line in trades:
        signed = -line.notional if line.is_sale else line.notional
        kept = _shifted(after, line.symbol, -signed / equity)
        own, var = _risk(inputs, kept)
        sector = sectors.get(line.symbol, "")
        before, weight = _sector_weight(after, sectors, sector), _sector_weight(kept, sectors, sector)
        found[line.symbol] = Struck(
            cash_usd=cash + signed + line.cost,
            volatility=own,
            volatility_change=own - volatility,
            var_1d=var,
            sector=sector,
            sector_weight=weight,
            sector_change=weight - before,
            turnover=inputs.records.trades.turnover - line.notional / 2 / book.equity_usd,
        )
    return found


def _risk(inputs: DayInputs, held: pd.Series) -> tuple[float, float]:
    invested = held[held != 0]
    if invested.empty:
        return 0.0, 0.0
    returns = book_returns(invested, inputs.frames.returns)
    return annual_volatility(returns), tail_loss(returns, inputs.run.settings.risk.confidence)[0]


def _shifted(held: pd.Series, symbol: str, by: float) -> pd.Series:
    changed = held.copy()
    changed.loc[symbol] = held.get(symbol, 0.0) + by
    return changed


def _sector_weight(held: pd.Series, sectors: dict[str, str], sector: str) -> float:
    return float(sum(weight for name, weight in held.items() if sectors.get(str(name)) == sector))
