"""The order ticket that a person prints: plain text, and a page. Text from elsewhere is escaped in both."""

from collections.abc import Sequence
from datetime import date
from html import escape

from tasks.core.text import no_formula, replace_unprintable
from tasks.execution.brokers.manual.entries import Ticket

HEADER = ("side", "symbol", "shares", "price", "last price", "filled", "id")
NOTE = "Enter what was filled: afterclose fills add {session} SYMBOL SHARES PRICE --by NAME"


def ticket_text(tickets: Sequence[Ticket], *, session: date, account: str) -> str:
    """Return the ticket as a table of text, sales first."""
    rows = [HEADER, *_rows(tickets)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADER))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return "\n".join([_title(session, account), "", *lines, "", NOTE.format(session=session)])


def ticket_page(tickets: Sequence[Ticket], *, session: date, account: str) -> str:
    """Return the ticket as a page of HTML without scripts or references."""
    head = "".join(f"<th>{escape(name)}</th>" for name in (*HEADER, "done"))
    body = "\n".join(
        "<tr>" + "".join(f"<td>{escape(cell)}</td>" for cell in (*row, "☐")) + "</tr>"
        for row in _rows(tickets)
    )
    title = escape(_title(session, account))
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>body{{font:14px sans-serif;margin:2em}}table{{border-collapse:collapse}}
th,td{{border:1px solid #999;padding:4px 10px;text-align:left}}</style></head>
<body><h1>{title}</h1>
<table><thead><tr>{head}</tr></thead>
<tbody>
{body}
</tbody></table>
<p>{escape(NOTE.format(session=session))}</p></body></html>
"""


def _title(session: date, account: str) -> str:
    return f"Order ticket of {session}, account {_cell(account)}"


def _rows(tickets: Sequence[Ticket]) -> list[tuple[str, ...]]:
    return [
        (
            ticket.side + (" (cancel)" if ticket.is_canceling else ""),
            _cell(ticket.symbol),
            str(ticket.shares),
            "market" if ticket.limit_price is None else f"limit {ticket.limit_price:f}",
            "" if ticket.quote is None else f"{ticket.quote:f}",
            str(ticket.filled_shares),
            _cell(ticket.order_id),
        )
        for ticket in sorted(tickets, key=lambda ticket: ticket.side != "SELL")
    ]


def _cell(text: str) -> str:
    """Return text that neither a terminal nor a spreadsheet interprets."""
    return replace_unprintable(no_formula(text))
