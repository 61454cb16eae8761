"""Whole days at the local Alpaca, with each of its faults: no order twice, none lost, and the ledger is the account."""

import shutil
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from random import Random

import pytest

from tasks.core.homes.home import Home
from tasks.execution.progress import Outcome
from tests.alpaca_days import alpaca_day
from tests.execution_days import CLOSES, EVENING, OPENS
from tests.servers.alpaca import KEYS
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

pytestmark = pytest.mark.slice

ALL_FILLED = {"AAA": "filled", "BBB": "filled", "CCC": "filled", "DDD": "filled"}


@pytest.fixture(autouse=True)
def _keys(monkeypatch):
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


def without(*names):
    return edited(lambda row: {name: value for name, value in row.items() if name not in names})


@pytest.mark.parametrize("multiplier", ["1", "2"])
def test_a_day_sells_then_buys_and_each_order_is_sent_once(tmp_path, multiplier):
    with alpaca_day(tmp_path, multiplier=multiplier) as day:
        progress = day.steps()

        assert progress.outcome is Outcome.ENDED
        assert day.states() == ALL_FILLED
        assert day.sent == ["sell AAA", "sell BBB", "buy CCC", "buy DDD"]
        assert len(day.server.writes()) == 4
        day.assert_right()


def test_what_is_asked_before_the_first_order_never_writes(tmp_path):
    with alpaca_day(tmp_path) as day:
        progress = day.step()

        assert progress.outcome is Outcome.WAITING
        assert day.server.journal
        assert day.server.writes() == []


@pytest.mark.parametrize("refuses", [False, True])
def test_orders_approved_at_five_wait_for_their_window(tmp_path, refuses):
    approved = instant(EVENING.date(), "17:00")
    with alpaca_day(tmp_path, at=approved, refuses_day_orders_after_close=refuses) as day:
        day.steps()

        sales = [order for order in day.server.account.orders if order.side == "sell"]
        assert {order.created_at.replace(second=0, microsecond=0) for order in sales} == {
            instant(EVENING.date(), "19:30")  # after the window of 19:00, and after Alpaca's nightly report
        }
        day.assert_right()


LOST = {
    "504": after(GATEWAY_TIMEOUT),
    "500": after(SERVER_ERROR),
    "502": after(instead("<html>Bad Gateway</html>", 502)),
    "reset": after(reset),
    "half": after(half_a_page),
    "cut": after(cut_json),
    "hang": hang_after,
    "empty": after(instead("", 200)),
    "no status": without("status"),
    "504 before": before(GATEWAY_TIMEOUT),
    "500 before": before(SERVER_ERROR),
    "reset before": before(reset),
    "hang before": hang_before,
    "429": before(THROTTLED),
    "429 with a pause": before(instead({"code": 42910000, "message": "slow"}, 429, {"Retry-After": "61"})),
}


@pytest.mark.parametrize(
    ("timing", "expected"),
    [
        ("at_open", {"sell opg", "buy day"}),
        ("limit", {"sell day", "buy day"}),
        ("at_close", {"sell cls", "buy cls"}),
    ],
)
def test_every_timing_ends_rightly(tmp_path, timing, expected):
    with alpaca_day(tmp_path) as day:
        day.rules = replace(day.rules, timing=timing, collar_frac=Decimal("0.02"))

        day.steps()

        orders = day.server.account.orders
        assert {f"{order.side} {order.time_in_force}" for order in orders} == expected
        assert {*day.states().values()} <= {"filled", "void"}
        assert {order.status for order in orders} == {"filled"}
        day.assert_right()


def test_an_auction_that_does_not_fill_a_sale_leaves_it_expired(tmp_path):
    with alpaca_day(tmp_path, opg_expires=True) as day:
        day.rules = replace(day.rules, timing="at_open")

        day.steps()

        assert (day.states()["AAA"], day.states()["BBB"]) == ("expired", "expired")
        day.assert_right()


