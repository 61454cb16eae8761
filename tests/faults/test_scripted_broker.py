"""The broker and the kill points that the proof of execution uses do what they claim."""

import os
import pickle
import signal
import sqlite3
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from tasks.execution.brokers.base import (
    RefusedError,
    Status,
    ThrottledError,
    UnansweredError,
    UnauthorizedError,
)
from tasks.execution.schema import Order
from tests.brokers.scripted import Behavior, Script, ScriptedBroker
from tests.faults.kill_points import KilledError, KillPoints, WatchedBroker, watching

OPENS = datetime(2024, 6, 17, 13, 30, tzinfo=UTC)
CLOSES = datetime(2024, 6, 17, 20, 0, tzinfo=UTC)
PRICES = {"AAA": Decimal("10.005"), "BBB": Decimal(20)}
SALE = Order("id-1", date(2024, 6, 14), 0, 0, "AAA", "SELL", 100, "market", None)


class Clock:
    def __init__(self):
        self.at = OPENS

    def __call__(self):
        return self.at

    def wait(self, seconds):
        self.at += timedelta(seconds=seconds)


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def make(tmp_path, clock):
    file = tmp_path / "broker.sqlite"
    ScriptedBroker.create(file, cash_cents=1_000_00, shares={"AAA": 100})

    def make(behavior=None, **facts):
        script = Script("one", {0: behavior or Behavior()}, stale_books=facts.pop("stale_books", 0))
        return ScriptedBroker(file, script, clock=clock, prices=PRICES, opens=OPENS, closes=CLOSES, **facts)

    return make


def test_an_order_fills_later_and_its_cents_are_rounded_half_to_even(make, clock):
    broker = make()

    answer = broker.submit(SALE)
    clock.wait(6)

    assert answer.status == Status.OPEN
    filled = make().order("id-1")
    assert (filled.status, filled.filled_shares, filled.filled_cents) == (Status.FILLED, 100, 100_050)
    assert broker.account().cash_cents == 2_000_50
    assert broker.positions() == {}


@pytest.mark.parametrize(
    ("reply", "error", "stands"),
    [
        ("accept and hang", UnansweredError, True),
        ("accept, resend, duplicate", RefusedError, True),
        ("accept, resend, refused", RefusedError, True),
        ("lose", UnansweredError, False),
        ("deliver late", UnansweredError, False),
        ("throttle", ThrottledError, False),
        ("refuse", RefusedError, False),
        ("unauthorized", UnauthorizedError, False),
    ],
)
def test_a_reply_leaves_an_order_or_none(make, clock, reply, error, stands):
    broker = make(Behavior(replies=(reply,)))

    with pytest.raises(error):
        broker.submit(SALE)

    assert any(real.is_here for real in broker.truth().orders) == stands


def test_an_order_delivered_late_is_unknown_first_and_then_stands_once(make, clock):
    broker = make(Behavior(replies=("deliver late",)))
    with pytest.raises(UnansweredError):
        broker.submit(SALE)
    assert broker.order("id-1") is None

    broker.submit(SALE)  # sent again too early: both arrive
    clock.wait(60)

    assert [real.is_here for real in broker.truth().orders] == [False, True]
    assert broker.truth().shares["AAA"] == 0


def test_without_unique_ids_a_second_request_is_a_second_order_that_sells_short(make, clock):
    broker = make(has_unique_ids=False)

    broker.submit(SALE)
    broker.submit(SALE)
    clock.wait(6)

    assert broker.truth().shares["AAA"] == -100


def test_a_second_order_with_the_same_id_is_refused(make):
    broker = make()
    broker.submit(SALE)

    with pytest.raises(RefusedError, match="unique") as refused:
        make().submit(SALE)

    assert refused.value.duplicate


def test_stale_look_ups_and_books_answer_the_state_before(make, clock):
    broker = make(Behavior(stale_reads=2), stale_books=1)
    broker.submit(SALE)

    assert [broker.order("id-1") is None for _ in range(3)] == [True, True, False]
    clock.wait(6)
    assert [broker.order("id-1").status for _ in range(3)] == [Status.OPEN, Status.OPEN, Status.FILLED]
    assert [len(broker.positions()) for _ in range(2)] == [1, 0]


@pytest.mark.parametrize(
    ("on_cancel", "ends", "filled"),
    [
        ("cancel", Status.CANCELED, 50),
        ("fill", Status.FILLED, 100),
        ("expire", Status.EXPIRED, 50),
        ("cancel, then fill", Status.CANCELED, 100),
    ],
)
def test_what_follows_a_cancel_is_scripted(make, clock, on_cancel, ends, filled):
    broker = make(Behavior(fill_frac=Decimal("0.5"), on_cancel=on_cancel))
    broker.submit(SALE)
    clock.wait(10)

    broker.cancel("id-1")
    assert broker.order("id-1").status == Status.CANCELING
    clock.at = CLOSES

    assert (broker.order("id-1").status, broker.order("id-1").filled_shares) == (ends, filled)


