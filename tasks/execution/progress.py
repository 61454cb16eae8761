"""Carry an execution forward by one step that any process may take at any time; a thin loop repeats it.

A step asks the broker for every open order of the execution, books what was filled, and does what follows. What is
about to be sent is stored before it leaves, and the answer after; a step that dies anywhere is continued by the next.
"""

import sqlite3
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum

from tasks.core.errors import SafetyError
from tasks.core.homes.home import Home
from tasks.core.sessions import session_after
from tasks.execution.actions import (
    Cancel,
    Finish,
    Intend,
    Resize,
    Rules,
    Send,
    Skip,
    Stored,
    View,
    Void,
    Wait,
)
from tasks.execution.brokers.base import (
    Broker,
    BrokerOrder,
    RefusedError,
    Status,
    ThrottledError,
    UnansweredError,
    UnauthorizedError,
)
from tasks.execution.checks import Admission, Facts, Gates, WireGuard
from tasks.execution.execution import Execution, Stage
from tasks.execution.journal import (
    Journal,
    booked_of,
    filled_shares,
    ledger_cash_cents,
    read_execution,
    read_orders,
    start_run,
)
from tasks.execution.next_actions import ABSENT_AFTER, halt_actions, next_actions
from tasks.execution.order_state import REPORTED, Event, not_sent_event, refusal_event
from tasks.execution.schema import AT_BROKER, Order, State, Tracked
from tasks.execution.sizing import OrderCosts
from tasks.ledger.store import plain
from tasks.safety.switch_file import Switch

OPPOSED = "wash_trade"  # the code of a refusal because of an opposite open order: the order may be sent later
UNANSWERED_WAIT = timedelta(seconds=5)
ROUNDS = 200  # of decisions without a request, in one step
EVERYTHING = Admission("everything")


class Outcome(StrEnum):
    """How a step ended."""

    AGAIN = "again"  # something was done: ask again at once
    WAITING = "waiting"
    HALTED = "halted"  # by the kill switch or a withdrawn approval; everything that could be was canceled
    BLOCKED = "blocked"  # a person has to look: the broker has another order under one of our ids
    STOPPED = "stopped"  # the broker does not accept the credentials
    ENDED = "ended"


@dataclass(frozen=True)
class Progress:
    """The state after a step. `until`: when the next step can change something; None if nothing will by itself."""

    outcome: Outcome
    why: str
    until: datetime | None
    execution: Execution
    orders: tuple[Tracked, ...]

    @property
    def remainder(self) -> tuple[Tracked, ...]:
        """The orders that are not final."""
        return tuple(tracked for tracked in self.orders if not tracked.state.is_final)


@dataclass(frozen=True)
class Desk:
    """What an execution works with. Every callable is asked again whenever its answer matters."""

    home: Home
    connection: sqlite3.Connection
    broker: Broker
    rules: Rules
    costs: OrderCosts
    gates: Gates
    wire_guard: WireGuard
    switch: Callable[[], Switch]
    objection: Callable[[Execution], str]  # why the approval no longer holds; "" if it does
    clock: Callable[[], datetime]


def advance(desk: Desk, session: date, run: Journal | None = None) -> Progress:
    """Take one step and return what it led to. Without `run`, it takes over from every earlier run.

    Raises FencedError if a newer run took over, SafetyError if the session has no execution.
    """
    journal = run or start_run(desk.connection, session, desk.clock())
    execution = read_execution(desk.connection, session)
    if execution is None:
        raise SafetyError(
            f"{session} is not being executed.", remedy=f"Start it: `afterclose execute {session}`."
        )
    step = _Step(desk, journal, execution)
    try:
        outcome, why, until = step.take()
    except ThrottledError as error:
        outcome, why = Outcome.WAITING, f"rate limit: {error.what}"
        until = desk.clock() + timedelta(seconds=max(error.retry_after_s, 1))
    except UnansweredError as error:
        outcome, why, until = Outcome.WAITING, f"no answer: {error.what}", desk.clock() + UNANSWERED_WAIT
    except UnauthorizedError as error:
        outcome, why, until = (
            Outcome.STOPPED,
            f"the broker does not accept the credentials: {error.what}",
            None,
        )
    if outcome is not Outcome.AGAIN:
        with journal.writing():
            journal.note_news(outcome, at=desk.clock(), reason=why)
    return Progress(outcome, why, until, read_execution(desk.connection, session) or execution, step.orders())


