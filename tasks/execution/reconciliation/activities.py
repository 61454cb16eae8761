"""Turn the broker's activities into entries of the ledger. An activity is booked once, under its own id.

What the ledger holds already under another source (a split of the lake, a restatement found in an order's total) is
booked with nothing but its id, so that it is never counted twice.
"""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal
from typing import get_args

from tasks.core.text import dollars
from tasks.execution.brokers.base import Activity
from tasks.execution.reconciliation.identity import (
    ACTIVITY,
    APPLIED,
    CARRIED,
    NEAR,
    activity_source,
    difference_id,
    splits_near,
)
from tasks.execution.reconciliation.income import due_of_payment, held_before, outstanding
from tasks.execution.reconciliation.schema import CorporateAction, Difference, Kind, OurOrder, Scope
from tasks.execution.reconciliation.splits import PriceJump, possible_changes, price_jump, split_text
from tasks.ledger.balance import CAPITAL_FLOWS
from tasks.ledger.entries import Entry
from tasks.ledger.entries import Kind as EntryKind
from tasks.ledger.positions_file import OPENING

ENTRY_KINDS: dict[str, EntryKind] = {
    "fill": "manual_trade",
    "dividend_due": "dividend",  # by kind of difference; the entry is _of_the_lake
    "dividend": "dividend",
    "interest": "interest",
    "fee": "fee",
    "split": "split",
    "cash_in_lieu": "cash_in_lieu",
    "merger": "merger",
    "rename": "rename",
    "deposit": "deposit",
    "withdrawal": "withdrawal",
    "correction": "restatement",
}
MANUAL_TRADE_BLOCKS: Scope = "all"  # somebody else trades this account: a person decides (faults 83 and 134)
BOOKED_AS = "booked already as "
KINDS: frozenset[str] = frozenset(get_args(Kind))


@dataclass(frozen=True)
class Context:
    """What an activity is judged by. `gap`: broker's shares less the ledger's, for the activity's symbol."""

    entries: tuple[Entry, ...]
    actions: tuple[CorporateAction, ...]
    orders: tuple[OurOrder, ...]
    gap: Decimal
    at: datetime


def difference_of(activity: Activity, context: Context) -> Difference:
    """Return the difference that the activity explains, with its entries, or why it cannot be booked."""
    if activity.kind == "other" or (activity.shares and not activity.symbol):
        return _for_a_person(activity, context)
    special = {
        "split": _split,
        "dividend": _dividend,
        "correction": _correction,
        "dividend_due": _of_the_lake,
        "rename": _of_the_lake,
    }.get(activity.kind)
    if special is not None:
        return special(activity, context)
    kind = ENTRY_KINDS[activity.kind]
    if kind in {"deposit", "withdrawal"}:
        kind = "deposit" if activity.cash_cents > 0 else "withdrawal"
        if activity.cash_cents == 0:
            return _refused(activity, "A capital flow without cash (shares transferred?)", context, "all")
        if (declared := _declared_already(activity, context.entries)) is not None:
            mark = _entry(activity, "restatement", context.at, cash_cents=0)
            mark = replace(mark, reason=f"{BOOKED_AS}{declared.source}")
            return _explained(activity, (mark,), f"The {kind} was already declared by {declared.by}.")
    entry = _entry(activity, kind, context.at)
    if kind == "manual_trade":
        return replace(_manual_trade(entry, activity.activity_id), bookings=(entry,))
    return _explained(activity, (entry,), _sentence(activity, kind))


def unacknowledged(entries: Iterable[Entry], acknowledged: Collection[str]) -> tuple[Difference, ...]:
    """Return the booked trades by hand that no person has acknowledged: they stop new risk until one does."""
    traded = (
        _manual_trade(entry, entry.source.removeprefix(ACTIVITY))
        for entry in entries
        if entry.kind == "manual_trade" and not entry.by and entry.source.startswith(ACTIVITY)
    )
    return tuple(item for item in traded if item.difference_id not in acknowledged)


def _manual_trade(entry: Entry, activity_id: str) -> Difference:
    return Difference(
        difference_id("activity", activity_id),
        "manual_trade",
        entry.symbol,
        entry.shares,
        entry.cash_cents,
        f"{entry.shares:+f} {entry.symbol} for {_usd(entry.cash_cents)} were traded outside Afterclose on "
        f"{entry.session}; booked, and a person must acknowledge it.",
        MANUAL_TRADE_BLOCKS,
    )


