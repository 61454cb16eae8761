"""Faults of the broker, of the process and of the switch while an approved day is executed (issue 15)."""

import errno
import os
import sqlite3
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal

import pytest

from tasks.core.errors import StorageError
from tasks.execution.brokers.base import Status, UnansweredError
from tasks.execution.execution import Stage
from tasks.execution.journal import FencedError, read_events
from tasks.execution.progress import Outcome
from tasks.execution.schema import State
from tasks.ledger.database import opened
from tasks.ledger.store import entries
from tasks.safety.kill_switch.switch import read_switch, trip_switch
from tests.brokers.scripted import ENDING_OTHERWISE, FILLING, HALF, Behavior, Script
from tests.faults.execution_world import (
    BOTH,
    BUYS,
    FIFTY,
    OPENS,
    PRICES,
    SELLS,
    SESSION,
    TIGHT,
    World,
    in_memory,
    violations,
)


@pytest.fixture
def folder():
    with in_memory() as folder:
        yield folder


def everybody(name):
    return Script(name, {0: {**FILLING, **ENDING_OTHERWISE}[name]})


def run(folder, plan, script, **facts):
    world = World(folder / "world", plan, script, **facts)
    world.live()
    return world


def states(world):
    return [(one.order.symbol, one.order.shares, one.state) for one in world.orders()]


def filled(world):
    return [
        sum(real.filled_shares for real in world.truth().orders if real.row == row)
        for row in range(len(world.plan.lines))
    ]


def replies(world, kind="submit"):
    return [request.reply for request in world.truth().requests if request.kind == kind]


APPROVED = [shares for _, _, shares in BOTH.lines]


def test_fault_040_an_open_buy_keeps_its_cash_while_another_waits_for_a_price(folder):
    later = {"EEE": OPENS + timedelta(seconds=60)}
    for point in (0, 5, 12, 20):
        script = Script("slow", {0: FILLING["fills slowly"]}, quoted_from=later)
        world = World(folder / str(point), TIGHT, script)
        world.live(point)
        world.live()

        bought = filled(world)
        assert bought[0] == 40
        assert 0 < bought[1] < 20
        assert violations(world) == []


@pytest.mark.parametrize("name", ["accepts, then hangs", "accepts, then hangs, and look-ups say 404"])
def test_fault_066_an_order_that_was_accepted_and_never_answered_is_found_and_not_doubled(folder, name):
    world = run(folder, BOTH, everybody(name))

    assert filled(world) == APPROVED
    assert replies(world).count("accept and hang") == 4
    assert violations(world) == []


@pytest.mark.parametrize(
    "name", ["accepts, then 504, sent again: duplicate", "accepts, then 504, sent again: no shares"]
)
def test_fault_067_a_request_that_the_client_library_sent_again_is_one_order(folder, name):
    world = run(folder, BOTH, everybody(name))

    assert filled(world) == APPROVED
    assert len(replies(world)) == 4
    assert violations(world) == []


def test_fault_068_an_id_that_is_taken_is_looked_up_compared_and_adopted(folder):
    world = run(folder, SELLS, everybody("accepts, then hangs, and look-ups say 404"))

    assert "duplicate" in replies(world)
    assert {one.state for one in world.orders()} == {State.FILLED}
    assert violations(world) == []


def test_fault_068_another_order_under_our_id_blocks_the_execution_and_is_not_adopted(folder):
    world = World(folder / "world", SELLS, Script("accepts"))

    def take_its_id(number, what):
        if what == "before submit" and not world.truth().orders:
            ours = next(one.order for one in world.orders() if one.state is State.UNKNOWN)
            world.broker().order_by_hand(ours.order_id, "AAA", "SELL", 7)

    world.live(act=take_its_id)

    blocked = [reached for reached in world.seen if reached.outcome is Outcome.BLOCKED]
    assert "another home trades this account" in blocked[0].why
    assert [one.sends for one in world.orders()] == [0] * len(world.orders())
    assert replies(world) == ["duplicate"]


def test_fault_068_nothing_is_bought_while_another_order_has_our_id(folder):
    world = World(folder / "world", BOTH, Script("accepts"))

    def take_its_id(number, what):
        if what == "before submit" and not world.truth().orders:
            ours = next(one.order for one in world.orders() if one.state is State.UNKNOWN)
            world.broker().order_by_hand(ours.order_id, "AAA", "SELL", 7)

    world.live(act=take_its_id)

    assert any(reached.outcome is Outcome.BLOCKED for reached in world.seen)
    assert [one.sends for one in world.orders() if not one.order.is_sale] == [0] * sum(
        not one.order.is_sale for one in world.orders()
    )


