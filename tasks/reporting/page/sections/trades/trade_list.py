"""The trades as the page shows them, and their estimated costs. Reads the formatted trades.csv."""

from dataclasses import dataclass

import pandas as pd

from tasks.reporting.day.files import as_text
from tasks.reporting.day.inputs import DayInputs
from tasks.reporting.day.ledger import is_sale
from tasks.trades.simulated_mark import without_mark

MOST_EXPENSIVE = 3


@dataclass(frozen=True)
class TradeLine:
    """One trade as the page shows it."""

    symbol: str
    name: str
    side: str
    action: str
    shares: float
    price: float
    notional: float
    change: float  # of the weight
    cost: float
    reason: str
    warning: str
    algorithm: str
    is_sale: bool


@dataclass(frozen=True)
class Costs:
    """The estimated costs of the day's trades."""

    commission_usd: float
    slippage_usd: float
    of_traded: float
    most_expensive: tuple[TradeLine, ...]


def trade_lines(inputs: DayInputs, trades: pd.DataFrame) -> list[TradeLine]:
    """Return the trades in the order of trades.csv."""
    sold = is_sale(trades["side"])
    return [
        TradeLine(
            symbol=str(line["symbol"]),
            name=inputs.backdrop.names.get(str(line["symbol"]), ""),
            side=str(line["side"]),
            action=str(line["action"]),
            shares=line["shares"],
            price=line["price"],
            notional=line["notional"],
            change=line["weight_change"],
            cost=line["commission_est"] + line["slippage_est"],
            reason=without_mark(as_text(line["reason"])),
            warning=as_text(line["liquidity_warning"]),
            algorithm=as_text(line["algorithm"]),
            is_sale=bool(is_sold),
        )
        for line, is_sold in zip(trades.to_dict("records"), sold, strict=True)
    ]


def day_costs(trades: pd.DataFrame, lines: list[TradeLine]) -> Costs:
    """Split the costs; the most expensive lines are those that cost the most in dollars, the figure shown first."""
    commission, slippage = (float(trades[name].sum()) for name in ("commission_est", "slippage_est"))
    traded = float(trades["notional"].sum())
    return Costs(
        commission_usd=commission,
        slippage_usd=slippage,
        of_traded=(commission + slippage) / traded if traded else 0.0,
        most_expensive=tuple(sorted(lines, key=lambda line: (-line.cost, line.symbol))[:MOST_EXPENSIVE]),
    )
