"""The broker against the local Alpaca: each row of Alpaca's behavior, and the server's journal as the proof."""

from contextlib import nullcontext
from datetime import date, timedelta
from decimal import Decimal

import pytest

from tasks.execution.brokers.alpaca import broker as module
from tasks.execution.brokers.base import (
    RefusedError,
    Status,
    ThrottledError,
    UnansweredError,
    UnauthorizedError,
)
from tests.execution_alpaca import NOON, REQUEST_S, SHORT_S, broker_of, make_order
from tests.servers.alpaca_account import instant
from tests.servers.alpaca_trading import (
    GATEWAY_TIMEOUT,
    SERVER_ERROR,
    THROTTLED,
    UNAUTHORIZED,
    after,
    before,
    edited,
    hang_after,
    hang_before,
    stale,
)
from tests.servers.base import cut_json, half_a_page, instead, reset


def posts(server):
    return [asked for asked in server.journal if asked.method == "POST"]


def drop(*names):
    return edited(lambda row: {name: value for name, value in row.items() if name not in names})


# ---- sending


@pytest.mark.parametrize(
    ("timing", "limit", "expected"),
    [
        ("market", None, {"type": "market", "time_in_force": "day"}),
        ("limit", "49.37", {"type": "limit", "time_in_force": "day", "limit_price": "49.37"}),
        ("limit", "0.8123", {"type": "limit", "time_in_force": "day", "limit_price": "0.8123"}),
        ("limit", "50.00", {"type": "limit", "time_in_force": "day", "limit_price": "50.00"}),
        ("at_open", None, {"type": "market", "time_in_force": "opg"}),
        ("at_close", None, {"type": "market", "time_in_force": "cls"}),
    ],
)
def test_an_order_leaves_with_its_id_its_intent_and_exact_text_numbers(
    server, broker, timing, limit, expected
):
    order = make_order(timing=timing, limit=limit, shares=9_007_199_254_740_993 if limit is None else 7)

    with pytest.raises(RefusedError) if limit is None else nullcontext():
        broker.submit(order)

    assert posts(server)[0].body == expected | {
        "symbol": "AAA",
        "qty": str(order.shares),  # 2**53 + 1 is not a float
        "side": "buy",
        "client_order_id": order.order_id,
        "position_intent": "buy_to_open",
    }


def test_a_market_order_is_accepted_and_fills(broker):
    sent = broker.submit(make_order("BBB", shares=4))
    found = broker.order(sent.order_id)

    assert (sent.status, sent.filled_shares, sent.filled_cents) == (Status.OPEN, 0, 0)
    assert (found.status, found.filled_shares, found.filled_cents) == (Status.FILLED, 4, 8_100)
    assert (found.symbol, found.side, found.shares, found.reason) == ("BBB", "BUY", 4, "")


def test_an_unknown_order_is_none(broker):
    assert broker.order("ours-nobody") is None


def test_a_sale_never_opens_a_short_position(account, server, broker):
    with pytest.raises(RefusedError, match="position intent mismatch") as refused:
        broker.submit(make_order("BBB", "SELL"))

    assert posts(server)[0].body["position_intent"] == "sell_to_close"
    assert (refused.value.code, refused.value.duplicate, refused.value.definite) == ("42210000", False, True)
    assert account.orders == []


def test_a_purchase_closes_a_short_position_that_was_read(account, broker, server):
    account.positions["BBB"] = Decimal(-3)
    broker.positions()

    broker.submit(make_order("BBB", shares=3))

    assert posts(server)[0].body["position_intent"] == "buy_to_close"


def test_a_purchase_is_refused_where_an_unknown_short_position_is(account, broker):
    account.positions["BBB"] = Decimal(-3)

    with pytest.raises(RefusedError, match="position intent mismatch"):
        broker.submit(make_order("BBB", shares=3))


