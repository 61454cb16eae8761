"""A home with an approved day, a scripted broker, and a process that executes, dies, and is started again.

`World.live()` is one life of the process, with objects of its own, until nothing is left to do or a kill point ends
it. `violations` states what must hold of home and broker in the end, whatever happened on the way.
"""

import mmap
import shutil
import sqlite3
import struct
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import numpy as np

from tasks.approval.schema import Line
from tasks.core.homes.home import Home
from tasks.core.homes.setup import set_up
from tasks.execution import progress
from tasks.execution.brokers.base import Status
from tasks.execution.checks import Admission, Facts, Gates, Verdict
from tasks.execution.deciding.actions import Rules
from tasks.execution.execution import Execution, Stage
from tasks.execution.journal import (
    Happened,
    prepare,
    read_events,
    read_execution,
    read_orders,
    start_run,
    store_execution,
)
from tasks.execution.order_state import Event, next_state
from tasks.execution.progress import Desk, Outcome, Progress
from tasks.execution.schema import Order, State, Tracked
from tasks.ledger.balance import balance_of
from tasks.ledger.database import connect, opened
from tasks.ledger.entries import Entry
from tasks.ledger.opening import Holding, Opening, begin_ledger
from tasks.ledger.store import entries
from tasks.safety.kill_switch.switch import read_switch
from tests.brokers.scripted import Real, Script, ScriptedBroker, Truth
from tests.faults.kill_points import KillPoints, WatchedBroker, watching

SESSION, NEXT = date(2024, 6, 14), date(2024, 6, 17)
BEGINS = datetime(2024, 6, 17, 13, 20, tzinfo=UTC)
OPENS = datetime(2024, 6, 17, 13, 30, tzinfo=UTC)
CLOSES = datetime(2024, 6, 17, 13, 45, tzinfo=UTC)  # a session of a quarter of an hour: less waiting
RESTART_S = 20  # from a death to the next life
MOST_STEPS = 600
FEE_CENTS = 35  # expected of each order

PRICES = {
    "AAA": Decimal("10.00"),
    "BBB": Decimal("33.33"),
    "CCC": Decimal("7.01"),
    "DDD": Decimal("12.50"),
    "EEE": Decimal("41.17"),
    "FFF": Decimal("3.99"),
    **{f"N{number:02}": Decimal(10 + number) for number in range(50)},
}


@dataclass(frozen=True, eq=False)
class Plan:
    """What is held, and what was approved."""

    name: str
    held: Mapping[str, int]
    cash_cents: int
    lines: tuple[tuple[str, Literal["BUY", "SELL"], int], ...]


SELLS = Plan("sells", {"AAA": 100, "BBB": 60}, 1_000, (("AAA", "SELL", 100), ("BBB", "SELL", 25)))
BUYS = Plan("buys", {"AAA": 10}, 150_000, (("DDD", "BUY", 40), ("EEE", "BUY", 20)))
BOTH = Plan(
    "sells, then buys",
    {"AAA": 100, "BBB": 60, "CCC": 40},
    20_000,
    (("AAA", "SELL", 100), ("BBB", "SELL", 25), ("DDD", "BUY", 80), ("EEE", "BUY", 25)),
)
TIGHT = Plan("more buys than cash", {"AAA": 10}, 100_000, BUYS.lines)
FIFTY = Plan(
    "fifty orders",
    {f"N{number:02}": 10 for number in range(25)},
    1_500_000,
    (
        *((f"N{number:02}", "SELL", 10) for number in range(25)),
        *((f"N{number:02}", "BUY", 10) for number in range(25, 50)),
    ),
)
PLANS = {plan.name: plan for plan in (SELLS, BUYS, BOTH)}


class SharedClock:
    """The time, which goes on when a process dies: in memory that forked processes share."""

    def __init__(self, at: datetime) -> None:
        self.memory = mmap.mmap(-1, 8)
        self.set(at)

    def __call__(self) -> datetime:
        return datetime.fromtimestamp(struct.unpack("d", self.memory[:8])[0], UTC)

    def set(self, at: datetime) -> None:
        self.memory[:8] = struct.pack("d", at.timestamp())

    def wait(self, seconds: float) -> None:
        self.set(self() + timedelta(seconds=seconds))


class OpenGates:
    """Gates that pass everything; the gates have tests of their own."""

    def admission(self, facts: Facts) -> Admission:
        return Admission("everything")

    def check(self, order: Order, line: Line, facts: Facts) -> Verdict:
        return Verdict("pass")


