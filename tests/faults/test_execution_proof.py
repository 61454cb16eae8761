"""Every kill point × every behavior of the broker × three plans: each order once, nothing lost, books equal (Z11).

`make prove-execution` runs the whole product, kills by SIGKILL, and random schedules; the default suite a part of it.
"""

import os
import random
import signal
from collections.abc import Iterator
from dataclasses import replace

import pytest

from tasks.approval.schema import Line
from tasks.execution.checks import Admission, Facts, Verdict
from tasks.execution.schema import Order
from tasks.safety.kill_switch.switch import read_switch, reset_switch, trip_switch
from tests.brokers.scripted import BY_HAND, ENDING_OTHERWISE, FILLING, Script
from tests.faults.execution_world import (
    BOTH,
    BUYS,
    PLANS,
    SELLS,
    OpenGates,
    Plan,
    World,
    in_memory,
    violations,
)
from tests.faults.kill_points import KillPoints

ALL = {**FILLING, **ENDING_OTHERWISE, **BY_HAND}
# Where sending again could double an order: the client must look up and wait.
WITHOUT_UNIQUE_IDS = (
    "accepts",
    "accepts, then hangs",
    "accepts, then hangs, and look-ups say 404",
    "resets before accepting",
    "delivers late",
    "429",
    "stale reads",
    "partial, then stuck",
)
CASES = [
    *((plan, name, True) for plan in PLANS for name in ALL),
    *((plan, name, False) for plan in PLANS for name in WITHOUT_UNIQUE_IDS),
]


def begin(folder, plan: str, name: str, unique: bool) -> World:
    # A person who buys with the same cash can overdraw it together with us: there is enough for both.
    found = PLANS[plan]
    if name == "a person buys the same":
        found = ROOMY[plan]
    return World(folder / "world", found, Script(name, {0: ALL[name]}), has_unique_ids=unique)


ROOMY = {name: Plan(name, plan.held, plan.cash_cents + 20_000, plan.lines) for name, plan in PLANS.items()}


def wrong(world: World, name: str, unique: bool) -> list[str]:
    """Return what is wrong in the end, and whether everything that could be filled was."""
    found = violations(world, by_hand=bool(ALL[name].hand))
    filled = [
        sum(real.filled_shares for real in world.truth().orders if real.row == row)
        for row in range(len(world.plan.lines))
    ]
    if name in FILLING and unique and filled != [shares for _, _, shares in world.plan.lines]:
        found.append(f"filled {filled}")
    return found


def lives(world: World, deaths: list[int]) -> list[KillPoints]:
    """Let the process die at the given point of each life, and live to the end at last."""
    passed = []
    for point in (*deaths, 0):
        passed.append(world.live(point))
        if not passed[-1].is_dead:
            break
    return passed


def points_of(plan: str, name: str, unique: bool) -> int:
    with in_memory() as folder:
        return len(begin(folder, plan, name, unique).live().passed)


def failures(plan: str, name: str, unique: bool, points: list[int]) -> Iterator[str]:
    for point in points:
        with in_memory() as folder:
            world = begin(folder, plan, name, unique)
            at = lives(world, [point] if point else [])[0].passed[-1]
            yield from (
                f"{plan}, {name}, killed at {point} ({at}): {one}" for one in wrong(world, name, unique)
            )


def spread(points: int, count: int, seed: str) -> list[int]:
    """Choose `count` points, others for each case, so that together the cases cover all of them."""
    return sorted(random.Random(seed).sample(range(1, points + 1), min(count, points)))


# With the random schedules, 300 in the default suite.
@pytest.mark.parametrize("plan", PLANS)
def test_issue_15_a_sample_of_kill_points_under_every_behavior_leaves_each_order_once(plan):
    found = (
        failure
        for case_plan, name, unique in CASES
        if case_plan == plan
        for failure in failures(plan, name, unique, spread(30, 2, f"{plan} {name} {unique}"))
    )

    assert next(found, None) is None


@pytest.mark.slice
@pytest.mark.parametrize(("plan", "name", "unique"), CASES)
def test_issue_15_ten_kill_points_under_every_behavior_leave_each_order_once(plan, name, unique):
    points = spread(points_of(plan, name, unique), 10, name)

    assert list(failures(plan, name, unique, points)) == []


@pytest.mark.prove
@pytest.mark.execution
@pytest.mark.parametrize(("plan", "name", "unique"), CASES)
def test_issue_15_every_kill_point_under_every_behavior_leaves_each_order_once(
    plan, name, unique, record_property
):
    points = list(range(points_of(plan, name, unique) + 1))

    assert list(failures(plan, name, unique, points)) == []
    record_property("cases", len(points))


# SIGKILL


def die_by_sigkill(world: World, point: int) -> None:
    """Let a child process live until it is killed at the point."""
    child = os.fork()
    if child == 0:
        world.live(point, "SIGKILL")
        os._exit(0)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status), f"it ended with {status} before point {point}"
    assert os.WTERMSIG(status) == signal.SIGKILL
    world.clock.wait(20)


def left(world: World) -> tuple[list[str], object]:
    truth = world.truth()
    stored = [line for line in world.dump() if 'INTO "order_events"' not in line]
    return stored, (truth.orders, truth.requests, truth.books)


