"""Compare the ledger with one statement of the broker: name every difference, book what is explained, lock the rest.

Pure. Fail closed: what could not be read is never read as empty, cash that nothing explains blocks every name, and a
statement from one of the broker's nightly windows is shown but neither booked nor judged. The equity of record is
the one of the broker's account endpoint; the ledger's own valuation is a note beside it.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction

from tasks.core.errors import DataError
from tasks.execution.brokers.base import Activity, BrokerAccount, BrokerOrder, BrokerPosition
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
from tasks.execution.reconciliation.identity import (
    ACTIVITY,
    EXPLAINED,
    activity_source,
    cents_of,
    difference_id,
)
from tasks.execution.reconciliation.positions import Transit, name_differences, stuck_orders
from tasks.execution.reconciliation.schema import (
    Books,
    Difference,
    Lock,
    Market,
    OurOrder,
    Reconciliation,
    Statement,
)
from tasks.ledger.balance import balance_of, equity_cents
from tasks.ledger.entries import Entry

EQUITY_JUMP = Fraction(5, 100)  # of equity: more than prices of two moments differ (3 to 90 bps were seen)
Positions = Mapping[str, BrokerPosition]


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
        return _unreadable(books, seen, at)
    if books.account is not None and books.account != (account.account, account.mode):
        return _other_account(books, account, at)
    now = Situation({}, _opened(books.entries), today, at, account.mode == "paper")
    entries, explained = _explain(books, positions, activities, market, now)
    names, cash = _rest(books, entries, account, positions, market, now, explained)
    differences = (
        *explained,
        *_never_flat(names, positions, entries),
        *cash,
        *stuck_orders(books.orders, at),
        *_foreign_orders(books, open_orders),
        *_short(entries),
        *unacknowledged(books.entries, books.acknowledged),
        *_equity_jump(account, positions, market.prices),
    )
    if account.is_preliminary:
        shown = tuple(replace(item, bookings=(), blocks="nothing", proposal=None) for item in differences)
        return _outcome(books, shown, account, market, at, locks=books.locks)
    return _outcome(books, differences, account, market, at)


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

    add(renamed(market.renames, _expected(entries), replace(now, gaps=_gaps(entries, positions))))
    add(dividends_due(market.actions, by_symbol(entries), now))
    add(_from_activities(books, entries, positions, activities, market, now))
    add(splits(market.actions, by_symbol(entries), replace(now, gaps=_gaps(entries, positions))))
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
    gaps = dict(_gaps(entries, positions))
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
    gaps = _gaps(entries, positions)
    own = by_symbol(entries)
    orders = _by_name(_with_bookings(books.orders, entries[len(books.entries) :]))
    names, transit = name_differences(_expected(entries), own, orders, market.prices, replace(now, gaps=gaps))
    named = {(item.symbol, item.shares) for item in explained if item.blocks != "nothing"}
    names = tuple(item for item in names if item.is_waiting or (item.symbol, item.shares) not in named)
    cents = account.cash_cents - balance_of(entries).cash_cents + carried_by_us(entries)[1]
    stated = sum(
        item.cents for item in explained if item.proposal is not None and _is_activity(item.proposal)
    )
    return names, _cash(cents, stated, transit, own.get("", ()), now)


def _is_activity(entry: Entry) -> bool:
    return entry.source.startswith(ACTIVITY)


def _cash(
    cents: int, stated: int, transit: Transit, own: Sequence[Entry], now: Situation
) -> tuple[Difference, ...]:
    """Return the cash that nothing explains. `stated`: of activities that a person must book, named there."""
    if transit.explains(cents) or transit.explains(cents - stated):
        return ()
    rest = cents - stated - transit.exact
    about = difference_id("cash", rest)
    times = sum(entry.source.startswith(f"{EXPLAINED}{about}:") for entry in own)
    proposal = Entry("correction", f"{EXPLAINED}{about}:{times}", now.today, now.at, cash_cents=rest)
    sentence = (
        f"The broker's cash differs from the ledger by {rest / 100:+,.2f} USD, and nothing explains it."
    )
    return (Difference(about, "unknown", "", Decimal(0), rest, sentence, "all", proposal=proposal),)


def _never_flat(
    names: tuple[Difference, ...], positions: Positions, entries: tuple[Entry, ...]
) -> tuple[Difference, ...]:
    """Replace the vanished positions by one difference that blocks all if the broker shows no position at all."""
    gone = [item for item in names if item.kind == "vanished_position"]
    if any(position.shares for position in positions.values()) or not gone or not _expected(entries):
        return names
    sentence = f"The broker shows no position, the ledger {len(gone)}: an empty answer is not taken as a flat account."
    empty = Difference(difference_id("no positions"), "unknown", "", Decimal(0), 0, sentence, "all")
    return (*(item for item in names if item not in gone), empty)


def _foreign_orders(books: Books, open_orders: Sequence[BrokerOrder]) -> tuple[Difference, ...]:
    """Return the open orders that are not ours, or that the home takes for closed: ours in the same name wait."""
    ours = {order.order_id for order in books.orders}
    found = []
    for order in open_orders:
        if order.order_id in ours:
            continue
        is_closed_here = order.order_id in books.order_ids
        whose = "Our order, closed in the journal," if is_closed_here else "An order that is not ours"
        rest = order.shares - order.filled_shares
        sentence = f"{whose} is open at the broker: {order.side} {rest:f} {order.symbol} ({order.order_id})."
        found.append(
            Difference(
                difference_id("open order", order.order_id),
                "fill" if is_closed_here else "manual_trade",
                order.symbol,
                Decimal(0),
                0,
                sentence,
                "name",
                is_waiting=True,
            )
        )
    return tuple(found)


def _short(entries: tuple[Entry, ...]) -> tuple[Difference, ...]:
    """Return the short positions of the ledger: a portfolio is long-only, and a person closes them at the broker."""
    return tuple(
        Difference(
            difference_id("short", symbol),
            "unknown",
            symbol,
            shares,
            0,
            f"The ledger has a short position: {shares:f} {symbol}. Close it at the broker.",
            "all",
        )
        for symbol, shares in balance_of(entries).shares.items()
        if shares < 0
    )


def _equity_jump(
    account: BrokerAccount, positions: Positions, prices: Mapping[str, Decimal]
) -> tuple[Difference, ...]:
    """Return a difference if the equity of record is far from the broker's own cash and positions at last prices."""
    held = {position.symbol: position.shares for position in positions.values() if position.shares}
    if any(symbol not in prices for symbol in held):
        return ()
    valued = account.cash_cents + sum(cents_of(shares, prices[symbol]) for symbol, shares in held.items())
    jump = account.equity_cents - valued
    if abs(jump) <= EQUITY_JUMP * abs(valued):
        return ()
    sentence = (
        f"The broker's equity is {account.equity_cents / 100:,.2f} USD; its cash and positions at last prices are "
        f"{valued / 100:,.2f} USD."
    )
    return (Difference(difference_id("equity"), "unknown", "", Decimal(0), jump, sentence, "all"),)


