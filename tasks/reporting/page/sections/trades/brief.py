"""The largest trades for the first screen: what is traded, for how much, and why in a few words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from tasks.reporting.day.inputs import DayInputs
from tasks.reporting.page.numerals import typeset_percent, words
from tasks.reporting.page.sections.trades.trade_list import TradeLine
from tasks.reporting.page.sections.trades.why_each_trade import CAUSES, OTHER, head_words
from tasks.trades.tickets.schema import Ticket

MOST = 10


@dataclass(frozen=True)
class BriefLine:
    """One trade. `why` are the parts of its ticket, or the reason of trades.csv where it has none.

    `leaves` states what is held once it is filled.
    """

    symbol: str
    side: str
    is_sale: bool
    signed_usd: float
    leaves: str
    why: str
    rank: str
    is_explained: bool
    is_fragile: bool


@dataclass(frozen=True)
class Brief:
    """The largest trades, sales before buys, and how many smaller ones are left out.

    `ranked` is the number of names that have a rank by score; 0 where the champion ranks none.

    `legend` explains the words of the lines that do not explain themselves.
    """

    lines: tuple[BriefLine, ...]
    others: int
    ranked: int
    legend: tuple[tuple[str, str], ...]


def brief_of(inputs: DayInputs, trades: Sequence[TradeLine]) -> Brief:
    """Return the largest trades for the first screen, sales first, the largest of each side first."""
    largest = sorted(trades, key=lambda trade: (-trade.notional, trade.symbol))[:MOST]
    ranks, weights = _ranks(inputs), (inputs.frames.weights["current_weight"], inputs.frames.after["weight"])
    lines = tuple(
        _line(trade, inputs.records.tickets.of(trade.symbol), ranks, _weight_words(trade.symbol, *weights))
        for trade in sorted(largest, key=lambda trade: not trade.is_sale)
    )
    ranked = len(inputs.frames.scores) if ranks else 0
    return Brief(lines, len(trades) - len(lines), ranked, _legend(lines))


def _line(trade: TradeLine, ticket: Ticket | None, ranks: Mapping[str, str], leaves: str) -> BriefLine:
    return BriefLine(
        symbol=trade.symbol,
        side=trade.side,
        is_sale=trade.is_sale,
        signed_usd=-trade.notional if trade.is_sale else trade.notional,
        leaves=leaves,
        why=trade.reason if ticket is None else _causes(ticket),
        rank=ranks.get(trade.symbol, ""),
        is_explained=ticket is not None,
        is_fragile=ticket is not None and ticket.is_fragile,
    )


def _weight_words(symbol: str, before: pd.Series, after: pd.Series) -> str:
    """Return what the trade does to the name's weight, in words."""
    held, left = (float(weights.get(symbol, 0.0)) for weights in (before, after))
    if not left:
        return f"sells all of {typeset_percent(held)}"
    return (
        f"weight {typeset_percent(held)} → {typeset_percent(left)}"
        if held
        else f"new, {typeset_percent(left)}"
    )


def _causes(ticket: Ticket) -> str:
    """Return the cause alone if there is one, otherwise the parts in dollars, which sum to the trade."""
    causes = [part.cause for part in ticket.parts if part.usd_cents]
    return words(causes[0]) if len(causes) == 1 else words(", ".join(head_words(ticket)))


def _legend(lines: Sequence[BriefLine]) -> tuple[tuple[str, str], ...]:
    shown = " ".join(line.why for line in lines if line.is_explained).lower().split()
    unclear = {"drift": CAUSES["drift"], OTHER: (words(OTHER), "all smaller parts of the trade together")}
    return tuple(entry for word, entry in unclear.items() if word in shown)


def _ranks(inputs: DayInputs) -> dict[str, str]:
    """Return the rank by score of each name today and on the published session before, in words."""
    if not inputs.records.scores.champion.ranks:
        return {}
    today, before = inputs.frames.scores["rank"], inputs.previous.ranks if inputs.previous else {}
    return {
        str(symbol): f"{int(rank)}" + (f", was {before[str(symbol)]}" if str(symbol) in before else "")
        for symbol, rank in today.items()
    }
