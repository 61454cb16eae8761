"""Results of the executions of earlier sessions: fills, costs, and the bridge to the broker's equity. Pure.

Read from execution.json. Amounts of the bridge and of the totals are exact, in cents.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from itertools import takewhile
from typing import Any

from tasks.core.ids import sha256_of_bytes
from tasks.core.json_text import parse_json
from tasks.execution.desk import Outcome
from tasks.execution.schema import OPEN

BPS = 10_000
CENTS_PER_USD = 100
NO_ORDER, WAITING, FILLED = "no order", "waiting", "filled"
UNDER_WAY = {str(Outcome.AGAIN), str(Outcome.WAITING)}
AFTER_SALES = "bought with the proceeds of the sells, once all of those have ended"
RESIZED = "as many as the approved amount and the cash allowed at the current price"
UNEXPLAINED = "unexplained"
PRICE, PAID = "price", "paid less current price"


@dataclass(frozen=True)
class Line:
    """One approved line, and the result of its orders."""

    symbol: str
    side: str
    approved: int
    filled: int
    price: float  # of the decision
    average: float | None
    slippage_usd: float | None  # against the price of the decision; positive: it cost
    slippage_bps: float | None
    fees_usd: float
    state: str
    reason: str

    @property
    def is_sale(self) -> bool:
        return self.side == "SELL"


@dataclass(frozen=True)
class BridgeRow:
    """One row of the bridge from the target's equity to the broker's."""

    step: str
    cause: str
    cents: int


@dataclass(frozen=True)
class ExecutedDay:
    """The execution of one session. `problem` is why its file could not be read; then nothing else is known."""

    session: date
    fill_session: date
    broker: str
    outcome: str
    why: str
    lines: tuple[Line, ...]
    bridge: tuple[BridgeRow, ...]  # empty until the fill session has closed
    estimated_cents: int | None  # cost of the proposal; None if the day's files cannot be read
    fingerprint: str
    problem: str = ""

    @property
    def fee_cents(self) -> int:
        return sum(_cents(line.fees_usd) for line in self.lines)

    @property
    def slippage_cents(self) -> int:
        """Return what the fills cost against the closes of the decision; negative: they were better."""
        return sum(_cents(line.slippage_usd or 0.0) for line in self.lines)

    @property
    def waiting_cents(self) -> int:
        """Return what the moves between the open and the orders cost. Known only with a bridge."""
        return -sum(row.cents for row in self.bridge if row.step == PRICE and row.cause != PAID)

    @property
    def execution_cents(self) -> int:
        """Return what spread and impact cost: the prices paid less those of the orders. Known only with a bridge."""
        return -sum(row.cents for row in self.bridge if row.step == PRICE and row.cause == PAID)

    @property
    def traded_cents(self) -> int:
        return sum(_cents(line.filled * (line.average or 0.0)) for line in self.lines)

    @property
    def is_closed(self) -> bool:
        """Whether the steps of the bridge sum to the broker's equity with nothing left unexplained."""
        *steps, record = self.bridge or (BridgeRow("", "", 1),)
        left = sum(row.cents for row in steps if row.cause == UNEXPLAINED)
        return bool(steps) and not left and sum(row.cents for row in steps) == record.cents


def executed_day(session: date, content: bytes, *, estimated_cents: int | None) -> ExecutedDay:
    """Return the execution of the session. An unreadable file has a problem, and the session as its fill session."""
    fingerprint = sha256_of_bytes(content)
    try:
        document = _document_of(session, content)
        return ExecutedDay(
            session=session,
            fill_session=date.fromisoformat(document["fill_session"]),
            broker=str(document["broker"]),
            outcome=str(document["outcome"]),
            why=str(document["why"]),
            lines=tuple(lines_of(document)),
            bridge=tuple(
                BridgeRow(str(row["step"]), str(row["cause"]), int(Decimal(row["usd"]) * CENTS_PER_USD))
                for row in document["bridge"]
            ),
            estimated_cents=estimated_cents,
            fingerprint=fingerprint,
        )
    except (ValueError, KeyError, TypeError, ArithmeticError, AttributeError) as error:
        problem = f"The execution of {session} cannot be read ({type(error).__name__})."
        return ExecutedDay(session, session, "", "", "", (), (), None, fingerprint, problem)


def _document_of(session: date, content: bytes) -> Mapping[str, Any]:
    document: Mapping[str, Any] = parse_json(content)
    if document["session"] != str(session):
        raise ValueError("it belongs to another session")
    return document


def lines_of(document: Mapping[str, Any]) -> list[Line]:
    """Return the approved lines in their order, each with the sum of its orders."""
    orders = [
        [order for order in document["orders"] if order["row"] == row]
        for row in range(len(document["lines"]))
    ]
    unsent = _unsent(document, orders)
    events = document.get("events", ())
    return [_line(line, own, unsent, events) for line, own in zip(document["lines"], orders, strict=True)]


def _unsent(document: Mapping[str, Any], orders: Sequence[Sequence[Mapping[str, Any]]]) -> Mapping[str, Any]:
    """Return the state of a line without an order, and why it has none."""
    if document["outcome"] not in UNDER_WAY:
        return {"state": NO_ORDER, "reason": str(document["why"])}
    has_open_sale = any(
        line["side"] == "SELL" and (not own or own[-1]["state"] in OPEN)
        for line, own in zip(document["lines"], orders, strict=True)
    )
    return {"state": WAITING, "reason": AFTER_SALES if has_open_sale else str(document["why"])}


def _line(
    line: Mapping[str, Any],
    orders: Sequence[Mapping[str, Any]],
    unsent: Mapping[str, Any],
    events: Sequence[Mapping[str, Any]],
) -> Line:
    filled = sum(int(float(order["filled_shares"])) for order in orders)
    notional = sum(float(order["filled_usd"]) for order in orders)
    price, is_sale = float(line["price"]), line["side"] == "SELL"
    slippage = (notional - filled * price) * (-1 if is_sale else 1) if filled else None
    last = orders[-1] if orders else unsent
    approved = int(float(line["shares"]))
    reason = last["reason"]
    if last["state"] == FILLED:
        reason = _sized_why(orders, events) if filled < approved else ""
    return Line(
        symbol=line["symbol"],
        side=line["side"],
        approved=approved,
        filled=filled,
        price=price,
        average=notional / filled if filled else None,
        slippage_usd=slippage,
        slippage_bps=None if slippage is None else slippage / (filled * price) * BPS,
        fees_usd=sum(float(order["fees_usd"]) for order in orders),
        state=last["state"],
        reason=reason,
    )


def _sized_why(orders: Sequence[Mapping[str, Any]], events: Sequence[Mapping[str, Any]]) -> str:
    """Return why the last order has its shares, as it was stored when they were decided; RESIZED if it was not."""
    shares = orders[-1].get("shares")
    same = takewhile(lambda order: order.get("shares") == shares, reversed(orders))
    ids = {order["order_id"] for order in same}
    decided = (event for event in events if event["event"] == "intended" and event["order_id"] in ids)
    return next((str(event["reason"]) for event in decided), RESIZED)


def _cents(usd: float) -> int:
    return round(usd * CENTS_PER_USD)
