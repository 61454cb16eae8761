"""Why one trade has its size, as the page shows it: from the ticket that the day was published with. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from tasks.approval.day import PublishedDay
from tasks.reporting.day.name_histories import NameHistory
from tasks.reporting.page.charts.name_chart import name_chart
from tasks.reporting.page.sections.why_each_trade import (
    FeatureLine,
    PartLine,
    features_of,
    head_words,
    parts_of,
    survival_words,
)
from tasks.reporting.review.lines import Line
from tasks.trades.tickets.schema import Ticket


@dataclass(frozen=True)
class Explained:
    """One trade explained. `signed_usd` is the published trade, buys positive; a revision may have another size."""

    signed_usd: float
    parts: tuple[PartLine, ...]
    zero: float  # where the bars begin
    features: tuple[FeatureLine, ...]
    since: str  # session that the features are compared with
    survival: str
    is_fragile: bool
    is_as_published: bool


@dataclass(frozen=True)
class Brief:
    """The same in a few words, for the list."""

    head: str
    is_fragile: bool


def explained(day: PublishedDay, line: Line) -> Explained | None:
    """Return the ticket of the line; None where the day has none for it."""
    ticket = _ticket(day, line.symbol)
    if ticket is None or day.tickets is None:
        return None
    parts, zero = parts_of(ticket)
    return Explained(
        signed_usd=ticket.usd_cents / 100,
        parts=parts,
        zero=zero,
        features=features_of(ticket.contributions),
        since=str(day.tickets.compared_with or ""),
        survival=survival_words(ticket),
        is_fragile=ticket.is_fragile,
        is_as_published=_signed_cents(line) == ticket.usd_cents,
    )


def briefs(day: PublishedDay, lines: Sequence[Line]) -> dict[str, Brief]:
    """Return a few words for each line that has a ticket and the size that the ticket explains, by symbol."""
    signed = {line.symbol: _signed_cents(line) for line in lines}
    tickets = day.tickets.tickets if day.tickets else ()
    return {
        one.symbol: Brief(", ".join(head_words(one)), one.is_fragile)
        for one in tickets
        if signed.get(one.symbol) == one.usd_cents
    }


def chart_of(symbol: str, history: NameHistory | None) -> Markup | None:
    """Return the chart of the name's last year; None where there is no data for it."""
    return None if history is None else name_chart(symbol, history, key=f"chart-{symbol}")


def _signed_cents(line: Line) -> int:
    return round(line.notional * 100) * (-1 if line.is_sale else 1)


def _ticket(day: PublishedDay, symbol: str) -> Ticket | None:
    return None if day.tickets is None else day.tickets.of(symbol)