@pytest.mark.parametrize("what", ["before submit", "after submit", "after commit of UPDATE orders"])
def test_fault_069_a_death_around_a_request_is_continued_by_the_next_run(folder, what):
    points = World(folder / "counted", BOTH, Script("accepts")).live().passed
    for point in [number for number, passed in enumerate(points, start=1) if passed.startswith(what)][:4]:
        world = World(folder / str(point), BOTH, Script("accepts"))

        assert world.live(point).is_dead
        world.live()

        assert filled(world) == APPROVED
        assert violations(world) == []


def test_fault_070_an_order_that_cannot_be_found_stays_unknown_until_it_is(folder):
    world = run(folder, SELLS, everybody("delivers late"))

    with opened(world.home) as connection:
        story = [
            event.event
            for event in read_events(connection, SESSION)
            if event.order_id == world.orders()[0].order.order_id
        ]
    assert "not_found_after_close" not in story
    assert filled(world) == [100, 25]
    assert violations(world) == []


def test_fault_070_without_unique_ids_it_is_never_sent_again_and_ends_as_absent(folder):
    world = run(folder, SELLS, everybody("resets before accepting"), has_unique_ids=False)

    assert replies(world) == ["lose", "lose"]
    assert [state for _, _, state in states(world)] == [State.ABSENT, State.ABSENT]
    assert violations(world) == []


def test_fault_071_a_sale_that_fills_in_part_shrinks_the_buys_to_the_cash_that_is_there(folder):
    world = run(folder, BOTH, Script("one", {1: Behavior(fill_frac=HALF)}))

    sold = [real for real in world.truth().orders if real.row == 0]
    assert [real.filled_shares for real in sold] == [50]
    assert filled(world)[2] < APPROVED[2]
    assert world.truth().cash_cents >= 0
    assert violations(world) == []


@pytest.mark.parametrize("name", ["rejects at once", "rejects later"])
def test_faults_072_126_a_rejected_sale_withholds_what_its_proceeds_would_have_paid_for(folder, name):
    world = run(folder, BOTH, Script("one", {1: ENDING_OTHERWISE[name]}))

    bought = sum(
        shares * PRICES[symbol]
        for shares, (symbol, side, _) in zip(filled(world), BOTH.lines, strict=True)
        if side == "BUY"
    )
    assert filled(world)[:2] == [0, 25]
    assert bought <= Decimal("200.00") + 25 * PRICES["BBB"]
    assert violations(world) == []


@pytest.mark.parametrize("name", ["fill after the request to cancel", "fill after canceled"])
def test_fault_073_a_fill_after_the_cancel_is_booked_and_pays_for_buys_or_is_reported(folder, name):
    world = run(folder, BOTH, Script("sales", {1: ENDING_OTHERWISE[name], 2: ENDING_OTHERWISE[name]}))

    assert filled(world)[:2] == [100, 25]
    assert violations(world) == []


def test_fault_074_nothing_is_sent_before_the_end_of_a_retry_after(folder):
    world = run(folder, BOTH, everybody("429"))

    assert replies(world).count("throttle") == 4
    assert world.truth().too_early == 0
    assert filled(world) == APPROVED


def test_fault_076_credentials_that_are_no_longer_accepted_stop_the_execution_with_its_remainder(folder):
    world = run(folder, BOTH, Script("one", {2: ENDING_OTHERWISE["401 midway"]}))

    stopped = next(reached for reached in world.seen if reached.outcome is Outcome.STOPPED)
    assert "credentials" in stopped.why
    assert {one.order.symbol for one in stopped.remainder} >= {"BBB"}
    assert violations(world) == []


def test_fault_082_states_that_arrive_out_of_order_or_twice_change_nothing(folder):
    world = run(folder, BOTH, everybody("new and old states in turn"))
    straight = World(folder / "straight", BOTH, Script("accepts"))
    straight.live()

    assert states(world) == states(straight)
    assert violations(world) == []


class Failing:
    """A broker one of whose questions fails a few times."""

    def __init__(self, broker, what, times):
        self.broker, self.what, self.left = broker, what, times

    def __getattr__(self, name):
        if name == self.what and self.left > 0:
            self.left -= 1
            return self.fail
        return getattr(self.broker, name)

    def fail(self, *args):
        raise UnansweredError("No answer in time.", remedy="Ask again.")


@pytest.mark.parametrize("what", ["positions", "account", "open_orders", "quotes", "assets"])
def test_fault_085_an_answer_that_failed_is_not_read_as_nothing(folder, what, monkeypatch):
    world = World(folder / "world", BOTH, Script("accepts"))
    make = world.broker
    failing = {}

    def broker():
        failing["one"] = failing.get("one") or Failing(make(), what, 5)
        return failing["one"]

    monkeypatch.setattr(world, "broker", broker)
    world.live()
    monkeypatch.undo()

    assert sum(reached.why.startswith("no answer") for reached in world.seen) == 5
    assert filled(world) == APPROVED
    assert violations(world) == []


