"""The trades of a published day as the page lists them, from the very bytes that a signature covers. Pure."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tasks.approval.day import PublishedDay
from tasks.approval.schema import Envelope
from tasks.core.json_text import parse_json
from tasks.portfolio.schema import CASH
from tasks.trades.simulated_mark import without_mark

SORTS = ("order", "symbol", "side", "notional", "weight", "cost", "rank")


@dataclass(frozen=True)
class Line:
    """One proposed trade. Money in USD, weights as fractions of the portfolio."""

    row: int
    symbol: str
    side: str
    action: str
    shares: float
    price: float
    lowest: str  # the band of prices in which the line stays valid; "" where nothing can be signed
    highest: str
    notional: float
    weight_before: float
    weight_after: float
    cost: float
    reason: str
    warning: str
    algorithm: str
    sector: str
    score: float | None
    rank: int | None

    @property
    def is_sale(self) -> bool:
        return self.side == "SELL"


@dataclass(frozen=True)
class Totals:
    """Sums over the lines."""

    count: int
    buys: int
    sells: int
    buy_usd: float
    sell_usd: float
    cost_usd: float


def lines_of(day: PublishedDay, envelope: Envelope | None) -> list[Line]:
    """Return the trades in the order of trades.csv, which is the order of their execution."""
    weights = {row["symbol"]: row for row in _rows(day.files["portfolio_weights.csv"])}
    scores = parse_json(day.files["signals.json"])["scores"]
    bands = (
        {line.symbol: (line.lowest_price, line.highest_price) for line in envelope.lines} if envelope else {}
    )
    return [
        _line(number, row, weights.get(row["symbol"], {}), scores.get(row["symbol"], {}), bands)
        for number, row in enumerate(_rows(day.trades))
    ]


def totals(lines: list[Line]) -> Totals:
    """Return the sums of both sides and of the estimated costs."""
    sold = [line.notional for line in lines if line.is_sale]
    bought = [line.notional for line in lines if not line.is_sale]
    cost = sum(line.cost for line in lines)
    return Totals(len(lines), len(bought), len(sold), sum(bought), sum(sold), cost)


def selected(lines: list[Line], *, query: str, sort: str, descending: bool) -> list[Line]:
    """Return the lines that contain every word of the query, sorted; unknown values last."""
    words = query.casefold().split()
    found = [line for line in lines if all(word in _searched(line) for word in words)]
    if sort in {"symbol", "side"}:
        return sorted(found, key=lambda line: getattr(line, sort), reverse=descending)
    if sort in SORTS[3:]:
        known = [line for line in found if _sorted_by(line, sort) is not None]
        unknown = [line for line in found if _sorted_by(line, sort) is None]
        return sorted(known, key=lambda line: _sorted_by(line, sort) or 0.0, reverse=descending) + unknown
    return found[::-1] if descending else found


def cash_after(day: PublishedDay) -> float:
    """Return the cash in USD once every trade is filled at its price."""
    return next(
        float(row["shares"]) for row in _rows(day.files["portfolio_weights.csv"]) if row["symbol"] == CASH
    )


def _sorted_by(line: Line, sort: str) -> float | None:
    if sort == "weight":
        return line.weight_after - line.weight_before
    value = getattr(line, sort)
    return None if value is None else float(value)


def _searched(line: Line) -> str:
    return f"{line.symbol} {line.side} {line.action} {line.sector} {line.reason} {line.warning}".casefold()


def _line(
    number: int,
    row: Mapping[str, str],
    weight: Mapping[str, str],
    score: Mapping[str, Any],
    bands: Mapping[str, tuple[str, str]],
) -> Line:
    before = float(weight.get("current_weight") or 0.0)
    low, high = bands.get(row["symbol"], ("", ""))
    return Line(
        row=number,
        symbol=row["symbol"],
        side=row["side"],
        action=row["action"],
        shares=float(row["shares"]),
        price=float(row["price"]),
        lowest=low,
        highest=high,
        notional=float(row["notional"]),
        weight_before=before,
        weight_after=max(before + float(row["weight_change"]), 0.0),
        cost=float(row["commission_est"]) + float(row["slippage_est"]),
        reason=without_mark(row["reason"]),
        warning=row["liquidity_warning"],
        algorithm=row["algorithm"],
        sector=weight.get("sector", ""),
        score=score.get("score"),
        rank=score.get("rank"),
    )


def _rows(content: bytes) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(content.decode(), newline="")))
