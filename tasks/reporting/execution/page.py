"""Render the report of an execution: one self-contained HTML file, from execution.json alone. Pure."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tasks.core.sessions import EXCHANGE_TIME_ZONE
from tasks.core.text import MINUS
from tasks.reporting.day.executed import lines_of
from tasks.reporting.page.document import environment, style
from tasks.reporting.page.numerals import UNKNOWN, usd


def render_execution(document: Mapping[str, Any], *, title: str, is_simulated: bool) -> bytes:
    """Return execution.html. Equal documents give equal bytes."""
    lines = lines_of(document)
    until, begins_before = document["until"], document["begins_before"]
    orders = {order["order_id"]: order for order in document["orders"]}
    return (
        environment()
        .get_template("execution.html.j2")
        .render(
            title=title,
            is_simulated=is_simulated,
            session=date.fromisoformat(document["session"]),
            fill_session=date.fromisoformat(document["fill_session"]),
            document=document,
            until=None if until is None else exchange_time(until),
            begins_before=None if begins_before is None else exchange_time(begins_before),
            lines=lines,
            traded=sum(line.filled > 0 for line in lines),
            fewer=sum(0 < line.filled < line.approved for line in lines),
            slippage_usd=sum(line.slippage_usd or 0.0 for line in lines),
            fees_usd=sum(line.fees_usd for line in lines),
            bought=sum(line.filled * (line.average or 0.0) for line in lines if not line.is_sale),
            sold=sum(line.filled * (line.average or 0.0) for line in lines if line.is_sale),
            overrides=document.get("overrides", []),
            bridge=[(row["step"], row["cause"], usd(float(row["usd"]), 2)) for row in document["bridge"]],
            differences=document["differences"],
            events=[
                (exchange_time(event["at"]), orders.get(event["order_id"]), event)
                for event in document["events"]
            ],
            cost=cost_text,
            style=style(),
        )
        .encode()
    )


def exchange_time(instant: str) -> str:
    """Write an instant as the exchange's time: 2024-06-17 09:30:00."""
    return f"{datetime.fromisoformat(instant).astimezone(ZoneInfo(EXCHANGE_TIME_ZONE)):%Y-%m-%d %H:%M:%S}"


def cost_text(value: float | None) -> str:
    """Write an amount with its sign, since a cost may be a gain: +$12.00 cost, −$3.40 gained."""
    if value is None:
        return UNKNOWN
    text = usd(abs(value), 2)
    return text if text == "$0.00" else f"{'+' if value > 0 else MINUS}{text}"