def test_fault_087_a_fill_that_the_broker_restates_is_booked_as_the_difference(folder):
    world = run(folder, BUYS, Script("accepts"))
    first = world.orders()[0].order
    world.broker().restate(first.order_id, cash_cents=-100)

    world.live()

    with opened(world.home) as connection:
        restated = [entry for entry in entries(connection) if entry.kind == "restatement"]
    assert [(entry.order_id, entry.cash_cents) for entry in restated] == [(first.order_id, 100)]
    assert violations(world) == []


def test_fault_087_a_second_restatement_equal_to_the_first_is_booked_too(folder):
    world = run(folder, BUYS, Script("accepts"))
    first = world.orders()[0].order
    for _ in range(2):
        world.broker().restate(first.order_id, cash_cents=-100)
        world.live()

    with opened(world.home) as connection:
        restated = [entry.cash_cents for entry in entries(connection) if entry.kind == "restatement"]
    assert restated == [100, 100]
    assert violations(world) == []


def test_fault_088_an_order_stuck_in_pending_cancel_blocks_its_line_and_is_final_at_the_close(folder):
    world = run(folder, SELLS, Script("one", {1: ENDING_OTHERWISE["stuck in pending_cancel"]}))

    assert states(world)[0] == ("AAA", 100, State.EXPIRED)
    assert len([real for real in world.truth().orders if real.symbol == "AAA"]) == 1
    assert violations(world) == []


# A disk that is full


def is_full(first):
    """Return what fails from a point on: every commit, and every file that is opened for writing or synced."""

    def act(number, what):
        if number < first:
            return
        if what.startswith("before commit"):
            raise sqlite3.OperationalError("database or disk is full")
        if what.startswith(("open ", "fsync")):
            raise OSError(errno.ENOSPC, "No space left on device")

    return act


@pytest.mark.parametrize("plan", [SELLS, BUYS, BOTH], ids=lambda plan: plan.name)
def test_a_disk_that_is_full_from_any_point_on_loses_and_doubles_nothing(plan):
    """What cannot be stored is not sent; what was sent is looked up once there is space."""
    with in_memory() as folder:
        points = len(World(folder / "world", plan, Script("accepts")).live().passed)
    for first in range(1, points + 1, 3):
        with in_memory() as folder:
            world = World(folder / "world", plan, Script("accepts"))
            with suppress(StorageError):
                world.live(act=is_full(first))
            world.clock.wait(60)
            world.live()

            assert violations(world) == [], f"full from point {first} on"


# A run that was thought dead


def free_points(world):
    """Return the points at which a process holds no lock: it may sleep there as long as it likes."""
    free = ("before submit", "after submit", "before cancel", "after cancel", "after commit")
    return [number for number, what in enumerate(world.live().passed, start=1) if what.startswith(free)]


@pytest.mark.parametrize(
    ("name", "unique"),
    [
        ("accepts", True),
        *(
            pytest.param(*one, marks=pytest.mark.slice)
            for one in [("accepts", False), ("partial, then stuck", True), ("partial, then stuck", False)]
        ),
    ],
)
def test_fault_090_a_run_that_comes_back_after_its_replacement_is_stopped(folder, name, unique):
    fenced = 0
    points = free_points(World(folder / "counted", SELLS, everybody(name), has_unique_ids=unique))
    for point in points:
        world = World(folder / str(point), SELLS, everybody(name), has_unique_ids=unique)
        requests = []

        def sleep(number, what, world=world, point=point, requests=requests):
            if number == point and not requests:
                requests.append(0)
                world.live()
                requests[0] = len(world.truth().requests)

        try:
            world.live(act=sleep)
        except FencedError:
            fenced += 1

        late = [
            request.reply for request in world.truth().requests[requests[0] :] if request.kind == "submit"
        ]
        assert late in ([], ["duplicate"], ["refuse"]), point
        assert violations(world) == [], point
    assert fenced > len(points) / 2  # the others only read that the execution has ended


