"""What every broker promises to the driver of an execution. A new broker is one more line in `venues.VENUES`."""

import json
import subprocess
import sys
from collections import Counter
from contextlib import ExitStack
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from tasks.execution.brokers.base import Broker, RefusedError, Status
from tests.contracts.venues import (
    CASH_CENTS,
    HELD,
    HELD_SHARES,
    LOCAL,
    MANY,
    OTHER,
    PRICE_CENTS,
    UNKNOWN,
    UNQUOTED,
    VENUES,
    Venue,
    order,
)

ROOT = Path(__file__).parents[2]
LONG_AGO = date(2000, 1, 3)


@pytest.fixture(params=sorted(VENUES))
def venue(request, tmp_path):
    with ExitStack() as stack:
        yield VENUES[request.param](tmp_path, stack)


def shares_of(broker: Broker) -> dict[str, Decimal]:
    held = broker.positions()
    assert all(symbol == position.symbol for symbol, position in held.items())
    return {symbol: position.shares for symbol, position in held.items()}


def explained(broker: Broker, ids: list[str]) -> tuple[dict[str, Decimal], int]:
    """Return shares and cash that the start, the fills of these orders and the activities explain."""
    shares, cash = Counter({HELD: Decimal(HELD_SHARES)}), CASH_CENTS
    for name in ids:
        found = broker.order(name)
        assert found is not None
        sign = -1 if found.side == "SELL" else 1
        shares[found.symbol] += sign * found.filled_shares
        cash -= sign * found.filled_cents + found.fee_cents
    for activity in broker.activities(LONG_AGO):
        shares[activity.symbol] += activity.shares
        cash += activity.cash_cents
    return {symbol: count for symbol, count in shares.items() if count}, cash


def assert_explained(broker: Broker, ids: list[str]) -> None:
    shares, cash = explained(broker, ids)
    assert shares_of(broker) == shares
    assert broker.account().cash_cents == cash


def test_an_order_is_open_and_found_by_its_id_until_it_fills(venue: Venue):
    broker, sale = venue.connect(), order("sale", HELD, "SELL", 40)

    sent = broker.submit(sale)

    assert (sent.order_id, sent.symbol, sent.side, sent.shares) == (sale.order_id, HELD, "SELL", 40)
    assert sent.status == Status.OPEN
    assert sent.filled_shares == sent.filled_cents == sent.fee_cents == 0
    assert broker.order(sale.order_id) == sent
    assert broker.open_orders() == (sent,)

    venue.let_fill()

    filled = broker.order(sale.order_id)
    assert filled.status == Status.FILLED
    assert filled.filled_shares == 40
    assert filled.filled_cents == 40 * PRICE_CENTS[HELD]
    assert filled.submitted_at == sent.submitted_at
    assert broker.open_orders() == ()


def test_an_order_is_listed_from_when_it_was_submitted_whatever_becomes_of_it(venue: Venue):
    broker, sale, buy = venue.connect(), order("sale", HELD, "SELL", 40), order("buy", OTHER, "BUY", 5)
    earlier = broker.now() - timedelta(days=1)
    assert broker.order_ids(earlier) == frozenset()

    broker.submit(sale)
    broker.submit(buy)
    broker.cancel(buy.order_id)
    venue.let_cancel()
    listed = broker.order_ids(earlier)
    venue.let_fill()

    assert listed == broker.order_ids(earlier) == venue.connect().order_ids(earlier)
    assert listed == {sale.order_id, buy.order_id}
    assert broker.order_ids(broker.now() + timedelta(days=1)) == frozenset()


def test_the_account_before_any_order_is_what_was_declared(venue: Venue):
    broker = venue.connect()

    account = broker.account()

    assert shares_of(broker) == {HELD: HELD_SHARES}
    assert account.cash_cents == account.settled_cash_cents == CASH_CENTS
    assert account.equity_cents == CASH_CENTS + HELD_SHARES * PRICE_CENTS[HELD]
    assert account.account
    assert not account.is_blocked
    assert not account.only_closing
    assert broker.activities(LONG_AGO) == ()
    assert broker.now().tzinfo is not None


def test_the_same_id_twice_is_one_order(venue: Venue):
    broker, sale = venue.connect(), order("sale", HELD, "SELL", 40)
    broker.submit(sale)
    if not broker.has_unique_ids:
        pytest.skip("the broker takes a second order with the same id, and says so")

    with pytest.raises(RefusedError) as refused:
        broker.submit(sale)

    assert refused.value.duplicate
    assert len(broker.open_orders()) == 1
    venue.let_fill()
    with pytest.raises(RefusedError) as refused:
        venue.connect().submit(sale)
    assert refused.value.duplicate
    assert shares_of(broker) == {HELD: HELD_SHARES - 40}


def test_an_unknown_id_is_not_an_order(venue: Venue):
    broker = venue.connect()
    broker.submit(order("sale", HELD, "SELL", 40))

    assert broker.order("contract-other") is None