def test_a_duplicate_says_so_and_one_order_stands(server, broker):
    broker.submit(make_order())

    with pytest.raises(RefusedError) as refused:
        broker.submit(make_order())

    assert (refused.value.duplicate, refused.value.definite, refused.value.code) == (True, True, "40010001")
    assert server.made == [make_order().order_id]


def test_a_duplicate_that_alpaca_reports_with_409_says_so(server, broker):
    body = {"code": 40010001, "message": "client_order_id must be unique"}
    server.script("POST", "/v2/orders", before(instead(body, 409)))

    with pytest.raises(RefusedError) as refused:
        broker.submit(make_order())

    assert refused.value.duplicate


def test_a_sale_sent_again_may_be_refused_for_its_quantity_instead(account, server, broker):
    account.checks_id_first = False
    account.behaviours["AAA"] = "stuck"
    broker.submit(make_order(side="SELL"))

    with pytest.raises(RefusedError, match="insufficient qty available") as refused:
        broker.submit(make_order(side="SELL"))

    assert not refused.value.duplicate
    assert server.made == [make_order().order_id]


@pytest.mark.parametrize(
    ("order", "message"),
    [
        (make_order(shares=10_000), "insufficient buying power"),
        (make_order(side="SELL", shares=11), "insufficient qty available"),
        (make_order("NOPE"), "not found"),
        (make_order("CCC"), "not tradable"),
        (make_order(timing="limit", limit="49.371"), "sub-penny"),
    ],
)
def test_a_refusal_names_its_reason_and_leaves_no_order(account, broker, order, message):
    account.untradable.add("CCC")

    with pytest.raises(RefusedError, match=message) as refused:
        broker.submit(order)

    assert (refused.value.duplicate, refused.value.definite) == (False, True)
    assert broker.order(order.order_id) is None


@pytest.mark.parametrize("status", [403, 422])
def test_an_opposite_order_by_hand_is_named_a_wash_trade(account, broker, status):
    account.wash_trade_status = status
    account.behaviours["AAA"] = "stuck"
    account.trade_by_hand("AAA", "buy", 5)

    with pytest.raises(RefusedError) as refused:
        broker.submit(make_order(side="SELL"))

    assert refused.value.code == "wash_trade"


# ---- answers that do not come, or come wrong


LOST = {
    "504": after(GATEWAY_TIMEOUT),
    "500": after(SERVER_ERROR),
    "502": after(instead("<html>Bad Gateway</html>", 502)),
    "reset": after(reset),
    "half": after(half_a_page),
    "cut": after(cut_json),
    "empty": after(instead("", 200)),
    "page": after(instead("<html>Maintenance</html>", 200)),
    "redirect": after(instead("", 307, {"Location": "https://example.com"})),
    "hang": hang_after,
    "no status": drop("status"),
    "no filled quantity": drop("filled_qty"),
    "another order": edited(lambda row: row | {"client_order_id": "another"}),
    "403 page": after(instead("<html>Forbidden</html>", 403)),
}


@pytest.mark.parametrize("kind", LOST)
def test_an_order_whose_answer_is_lost_is_sent_once_and_found_by_its_id(server, broker, kind):
    order = make_order()
    broker.now()  # the server has loaded its calendar
    server.script("POST", "/v2/orders", LOST[kind])

    with pytest.raises(UnansweredError):
        broker_of(server, request_s=SHORT_S if kind == "hang" else REQUEST_S).submit(order)

    assert len(posts(server)) == len(server.made) == 1
    assert broker.order(order.order_id).status is Status.FILLED


NOT_ACCEPTED = {
    "504": before(GATEWAY_TIMEOUT),
    "500": before(SERVER_ERROR),
    "reset": before(reset),
    "hang": hang_before,
    "408": before(instead({"message": "request timeout"}, 408)),
}


