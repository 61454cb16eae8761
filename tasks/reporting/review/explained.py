"""Why one trade has its size, as the page shows it: from the ticket that the day was published with. Pure.

A revision has no tickets of its own. A line that it did not change has the ticket of the day; for a changed line, the
change and the person who made it come before the ticket of the trade as published.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from tasks.approval.day import PublishedDay
from tasks.reporting.day.name_histories import NameHistory
from tasks.reporting.day.revision import revision_of
from tasks.reporting.page.charts.name_chart import name_chart
from tasks.reporting.page.numerals import signed_usd
from tasks.reporting.page.sections.trades.why_each_trade import (
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
    """One trade explained. `signed_usd` is the published trade, buys positive: see `change_of`."""

    signed_usd: float
    parts: tuple[PartLine, ...]
    zero: float  # where the bars begin
    features: tuple[FeatureLine, ...]
    since: str  # session that the features are compared with
    survival: str
    is_fragile: bool


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
    )


def change_of(day: PublishedDay, line: Line) -> str:
    """Return who changed the line in a revision, and what was published; "" if it is as published."""
    revision, ticket = revision_of(day), _ticket(day, line.symbol)
    if revision is None or day.tickets is None or not day.tickets.tickets:
        return ""
    is_halved = line.symbol in revision.halved
    if not (is_halved or revision.solved) or (ticket is not None and ticket.usd_cents == _signed_cents(line)):
        return ""
    how = "Halved" if is_halved else "Re-optimized after changes"
    published = "nothing" if ticket is None else signed_usd(ticket.usd_cents / 100, 2)
    return f"{how} by {revision.by}; published: {published}"


def briefs(day: PublishedDay, lines: Sequence[Line]) -> dict[str, Brief]:
    """Return a few words for each line, by symbol: its change in a revision, or what its ticket explains."""
    found = {line.symbol: _brief(day, line) for line in lines}
    return {symbol: brief for symbol, brief in found.items() if brief is not None}


def chart_of(symbol: str, history: NameHistory | None) -> Markup | None:
    """Return the chart of the name's last year; None where there is no data for it."""
    return None if history is None else name_chart(symbol, history, key=f"chart-{symbol}")


def _brief(day: PublishedDay, line: Line) -> Brief | None:
    if change := change_of(day, line):
        return Brief(change, is_fragile=False)
    ticket = _ticket(day, line.symbol)
    if ticket is None or ticket.usd_cents != _signed_cents(line):
        return None
    return Brief(", ".join(head_words(ticket)), ticket.is_fragile)


def _signed_cents(line: Line) -> int:
    return round(line.notional * 100) * (-1 if line.is_sale else 1)


def _ticket(day: PublishedDay, symbol: str) -> Ticket | None:
    return None if day.tickets is None else day.tickets.of(symbol)