def test_positions_and_cash_change_by_fills_and_activities_alone(venue: Venue):
    broker = venue.connect()
    orders = [order("sale", HELD, "SELL", 37), order("buy", OTHER, "BUY", 55), order("more", HELD, "BUY", 3)]
    ids = [one.order_id for one in orders]
    for one in orders:
        broker.submit(one)
        assert broker.account().cash_cents == CASH_CENTS
        assert shares_of(broker) == {HELD: HELD_SHARES}

    venue.let_fill()
    assert_explained(broker, ids)
    assert shares_of(broker) == {HELD: HELD_SHARES - 37 + 3, OTHER: 55}

    venue.let_time_pass()
    assert_explained(broker, ids)
    activities = broker.activities(LONG_AGO)
    assert len({activity.activity_id for activity in activities}) == len(activities)
    assert [activity.session for activity in activities] == sorted(a.session for a in activities)
    assert all(activity.shares or activity.cash_cents or activity.receivable_cents for activity in activities)


def test_activities_are_those_since_the_day(venue: Venue):
    broker = venue.connect()
    venue.let_time_pass()

    every = broker.activities(LONG_AGO)

    for since in {activity.session for activity in every}:
        assert broker.activities(since) == tuple(a for a in every if a.session >= since)
    assert broker.activities(date(2035, 1, 2)) == ()


def test_filled_totals_never_shrink(venue: Venue):
    broker, sale = venue.connect(), order("sale", HELD, "SELL", 40)
    broker.submit(sale)
    seen = []
    for happens in (lambda: None, venue.let_fill, lambda: broker.cancel(sale.order_id), venue.let_time_pass):
        happens()
        found = broker.order(sale.order_id)
        seen.append((found.filled_shares, found.filled_cents, found.fee_cents))

    assert seen == sorted(seen)
    assert seen[-1][0] == 40


def test_a_cancel_of_a_filled_order_keeps_its_fill(venue: Venue):
    broker, sale = venue.connect(), order("sale", HELD, "SELL", 40)
    broker.submit(sale)
    venue.let_fill()
    filled = broker.order(sale.order_id)

    broker.cancel(sale.order_id)
    venue.let_cancel()

    assert broker.order(sale.order_id) == filled
    assert shares_of(broker) == {HELD: HELD_SHARES - 40}


def test_a_canceled_order_does_not_fill(venue: Venue):
    broker, sale = venue.connect(), order("sale", HELD, "SELL", 40)
    broker.submit(sale)

    broker.cancel(sale.order_id)
    assert broker.order(sale.order_id).status in {Status.CANCELING, Status.CANCELED}
    venue.let_cancel()
    venue.let_fill()

    canceled = broker.order(sale.order_id)
    assert canceled.status == Status.CANCELED
    assert canceled.filled_shares == 0
    assert shares_of(broker) == {HELD: HELD_SHARES}


@pytest.mark.slice
def test_all_open_orders_are_listed_beyond_a_page(venue: Venue):
    broker = venue.connect()
    orders = [order(f"buy-{number}", OTHER, "BUY", 1) for number in range(MANY)]
    for one in orders:
        broker.submit(one)

    listed = broker.open_orders()

    assert sorted(one.order_id for one in listed) == sorted(one.order_id for one in orders)
    assert broker.order_ids(broker.now() - timedelta(days=1)) == {one.order_id for one in orders}


def test_a_restart_has_the_same_truth(venue: Venue):
    broker = venue.connect()
    orders = [order("sale", HELD, "SELL", 40), order("buy", OTHER, "BUY", 55)]
    for one in orders:
        broker.submit(one)

    def truth(asked: Broker) -> list[object]:
        return [
            asked.account(),
            asked.positions(),
            asked.open_orders(),
            *(asked.order(one.order_id) for one in orders),
            asked.activities(LONG_AGO),
        ]

    for happens in (lambda: None, venue.let_fill, venue.let_time_pass):
        happens()
        assert truth(venue.connect()) == truth(broker)
        assert_explained(venue.connect(), [one.order_id for one in orders])


def test_quotes_and_assets_leave_out_what_is_not_known(venue: Venue):
    broker = venue.connect()

    quotes, assets = broker.quotes([HELD, UNQUOTED, UNKNOWN]), broker.assets([HELD, OTHER, UNKNOWN])

    assert quotes.keys() == {HELD}
    assert quotes[HELD].price == Decimal(PRICE_CENTS[HELD]) / 100
    assert quotes[HELD].at <= broker.now()
    assert assets.keys() == {HELD, OTHER}
    assert all(asset.is_tradable and not asset.is_halted for asset in assets.values())
    assert broker.quotes([]) == {}


def test_an_order_is_taken_at_some_time(venue: Venue):
    broker, sale = venue.connect(), order("sale", HELD, "SELL", 40)

    assert broker.takes(sale, broker.now()) >= broker.now()


@pytest.mark.slice
@pytest.mark.parametrize("name", LOCAL)
def test_a_kill_before_any_write_leaves_a_consistent_account(name, tmp_path):
    ended = subprocess.run(
        [sys.executable, "-m", "tests.contracts.broker_kills", name, str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )

    assert ended.returncode == 0, ended.stderr
    found = json.loads(ended.stdout)
    assert found["faults"] == []
    assert found["points"] > 20