@dataclass
class World:
    """One case: a home, its broker, the time. `folder` must be empty or absent."""

    folder: Path
    plan: Plan
    script: Script
    has_unique_ids: bool = True
    gates: Gates = field(default_factory=OpenGates)
    timing: Literal["market", "limit", "at_open", "at_close"] = "market"
    takes_from: datetime | None = None
    holds: bool = False  # shares and cash of open orders, as real brokers do, when a person trades
    seen: list[Progress] = field(default_factory=list)

    def __post_init__(self) -> None:
        made = _account(tuple(self.plan.held.items()), self.plan.cash_cents)
        shutil.copytree(made.name, self.folder, dirs_exist_ok=True)
        self.home = Home(self.folder / "home")
        with opened(self.home) as connection:
            store_execution(connection, approved_day(self.plan))
        self.clock = SharedClock(BEGINS)
        self.not_stored: list[str] = []  # requests that left before they were stored

    # The process

    def live(
        self,
        die_at: int = 0,
        how: Literal["exception", "SIGKILL"] = "exception",
        act: Callable[[int, str], None] = lambda number, what: None,
    ) -> KillPoints:
        """Start the process, and let it go on to the end or to its death."""
        points = KillPoints(self.home.root, die_at, how, act)
        with watching(points):
            connection = connect(self.home)
            broker = self.broker()
            try:
                self._execute(connection, WatchedBroker(StoredFirst(broker, self), points))
            finally:
                connection.close()
                broker.close()
        if points.is_dead:
            self.clock.wait(RESTART_S)
        return points

    def _execute(self, connection: sqlite3.Connection, broker: Any) -> None:
        run = start_run(connection, SESSION, self.clock())
        for _ in range(MOST_STEPS):
            reached = progress.advance(self.desk(connection, broker), SESSION, run)
            self.seen.append(reached)
            if reached.outcome is Outcome.ENDED:
                return
            if reached.outcome is Outcome.AGAIN:
                continue
            self.clock.set(max(reached.until or self.clock() + timedelta(minutes=5), self.clock()))
            if reached.outcome in {Outcome.HALTED, Outcome.BLOCKED} and self.clock() > CLOSES + timedelta(
                hours=1
            ):
                return
        raise AssertionError(f"no end after {MOST_STEPS} steps: {reached}")

    def desk(self, connection: sqlite3.Connection, broker: Any) -> Desk:
        return Desk(
            home=self.home,
            connection=connection,  # type: ignore[arg-type]
            broker=broker,
            rules=Rules(
                timing=self.timing,
                collar_frac=Decimal(0),  # prices do not move
                deadline=timedelta(minutes=5),
                poll=timedelta(seconds=30),
                has_unique_ids=self.has_unique_ids,
            ),
            costs=fixed_fee,
            gates=self.gates,
            wire_guard=lambda order, line, facts: "",
            switch=lambda: read_switch(self.home),
            objection=lambda execution: "",
            clock=self.clock,
        )

    def broker(self) -> ScriptedBroker:
        return ScriptedBroker(
            self.folder / "broker.sqlite",
            self.script,
            clock=self.clock,
            prices=PRICES,
            opens=OPENS,
            closes=CLOSES,
            has_unique_ids=self.has_unique_ids,
            takes_from=self.takes_from,
            holds=self.holds,
        )

    # What became of it

    def truth(self) -> Truth:
        broker = self.broker()
        try:
            return broker.truth()
        finally:
            broker.close()

    def execution(self) -> Execution:
        with opened(self.home) as connection:
            found = read_execution(connection, SESSION)
        assert found is not None
        return found

    def orders(self) -> tuple[Tracked, ...]:
        with opened(self.home) as connection:
            return read_orders(connection, SESSION)

    def dump(self) -> list[str]:
        """Return everything that is stored, but for the list of runs."""
        connection = sqlite3.connect(self.home.ledger_file)
        try:
            return [
                line
                for line in connection.iterdump()
                if 'INTO "runs"' not in line and "sqlite_seq" not in line
            ]
        finally:
            connection.close()


class StoredFirst:
    """Look, at the moment a request leaves, whether the file holds it already."""

    def __init__(self, broker: ScriptedBroker, world: World) -> None:
        self.broker, self.world = broker, world

    def __getattr__(self, name: str) -> Any:
        return getattr(self.broker, name)

    def submit(self, order: Order) -> Any:
        self._look(order.order_id)
        return self.broker.submit(order)

    def cancel(self, order_id: str) -> None:
        self._look(order_id)
        self.broker.cancel(order_id)

    def _look(self, order_id: str) -> None:
        connection = _connect(f"file:{self.world.home.ledger_file}?mode=ro", uri=True)
        row = connection.execute("SELECT state, sends FROM orders WHERE order_id = ?", (order_id,)).fetchone()
        connection.close()
        if row is None or row[0] == State.INTENDED or row[1] < 1:
            self.world.not_stored.append(f"{order_id}: {row}")