PATHS = ("/v2/orders:by", "/v2/orders", "/v2/positions", "/v2/account", "/v2/clock")


def product(names, others):
    """Return every pair; the default suite runs one per name, `make prove` all."""
    kept = {(name, others[place % len(others)]) for place, name in enumerate(names)}
    pairs = [(name, other) for name in names for other in others]
    return [pytest.param(*pair, marks=() if pair in kept else pytest.mark.prove) for pair in pairs]


@pytest.mark.parametrize(("kind", "nth"), product(LOST, (1, 2, 3, 4)))
def test_an_order_whose_answer_is_lost_is_placed_once(tmp_path, kind, nth):
    with alpaca_day(tmp_path) as day:
        day.server.script("POST", "/v2/orders", LOST[kind], nth=nth)

        progress = day.steps()

        assert progress.outcome is Outcome.ENDED
        assert day.states() == ALL_FILLED
        day.assert_right()


@pytest.mark.parametrize(
    "kind", ["504", *(pytest.param(kind, marks=pytest.mark.prove) for kind in ("reset", "hang"))]
)
def test_a_broker_that_never_answers_an_order_still_gets_each_once(tmp_path, kind):
    with alpaca_day(tmp_path) as day:
        day.server.script("POST", "/v2/orders", LOST[kind], nth=0)

        day.steps()

        assert day.states() == ALL_FILLED
        day.assert_right()


BUSY = before(instead({"code": 42910000, "message": "rate limit exceeded"}, 429, {"Retry-After": "900"}))


@pytest.mark.prove
@pytest.mark.parametrize("answer", [LOST["504 before"], BUSY])
def test_a_broker_that_takes_nothing_all_day_has_nothing(tmp_path, answer):
    with alpaca_day(tmp_path, at=OPENS - timedelta(minutes=30)) as day:
        day.server.script("POST", "/v2/orders", answer, nth=0)

        progress = day.steps()

        assert progress.outcome is Outcome.ENDED
        assert day.server.made == []
        assert {*day.states().values()} <= {"absent", "void"}
        day.assert_books_agree()


@pytest.mark.parametrize(("kind", "path"), product(LOST, PATHS))
def test_questions_that_fail_for_a_while_change_nothing(tmp_path, kind, path):
    with alpaca_day(tmp_path) as day:
        for nth in (2, 3, 5):
            day.server.script("GET", path, LOST[kind], nth=nth)

        day.steps()

        assert day.states() == ALL_FILLED
        day.assert_right()


@pytest.mark.parametrize("nth", [1, 2, 3, 4])
@pytest.mark.parametrize("checks_id_first", [True, False])
def test_look_ups_that_are_stale_place_no_second_order(tmp_path, nth, checks_id_first):
    with alpaca_day(tmp_path, checks_id_first=checks_id_first) as day:
        day.server.script("POST", "/v2/orders", after(GATEWAY_TIMEOUT), nth=nth)
        for stale_read in range(1, 4):
            day.server.script("GET", "/v2/orders:by", stale, nth=stale_read)

        day.steps()

        assert day.states() == ALL_FILLED
        day.assert_right()


@pytest.mark.parametrize("nth", [1, 2, 3, 4])
def test_keys_that_stop_working_stop_the_day_and_a_new_run_ends_it(tmp_path, nth):
    with alpaca_day(tmp_path) as day:
        day.server.script("POST", "/v2/orders", before(UNAUTHORIZED), nth=nth)

        stopped = day.steps()
        assert stopped.outcome is Outcome.STOPPED
        assert len(day.server.made) == nth - 1
        assert len(stopped.remainder) >= 1
        day.steps()

        assert day.states() == ALL_FILLED
        day.assert_right()


