"""Describe an execution as execution.json does: what was approved, ordered and filled, and what it waits for. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from tasks.core.text import instant_text
from tasks.execution.bookings import Booked
from tasks.execution.bridge.steps import Step
from tasks.execution.journal import Happened
from tasks.execution.progress import Progress
from tasks.execution.reconciliation.schema import Difference, Reconciliation
from tasks.execution.schema import Tracked
from tasks.ledger.store import plain
from tasks.safety.overrides import Override

FORMAT = "afterclose execution 1"
Document = dict[str, object]


@dataclass(frozen=True)
class Totals:
    """The result of the orders of one execution, in cents."""

    bought_cents: int
    sold_cents: int
    fee_cents: int


def totals_of(orders: tuple[Tracked, ...], booked: Mapping[str, Booked]) -> Totals:
    """Return the sums over all orders."""
    sold = sum(booked[one.order.order_id].cents for one in orders if one.order.is_sale)
    bought = sum(booked[one.order.order_id].cents for one in orders if not one.order.is_sale)
    return Totals(bought, sold, sum(one.fee_cents for one in booked.values()))


def execution_document(  # noqa: PLR0913 - one parameter per part of the document
    progress: Progress,
    booked: Mapping[str, Booked],
    events: Iterable[Happened],
    found: Reconciliation | None,
    *,
    broker: str,
    is_unanswered: bool = False,
    overrides: Iterable[Override] = (),
    bridge: Iterable[Step] = (),
    revision: int = 0,
) -> Document:
    """Return the document. Amounts are USD as decimal text; shares are whole. `found` None: not reconciled.

    `is_unanswered`: nobody approved, and the no-answer policy lets the sales go. `revision`: the one that was approved;
    0 is the day as published. `overrides` are those that hold in the fill session; `bridge` is empty until its close.
    """
    execution, totals = progress.execution, totals_of(progress.orders, booked)
    begins_before = execution.begins_before
    return {
        "format": FORMAT,
        "session": execution.session.isoformat(),
        "fill_session": execution.fill_session.isoformat(),
        "approval_sha256": execution.approval_sha256,
        "revision": revision,
        "authority": "no_answer" if is_unanswered else "approval",
        "account": execution.account,
        "mode": execution.mode,
        "broker": broker,
        "stage": str(execution.stage),
        "outcome": str(progress.outcome),
        "why": progress.why,
        "until": None if progress.until is None else instant_text(progress.until),
        "begins_before": None
        if (begins_before := progress.execution.begins_before) is None
        else instant_text(begins_before),
        "overrides": [
            {"number": one.number, "what": one.instruction.description, "until": str(one.instruction.until)}
            | {"by": one.by, "reason": one.reason}
            for one in overrides
        ],
        "lines": [line.model_dump() for line in execution.lines],
        "orders": [_order(one, booked[one.order.order_id]) for one in progress.orders],
        "bought_usd": usd(totals.bought_cents),
        "sold_usd": usd(totals.sold_cents),
        "fees_usd": usd(totals.fee_cents),
        "bridge": [{"step": one.stage, "cause": one.cause, "usd": usd(one.cents)} for one in bridge],
        "differences": None if found is None else [_difference(one) for one in found.standing],
        "events": [_event(one) for one in events],
    }


def usd(cents: int) -> str:
    """Write cents as USD with two decimals."""
    return str(Decimal(cents).scaleb(-2))


def average_price(booked: Booked) -> Decimal | None:
    """Return the average price of what was filled, to four decimals; None without a fill."""
    if not booked.shares:
        return None
    return (Decimal(booked.cents) / booked.shares).scaleb(-2).quantize(Decimal("0.0001"))


def _order(tracked: Tracked, booked: Booked) -> Document:
    order, price = tracked.order, average_price(booked)
    return {
        "order_id": order.order_id,
        "row": order.row,
        "part": order.part,
        "symbol": order.symbol,
        "side": order.side,
        "shares": order.shares,
        "timing": order.timing,
        "limit_price": None if order.limit_price is None else str(order.limit_price),
        "state": str(tracked.state),
        "requests": tracked.sends,
        "reason": tracked.reason,
        "changed_at": instant_text(tracked.changed_at),
        "filled_shares": plain(booked.shares),
        "filled_usd": usd(booked.cents),
        "average_price": None if price is None else str(price),
        "fees_usd": usd(booked.fee_cents),
    }


def _difference(difference: Difference) -> Document:
    return {
        "id": difference.difference_id,
        "kind": difference.kind,
        "symbol": difference.symbol,
        "shares": plain(difference.shares),
        "usd": usd(difference.cents),
        "explanation": difference.explanation,
        "blocks": difference.blocks,
    }


def _event(event: Happened) -> Document:
    return {
        "at": instant_text(event.at),
        "order_id": event.order_id,
        "event": event.event,
        "state": event.state,
        "filled_shares": event.filled_shares,
        "reason": event.reason,
    }