_connect = sqlite3.connect  # not counted as the client's


def fixed_fee(symbols: Any, shares: Any, price_cents: Any, *, is_sale: bool) -> Any:
    return np.where(shares > 0, FEE_CENTS, 0).astype(np.int64)


def approved_line(symbol: str, side: Literal["BUY", "SELL"], shares: int) -> Line:
    price = PRICES[symbol]
    return Line(
        symbol=symbol,
        side=side,
        shares=str(shares),
        price=str(price),
        lowest_price=str(price * Decimal("0.9")),
        highest_price=str(price * Decimal("1.1")),
        least_shares="1",
    )


@cache
def _account(held: tuple[tuple[str, int], ...], cash_cents: int) -> TemporaryDirectory[str]:
    """Make a folder with a home and a broker's account of the same; it lasts as long as the process."""
    made = TemporaryDirectory(prefix="afterclose-account-", dir=memory_folder())
    home = Home(Path(made.name) / "home")
    home.root.mkdir()
    set_up(home)
    holdings = tuple(Holding(name, Decimal(shares), SESSION) for name, shares in held)
    begin_ledger(home, Opening(holdings, cash_cents, SESSION, "0" * 64), at=BEGINS)
    with opened(home) as connection:
        prepare(connection)
    ScriptedBroker.create(Path(made.name) / "broker.sqlite", cash_cents=cash_cents, shares=dict(held))
    return made


def approved_day(plan: Plan) -> Execution:
    """Return the execution before its first step."""
    return Execution(
        session=SESSION,
        approval_sha256="a" * 64,
        account="A1",
        mode="paper",
        is_demo=False,
        lines=tuple(approved_line(*line) for line in plan.lines),
        expires_at=OPENS,
        fill_session=NEXT,
        opens_at=OPENS,
        closes_at=CLOSES,
        ends_at=CLOSES,
        stage=Stage.ACTIVE,
        reason="",
        created_at=BEGINS,
        first_intent_at=None,
    )


def memory_folder() -> Path | None:
    """Return a folder in memory, where syncing costs nothing; None if there is none."""
    folder = Path("/dev/shm")  # noqa: S108
    return folder if folder.is_dir() else None


# What must hold


def violations(world: World, *, by_hand: bool = False) -> list[str]:
    """Return what is wrong in the end; `by_hand`: somebody else changed the account, too."""
    truth, tracked = world.truth(), world.orders()
    with opened(world.home) as connection:
        booked, events = entries(connection), read_events(connection, SESSION)
    return [
        *_too_much(world.plan, truth),
        *_short(truth),
        *_not_settled(world, tracked, truth),
        *_ledger_differs(booked, truth, by_hand=by_hand),
        *_lost(world, tracked, truth),
        *_story_differs(events, tracked, truth),
        *(f"left before it was stored: {each}" for each in world.not_stored),
        *_changes_again(world),
    ]


def ours(truth: Truth) -> list[Real]:
    return [real for real in truth.orders if real.row >= 0 and (real.is_here or real.may_still_fill)]


def _too_much(plan: Plan, truth: Truth) -> Iterator[str]:
    """Each id once, and of each line at most what was approved."""
    accepted = Counter(real.order_id for real in truth.orders if real.is_here)
    yield from (f"{name} was accepted {count} times" for name, count in accepted.items() if count > 1)
    for row, (symbol, _, approved) in enumerate(plan.lines):
        committed = sum(
            real.shares if real.is_open else real.filled_shares
            for real in truth.orders
            if real.row == row and real.is_here
        )
        if committed > approved:
            yield f"{symbol}: {committed} shares were ordered, {approved} approved"


def _short(truth: Truth) -> Iterator[str]:
    for shares, cash in truth.books:
        yield from (f"short: {held} {name}" for name, held in shares.items() if held < 0)
        if cash < 0:
            yield f"cash of {cash} cents"


def _not_settled(world: World, tracked: Iterable[Tracked], truth: Truth) -> Iterator[str]:
    execution = world.execution()
    if execution.stage is Stage.ACTIVE:
        yield f"the execution has not ended: {world.seen[-1:]}"
    yield from (f"{one.order.order_id} is {one.state}" for one in tracked if not one.state.is_final)
    yield from (
        f"{real.order_id} is open at the broker" for real in truth.orders if real.row >= 0 and real.is_open
    )