def _for_a_person(activity: Activity, context: Context) -> Difference:
    if activity.symbol:
        return _refused(activity, f"The broker reports {activity.note!r}, which is not known", context)
    what = f"{activity.note!r}, which is not known" if activity.kind == "other" else "a change in shares"
    return _refused(activity, f"The broker reports {what}, without a symbol", context, "all")


def _of_the_lake(activity: Activity, context: Context) -> Difference:
    """Book what the lake states too with nothing but its id; shares only where the lake's entry has not moved them."""
    kind: EntryKind = "rename" if activity.kind == "rename" else "dividend_due"
    shares = activity.shares if activity.shares == context.gap else Decimal(0)
    entry = _entry(activity, kind, context.at, shares=shares, cash_cents=0)
    return _explained(activity, (entry,), _sentence(activity, kind))


def _dividend(activity: Activity, context: Context) -> Difference:
    due = due_of_payment(outstanding(context.entries), activity.symbol, activity.cash_cents, activity.session)
    if due is not None:
        entry = _entry(activity, "dividend", context.at, receivable_cents=-due.cents)
        deviation = activity.cash_cents - due.cents
        less = f", which differs by {_usd(deviation)} from the amount due" if deviation else ""
        return _explained(activity, (entry,), f"{activity.symbol} paid the dividend of {due.ex_date}{less}.")
    carried = _carried_payment(activity, context.entries)
    if carried is not None:
        mark = _entry(activity, "dividend", context.at, shares=Decimal(0), cash_cents=0)
        applied = Entry(
            "dividend", f"{APPLIED}{carried.source}", activity.session, context.at, activity.symbol
        )
        return _explained(
            activity,
            (mark, applied),
            f"The broker has now paid the dividend of {activity.symbol}, already booked.",
        )
    return _explained(activity, (_entry(activity, "dividend", context.at),), _sentence(activity, "dividend"))


def _carried_payment(activity: Activity, entries: Sequence[Entry]) -> Entry | None:
    applied = {entry.source for entry in entries if entry.source.startswith(APPLIED)}
    found = (
        entry
        for entry in entries
        if entry.kind == "dividend"
        and entry.source.startswith(CARRIED)
        and (entry.symbol, entry.cash_cents) == (activity.symbol, activity.cash_cents)
        and f"{APPLIED}{entry.source}" not in applied
    )
    return next(found, None)


def _correction(activity: Activity, context: Context) -> Difference:
    """Book the correction of a trade. One that shows in an order's total is booked with the id of that order.

    A changed amount of an open order is booked from its total (tasks/execution/bookings.py); fewer shares never are.
    """
    order = next((order for order in context.orders if _shows(order, activity)), None)
    if order is not None and not order.state.is_final and not activity.shares:
        why = f"The broker restated a fill of our order {order.order_id}, which is booked from its total"
        return _refused(activity, why, context, is_waiting=True)
    entry = _entry(activity, "restatement", context.at)
    matched = _restated_already(activity, context.entries)
    if matched is not None:
        entry = replace(entry, shares=Decimal(0), cash_cents=0, reason=f"{BOOKED_AS}{matched.source}")
        return _explained(
            activity, (entry,), f"A restatement of {activity.symbol} was booked from its order."
        )
    if order is not None:
        entry = replace(entry, order_id=order.order_id)
    return _explained(activity, (entry,), _sentence(activity, "restatement"))


def _shows(order: OurOrder, activity: Activity) -> bool:
    """Return whether the order's total at the broker differs from the ledger by what the activity states."""
    if order.symbol != activity.symbol or order.at_broker is None:
        return False
    shares = order.at_broker.filled_shares - order.booked_shares
    cents = order.at_broker.filled_cents - order.booked_cents
    sign = -1 if order.is_sale else 1
    return (shares or cents) != 0 and (sign * shares, -sign * cents) == (activity.shares, activity.cash_cents)


def _restated_already(activity: Activity, entries: Sequence[Entry]) -> Entry | None:
    """Return the restatement of an order's total that is this event, unless another activity was matched to it."""
    matched = {entry.reason for entry in entries if entry.source.startswith(ACTIVITY)}
    found = (
        entry
        for entry in entries
        if entry.kind == "restatement"
        and entry.order_id
        and (entry.symbol, entry.shares, entry.cash_cents)
        == (activity.symbol, activity.shares, activity.cash_cents)
        and f"{BOOKED_AS}{entry.source}" not in matched
    )
    return next(found, None)


