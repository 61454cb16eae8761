"""Compare the ledger with one statement of the broker: name every difference, book what is explained, lock the rest.

Pure. Fail closed: what could not be read is never read as empty, cash that nothing explains blocks every name, and a
statement from one of the broker's nightly windows is shown but neither booked nor compared. The equity of record is
that reported by the account endpoint; the ledger's own valuation is informational.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal

from tasks.execution.brokers.base import Activity, BrokerAccount
from tasks.execution.reconciliation.activities import Context, difference_of, unacknowledged
from tasks.execution.reconciliation.corporate import (
    Situation,
    by_symbol,
    carried_by_us,
    dividends_due,
    overdue,
    renamed,
    splits,
)
from tasks.execution.reconciliation.identity import ACTIVITY, activity_source
from tasks.execution.reconciliation.locking import other_account, outcome_of, unreadable
from tasks.execution.reconciliation.positions import name_differences, stuck_orders
from tasks.execution.reconciliation.schema import (
    Books,
    Difference,
    Market,
    OurOrder,
    Reconciliation,
    Statement,
)
from tasks.execution.reconciliation.whole_account import (
    Positions,
    cash_difference,
    equity_jump,
    expected_shares,
    foreign_order_differences,
    never_flat,
    opened_on,
    share_gaps,
    short_positions,
)
from tasks.ledger.balance import balance_of
from tasks.ledger.entries import Entry


def compare(books: Books, seen: Statement, market: Market, *, today: date, at: datetime) -> Reconciliation:
    """Return every difference between the ledger and the broker. `today` is the exchange's date at `at`.

    `books.entries` begin with the ledger's opening; activities and corporate actions until its session are part of it.
    """
    account, positions, activities, open_orders = (
        seen.account,
        seen.positions,
        seen.activities,
        seen.open_orders,
    )
    if account is None or positions is None or activities is None or open_orders is None:
        return unreadable(books, seen, at)
    if books.account is not None and books.account != (account.account, account.mode):
        return other_account(books, account, at)
    now = Situation({}, opened_on(books.entries), today, at, account.mode == "paper")
    entries, explained = _explain(books, positions, activities, market, now)
    names, cash = _rest(books, entries, account, positions, market, now, explained)
    differences = (
        *explained,
        *never_flat(names, positions, entries),
        *cash,
        *stuck_orders(books.orders, at),
        *foreign_order_differences(books, open_orders),
        *short_positions(entries),
        *unacknowledged(books.entries, books.acknowledged),
        *equity_jump(account, positions, market.prices),
    )
    if account.is_preliminary:
        shown = tuple(replace(item, bookings=(), blocks="nothing", proposal=None) for item in differences)
        return outcome_of(books, shown, account, market, at, locks=books.locks)
    return outcome_of(books, differences, account, market, at)


def _explain(
    books: Books, positions: Positions, activities: Sequence[Activity], market: Market, now: Situation
) -> tuple[tuple[Entry, ...], tuple[Difference, ...]]:
    """Return the entries with all that is booked now, and what was found.

    Symbols first, then dividends due, so that a payment finds its receivable; then activities; then splits of the
    lake, which an activity may have booked.
    """
    entries = books.entries
    found: list[Difference] = []

    def add(differences: Iterable[Difference]) -> None:
        nonlocal entries
        added = tuple(differences)
        found.extend(added)
        entries += tuple(entry for item in added for entry in item.bookings)

    add(renamed(market.renames, expected_shares(entries), replace(now, gaps=share_gaps(entries, positions))))
    add(dividends_due(market.actions, by_symbol(entries), now))
    add(_from_activities(books, entries, positions, activities, market, now))
    add(splits(market.actions, by_symbol(entries), replace(now, gaps=share_gaps(entries, positions))))
    add(overdue(entries, now))
    return entries, tuple(found)


def _from_activities(
    books: Books,
    entries: tuple[Entry, ...],
    positions: Positions,
    activities: Sequence[Activity],
    market: Market,
    now: Situation,
) -> list[Difference]:
    known = {entry.source for entry in entries}
    own = by_symbol(entries)
    gaps = dict(share_gaps(entries, positions))
    orders, actions = _by_name(books.orders), defaultdict(list)
    for action in market.actions:
        actions[action.symbol].append(action)
    found = []
    for activity in activities:
        source, symbol = activity_source(activity.activity_id), activity.symbol
        if source in known or activity.session <= now.opened:
            continue
        known.add(source)
        context = Context(
            own.get(symbol, ()),
            tuple(actions[symbol]),
            tuple(orders.get(symbol, ())),
            gaps.get(symbol, Decimal(0)),
            now.at,
        )
        item = difference_of(activity, context)
        own[symbol] = own.get(symbol, ()) + item.bookings
        gaps[symbol] = gaps.get(symbol, Decimal(0)) - sum((e.shares for e in item.bookings), Decimal(0))
        found.append(item)
    return found


def _rest(
    books: Books,
    entries: tuple[Entry, ...],
    account: BrokerAccount,
    positions: Positions,
    market: Market,
    now: Situation,
    explained: tuple[Difference, ...],
) -> tuple[tuple[Difference, ...], tuple[Difference, ...]]:
    """Return what remains after all bookings: by name, and in cash."""
    gaps = share_gaps(entries, positions)
    own = by_symbol(entries)
    orders = _by_name(_with_bookings(books.orders, entries[len(books.entries) :]))
    names, transit = name_differences(
        expected_shares(entries), own, orders, market.prices, replace(now, gaps=gaps)
    )
    named = {(item.symbol, item.shares) for item in explained if item.blocks != "nothing"}
    names = tuple(item for item in names if item.is_waiting or (item.symbol, item.shares) not in named)
    cents = account.cash_cents - balance_of(entries).cash_cents + carried_by_us(entries)[1]
    stated = sum(
        item.cents for item in explained if item.proposal is not None and _is_activity(item.proposal)
    )
    return names, cash_difference(cents, stated, transit, own.get("", ()), now)


def _is_activity(entry: Entry) -> bool:
    return entry.source.startswith(ACTIVITY)


def _by_name(orders: Iterable[OurOrder]) -> dict[str, list[OurOrder]]:
    found: defaultdict[str, list[OurOrder]] = defaultdict(list)
    for order in orders:
        found[order.symbol].append(order)
    return dict(found)


def _with_bookings(orders: Iterable[OurOrder], booked: Iterable[Entry]) -> list[OurOrder]:
    """Return the orders with the totals that they have after these entries."""
    new: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in booked:
        new[entry.order_id].append(entry)
    return [
        replace(
            order,
            booked_shares=order.booked_shares
            + sum((_sign(order) * e.shares for e in new[order.order_id]), Decimal(0)),
            booked_cents=order.booked_cents - sum(_sign(order) * e.cash_cents for e in new[order.order_id]),
        )
        for order in orders
    ]


def _sign(order: OurOrder) -> int:
    return -1 if order.is_sale else 1
