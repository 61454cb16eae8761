"""Tickets survive their file to the cent, and a damaged file is refused."""

import json
from datetime import date

import pytest

from tasks.trades.tickets.record import parse_tickets, ticket_records
from tasks.trades.tickets.schema import CAUSES, Contribution, Part, Survival, Ticket, Tickets

TICKETS = Tickets(
    date(2024, 6, 13),
    (
        Ticket(
            "ABC",
            tuple(Part(cause, 100 * place - 250) for place, cause in enumerate(CAUSES)),
            (Contribution("momentum", 0.25, 0.125), Contribution("value", -0.5)),
            Survival(12, 40),
            is_fragile=True,
        ),
        Ticket("XYZ", tuple(Part(cause, -1) for cause in CAUSES)),
    ),
    ("a note",),
    ("QQQ",),
)


def written(tickets):
    return json.dumps(ticket_records(tickets)).encode()


def test_tickets_are_read_back_as_they_were_written():
    assert parse_tickets(written(TICKETS)) == TICKETS
    assert parse_tickets(written(Tickets(None, ()))) == Tickets(None, ())
    assert TICKETS.of("XYZ") == TICKETS.tickets[1]
    assert TICKETS.of("QQQ") is None


def test_parts_that_do_not_sum_to_the_trade_are_refused():
    damaged = ticket_records(TICKETS)
    damaged["tickets"][0]["parts_cents"]["score"] += 1

    with pytest.raises(ValueError, match="ABC do not sum"):
        parse_tickets(json.dumps(damaged).encode())


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"null", b"{}", b'{"compared_with": 3, "tickets": [], "notes": []}']
)
def test_a_damaged_file_is_refused(content):
    with pytest.raises((ValueError, KeyError, TypeError, AttributeError)):
        parse_tickets(content)