def _declared_already(activity: Activity, entries: Sequence[Entry]) -> Entry | None:
    """Return the deposit or withdrawal of a person that is this event, unless another activity was matched to it."""
    matched = {entry.reason for entry in entries if entry.source.startswith(ACTIVITY)}
    found = (
        entry
        for entry in entries
        if entry.kind in CAPITAL_FLOWS
        and not entry.source.startswith((ACTIVITY, OPENING))
        and entry.cash_cents == activity.cash_cents
        and not activity.shares
        and abs(entry.session - activity.session) <= NEAR
        and f"{BOOKED_AS}{entry.source}" not in matched
    )
    return next(found, None)


def _split(activity: Activity, context: Context) -> Difference:
    booked = splits_near(context.entries, activity.symbol, activity.session)
    lake = [entry for entry in booked if not entry.source.startswith(ACTIVITY)]
    if lake:
        return _split_booked_already(activity, context, sum((entry.shares for entry in lake), Decimal(0)))
    near = [
        action
        for action in context.actions
        if (action.symbol, action.split == 1) == (activity.symbol, False)
        and abs(action.ex_date - activity.session) <= NEAR
    ]
    for action in near:
        held = held_before(context.entries, action.symbol, action.ex_date)
        if price_jump(action) in {PriceJump.REVERSED, PriceJump.NONE}:
            return _refused(
                activity,
                f"The broker split {activity.symbol} {split_text(action.split)}, but its price moved differently",
                context,
            )
        if activity.shares not in possible_changes(held, action.split):
            return _refused(
                activity,
                f"The broker's split of {activity.symbol} is not {split_text(action.split)} of {held:f} shares",
                context,
            )
    if not near and context.gap != activity.shares:
        return _refused(
            activity,
            f"The broker reports a split of {activity.symbol} that its position does not show and the lake lacks",
            context,
        )
    return _explained(activity, (_entry(activity, "split", context.at),), _sentence(activity, "split"))


def _split_booked_already(activity: Activity, context: Context, shares: Decimal) -> Difference:
    rest = activity.shares - shares
    if abs(rest) >= 1:
        return _refused(
            activity,
            f"The broker's split of {activity.symbol} changes {activity.shares:f} shares, the lake's {shares:f}",
            context,
        )
    entry = _entry(activity, "split", context.at, shares=rest)
    return _explained(activity, (entry,), f"The split of {activity.symbol} was already booked from the lake.")


def _entry(
    activity: Activity,
    kind: EntryKind,
    at: datetime,
    *,
    shares: Decimal | None = None,
    cash_cents: int | None = None,
    receivable_cents: int = 0,
) -> Entry:
    return Entry(
        kind,
        activity_source(activity.activity_id),
        activity.session,
        at,
        activity.symbol,
        activity.shares if shares is None else shares,
        activity.cash_cents if cash_cents is None else cash_cents,
        receivable_cents,
        reason=activity.note or "activity of the broker",
    )


def _explained(activity: Activity, bookings: tuple[Entry, ...], sentence: str) -> Difference:
    return Difference(
        difference_id("activity", activity.activity_id),
        _kind(activity),
        activity.symbol,
        activity.shares,
        activity.cash_cents,
        sentence,
        "nothing",
        bookings,
    )


def _refused(
    activity: Activity, why: str, context: Context, blocks: Scope = "name", *, is_waiting: bool = False
) -> Difference:
    """Return the activity as a difference that is not booked automatically. Shares without a symbol never are."""
    shares = activity.shares if context.gap else Decimal(0)  # without a gap they are in the ledger already
    is_bookable = not is_waiting and (bool(activity.symbol) or not activity.shares)
    return Difference(
        difference_id("activity", activity.activity_id),
        _kind(activity),
        activity.symbol,
        activity.shares,
        activity.cash_cents,
        f"{why} (activity {activity.activity_id}).",
        blocks,
        is_waiting=is_waiting,
        proposal=_entry(activity, "correction", context.at, shares=shares) if is_bookable else None,
    )


def _kind(activity: Activity) -> Kind:
    if activity.kind == "other":
        return "unknown"
    kind = ENTRY_KINDS[activity.kind]
    if kind not in KINDS:  # pragma: no cover - the two lists agree
        raise ValueError(kind)
    return kind  # type: ignore[return-value]


def _sentence(activity: Activity, kind: EntryKind) -> str:
    shares = f" {activity.shares:+f} shares" if activity.shares else ""
    cash = f" {_usd(activity.cash_cents)}" if activity.cash_cents else ""
    name = f" of {activity.symbol}" if activity.symbol else ""
    return f"{kind.replace('_', ' ').capitalize()}{name} on {activity.session}:{shares}{cash}."


def _usd(cents: int) -> str:
    return f"{'' if cents < 0 else '+'}{dollars(cents / 100)}"
