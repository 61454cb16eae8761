"""The tickets as plain data for tickets.json, and back. Amounts are whole cents."""

from datetime import date
from typing import Any

from tasks.core.json_text import parse_json
from tasks.trades.tickets.schema import CAUSES, Contribution, Part, Survival, Ticket, Tickets

FILE = "tickets.json"


def ticket_records(tickets: Tickets) -> dict[str, Any]:
    """Return the tickets as plain data."""
    return {
        "compared_with": None if tickets.compared_with is None else str(tickets.compared_with),
        "notes": list(tickets.notes),
        "quarantined": list(tickets.quarantined),
        "tickets": [_record(ticket) for ticket in tickets.tickets],
    }


def parse_tickets(content: bytes) -> Tickets:
    """Return the tickets of a file. Raises ValueError, KeyError, TypeError or AttributeError for a damaged one."""
    record = parse_json(content)
    since = record["compared_with"]
    return Tickets(
        compared_with=None if since is None else date.fromisoformat(since),
        tickets=tuple(_ticket(one) for one in record["tickets"]),
        notes=tuple(map(str, record["notes"])),
        quarantined=tuple(map(str, record["quarantined"])),
    )


def _record(ticket: Ticket) -> dict[str, Any]:
    survival = ticket.survival
    return {
        "symbol": ticket.symbol,
        "usd_cents": ticket.usd_cents,
        "parts_cents": {part.cause: part.usd_cents for part in ticket.parts},
        "contributions": [
            {"feature": one.feature, "value": one.value, "previous": one.previous}
            for one in ticket.contributions
        ],
        "survival": None
        if survival is None
        else {"persisted": survival.persisted, "runs": survival.runs, "is_fragile": ticket.is_fragile},
    }


def _ticket(record: dict[str, Any]) -> Ticket:
    survival = record["survival"]
    ticket = Ticket(
        symbol=str(record["symbol"]),
        parts=tuple(Part(cause, int(record["parts_cents"][cause])) for cause in CAUSES),
        contributions=tuple(_contribution(one) for one in record["contributions"]),
        survival=None if survival is None else Survival(int(survival["persisted"]), int(survival["runs"])),
        is_fragile=survival is not None and bool(survival["is_fragile"]),
    )
    if ticket.usd_cents != record["usd_cents"]:
        raise ValueError(f"the parts of {ticket.symbol} do not sum to its trade")
    return ticket


def _contribution(record: dict[str, Any]) -> Contribution:
    previous = record["previous"]
    return Contribution(
        str(record["feature"]), float(record["value"]), None if previous is None else float(previous)
    )