@pytest.mark.parametrize("kind", NOT_ACCEPTED)
def test_a_request_that_was_lost_is_unanswered_too(server, broker, kind):
    server.script("POST", "/v2/orders", NOT_ACCEPTED[kind])

    with pytest.raises(UnansweredError):
        broker_of(server, request_s=SHORT_S if kind == "hang" else REQUEST_S).submit(make_order())

    assert (len(posts(server)), server.made) == (1, [])
    assert broker.order(make_order().order_id) is None


@pytest.mark.parametrize(
    ("headers", "pause"),
    [
        ({}, 5.0),
        ({"Retry-After": "17"}, 17.0),
        ({"Retry-After": "soon"}, 5.0),
        ({"Retry-After": "99999"}, 300.0),
        ({"X-RateLimit-Reset": "1700000000"}, 5.0),  # past
        ({"X-RateLimit-Reset": "99999999999"}, 300.0),
    ],
)
def test_a_rate_limit_names_its_pause_and_nothing_is_sent_again(server, broker, headers, pause):
    body = {"code": 42910000, "message": "rate limit exceeded"}
    server.script("POST", "/v2/orders", before(instead(body, 429, headers)))

    with pytest.raises(ThrottledError) as throttled:
        broker.submit(make_order())

    assert throttled.value.retry_after_s == pause
    assert (len(posts(server)), server.made) == (1, [])


def test_every_call_is_one_request_also_when_throttled(server, broker):
    server.script("GET", "/v2/", before(THROTTLED), nth=0)
    server.script("DELETE", "/v2/", before(THROTTLED), nth=0)
    calls = [broker.now, broker.account, broker.positions, broker.open_orders]
    calls += [lambda: broker.order("x"), lambda: broker.cancel("x"), lambda: broker.assets(["AAA"])]
    calls += [lambda: broker.quotes(["AAA"]), lambda: broker.activities(date(2024, 6, 14))]

    for call in calls:
        with pytest.raises(ThrottledError):
            call()

    assert len(server.journal) == len(calls)


def test_wrong_keys_stop_without_the_keys_in_the_message(server, broker, monkeypatch):
    server.script("POST", "/v2/orders", before(UNAUTHORIZED), nth=2)
    broker.submit(make_order())

    with pytest.raises(UnauthorizedError) as midway:
        broker.submit(make_order(row=1))
    monkeypatch.setenv("APCA_API_SECRET_KEY", "another-planted-secret")
    with pytest.raises(UnauthorizedError) as wrong:
        broker_of(server).account()

    assert "planted" not in f"{midway.value} {wrong.value!r} {vars(wrong.value)}"


# ---- looking up and canceling


def test_a_cancelled_order_keeps_what_was_filled(account, server, broker):
    account.behaviours["AAA"] = "partial"
    broker.submit(make_order())
    assert broker.order(make_order().order_id).filled_shares == 5

    broker.cancel(make_order().order_id)

    found = broker.order(make_order().order_id)
    assert (found.status, found.filled_shares, found.filled_cents) == (Status.CANCELED, 5, 25_000)


def test_a_new_process_cancels_by_the_clients_id(account, server, broker):
    account.behaviours["AAA"] = "stuck"
    broker.submit(make_order())

    broker_of(server).cancel(make_order().order_id)

    assert broker.order(make_order().order_id).status is Status.CANCELED


def test_an_order_that_filled_after_the_request_to_cancel_is_filled(account, broker):
    account.behaviours["AAA"] = "fills_after_cancel"
    broker.submit(make_order())

    broker.cancel(make_order().order_id)

    assert broker.order(make_order().order_id).status is Status.FILLED


def test_an_order_stuck_in_cancelling_says_so(account, broker):
    account.behaviours["AAA"] = "never_cancels"
    broker.submit(make_order())

    broker.cancel(make_order().order_id)

    assert broker.order(make_order().order_id).status is Status.CANCELING
    assert [order.status for order in broker.open_orders()] == [Status.CANCELING]


def test_cancelling_what_is_final_or_unknown_changes_nothing(account, broker):
    broker.submit(make_order())
    assert broker.order(make_order().order_id).status is Status.FILLED

    broker.cancel(make_order().order_id)
    broker.cancel("ours-nobody")

    assert broker.order(make_order().order_id).status is Status.FILLED