def check_sigkill(plan: str, name: str, point: int) -> list[str]:
    """Compare what a SIGKILL leaves with what an injected death leaves; then recover."""
    with in_memory() as one, in_memory() as other:
        killed, injected = begin(one, plan, name, True), begin(other, plan, name, True)
        injected.live(point)
        die_by_sigkill(killed, point)
        assert left(killed) == left(injected)
        killed.live()
        return wrong(killed, name, True)


@pytest.mark.parametrize(("plan", "name", "point"), [("sells", "accepts", 17), ("buys", "delivers late", 21)])
def test_fault_095_a_sigkill_leaves_what_an_injected_death_leaves_and_is_recovered_from(plan, name, point):
    assert check_sigkill(plan, name, point) == []


@pytest.mark.prove
@pytest.mark.execution
@pytest.mark.parametrize("name", FILLING)
def test_fault_095_300_sigkills_leave_what_injected_deaths_leave(name, record_property):
    kills = [
        (plan, point) for plan in PLANS for point in spread(points_of(plan, name, True), 8, f"{plan} {name}")
    ]

    assert [found for plan, point in kills if (found := check_sigkill(plan, name, point))] == []
    record_property("sigkills", len(kills))


# Random schedules


BEHAVIORS = list(ALL.values())


def random_script(rng: random.Random) -> Script:
    """Give each order a behavior of its own; most are ordinary in one respect or another."""
    behaviors = {
        number: replace(rng.choice(BEHAVIORS), fee_cents=rng.choice([0, 0, 35])) for number in range(1, 13)
    }
    return Script("random", behaviors, stale_books=rng.choice([0, 0, 1, 2]))


def random_plan(rng: random.Random) -> Plan:
    plan = rng.choice([SELLS, BUYS, BOTH])
    lines = tuple((name, side, rng.randint(1, shares)) for name, side, shares in plan.lines)
    return Plan(plan.name, plan.held, plan.cash_cents + 100_000, lines)


class MoodyGates:
    """Gates that change their mind from minute to minute, and void some orders for good."""

    def __init__(self, seed: int) -> None:
        self.seed = seed

    def admission(self, facts: Facts) -> Admission:
        mood = random.Random(f"{self.seed} {facts.at:%H:%M}").random()
        if mood < 0.8:
            return Admission("everything")
        return Admission("reductions" if mood < 0.9 else "nothing", "mood", "not now")

    def check(self, order: Order, line: Line, facts: Facts) -> Verdict:
        if random.Random(f"{self.seed} {order.order_id}").random() < 0.1:
            return Verdict("void", "mood", "never")
        is_bad = random.Random(f"{self.seed} {order.order_id} {facts.at:%H:%M}").random() < 0.3
        return Verdict("wait", "mood", "not now") if is_bad else Verdict("pass")


def interfere(rng: random.Random, world: World) -> None:
    """Let somebody else change the account, or set or reset the switch, between two lives."""
    broker = world.broker()
    what = rng.choice(["nothing", "trade", "dividend", "fee", "deposit", "restate", "order", "trip", "reset"])
    truth = broker.truth()
    filled = [
        real for real in truth.orders if real.filled_shares > 2 and real.row >= 0 and real.side == "BUY"
    ]
    if what == "trade":
        broker.trade_by_hand(rng.choice(["CCC", "FFF"]), rng.randint(1, 5))
    elif what in {"dividend", "fee", "deposit"}:
        broker.act(what, "AAA" if what == "dividend" else "", cash_cents=-50 if what == "fee" else 700)
    elif what == "restate" and filled:
        broker.restate(rng.choice(filled).order_id, shares=0, cash_cents=-3)
    elif what == "order":
        broker.order_by_hand(f"hand-{len(truth.orders)}", "FFF", "BUY", 1)
    elif what == "trip":
        trip_switch(world.home, "Ann", "looks wrong", world.clock())
    elif what == "reset" and read_switch(world.home).is_on:
        trips = [trip.name for trip in read_switch(world.home).trips]
        reset_switch(world.home, "Bea", "looked into", world.clock(), trips=trips)
    broker.close()


def random_schedule(seed: int) -> list[str]:
    rng = random.Random(seed)
    with in_memory() as folder:
        world = World(
            folder / "world",
            random_plan(rng),
            random_script(rng),
            has_unique_ids=rng.random() < 0.8,
            timing=rng.choice(["market", "limit", "at_open"]),
            gates=MoodyGates(seed) if rng.random() < 0.3 else OpenGates(),
            holds=True,
        )
        for _ in range(rng.randint(0, 5)):
            points = world.live(rng.randint(1, 60))
            if not points.is_dead:
                break
            if rng.random() < 0.5:
                interfere(rng, world)
            world.clock.wait(rng.choice([0, 5, 60]))
        world.live()
        return [f"seed {seed}: {one}" for one in violations(world, by_hand=True)]


@pytest.mark.parametrize("block", range(3))
def test_issue_15_random_schedules_leave_each_order_once(block):
    assert [one for seed in range(block * 20, block * 20 + 20) for one in random_schedule(seed)] == []


@pytest.mark.prove
@pytest.mark.execution
@pytest.mark.parametrize("block", range(50))
def test_issue_15_5000_random_schedules_leave_each_order_once(block, record_property):
    assert [one for seed in range(block * 100, block * 100 + 100) for one in random_schedule(seed)] == []
    record_property("schedules", 100)