def _expected(entries: tuple[Entry, ...]) -> dict[str, Decimal]:
    """Return the shares that the broker should show: the ledger's, without what is carried by us."""
    held = dict(balance_of(entries).shares)
    for symbol, shares in carried_by_us(entries)[0].items():
        held[symbol] = held.get(symbol, Decimal(0)) - shares
    return {symbol: shares for symbol, shares in held.items() if shares}


def _gaps(entries: tuple[Entry, ...], positions: Positions) -> dict[str, Decimal]:
    held = _expected(entries)
    shown = {symbol: position.shares for symbol, position in positions.items()}
    found = {
        symbol: shown.get(symbol, Decimal(0)) - held.get(symbol, Decimal(0))
        for symbol in held.keys() | shown.keys()
    }
    return {symbol: gap for symbol, gap in found.items() if gap}


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


def _opened(entries: Iterable[Entry]) -> date:
    return max((entry.session for entry in entries if entry.kind == "opening"), default=date.min)


def _unreadable(books: Books, seen: Statement, at: datetime) -> Reconciliation:
    parts = {
        "account": seen.account,
        "positions": seen.positions,
        "activities": seen.activities,
        "open orders": seen.open_orders,
    }
    found = tuple(
        Difference(
            difference_id("unreadable", part),
            "unknown",
            "",
            Decimal(0),
            0,
            f"The broker's {part} could not be read; nothing is assumed.",
            "all",
            is_waiting=True,
        )
        for part, answer in parts.items()
        if answer is None
    )
    return _outcome(
        books, found, seen.account, Market(), at, locks=(*_names_only(books.locks), *_locks(books, found, at))
    )


def _other_account(books: Books, account: BrokerAccount, at: datetime) -> Reconciliation:
    name, mode = books.account or ("", "")
    here = f"{account.mode} account {account.account}"
    sentence = f"The broker answers for {here}; the ledger is that of {mode} account {name}."
    about = difference_id("account", account.account, account.mode)
    found = (Difference(about, "unknown", "", Decimal(0), 0, sentence, "all"),)
    locks = (*_names_only(books.locks), *_locks(books, found, at))
    return _outcome(books, found, account, Market(), at, locks=locks)


def _names_only(locks: Iterable[Lock]) -> tuple[Lock, ...]:
    return tuple(lock for lock in locks if lock.symbol)


def _locks(books: Books, differences: Iterable[Difference], at: datetime) -> tuple[Lock, ...]:
    since = {lock.difference_id: lock.since for lock in books.locks}
    made = (
        Lock(
            item.symbol if item.blocks == "name" else "",
            item.difference_id,
            item.kind,
            since.get(item.difference_id, at),
            item.explanation,
        )
        for item in differences
        if item.blocks != "nothing"
    )
    return tuple(sorted(made, key=lambda lock: (lock.symbol, lock.difference_id)))


def _outcome(
    books: Books,
    differences: tuple[Difference, ...],
    account: BrokerAccount | None,
    market: Market,
    at: datetime,
    *,
    locks: tuple[Lock, ...] | None = None,
) -> Reconciliation:
    booked = tuple(entry for item in differences for entry in item.bookings)
    try:
        own: int | None = equity_cents(balance_of((*books.entries, *booked)), market.prices)
    except DataError:
        own = None
    return Reconciliation(
        at,
        account is not None and account.is_preliminary,
        differences,
        _locks(books, differences, at) if locks is None else locks,
        None if account is None else account.equity_cents,
        own,
    )