def test_a_late_rejection_is_found(account, broker):
    account.behaviours["AAA"] = "rejected_later"

    assert broker.submit(make_order()).status is Status.OPEN
    assert broker.order(make_order().order_id).status is Status.REJECTED


def test_a_stale_read_is_none_and_then_the_order(server, broker):
    server.script("GET", "/v2/orders:by_client_order_id", stale)
    broker.submit(make_order())

    assert broker.order(make_order().order_id) is None
    assert broker.order(make_order().order_id).status is Status.FILLED


def test_another_order_than_the_one_asked_for_is_not_an_answer(server, broker):
    broker.submit(make_order())
    server.script("GET", "/v2/orders:", edited(lambda row: row | {"client_order_id": "another"}))

    with pytest.raises(UnansweredError, match="a different order was returned"):
        broker.order(make_order().order_id)


def test_a_404_that_is_not_alpacas_is_not_an_absent_order(server, broker):
    server.script("GET", "/v2/orders:", before(instead("<html>Not Found</html>", 404)))
    server.script("GET", "/v2/orders:", before(instead({"message": "route not found"}, 404)), nth=1)

    for _ in range(2):
        with pytest.raises(UnansweredError):
            broker.order("ours-1")


# ---- the account


def test_the_account_is_read_in_cents(account, broker):
    account.cash = Decimal("1234.565")

    found = broker.account()

    assert (found.account, found.mode) == ("PA3TESTTEST", "paper")
    assert (found.cash_cents, found.equity_cents) == (123_456, 173_456)
    assert not any((found.is_blocked, found.only_closing, found.is_preliminary))


def test_a_cash_account_spends_settled_cash_and_a_margin_account_all(account, broker):
    account.flags["non_marginable_buying_power"] = "40000"
    cash_account = broker.account()
    account.multiplier = "2"

    assert cash_account.settled_cash_cents == 4_000_000
    assert broker.account().settled_cash_cents == 10_000_000


@pytest.mark.parametrize(
    ("flags", "blocked", "closing"),
    [
        ({"trading_blocked": True}, True, False),
        ({"account_blocked": True}, True, False),
        ({"trade_suspended_by_user": True}, True, False),
        ({"status": "ACCOUNT_CLOSED"}, True, False),
        (
            {"admin_configurations": {"restrict_to_liquidation_reasons": {"position_to_equity_ratio": True}}},
            False,
            True,
        ),
        (
            {
                "admin_configurations": {
                    "restrict_to_liquidation_reasons": {"position_to_equity_ratio": False}
                }
            },
            False,
            False,
        ),
    ],
)
def test_restrictions_of_the_account_are_read(account, broker, flags, blocked, closing):
    account.flags |= flags

    found = broker.account()

    assert (found.is_blocked, found.only_closing) == (blocked, closing)


def test_figures_read_at_night_are_preliminary(server, broker):
    server.at(instant(date(2024, 6, 14), "19:29"))
    assert broker.account().is_preliminary
    server.at(instant(date(2024, 6, 14), "19:30"))
    assert not broker.account().is_preliminary


def test_live_trading_at_a_paper_account_is_refused(server):
    with pytest.raises(UnauthorizedError, match="paper account"):
        broker_of(server, mode="live").account()


def test_the_clock_is_the_brokers(broker):
    assert broker.now().replace(microsecond=0) == NOON


# ---- positions


def test_positions_are_read_although_fields_are_missing_bad_or_new(server, broker):
    bare = [
        {"symbol": "AAA", "qty": "10", "cost_basis": "n/a", "invented": {}},
        {"symbol": "BBB", "qty": -2.5},
    ]
    server.script("GET", "/v2/positions", edited(lambda _: bare))

    found = broker.positions()

    assert {name: (each.shares, each.cost_cents) for name, each in found.items()} == {
        "AAA": (10, None),
        "BBB": (Decimal("-2.5"), None),
    }