def run_until(
    desk: Desk, session: date, *, longest_wait: timedelta, sleep: Callable[[float], None]
) -> Progress:
    """Take steps until the execution ends, needs a person, or has nothing to do for longer than `longest_wait`."""
    run = start_run(desk.connection, session, desk.clock())
    while True:
        progress = advance(desk, session, run)
        if progress.outcome is Outcome.AGAIN:
            continue
        if progress.outcome is not Outcome.WAITING or progress.until is None:
            return progress
        wait = progress.until - desk.clock()
        if wait > longest_wait:
            return progress
        sleep(max(wait.total_seconds(), 0.0))


class _Step:
    """One step. Holds nothing that the next step needs."""

    def __init__(self, desk: Desk, journal: Journal, execution: Execution) -> None:
        self.desk, self.journal, self.execution = desk, journal, execution
        self.stated: dict[str, BrokerOrder | None] = {}
        self.canceled: set[str] = set()  # asked for in this step
        self.sent = 0  # or voided: the next step decides anew
        self.failed: UnansweredError | None = None  # the first question about one order without an answer
        self.conflict = ""
        self.held = ""

    def orders(self) -> tuple[Tracked, ...]:
        return read_orders(self.desk.connection, self.execution.session)

    def take(self) -> tuple[Outcome, str, datetime | None]:
        desk = self.desk
        is_over = self.execution.stage is not Stage.ACTIVE
        admission, must_cancel = self._admitted_by_persons()
        if must_cancel and not is_over:
            self._halt(admission)
        positions = {} if is_over else desk.broker.positions()
        self._look_up(one for one in self.orders() if one.sends and (is_over or one.state in AT_BROKER))
        if is_over and self.failed is None:
            return Outcome.ENDED, self.execution.reason, None
        if is_over and self.failed is not None:
            raise self.failed
        symbols = [line.symbol for line in self.execution.lines]
        facts = Facts(
            at=desk.broker.now(),
            account=desk.broker.account(),
            positions=positions,
            open_orders=desk.broker.open_orders(),
            quotes=desk.broker.quotes(symbols),
            assets=desk.broker.assets(symbols),
            ledger_cash_cents=ledger_cash_cents(desk.connection),
        )
        if admission.admits != "nothing":
            admission = _narrower(admission, self._admitted(facts))
        return self._act(facts, admission, must_cancel=must_cancel)

    # What may be done

    def _admitted_by_persons(self) -> tuple[Admission, bool]:
        """Return what kill switch and approval admit, and whether the rest has to be canceled."""
        switch = self.desk.switch()
        if switch.is_on:
            admits = "reductions" if switch.allows_reductions else "nothing"
            halted = Admission(admits, "kill_switch", f"the kill switch is {switch.description}")  # type: ignore[arg-type]
            if admits == "nothing":
                return halted, True
        else:
            halted = EVERYTHING
        if why := self.desk.objection(self.execution):
            return Admission("nothing", "approval", why), True
        return halted, switch.is_on

    def _admitted(self, facts: Facts) -> Admission:
        if self.conflict:
            return Admission("nothing", "conflict", self.conflict)
        account = facts.account
        if account.account != self.execution.account or account.mode != self.execution.mode:
            return Admission(
                "nothing",
                "account",
                f"approved for {self.execution.account} ({self.execution.mode}), not {account.account} "
                f"({account.mode})",
            )
        if account.is_blocked:
            return Admission("nothing", "account", "the broker has blocked the account")
        return self.desk.gates.admission(facts)

    def _halt(self, admission: Admission) -> None:
        """Cancel at once, before anything else is asked: the broker may answer nothing but this."""
        is_partial = admission.admits == "reductions"
        self._cancel_all(halt_actions(self.orders(), {}, sales_pass=is_partial, why=admission.why))

    # Look up and book

    def _look_up(self, orders: Iterable[Tracked]) -> None:
        """Ask for each order by its id. An order that cannot be read stays as it is, and does not stop the others."""
        for tracked in orders:
            try:
                stated = self.desk.broker.order(tracked.order.order_id)
            except UnansweredError as error:
                self.failed = self.failed or error
                continue
            self.stated[tracked.order.order_id] = stated
            self._record(tracked, stated)

    def _record(self, tracked: Tracked, stated: BrokerOrder | None, *, always: bool = False) -> Tracked:
        """Store what the broker states of the order, and book its fills, in one transaction."""
        at, event, reason = self._meaning(tracked, stated)
        journal = self.journal
        if stated is None or event is Event.CONFLICTING:
            with journal.writing():
                return journal.store_event(tracked, event, at=at, reason=reason, always=always)
        booked = booked_of(self.desk.connection, tracked.order)
        is_news = (
            stated.filled_shares != booked.shares
            or stated.filled_cents != booked.cents
            or stated.fee_cents != booked.fee_cents
        )
        if not (is_news or always or not tracked.state.is_final):
            return tracked
        with journal.writing():
            entries = journal.book(tracked.order, stated, session=self._booking_session(), at=at)
            return journal.store_event(
                tracked, event, at=at, reason=reason, stated=stated, always=always or bool(entries)
            )

    def _meaning(self, tracked: Tracked, stated: BrokerOrder | None) -> tuple[datetime, Event, str]:
        at = self.desk.clock()
        if stated is None:
            if at >= self.execution.ends_at + ABSENT_AFTER:
                return (
                    at,
                    Event.NOT_FOUND_AFTER_CLOSE,
                    "the broker does not have it after the end of the session",
                )
            return at, Event.NOT_FOUND, "the broker does not find it"
        if why := _conflict(tracked.order, stated):
            self.conflict = why
            return at, Event.CONFLICTING, why
        status = stated.status
        if status is Status.FILLED and stated.filled_shares < tracked.order.shares:
            status = Status.OPEN  # the total is an old one: asked again
        return at, REPORTED[status], stated.reason or f"the broker states that it is {stated.status}"

    def _booking_session(self) -> date:
        """Return the session that fills count on: the fill session, or the first one after those that are published."""
        session = self.execution.fill_session
        while self.desk.home.day_folder(session).exists():
            session = session_after(session)
        return session

    # Act

    def _act(
        self, facts: Facts, admission: Admission, *, must_cancel: bool
    ) -> tuple[Outcome, str, datetime | None]:
        for _ in range(ROUNDS):
            view = self._view(facts, admission, must_cancel=must_cancel)
            actions = next_actions(view)
            stored = [action for action in actions if isinstance(action, Stored)]
            if stored:
                self._store(stored, facts.at)
                continue
            self._cancel_all(action for action in actions if isinstance(action, Cancel))
            for action in actions:
                if isinstance(action, Send) and (ended := self._send(action, facts)) is not None:
                    return ended
            last = actions[-1]
            if isinstance(last, Finish):
                return self._finish(last)
            if self.sent:
                return Outcome.AGAIN, "orders were sent", facts.at
            until = last.until if isinstance(last, Wait) else facts.at + self.desk.rules.poll
            outcome = self._waiting(admission, must_cancel=must_cancel)
            if outcome is Outcome.HALTED:
                until = max(until, self.execution.ends_at)
            return outcome, self._reason(admission, last), until
        raise SafetyError(
            f"The execution of {self.execution.session} does not come to a decision.",
            remedy="Trip the kill switch and report this: the events are in the ledger.",
        )

    def _view(self, facts: Facts, admission: Admission, *, must_cancel: bool) -> View:
        orders = self.orders()
        return View(
            execution=read_execution(self.desk.connection, self.execution.session) or self.execution,
            orders=orders,
            filled=filled_shares(self.desk.connection, orders),
            stated=self.stated,
            facts=facts,
            rules=self.desk.rules,
            admission=admission,
            must_cancel=must_cancel,
            takes=self.desk.broker.takes,
            costs=self.desk.costs,
        )

    def _waiting(self, admission: Admission, *, must_cancel: bool) -> Outcome:
        if self.conflict:
            return Outcome.BLOCKED
        is_clear = not any(one.state in AT_BROKER for one in self.orders())
        if must_cancel and admission.admits == "nothing" and is_clear:
            return Outcome.HALTED
        return Outcome.WAITING

    def _reason(self, admission: Admission, last: object) -> str:
        if self.conflict:
            return self.conflict
        if admission.admits == "nothing":
            return admission.why
        reasons = [self.held, last.why if isinstance(last, Wait) else "cancellations were asked for"]
        if self.failed is not None:
            reasons.append(f"no answer: {self.failed.what}")
        return "; ".join(reason for reason in reasons if reason)

    def _store(self, actions: list[Stored], at: datetime) -> None:
        """Store all of them together."""
        known = {tracked.order.order_id: tracked for tracked in self.orders()}
        with self.journal.writing():
            for action in actions:
                if isinstance(action, Resize | Void):
                    self.journal.store_event(known[action.order_id], Event.VOIDED, at=at, reason=action.why)
                if isinstance(action, Intend | Skip | Resize):
                    self.journal.store_intent(
                        action.order, why=action.why, at=at, is_void=isinstance(action, Skip)
                    )

    def _cancel_all(self, cancels: Iterable[Cancel]) -> None:
        """Ask for every cancellation, each once in a step. One without an answer does not stop the others."""
        for cancel in cancels:
            if cancel.order_id in self.canceled:
                continue
            self.canceled.add(cancel.order_id)
            self._event(self._tracked(cancel.order_id), Event.CANCEL_ABOUT_TO_SEND, cancel.why)
            try:
                self.desk.broker.cancel(cancel.order_id)
            except UnansweredError as error:
                self.failed = self.failed or error

    def _send(self, send: Send, facts: Facts) -> tuple[Outcome, str, datetime | None] | None:
        """Send one order and store the answer. Returns why nothing more is sent in this step; None to go on."""
        tracked = self._tracked(send.order_id)
        order, line = tracked.order, self.execution.lines[tracked.order.row]
        verdict = self.desk.gates.check(order, line, facts)
        if verdict.answer != "pass":
            self._hold(tracked, f"{verdict.gate}: {verdict.why}", is_void=verdict.answer == "void")
            return None
        tracked = self._event(tracked, Event.ABOUT_TO_SEND, "a request is about to leave")
        self.sent += 1
        admission, _ = self._admitted_by_persons()
        if admission.admits == "nothing" or (admission.admits == "reductions" and not order.is_sale):
            self._take_back(tracked, admission.why)
            return Outcome.AGAIN, admission.why, facts.at
        if why := self._guarded(tracked, facts):
            self._hold(self._take_back(tracked, why), why, is_void=True)
            return None
        return self._submit(tracked)

    def _guarded(self, tracked: Tracked, facts: Facts) -> str:
        try:
            why = self.desk.wire_guard(tracked.order, self.execution.lines[tracked.order.row], facts)
        except Exception:
            self._take_back(tracked, "the wire guard failed")
            raise
        return f"wire guard: {why}" if why else ""

    def _hold(self, tracked: Tracked, why: str, *, is_void: bool) -> None:
        """Void an order that must not be sent, or leave it for a later step."""
        if is_void and tracked.state is State.INTENDED:
            self._event(tracked, Event.VOIDED, why)
            self.sent += 1
        self.held = why

    def _submit(self, tracked: Tracked) -> tuple[Outcome, str, datetime | None] | None:
        try:
            stated = self.desk.broker.submit(tracked.order)
        except UnansweredError as error:
            self._event(tracked, Event.UNANSWERED, error.what)
            raise
        except (ThrottledError, UnauthorizedError) as error:
            self._take_back(tracked, error.what)
            raise
        except RefusedError as refused:
            return self._refused(tracked, refused)
        self._record(tracked, stated, always=True)
        return None

    def _refused(
        self, tracked: Tracked, refused: RefusedError
    ) -> tuple[Outcome, str, datetime | None] | None:
        event = refusal_event(refused, sends=tracked.sends)
        if event is Event.REFUSED and refused.code == OPPOSED:
            self._take_back(tracked, refused.what)
            return Outcome.WAITING, refused.what, self.desk.clock() + self.desk.rules.poll
        tracked = self._event(tracked, event, refused.what)
        if event is Event.REFUSED_IN_DOUBT:
            self._look_up([tracked])
        return None

    def _finish(self, finish: Finish) -> tuple[Outcome, str, datetime | None]:
        """Look at every order once more, then end the execution."""
        before = self.orders()
        self._look_up(tracked for tracked in before if tracked.sends)
        if self.failed is not None:
            raise self.failed
        if self.orders() != before:
            return Outcome.AGAIN, "an order changed at the end", self.desk.clock()
        with self.journal.writing():
            self.journal.end(finish.stage, at=self.desk.clock(), reason=finish.why)
        return Outcome.ENDED, finish.why, None

    def _tracked(self, order_id: str) -> Tracked:
        return next(one for one in self.orders() if one.order.order_id == order_id)

    def _event(self, tracked: Tracked, event: Event, reason: str) -> Tracked:
        with self.journal.writing():
            return self.journal.store_event(tracked, event, at=self.desk.clock(), reason=reason)

    def _take_back(self, tracked: Tracked, why: str) -> Tracked:
        return self._event(tracked, not_sent_event(sends=tracked.sends), why)


def _conflict(order: Order, stated: BrokerOrder) -> str:
    """Return how the broker's order under this id differs from ours; "" if it is ours."""
    ours = f"{order.side} {order.shares} {order.symbol}"
    found = f"{stated.side} {plain(stated.shares)} {stated.symbol}"
    if ours == found:
        return ""
    return f"the broker has another order under {order.order_id}: {found}, not {ours}"


def _narrower(one: Admission, other: Admission) -> Admission:
    order = ("nothing", "reductions", "everything")
    return min(one, other, key=lambda admission: order.index(admission.admits))