@pytest.mark.parametrize(
    ("behaviour", "state"),
    [
        ("stuck", "canceled"),
        ("partial", "canceled"),
        ("fills_after_cancel", "filled"),
        ("rejected_later", "rejected"),
    ],
)
def test_a_sale_that_does_not_fill_leaves_less_to_buy(tmp_path, behaviour, state):
    with alpaca_day(tmp_path, behaviours={"AAA": behaviour}) as day:
        day.steps()

        assert day.states()["AAA"] == state
        bought = {order.symbol: order.qty for order in day.server.account.orders if order.side == "buy"}
        spent = sum(shares * day.server.account.prices[symbol] for symbol, shares in bought.items())
        proceeds = {"stuck": 400, "partial": 900, "fills_after_cancel": 1_400, "rejected_later": 400}
        assert 0 < spent <= 1_000 + proceeds[behaviour]
        day.assert_right()


def test_a_sale_that_hangs_in_its_cancellation_ends_with_the_session(tmp_path):
    with alpaca_day(tmp_path, behaviours={"AAA": "never_cancels"}) as day:
        day.steps(until=CLOSES - timedelta(minutes=1))
        assert day.states()["AAA"] == "canceling"
        for order in day.server.account.orders:
            order.status = "expired" if order.status == "pending_cancel" else order.status

        day.steps()

        assert day.states()["AAA"] == "expired"
        day.assert_right()


@pytest.mark.parametrize("status", [403, 422])
def test_a_buy_waits_for_an_opposite_order_by_hand(tmp_path, status):
    with alpaca_day(tmp_path, wash_trade_status=status, behaviours={"BBB": "stuck"}) as day:
        day.clock.wait_until(OPENS - timedelta(hours=1))
        by_hand = day.server.account.trade_by_hand("BBB", "buy", 1)
        day.steps(until=OPENS + timedelta(minutes=5))
        assert "sell BBB" not in day.sent
        by_hand.status = "canceled"
        day.server.account.behaviours.clear()

        day.steps()

        assert day.states() == ALL_FILLED
        assert day.server.account.cash >= 0


def test_an_asset_that_cannot_be_traded_is_rejected_and_the_rest_goes_on(tmp_path):
    with alpaca_day(tmp_path, untradable={"CCC"}) as day:
        day.steps()

        assert day.states() == ALL_FILLED | {"CCC": "rejected"}
        day.assert_right()


def test_a_manual_sale_alongside_ours_is_never_a_short_position(tmp_path):
    with alpaca_day(tmp_path) as day:
        day.server.account.trade_by_hand("AAA", "sell", 60)

        day.steps()

        ours = next(order for order in day.server.account.orders if order.client_order_id in day.server.made)
        assert (ours.symbol, ours.qty) == ("AAA", 40)
        assert "AAA" not in day.server.account.positions
        assert day.server.account.cash >= 0


def test_odd_and_large_prices_are_booked_to_the_cent(tmp_path):
    with alpaca_day(tmp_path) as day:
        day.server.account.prices |= {"AAA": Decimal("10.0137"), "CCC": Decimal("49.9999")}

        day.steps()

        day.assert_right()


@pytest.mark.parametrize(
    "seed", [19, 21]
)  # of 25, these bought CCC twice: 30 shares, and 5 under another part
def test_two_homes_of_one_account_do_not_buy_twice_under_different_parts(tmp_path, seed):
    chance = Random(seed)
    with alpaca_day(tmp_path) as day:
        shutil.copytree(day.home.root, tmp_path / "copy")
        homes = [day, replace(day, home=Home(tmp_path / "copy"))]
        ended: set[int] = set()
        for _ in range(60):
            home = chance.choice(homes)
            progress = home.step()
            if progress.outcome not in {Outcome.AGAIN, Outcome.WAITING}:
                ended.add(id(home))
            if progress.outcome is Outcome.WAITING and chance.random() < 0.5:
                day.clock.wait_until(progress.until)
            if chance.random() < 0.2:
                day.server.account.prices["CCC"] = 50 * Decimal(chance.choice(["1", "1.01", "0.99", "1.03"]))
            if len(ended) == len(homes):
                break

        assert sorted(day.sent) == ["buy CCC", "buy DDD", "sell AAA", "sell BBB"]