def test_a_short_position_is_negative_however_it_is_written(server, broker):
    server.script("GET", "/v2/positions", edited(lambda _: [{"symbol": "AAA", "qty": "3", "side": "short"}]))

    assert broker.positions()["AAA"].shares == -3


@pytest.mark.parametrize(
    "body",
    [
        None,
        {},
        {"message": "try again"},
        [{"symbol": "AAA"}],
        [{"symbol": "AAA", "qty": "NaN"}],
        [{"symbol": "AAA", "qty": True}],
        [{"symbol": "AAA", "qty": "1"}, {"symbol": "AAA", "qty": "1"}],
        "no",
    ],
)
def test_positions_that_cannot_be_read_are_never_empty(server, broker, body):
    server.script("GET", "/v2/positions", edited(lambda _: body))

    with pytest.raises(UnansweredError):
        broker.positions()


def test_no_positions_are_believed_only_if_the_account_agrees(account, server, broker):
    server.script("GET", "/v2/positions", edited(lambda _: []))
    with pytest.raises(UnansweredError, match="reports a value for some"):
        broker.positions()
    account.positions.clear()

    assert broker.positions() == {}


# ---- statuses


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        *((name, Status.OPEN) for name in ("accepted", "accepted_for_bidding", "calculated", "done_for_day")),
        *(
            (name, Status.OPEN)
            for name in ("held", "new", "partially_filled", "pending_new", "pending_replace")
        ),
        *((name, Status.OPEN) for name in ("pending_review", "stopped", "suspended")),
        ("pending_cancel", Status.CANCELING),
        ("filled", Status.FILLED),
        ("canceled", Status.CANCELED),
        ("replaced", Status.CANCELED),
        ("expired", Status.EXPIRED),
        ("rejected", Status.REJECTED),
        ("invented_tomorrow", Status.OPEN),
    ],
)
def test_every_status_is_mapped_and_an_unknown_one_is_open(server, broker, status, expected):
    broker.submit(make_order())
    server.script("GET", "/v2/orders:", edited(lambda row: row | {"status": status}))

    found = broker.order(make_order().order_id)

    assert found.status is expected
    assert ("invented_tomorrow" in found.reason) == (status == "invented_tomorrow")


def test_the_statuses_of_the_library_are_all_known():
    from alpaca.trading.enums import OrderStatus

    from tasks.execution.brokers.alpaca.responses import STATUSES

    assert {status.value for status in OrderStatus} <= STATUSES.keys()


@pytest.mark.parametrize(
    "missing", ["status", "filled_qty", "filled_avg_price", "symbol", "side", "qty", "id"]
)
def test_an_order_that_cannot_be_read_is_unanswered(server, broker, missing):
    broker.submit(make_order())
    fields = ("side", "position_intent") if missing == "side" else (missing,)
    server.script("GET", "/v2/orders:", drop(*fields))

    with pytest.raises(UnansweredError, match=missing):
        broker.order(make_order().order_id)


def test_an_order_is_read_without_what_is_not_needed(server, broker):
    broker.submit(make_order())
    unneeded = (
        "created_at",
        "submitted_at",
        "asset_id",
        "order_class",
        "legs",
        "extended_hours",
        "type",
        "side",
    )
    server.script("GET", "/v2/orders:", drop(*unneeded))

    assert broker.order(make_order().order_id).status is Status.FILLED


# ---- open orders


def test_open_orders_of_anybody_are_listed_under_ids_that_can_be_looked_up(account, broker):
    account.behaviours["AAA"] = "stuck"
    account.trade_by_hand("AAA", "buy", 5)

    (found,) = broker.open_orders()

    assert (found.symbol, found.side, found.shares, found.status) == ("AAA", "BUY", 5, Status.OPEN)
    assert broker.order(found.order_id) == found


