"""An execution as tests need it: a home with a ledger, a scripted broker, a clock that only waiting moves."""

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import numpy as np

from tasks.approval.schema import Line
from tasks.core.homes.home import Home
from tasks.core.homes.setup import set_up
from tasks.execution.checks import Admission, Verdict
from tasks.execution.deciding.actions import Rules
from tasks.execution.desk import no_reductions
from tasks.execution.execution import Execution, Stage
from tasks.execution.journal import Journal, prepare, read_events, read_orders, start_run, store_execution
from tasks.execution.progress import Desk, Outcome, advance
from tasks.ledger.balance import balance_of
from tasks.ledger.database import opened
from tasks.ledger.opening import Holding, Opening, begin_ledger
from tasks.ledger.store import entries
from tasks.safety.kill_switch.switch_file import Event, Switch, Trip
from tests.brokers.scripted import Script, ScriptedBroker

SESSION, FILLS = date(2024, 6, 14), date(2024, 6, 17)  # a Friday and the Monday after it
EVENING = datetime(2024, 6, 14, 22, tzinfo=UTC)
MORNING = datetime(2024, 6, 17, 12, 30, tzinfo=UTC)
OPENS = datetime(2024, 6, 17, 13, 30, tzinfo=UTC)
CLOSES = datetime(2024, 6, 17, 20, 0, tzinfo=UTC)
PRICES = {"AAA": Decimal(10), "BBB": Decimal(20), "CCC": Decimal(50), "DDD": Decimal(25)}
HELD = {"AAA": 100, "BBB": 50}
CASH = 1_000_00
NOTHING_HAPPENED = Event("clear", "Ann", "set up", None)
CLEAR = Switch(NOTHING_HAPPENED, (NOTHING_HAPPENED,), ())
RULES = Rules(
    timing="market",
    collar_frac=Decimal(0),  # prices do not move
    deadline=timedelta(minutes=60),
    poll=timedelta(seconds=120),
    has_unique_ids=True,
)


def make_line(symbol, side, shares, price=None, *, least=0):
    """Return an approved line with a band of 10 %."""
    price = PRICES[symbol] if price is None else Decimal(price)
    return Line(
        symbol=symbol,
        side=side,
        shares=str(shares),
        price=str(price),
        lowest_price=str(price * 9 / 10),
        highest_price=str(price * 11 / 10),
        least_shares=str(least),
    )


LINES = (
    make_line("AAA", "SELL", 100),
    make_line("BBB", "SELL", 20),
    make_line("CCC", "BUY", 30),
    make_line("DDD", "BUY", 20),
)


def make_execution(lines=LINES, **changes):
    execution = Execution(
        session=SESSION,
        approval_sha256="a" * 64,
        account="A1",
        mode="paper",
        is_demo=False,
        lines=tuple(lines),
        expires_at=OPENS,
        fill_session=FILLS,
        opens_at=OPENS,
        closes_at=CLOSES,
        ends_at=CLOSES,
        stage=Stage.ACTIVE,
        reason="",
        created_at=EVENING,
        first_intent_at=None,
    )
    return replace(execution, **changes)


def tripped(cause="by_hand"):
    """Return the kill switch as it is after a trip for this cause."""
    event = Event("on", "Ann", "a drill", None, cause=cause)
    return Switch(event, (event,), (Trip("0", event),))


def is_clear():
    return CLEAR


def no_objection(execution):
    return ""


def no_guard(order, line, facts):
    return ""


def no_costs(symbols, shares, price_cents, *, is_sale):
    return np.zeros(len(shares), dtype=np.int64)


class OpenGates:
    """Gates that pass everything."""

    def admission(self, facts):
        return Admission("everything")

    def check(self, order, line, facts):
        return Verdict("pass")


class Clock:
    """The only clock: it moves when somebody waits."""

    def __init__(self, at):
        self.at = at

    def __call__(self):
        return self.at

    def wait_until(self, at):
        self.at = max(self.at, at)