def start(world):
    """Execute in a child process, which ends with 3 if it is stopped by a newer run."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            world.live()
            status = 0
        except FencedError:
            status = 3
        finally:
            os._exit(status)
    return child


@pytest.mark.parametrize("name", ["accepts", "delivers late"])
def test_fault_090_three_processes_at_once_place_each_order_once(folder, name):
    world = World(folder / "world", BOTH, everybody(name))

    ended = [os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) for child in [start(world) for _ in range(3)]]

    assert set(ended) <= {0, 3}
    assert 0 in ended
    assert filled(world) == APPROVED
    assert violations(world) == []


# Waiting for the window


def test_fault_125_approved_orders_wait_for_the_window_through_a_restart(folder):
    opens_at = OPENS - timedelta(minutes=4)
    for point in (0, 12, 20):
        world = World(folder / str(point), SELLS, Script("accepts"), takes_from=opens_at)
        if point:
            assert world.live(point).is_dead
        world.live()

        requests = world.truth().requests
        assert min(request.at for request in requests) >= opens_at
        assert "refuse" not in replies(world)
        assert filled(world) == [100, 25]
        assert violations(world) == []


def test_fault_125_what_was_not_intended_before_the_approval_expired_is_never_sent(folder):
    world = World(folder / "world", SELLS, Script("accepts"))
    world.clock.set(OPENS + timedelta(seconds=1))

    world.live()

    assert world.execution().stage is Stage.LAPSED
    assert world.truth().requests == []


def test_fault_127_an_answer_without_a_status_leaves_the_order_unknown_and_positions_readable(folder):
    world = run(folder, BOTH, everybody("field missing"))

    assert filled(world) == APPROVED
    assert violations(world) == []


def test_fault_130_our_order_waits_for_an_opposite_order_of_somebody_else(folder):
    world = World(folder / "world", SELLS, Script("accepts"))
    world.broker().order_by_hand("hand", "AAA", "BUY", 1)

    world.live()

    assert states(world)[0][2] is State.VOID
    assert filled(world) == [0, 25]
    assert {request.order_id for request in world.truth().requests} == {world.orders()[1].order.order_id}


def test_fault_130_a_wash_trade_that_the_broker_refuses_is_tried_again(folder):
    world = run(folder, SELLS, everybody("wash trade"))

    assert replies(world).count("refuse once") == 2
    assert filled(world) == [100, 25]
    assert violations(world) == []


def test_fault_131_a_fill_that_is_stated_twice_is_booked_once(folder):
    world = run(folder, BUYS, everybody("stale reads"))

    with opened(world.home) as connection:
        fills = [entry.order_id for entry in entries(connection) if entry.kind == "fill"]
    assert len(fills) == len(set(fills)) == 2


class ShortList:
    """A broker whose list of open orders has forgotten ours: they are older than it looks back."""

    def __init__(self, broker):
        self.broker = broker

    def __getattr__(self, name):
        return getattr(self.broker, name)

    def open_orders(self):
        return ()


def test_fault_133_a_working_order_that_no_list_shows_is_looked_up_by_its_id(folder, monkeypatch):
    world = World(folder / "world", BOTH, everybody("fills slowly"))
    make = world.broker
    monkeypatch.setattr(world, "broker", lambda: ShortList(make()))
    world.live()
    monkeypatch.undo()

    assert filled(world) == APPROVED
    assert violations(world) == []


def test_fault_134_a_sale_by_hand_alongside_ours_never_leads_to_a_short_position(folder):
    slow = Behavior(fill_after_s=60, hand="sells")
    world = run(folder, SELLS, Script("one", {1: slow, 2: Behavior()}))

    assert states(world)[0][2] is State.CANCELED
    assert violations(world, by_hand=True) == []


def test_fault_140_an_order_that_one_account_refuses_outside_its_hours_waits_and_another_takes_it(folder):
    for takes_from in (None, OPENS):
        world = World(folder / str(takes_from), SELLS, Script("accepts"), takes_from=takes_from)
        world.live()

        assert filled(world) == [100, 25]
        assert violations(world) == []


# The kill switch


def switched_on_after(folder, orders):
    """Trip the switch while the answer to this order is under way; return the world after the session."""
    world = World(folder / str(orders), FIFTY, Script("slow", {0: Behavior(fill_after_s=45)}))
    answered = []

    def act(number, what):
        if what == "after submit":
            answered.append(what)
            if len(answered) == orders:
                trip_switch(world.home, "Ann", "it looks wrong", world.clock())

    world.live(act=act)
    return world


def check_switch(folder, orders):
    world = switched_on_after(folder, orders)

    truth = world.truth()
    sent = [request.order_id for request in truth.requests if request.kind == "submit"]
    canceled = {request.order_id for request in truth.requests if request.kind == "cancel"}
    assert len(sent) == orders
    assert all(real.status in {Status.FILLED, Status.CANCELED} for real in truth.orders)
    assert {real.order_id for real in truth.orders if real.status == Status.CANCELED} <= canceled
    assert read_switch(world.home).is_on
    assert [one.state for one in world.orders() if one.order.order_id not in sent] == [State.VOID] * (
        50 - orders
    )
    assert violations(world) == []  # a restart sends nothing either


@pytest.mark.parametrize("orders", [1, 26])
def test_fault_042_a_switch_set_between_two_orders_of_fifty_stops_the_rest_and_cancels_what_is_open(
    folder, orders
):
    check_switch(folder, orders)


@pytest.mark.prove
@pytest.mark.execution
def test_fault_042_a_switch_set_between_any_two_orders_of_fifty_stops_the_rest(folder):
    for orders in range(1, 50):
        check_switch(folder, orders)