@pytest.mark.parametrize(("page", "count"), [(500, 501), (5, 4), (5, 5), (5, 6), (5, 37)])
def test_open_orders_beyond_a_page_are_all_listed_once(account, broker, page, count, monkeypatch):
    monkeypatch.setattr(module, "PAGE", page)
    account.behaviours["AAA"] = "stuck"
    for _ in range(count):
        account.trade_by_hand("AAA", "buy", 1)

    found = broker.open_orders()

    assert len(found) == len({order.order_id for order in found}) == count


def test_orders_a_microsecond_apart_are_all_listed(account, broker, monkeypatch):
    monkeypatch.setattr(module, "PAGE", 4)
    account.behaviours["AAA"] = "stuck"
    for number in range(14):
        account.trade_by_hand("AAA", "buy", 1).created_at = NOON + timedelta(microseconds=number)

    assert len(broker.open_orders()) == 14


def test_a_listing_that_cannot_be_completed_is_unanswered(account, broker, monkeypatch):
    monkeypatch.setattr(module, "PAGE", 5)
    account.behaviours["AAA"] = "stuck"
    for _ in range(6):
        account.trade_by_hand("AAA", "buy", 1).created_at = NOON

    with pytest.raises(UnansweredError, match="same time"):
        broker.open_orders()


def test_an_order_by_hand_in_dollars_is_listed(account, broker):
    account.behaviours["AAA"] = "stuck"
    order = account.trade_by_hand("AAA", "buy", 1)
    order.qty, order.notional = None, Decimal("99.50")

    (found,) = broker.open_orders()

    assert (found.shares, found.reason) == (0, "an order for 99.5 dollars")


# ---- assets and quotes


def test_assets_are_tradable_or_not_and_unknown_ones_are_left_out(account, broker):
    account.untradable.add("BBB")

    found = broker.assets(["AAA", "BBB", "NOPE"])

    assert {name: each.is_tradable for name, each in found.items()} == {"AAA": True, "BBB": False}


def test_an_asset_that_cannot_be_read_is_left_out_and_a_failed_list_is_unanswered(server, broker):
    server.script("GET", "/v2/assets", edited(lambda _: {"message": "later"}))
    with pytest.raises(UnansweredError):
        broker.assets(["AAA"])
    server.script(
        "GET", "/v2/assets", edited(lambda rows: [rows[0] | {"status": "inactive"}, {"symbol": "BBB"}])
    )

    found = broker.assets(["AAA", "BBB"])

    assert {name: each.is_tradable for name, each in found.items()} == {"AAA": False}


def test_the_list_of_assets_is_read_again_after_some_minutes_only(server, broker, monkeypatch):
    broker.assets(["AAA"])
    broker.assets(["BBB"])
    assert len(server.journal) == 1
    monkeypatch.setattr(module, "ASSETS_MAX_AGE_S", -1.0)

    broker.assets(["AAA"])

    assert len(server.journal) == 2


def test_quotes_are_the_middle_of_a_tight_spread_or_the_latest_trade(server, broker):
    assert broker.quotes(["AAA", "NOPE"]).keys() == {"AAA"}
    assert broker.quotes(["AAA"])["AAA"].price == 50
    wide = {"t": "2024-06-14T15:59:59Z", "bp": 10, "ap": 95}
    server.script("GET", "/v2/stocks/", edited(lambda rows: {"AAA": rows["AAA"] | {"latestQuote": wide}}))
    assert broker.quotes(["AAA"])["AAA"].price == 50
    server.script("GET", "/v2/stocks/", edited(lambda _: {"AAA": {"latestTrade": None}}))
    assert broker.quotes(["AAA"]) == {}


def test_many_quotes_are_asked_for_in_portions(account, server, broker):
    account.prices |= {f"S{number:03d}": Decimal("10.01") for number in range(250)}

    found = broker.quotes(account.prices)

    assert len(found) == 253
    assert found["S000"].price == Decimal("10.01")
    assert len(server.journal) == 3