@dataclass
class Day:
    """One execution at a scripted broker."""

    home: Home
    broker_file: Path
    script: Script
    clock: Clock
    rules: Rules = RULES
    costs: object = no_costs
    gates: object = field(default_factory=OpenGates)
    guard: object = no_guard
    switch: object = is_clear
    objection: object = no_objection
    reductions: object = no_reductions
    unique: bool = True
    takes_from: datetime | None = None
    prices: dict = field(default_factory=lambda: dict(PRICES))
    token: int = field(default=0, init=False)  # of the run that takes the steps; 0: none yet

    def broker(self):
        return ScriptedBroker(
            self.broker_file,
            self.script,
            clock=self.clock,
            prices=self.prices,
            opens=OPENS,
            closes=CLOSES,
            has_unique_ids=self.unique,
            takes_from=self.takes_from,
        )

    @contextmanager
    def desk(self, wrap=lambda broker: broker):
        broker = self.broker()
        try:
            with opened(self.home) as connection:
                yield Desk(
                    home=self.home,
                    connection=connection,
                    broker=wrap(broker),
                    rules=replace(self.rules, has_unique_ids=self.unique),
                    costs=self.costs,
                    gates=self.gates,
                    wire_guard=self.guard,
                    switch=self.switch,
                    objection=self.objection,
                    clock=self.clock,
                    reductions=self.reductions,
                )
        finally:
            broker.close()

    def step(self, **desk):
        """Take one step of the run, with connections of its own."""
        with self.desk(**desk) as opened_desk:
            return advance(opened_desk, SESSION, self.run(opened_desk.connection))

    def run(self, connection):
        """Return the run, which begins with its first step."""
        if self.token:
            return Journal(connection, SESSION, self.token)
        begun = start_run(connection, SESSION, self.clock())
        self.token = begun.token
        return begun

    def start_again(self):
        """Let the next step be that of a new process."""
        self.token = 0

    def steps(self, most=400, until=None, **desk):
        """Take steps, waiting as they ask, until nothing will change by itself."""
        for _ in range(most):
            progress = self.step(**desk)
            if progress.outcome not in {Outcome.AGAIN, Outcome.WAITING} or progress.until is None:
                return progress
            if until is not None and progress.until > until:
                self.clock.wait_until(until)
                return progress
            self.clock.wait_until(progress.until)
        raise AssertionError(f"no end after {most} steps: {progress.why}")

    def orders(self):
        with opened(self.home) as connection:
            return read_orders(connection, SESSION)

    def events(self):
        with opened(self.home) as connection:
            return read_events(connection, SESSION)

    def states(self):
        """Return the state of each line's last order, by symbol."""
        return {tracked.order.symbol: str(tracked.state) for tracked in self.orders()}

    def balance(self):
        with opened(self.home) as connection:
            return balance_of(entries(connection))

    def truth(self):
        """Return the broker's cash and positions."""
        broker = self.broker()
        try:
            return broker.truth()
        finally:
            broker.close()

    def assert_books_agree(self):
        truth, balance = self.truth(), self.balance()
        assert balance.cash_cents == truth.cash_cents
        assert balance.shares == {name: shares for name, shares in truth.shares.items() if shares}


def make_day(
    root, lines=LINES, *, behaviors=None, cash=CASH, held=None, at=MORNING, stale_books=0, terms=None, **day
):
    """Return an execution of the lines that is stored and has done nothing yet; `terms` changes it."""
    held = HELD if held is None else held
    home = Home(root / "home")
    set_up(home)
    begin_ledger(
        home,
        Opening(
            tuple(Holding(symbol, Decimal(shares), SESSION) for symbol, shares in held.items()),
            cash,
            SESSION,
            "0" * 64,
        ),
        at=EVENING,
    )
    broker_file = root / "broker.sqlite"
    ScriptedBroker.create(broker_file, cash_cents=cash, shares=held)
    with opened(home) as connection:
        prepare(connection)
        store_execution(connection, make_execution(lines, **(terms or {})))
    script = Script("day", behaviors or {}, stale_books=stale_books)
    return Day(home, broker_file, script, Clock(at), **day)
