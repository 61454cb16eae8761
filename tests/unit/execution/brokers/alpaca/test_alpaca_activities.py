"""Alpaca's activities become changes of our books; none is lost, and none of our own fills is counted again."""

from datetime import date
from decimal import Decimal

import pytest

from tasks.execution.brokers.alpaca import broker as module
from tasks.execution.brokers.base import UnansweredError
from tests.execution_alpaca import broker_of, make_order
from tests.servers.alpaca_account import instant
from tests.servers.alpaca_trading import edited

TODAY = date(2024, 6, 14)


@pytest.mark.parametrize(
    ("kind", "cash", "qty", "expected", "shares"),
    [
        ("DIV", "1.02", "2", "dividend", 0),
        ("DIVNRA", "-0.15", "2", "dividend", 0),
        ("DIVROC", "0.15", "2", "dividend", 0),
        ("INT", "-3.10", "", "interest", 0),
        ("FEE", "-0.02", "", "fee", 0),
        ("CFEE", "-0.02", "", "fee", 0),
        ("CSD", "1000", "", "deposit", 0),
        ("CSW", "-1000", "", "withdrawal", 0),
        ("JNLC", "50", "", "deposit", 0),
        ("JNLC", "-50", "", "withdrawal", 0),
        ("SPLIT", "0", "30", "split", 30),
        ("CIL", "7.31", "0.5", "cash_in_lieu", 0),
        ("MA", "500", "-10", "merger", -10),
        ("SPIN", "0", "5", "other", 5),
        ("NC", "0", "-10", "other", -10),
        ("JNLS", "0", "5", "other", 5),
        ("REORG", "0", "-10", "other", -10),
        ("INVENTED", "12.34", "", "other", 0),
    ],
)
def test_each_type_becomes_a_kind_and_keeps_its_name(account, broker, kind, cash, qty, expected, shares):
    account.book(kind, cash, symbol="AAA" if qty else "", qty=qty)

    (found,) = broker.activities(TODAY)

    assert (found.kind, found.shares) == (expected, shares)
    assert found.cash_cents == Decimal(cash) * 100
    assert (found.symbol, found.session) == ("AAA" if qty else "", TODAY)
    assert kind in found.note


def test_every_type_of_the_library_is_read(account, broker):
    from alpaca.trading.enums import ActivityType

    kinds = [kind.value for kind in ActivityType if kind is not ActivityType.FILL]
    for kind in kinds:
        account.book(kind, "1")

    assert len(broker.activities(TODAY)) == len(kinds)


@pytest.mark.parametrize(
    ("status", "expected"), [("correct", "correction"), ("canceled", "other"), ("new", "other")]
)
def test_what_is_corrected_or_cancelled_is_not_booked_as_usual(account, broker, status, expected):
    account.book("DIV", "1.02", symbol="AAA", status=status)

    (found,) = broker.activities(TODAY)

    assert (found.kind, status in found.note) == (expected, True)


def test_only_fills_of_others_are_activities(account, server, broker):
    broker.submit(make_order("BBB", shares=2))
    account.trade_by_hand("AAA", "sell", 3)

    for asking in (broker, broker_of(server)):  # the second as after a restart
        (found,) = asking.activities(TODAY)

        assert (found.kind, found.symbol, found.shares, found.cash_cents) == ("fill", "AAA", -3, 15_000)
        assert found.session == TODAY


def test_orders_that_this_process_sent_are_not_asked_for_again(server, broker):
    broker.submit(make_order("BBB", shares=2))

    assert broker.activities(TODAY) == ()
    assert [asked.path for asked in server.journal] == ["/v2/orders"] + ["/v2/account/activities"] * 2


def test_a_fill_in_the_evening_is_of_new_yorks_day(account, server, broker):
    account.trade_by_hand("AAA", "sell", 3)
    evening = {"transaction_time": "2024-06-15T00:30:00Z"}
    server.script("GET", "/v2/account/act", edited(lambda rows: [row | evening for row in rows]))

    assert [each.session for each in broker.activities(TODAY)] == [TODAY]


def test_a_fill_of_an_old_order_is_looked_up(account, broker):
    order = account.trade_by_hand("AAA", "buy", 3)
    order.created_at = instant(date(2024, 3, 1), "12:00")

    assert [each.kind for each in broker.activities(TODAY)] == ["fill"]


def test_a_busted_trade_is_a_correction(account, server, broker):
    account.trade_by_hand("AAA", "sell", 3)
    busted = edited(lambda rows: [row | {"type": "trade_bust"} for row in rows])
    server.script("GET", "/v2/account/act", busted)

    assert [each.kind for each in broker.activities(TODAY)] == ["correction"]


def test_activities_beyond_a_page_are_all_read_once(account, broker):
    for number in range(205):
        account.book("FEE", f"-0.{number:03d}")

    found = broker.activities(TODAY)

    assert len(found) == len({each.activity_id for each in found}) == 205


def test_activities_before_the_day_are_left_out(account, server, broker):
    account.book("DIV", "1", date="2024-06-13")
    account.book("DIV", "2", date="2024-06-14T00:00:00Z")

    assert [each.cash_cents for each in broker.activities(TODAY)] == [200]
    assert len(broker.activities(date(2024, 6, 13))) == 2


@pytest.mark.parametrize(
    "rows", [None, {}, [{"activity_type": "DIV"}], [{"id": "1", "activity_type": "DIV"}]]
)
def test_activities_that_cannot_be_read_are_unanswered(account, server, broker, rows):
    server.script("GET", "/v2/account/act", edited(lambda _: rows))

    with pytest.raises(UnansweredError):
        broker.activities(TODAY)


def test_the_same_page_for_ever_is_unanswered(account, server, broker, monkeypatch):
    monkeypatch.setattr(module, "MOST_ACTIVITY_PAGES", 3)
    row = account.book("DIV", "1")
    server.script("GET", "/v2/account/act", edited(lambda _: [row]), nth=0)

    with pytest.raises(UnansweredError, match="same page"):
        broker.activities(TODAY)
