"""The lines of the bridge from what is stored of an execution: what was approved, ordered and filled, and why."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tasks.approval.schema import Line as ApprovedLine
from tasks.execution.bookings import Booked
from tasks.execution.bridge.steps import Line
from tasks.execution.deciding.sizing import shares_in_amount
from tasks.execution.schema import State, Tracked

ENDS: Mapping[State, str] = {
    State.EXPIRED: "expired",
    State.CANCELED: "canceled",
    State.REJECTED: "rejected",
    State.ABSENT: "never arrived at the broker",
    State.GIVEN_UP: "given up by a person",
}
NOTHING = Booked()


@dataclass(frozen=True)
class Assumed:
    """What the backtest assumes of one name in the fill session. `shares` are signed: what it would fill."""

    shares: Decimal
    price: Decimal
    cost_cents: int


def bridge_lines(
    proposed: Sequence[ApprovedLine],
    approved: Sequence[ApprovedLine],
    orders: Iterable[Tracked],
    booked: Mapping[str, Booked],
    *,
    assumed: Mapping[str, Assumed],
    sent_prices: Mapping[str, Decimal],
    closes: Mapping[str, Decimal],
) -> tuple[Line, ...]:
    """Return one line per proposed trade. `sent_prices`: current when its order was sent; `closes`: whole cents.

    A name without an entry in `assumed` was not filled by the backtest: it had no price then, and its last close is
    used. Raises KeyError for a name without a close.
    """
    approvals = {line.symbol: line for line in approved}
    of_name: dict[str, list[Tracked]] = {}
    for tracked in sorted(orders, key=lambda one: one.order.part):
        of_name.setdefault(tracked.order.symbol, []).append(tracked)
    return tuple(
        _line(
            line,
            approvals.get(line.symbol),
            of_name.get(line.symbol, []),
            booked,
            assumed.get(line.symbol, Assumed(Decimal(0), Decimal(line.price), 0)),
            sent_prices.get(line.symbol),
            closes[line.symbol],
        )
        for line in proposed
    )


def _line(
    proposed: ApprovedLine,
    approved: ApprovedLine | None,
    orders: Sequence[Tracked],
    booked: Mapping[str, Booked],
    assumed: Assumed,
    sent_price: Decimal | None,
    close: Decimal,
) -> Line:
    sign = -1 if proposed.side == "SELL" else 1
    sent = [one for one in orders if one.sends]
    filled = [booked.get(one.order.order_id, NOTHING) for one in orders]
    ordered = Decimal(sent[-1].order.shares) + _shares(sent[:-1], booked) if sent else Decimal(0)
    return Line(
        proposed.symbol,
        assumed.shares,
        sign * Decimal(proposed.shares),
        sign * (Decimal(0) if approved is None else Decimal(approved.shares)),
        sign * ordered,
        sign * sum((each.shares for each in filled), Decimal(0)),
        assumed.price,
        sent_price,
        -sign * sum(each.cents for each in filled),
        assumed.cost_cents,
        sum(each.fee_cents for each in filled),
        close,
        _causes(approved, orders, sent, _fewer_why(approved, ordered, sent_price)),
    )


def _shares(orders: Iterable[Tracked], booked: Mapping[str, Booked]) -> Decimal:
    return sum((booked.get(one.order.order_id, NOTHING).shares for one in orders), Decimal(0))


def _causes(
    approved: ApprovedLine | None, orders: Sequence[Tracked], sent: Sequence[Tracked], fewer_why: str
) -> dict[str, str]:
    causes = {"proposed": "sized at the close, filled at another price"}
    causes["approved"] = "struck" if approved is None else "changed by the approver"
    void = [one for one in orders if one.state is State.VOID]
    causes["ordered"] = void[-1].reason if void else fewer_why if sent else "not ordered"
    if sent:
        causes["filled"] = ENDS.get(sent[-1].state, "still open")
    is_late = any(not one.order.is_sale for one in sent)
    causes["price"] = "delay of the second phase" if is_late else "moved until the order was sent"
    return causes


def _fewer_why(approved: ApprovedLine | None, ordered: Decimal, sent_price: Decimal | None) -> str:
    """Return why fewer shares were ordered than approved, as far as shares and prices tell it."""
    if approved is not None and approved.side == "SELL":
        return "fewer shares could be sold"
    if approved is not None and sent_price and ordered == shares_in_amount(approved, sent_price):
        return "the approved amount pays for fewer shares at the higher price"
    return "the approved amount, the cash or an override allowed fewer shares"
