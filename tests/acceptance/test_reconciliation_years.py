"""Years of an account with everything that moves it: each event explained or blocked, and no false alarm."""

import sys
from collections import defaultdict
from dataclasses import replace
from decimal import Decimal

import pytest

from tasks.execution.reconciliation.compare import compare
from tasks.execution.reconciliation.explain import Explanation, explained, is_acknowledgeable
from tasks.execution.reconciliation.schema import Books
from tasks.execution.reconciliation.store import prepare, store, store_explanation
from tasks.ledger.balance import balance_of, equity_cents
from tasks.ledger.database import opened
from tasks.ledger.store import append, entries
from tests.broker_years import Years, unit_value_return
from tests.ledgers import begun_home
from tests.time_weighted import time_weighted_return


def live(world, home):
    """Live through the world with a home; return the ledger's entries and the account kept alongside it."""
    kept: defaultdict[str, Decimal] = defaultdict(Decimal)
    prices = [dict(world.prices)]
    acknowledged: frozenset[str] = frozenset()
    locks = ()
    with opened(home) as connection:
        prepare(connection)
        ledger = list(entries(connection))

        def book(added):
            ledger.extend(added)
            for entry in added:
                kept[entry.symbol] += entry.shares
                kept[""] += entry.cash_cents

        for entry in ledger:
            kept[entry.symbol] += entry.shares
            kept[""] += entry.cash_cents
        for day in world.days():
            append(connection, world.new_fills())
            book(world.new_fills())
            seen, market = world.statement(), world.market()
            _disturbed(world, ledger, seen, locks)
            books = Books(
                tuple(ledger), world.orders(), account=("A1", "live"), acknowledged=acknowledged, locks=locks
            )
            found = compare(books, seen, market, today=world.session, at=world.at)
            _must_be(found, world.verdict, f"day {day}, {world.session}")
            store(connection, found, ("A1", "live"))
            book(found.bookings)
            again = compare(
                replace(books, entries=tuple(ledger), locks=found.locks),
                seen,
                market,
                today=world.session,
                at=world.at,
            )
            assert (again.bookings, again.locks) == ((), found.locks), f"day {day}: a second run differs"
            _ids_stay(locks, again.locks, day)
            while (settled := _settled(again, world)) is not None:
                difference, added = settled
                store_explanation(connection, said_of(difference, "manual_trade"), added, at=world.at)
                book(added)
                acknowledged |= frozenset() if added else {difference.difference_id}
                now = replace(books, entries=tuple(ledger), acknowledged=acknowledged, locks=again.locks)
                again = compare(now, seen, market, today=world.session, at=world.at)
            locks = again.locks
            prices.append(dict(world.prices))
        assert entries(connection) == tuple(ledger)
    return tuple(ledger), {name: number for name, number in kept.items() if number}, prices


def said_of(difference, kind):
    return Explanation(difference.difference_id, kind, "Ada", "statement")


def _must_be(found, verdict, when):
    reasons = [f"{item.kind} {item.symbol}: {item.explanation}" for item in found.differences]
    assert found.locked_symbols == verdict.locked, (when, reasons)
    assert found.blocks_all == verdict.blocks_all, (when, reasons)


def _ids_stay(before, after, day):
    """A lock that lasts keeps its id and its start."""
    first = {(lock.symbol, lock.reason): lock for lock in before}
    for lock in after:
        known = first.get((lock.symbol, lock.reason))
        assert known is None or known == lock, f"day {day}: another id for the same difference"


def _settled(found, world):
    """Return the next difference that a person settles today, and the entries."""
    for item in found.standing:
        if is_acknowledgeable(item):
            return item, explained(item, said_of(item, "manual_trade"))
        if item.proposal is not None and item.symbol in world.verdict.person_acts_on:
            kind = "correction" if item.symbol else "deposit" if item.cents > 0 else "withdrawal"
            return item, explained(item, said_of(item, kind))
    return None


def _disturbed(world, ledger, seen, locks):
    """A failed call and a statement from a nightly window book nothing and end no lock."""
    books = Books(tuple(ledger), account=("A1", "live"), locks=locks)
    when = {"today": world.session, "at": world.at}
    if world.day % 7 == 0:
        failed = compare(books, replace(seen, positions=None), world.market(), **when)
        assert (failed.bookings, failed.blocks_all) == ((), True)
    if world.day % 5 == 0:
        odd = replace(seen.account, cash_cents=seen.account.cash_cents + 123, is_preliminary=True)
        shown = compare(books, replace(seen, account=odd), world.market(), **when)
        assert (shown.bookings, shown.locks) == ((), locks)


def _without(shares, names):
    return {name: number for name, number in shares.items() if number and name not in names}


def _returns(ledger, prices, world):
    """Return the time-weighted return of the ledger: its balance at each close, valued at that day's prices."""
    equities, flows = [], []
    through, so_far = defaultdict(list), []
    for entry in ledger:
        through[entry.session].append(entry)
    for day, of_day in enumerate(prices):
        added = through[world.sessions[day]]
        so_far += added
        usd = {name: Decimal(cents).scaleb(-2) for name, cents in of_day.items()}
        equities.append(equity_cents(balance_of(so_far), usd))
        flows.append(sum(entry.cash_cents for entry in added if entry.kind in {"deposit", "withdrawal"}))
    return equities, time_weighted_return(equities, flows)


@pytest.mark.parametrize(
    ("seed", "days"),
    [
        pytest.param(1, 60, id="60 days"),
        *(
            pytest.param(seed, 1_000, id=f"1,000 days, seed {seed}", marks=pytest.mark.prove)
            for seed in (2, 3, 4)
        ),
    ],
)
def test_every_event_is_explained_or_blocked_and_clean_days_have_no_alarm(tmp_path, seed, days):
    world = Years(seed, days)
    held = list(world.opening_shares.items())
    home = begun_home(tmp_path / "home", *held, cash_cents=world.cash, session=world.sessions[0])

    ledger, kept, prices = live(world, home)

    book = balance_of(ledger)
    still_open = world.verdict.locked
    assert _without(book.shares, still_open) == _without(world.shares, still_open)
    assert kept == {**book.shares, "": book.cash_cents}
    equities, twr = _returns(ledger, prices, world)
    assert [day for day in range(len(equities)) if equities[day] != world.wealth[day]] == []
    assert twr == unit_value_return(world.wealth, world.flows)
    sys.stdout.write(f"\n{days} days, {len(ledger)} entries: {dict(sorted(world.counts.items()))}\n")