def _ledger_differs(booked: Iterable[Entry], truth: Truth, *, by_hand: bool) -> Iterator[str]:
    """Every fill of ours is booked once, and without others the whole books are equal."""
    booked = tuple(booked)
    for real in ours(truth):
        of_it = [entry for entry in booked if entry.order_id == real.order_id]
        sign = 1 if real.side == "BUY" else -1
        shares, cash = sum(entry.shares for entry in of_it), sum(entry.cash_cents for entry in of_it)
        if real.is_here and shares != sign * real.filled_shares:
            yield f"{real.order_id}: {shares} shares booked, {sign * real.filled_shares} filled"
        if real.is_here and cash != -sign * real.filled_cents - real.fee_cents:
            yield f"{real.order_id}: {cash} cents booked, {-sign * real.filled_cents - real.fee_cents} paid"
    if by_hand:
        return
    balance = balance_of(booked)
    held = {name: Decimal(shares) for name, shares in truth.shares.items() if shares}
    if dict(balance.shares) != held:
        yield f"the ledger holds {dict(balance.shares)}, the broker {held}"
    if balance.cash_cents != truth.cash_cents:
        yield f"the ledger has {balance.cash_cents} cents, the broker {truth.cash_cents}"


def _lost(world: World, tracked: Iterable[Tracked], truth: Truth) -> Iterator[str]:
    """Every line is filled, or its last order says why not; or the approval lapsed before any was intended."""
    execution = world.execution()
    if execution.stage is Stage.LAPSED and execution.reason and not tracked and not truth.requests:
        return
    latest = {one.order.row: one for one in sorted(tracked, key=lambda one: one.order.part)}
    for row, (symbol, _, approved) in enumerate(world.plan.lines):
        filled = sum(real.filled_shares for real in truth.orders if real.row == row)
        last = latest.get(row)
        if last is None:
            yield f"{symbol}: the line was forgotten"
        elif filled < approved and last.state is not State.FILLED and not last.reason:
            yield f"{symbol}: {filled} of {approved}, and no reason"
        elif filled < approved and last.state is State.FILLED and filled != last.order.shares:
            yield f"{symbol}: {last.order.shares} ordered, {filled} filled, although it is filled"
    known = {one.order.order_id for one in tracked}
    yield from (
        f"{real.order_id} is at the broker alone" for real in ours(truth) if real.order_id not in known
    )


ENDS = {
    State.FILLED: {Status.FILLED},
    State.CANCELED: {Status.CANCELED},
    State.EXPIRED: {Status.EXPIRED},
    State.REJECTED: {Status.REJECTED, None},  # refused at once: the broker never had it
    State.ABSENT: set(),
    State.GIVEN_UP: set(),
    State.VOID: set(),
}


def _story_differs(events: Iterable[Happened], tracked: Iterable[Tracked], truth: Truth) -> Iterator[str]:
    """The events lead to the stored states, and tell every request and every end."""
    known = {real.order_id: real for real in truth.orders if real.is_here and real.row >= 0}
    requests = Counter(request.order_id for request in truth.requests if request.kind == "submit")
    for one in tracked:
        name = one.order.order_id
        story = [event for event in events if event.order_id == name]
        yield from (f"{name}: {wrong}" for wrong in _untrue(story, one))
        logged = sum(event.event == Event.ABOUT_TO_SEND for event in story)
        if logged < requests[name]:
            yield f"{name}: {requests[name]} requests, {logged} logged"
        real = known.get(name)
        if one.state.is_final and (real.status if real else None) not in (ENDS[one.state] or {None}):
            yield f"{name} is {one.state}, at the broker {real.status if real else 'unknown'}"


def _untrue(story: list[Happened], one: Tracked) -> Iterator[str]:
    if not story or story[0].event not in {"intended", "skipped"}:
        yield f"its story begins with {story[:1]}"
        return
    state = State(story[0].state)
    for event in story[1:]:
        state = next_state(state, Event(event.event))
        if state != event.state:
            yield f"{event.event} led to {event.state}, not {state}"
    if state != one.state:
        yield f"the events end in {state}, stored is {one.state}"


def _changes_again(world: World) -> Iterator[str]:
    """Run once more: nothing may change, and nothing may be asked for."""
    before, requests = world.dump(), len(world.truth().requests)
    world.live()
    if world.dump() != before:
        yield "another run changed the ledger: " + "; ".join(
            line for line in world.dump() if line not in set(before)
        )
    if len(world.truth().requests) != requests:
        yield "another run sent requests"


@contextmanager
def in_memory() -> Iterator[Path]:
    """Yield a folder that is gone afterwards."""
    with TemporaryDirectory(prefix="afterclose-world-", dir=memory_folder()) as folder:
        yield Path(folder)