def test_open_orders_hold_their_shares_from_a_person_and_their_cash(make):
    broker = make(Behavior(hand="sells", fill_after_s=60), holds=True)

    broker.submit(replace(SALE, shares=70))
    broker.submit(Order("id-2", SALE.session, 1, 0, "BBB", "BUY", 60, "market", None))
    broker.trade_by_hand("BBB", 100)  # 1000 and 30 sold at 10.005, less 60 at 20: for 5 at 20

    truth = broker.truth()
    assert truth.shares == {"AAA": 70, "BBB": 5}
    assert truth.cash_cents == 1_000_00 + 300_15 - 100_00


def test_a_person_who_cancels_ours_first_may_sell_what_it_held(make, clock):
    broker = make(Behavior(hand="cancels and sells"), holds=True)

    answer = broker.submit(SALE)
    clock.wait(6)

    assert answer.status == Status.CANCELED
    assert broker.truth().shares == {"AAA": 50}


def test_a_restated_fill_and_a_trade_by_hand_change_the_books(make, clock):
    broker = make()
    broker.submit(SALE)
    clock.wait(6)

    broker.restate("id-1", shares=-40, cash_cents=-400_20)
    broker.trade_by_hand("BBB", 2)

    assert broker.truth().shares == {"AAA": 40, "BBB": 2}
    assert broker.order("id-1").filled_shares == 60
    (trade,) = broker.activities(date(2024, 6, 17))
    assert (trade.kind, trade.shares, trade.cash_cents) == ("fill", 2, -4000)


# The kill points


def toy_client(home, broker, points):
    """Write the intent, send, write the answer."""
    connection = sqlite3.connect(home / "toy.sqlite", isolation_level=None)
    watched = WatchedBroker(broker, points)
    connection.execute("CREATE TABLE IF NOT EXISTS steps (what TEXT)")
    try:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO steps VALUES ('intent')")
        connection.execute("COMMIT")
        watched.submit(SALE)
        with connection:
            connection.execute("INSERT INTO steps VALUES ('answer')")
    finally:
        connection.execute("INSERT INTO steps VALUES ('cleaned up')")  # a dying process must not come here
    (home / "file").write_text("done")
    os.replace(home / "file", home / "renamed")  # noqa: PTH105 - the call is what is counted


def left_behind(home, broker):
    connection = sqlite3.connect(home / "toy.sqlite")
    has_table = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]
    steps = [row[0] for row in connection.execute("SELECT what FROM steps")] if has_table else []
    connection.close()
    return (
        steps,
        sorted(path.name for path in home.iterdir() if "sqlite" not in path.name),
        [request.reply for request in broker.truth().requests],
    )


def test_the_points_are_before_and_after_each_commit_and_request(tmp_path, make):
    with watching(KillPoints(tmp_path)) as points:
        toy_client(tmp_path, make(), points)

    assert points.passed == [
        "before commit of CREATE TABLE IF",
        "after commit of CREATE TABLE IF",
        "before commit of INSERT INTO steps",
        "after commit of INSERT INTO steps",
        "before submit",
        "after submit",
        "before commit of INSERT INTO steps",
        "after commit of INSERT INTO steps",
        "before commit of INSERT INTO steps",
        "after commit of INSERT INTO steps",
        "open file",
        "os.rename file",
    ]


def test_a_handler_cannot_catch_a_death():
    assert not issubclass(KilledError, Exception)


@pytest.mark.parametrize("point", range(1, 13))
def test_an_injected_death_leaves_what_a_sigkill_leaves(tmp_path, point, clock):
    left = []
    for how in ("exception", "SIGKILL"):
        home = tmp_path / how
        home.mkdir()
        ScriptedBroker.create(tmp_path / f"{how}.sqlite", cash_cents=0, shares={"AAA": 100})
        broker = ScriptedBroker(
            tmp_path / f"{how}.sqlite", Script("one"), clock=clock, prices=PRICES, opens=OPENS, closes=CLOSES
        )
        if how == "exception":
            die_here(home, broker, point)
        else:
            assert die_in_a_child(home, tmp_path / f"{how}.sqlite", clock, point) == signal.SIGKILL
        left.append(left_behind(home, broker))

    assert left[0] == left[1]


def die_here(home, broker, point):
    with watching(KillPoints(home, point)) as points:
        toy_client(home, broker, points)
    assert points.is_dead


def die_in_a_child(home, file, clock, point):
    child = os.fork()
    if child == 0:
        broker = ScriptedBroker(file, Script("one"), clock=clock, prices=PRICES, opens=OPENS, closes=CLOSES)
        with watching(KillPoints(home, point, "SIGKILL")) as points:
            toy_client(home, broker, points)
        os._exit(0)
    return os.WTERMSIG(os.waitpid(child, 0)[1])


def test_the_truth_of_the_broker_can_be_stored(make):
    assert pickle.loads(pickle.dumps(make().truth())) == make().truth()  # noqa: S301
