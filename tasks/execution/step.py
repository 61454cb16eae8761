"""One step of an execution: ask, book, decide, and do what was decided, each request stored before it leaves."""

from collections.abc import Iterable
from datetime import datetime

from tasks.core.errors import SafetyError
from tasks.core.sessions import session_on
from tasks.execution.brokers.base import (
    RefusedError,
    ThrottledError,
    UnansweredError,
    UnauthorizedError,
)
from tasks.execution.checks import APPROVED_DAY, Admission, Facts
from tasks.execution.deciding.actions import (
    Cancel,
    Finish,
    Intend,
    Resize,
    Send,
    Skip,
    Stored,
    View,
    Void,
    Wait,
)
from tasks.execution.deciding.cancellations import halt_actions
from tasks.execution.deciding.next_actions import next_actions
from tasks.execution.desk import Desk, Outcome
from tasks.execution.execution import Execution, Stage
from tasks.execution.journal import (
    Journal,
    filled_shares,
    first_sent_by,
    has_sent,
    ledger_cash_cents,
    ledger_shares,
    read_execution,
    read_orders,
)
from tasks.execution.lookups import LookUps
from tasks.execution.order_ids import is_order_id
from tasks.execution.order_state import Event, is_sent_elsewhere, not_sent_event, refusal_event
from tasks.execution.schema import AT_BROKER, State, Tracked

OPPOSED = "wash_trade"  # the code of a refusal because of an opposite open order: the order may be sent later
ROUNDS = 200  # of decisions without a request, in one step
EVERYTHING = Admission("everything")
OTHER_HOME = "other_home"
CONFIRMED = frozenset({State.WORKING, State.CANCELING, State.FILLED, State.CANCELED, State.EXPIRED})
FOR_A_PERSON = frozenset({APPROVED_DAY, OTHER_HOME})  # gates that no waiting opens

Ending = tuple[
    Outcome, str, datetime | None
]  # how the step ended, why, and when the next one can change something


class Step:
    """One step. Holds nothing that the next step needs."""

    def __init__(self, desk: Desk, journal: Journal, execution: Execution) -> None:
        self.desk, self.journal, self.execution = desk, journal, execution
        self.look_ups = LookUps(desk, journal, execution)
        self.canceled: set[str] = set()  # asked for in this step
        self.sent = 0  # or voided: the next step decides again
        self.failed: UnansweredError | None = None  # the first cancellation without an answer
        self.held = ""
        self.listed: frozenset[str] = frozenset()  # orders of this session at the account, of any home

    def orders(self) -> tuple[Tracked, ...]:
        return read_orders(self.desk.connection, self.execution.session)

    def take(self) -> Ending:
        desk = self.desk
        is_over = self.execution.stage is not Stage.ACTIVE
        admission, must_cancel = self._admitted_by_persons()
        if must_cancel and not is_over:
            self._halt(admission)
        positions = {} if is_over else desk.broker.positions()
        self.look_ups.ask_for(
            one for one in self.orders() if one.sends and (is_over or one.state in AT_BROKER)
        )
        if is_over:
            return self._ended(self.execution.reason)
        self.listed = desk.broker.order_ids(self._closed_at())
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

    def _admitted_by_switch(self) -> Admission:
        switch = self.desk.switch()
        if not switch.is_on:
            return EVERYTHING
        why = f"the kill switch is {switch.description}"
        return Admission("reductions" if switch.allows_reductions else "nothing", "kill_switch", why)

    def _admitted_by_persons(self) -> tuple[Admission, bool]:
        """Return what kill switch and approval admit, and whether the rest has to be canceled."""
        admission = self._admitted_by_switch()
        if admission.admits != "nothing" and (why := self.desk.objection(self.execution)):
            admission = Admission("nothing", "approval", why)
        return admission, admission is not EVERYTHING

    def _admitted(self, facts: Facts) -> Admission:
        if self.look_ups.conflict:
            return Admission("nothing", "conflict", self.look_ups.conflict)
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
        found = self.listed | {one.order_id for one in facts.open_orders}
        if stranger := next((one for one in sorted(found) if self._is_of_another_home(one)), ""):
            return Admission("nothing", OTHER_HOME, _not_sent_here(stranger))
        return self.desk.gates.admission(facts)

    def _closed_at(self) -> datetime:
        """Return when the session of the decision closed: no order of this execution is older."""
        closed_at = session_on(self.execution.session).closes_at
        return self.execution.created_at if closed_at is None else closed_at

    def _is_of_another_home(self, order_id: str) -> bool:
        """Return whether the id is one of this program's, of an order that this ledger never sent.

        Homes that execute different approvals give their orders different ids. A copy of a home computes the same ids,
        but what it decides later has others: a limit that follows the price is a new part of the line.
        """
        return is_order_id(order_id) and not has_sent(self.desk.connection, order_id)

    def _send_limit(self) -> int | None:
        """Return how many orders may leave now: one, until the broker lists an order that was first sent by this run.

        Every home makes its first order visible before it looks for other homes' orders again, and sends more only
        afterwards. So of two homes on one account, at most one sends more than its first order, even if they begin in
        the same instant.
        Every run does this, because its home may be a copy whose journal holds the orders sent before the copy was
        made.
        """
        orders = {one.order.order_id: one.state for one in self.orders()}
        own = first_sent_by(self.journal)
        if own & self.listed:
            return None
        unseen = own if orders.keys() & self.listed else orders.keys()
        return 0 if any(orders[one] in CONFIRMED for one in unseen) else 1

    def _halt(self, admission: Admission) -> None:
        """Cancel at once, before anything else is asked: the broker may answer nothing but this."""
        is_partial = admission.admits == "reductions"
        self._cancel_all(halt_actions(self.orders(), {}, sales_pass=is_partial, why=admission.why))

    # Act

    def _act(self, facts: Facts, admission: Admission, *, must_cancel: bool) -> Ending:
        for _ in range(ROUNDS):
            view = self._view(facts, admission, must_cancel=must_cancel)
            actions = next_actions(view)
            stored = [action for action in actions if isinstance(action, Stored)]
            if stored:
                self._store(stored, facts.at)
                continue
            self._cancel_all(action for action in actions if isinstance(action, Cancel))
            sends = [action for action in actions if isinstance(action, Send)]
            if sends and (ended := self._send_all(sends, facts)) is not None:
                return ended
            last = actions[-1]
            if isinstance(last, Finish):
                return self._finish(last)
            if self.sent:
                return Outcome.AGAIN, "orders were sent", facts.at
            soon = facts.at + self.desk.rules.poll
            until = last.until if isinstance(last, Wait) else soon
            if self.canceled:  # whether it came about is asked soon
                until = min(until, soon)
            outcome = self._waiting(admission, must_cancel=must_cancel)
            if outcome is Outcome.HALTED:
                until = max(until, self.execution.ends_at)
            return outcome, self._reason(admission, last), until
        raise SafetyError(
            f"The execution of {self.execution.session} did not reach a decision.",
            remedy="Trip the kill switch and report this: the events are in the ledger.",
        )

    def _view(self, facts: Facts, admission: Admission, *, must_cancel: bool) -> View:
        orders = self.orders()
        return View(
            execution=read_execution(self.desk.connection, self.execution.session) or self.execution,
            orders=orders,
            filled=filled_shares(self.desk.connection, orders),
            stated=self.look_ups.stated,
            facts=facts,
            rules=self.desk.rules,
            admission=admission,
            must_cancel=must_cancel,
            takes=self.desk.broker.takes,
            costs=self.desk.costs,
            reductions=self.desk.reductions(self.execution),
        )

    def _waiting(self, admission: Admission, *, must_cancel: bool) -> Outcome:
        if self.look_ups.conflict or admission.gate in FOR_A_PERSON:
            return Outcome.BLOCKED
        is_clear = not any(one.state in AT_BROKER for one in self.orders())
        if must_cancel and admission.admits == "nothing" and is_clear:
            return Outcome.HALTED
        return Outcome.WAITING

    def _reason(self, admission: Admission, last: object) -> str:
        if self.look_ups.conflict:
            return self.look_ups.conflict
        if admission.admits == "nothing":
            return admission.why
        reasons = [self.held, last.why if isinstance(last, Wait) else ""]
        if self.canceled:
            reasons.append("cancellations were requested")
        if (failed := self.look_ups.failed or self.failed) is not None:
            reasons.append(f"no answer: {failed.what}")
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

    def _send_all(self, sends: list[Send], facts: Facts) -> Ending | None:
        """Send as many orders as are allowed. Returns why nothing more is sent in this step; None to continue."""
        most = self._send_limit()
        if most == 0:
            self.held = "the broker's list of orders does not show ours yet"
            return None
        for send in sends:
            if (ended := self._send(send, facts)) is not None:
                return ended
            if self.sent == most:
                return None
        return None

    def _send(self, send: Send, facts: Facts) -> Ending | None:
        """Send one order and store the answer. Returns why nothing more is sent in this step; None to continue."""
        tracked = self._tracked(send.order_id)
        order, line = tracked.order, self.execution.lines[tracked.order.row]
        verdict = self.desk.gates.check(order, line, facts)
        if verdict.answer != "pass":
            self._hold(tracked, f"{verdict.gate}: {verdict.why}", is_void=verdict.answer == "void")
            return None
        if why := self._bought_elsewhere(tracked, facts):
            self._hold(tracked, why, is_void=False)
            return None
        tracked = self._event(tracked, Event.ABOUT_TO_SEND, "a request is about to be sent")
        self.sent += 1
        admission, _ = self._admitted_by_persons()
        if admission.admits == "nothing" or (admission.admits == "reductions" and not order.is_sale):
            self._take_back(tracked, admission.why)
            return Outcome.AGAIN, admission.why, facts.at
        if why := self._guarded(tracked, facts):
            self._hold(self._take_back(tracked, why), why, is_void=True)
            return None
        return self._submit(tracked)

    def _bought_elsewhere(self, tracked: Tracked, facts: Facts) -> str:
        """Return why a buy that was never sent may have been made: the account holds more of the name than is booked.

        Another home that executes the same approval may have sent it under another part, whose id differs. Positions
        are read before the look-ups, so that own fills are booked by now.
        """
        order = tracked.order
        if order.is_sale or tracked.sends or order.symbol not in facts.positions:
            return ""
        held = facts.positions[order.symbol].shares
        booked = ledger_shares(self.desk.connection, order.symbol)
        if held <= booked:
            return ""
        return f"the account holds {held:f} {order.symbol}, but {booked:f} are booked: somebody else bought the rest"

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

    def _submit(self, tracked: Tracked) -> Ending | None:
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
        self.look_ups.record(tracked, stated, always=True)
        return None

    def _refused(self, tracked: Tracked, refused: RefusedError) -> Ending | None:
        if is_sent_elsewhere(refused, sends=tracked.sends):
            self._take_back(tracked, refused.what)
            return Outcome.BLOCKED, _not_sent_here(tracked.order.order_id), None
        event = refusal_event(refused, sends=tracked.sends)
        if event is Event.REFUSED and refused.code == OPPOSED:
            self._hold(self._take_back(tracked, refused.what), refused.what, is_void=False)
            self.sent -= 1  # sent again after a pause; the other orders continue
            return None
        tracked = self._event(tracked, event, refused.what)
        if event is Event.REFUSED_IN_DOUBT:
            self.look_ups.ask_for([tracked])
        return None

    def _finish(self, finish: Finish) -> Ending:
        """Look at every order once more, then end the execution."""
        before = self.orders()
        self.look_ups.ask_for(tracked for tracked in before if tracked.sends)
        if self.orders() != before:
            return Outcome.AGAIN, "an order changed at the end", self.desk.clock()
        if self.look_ups.failed is None:
            with self.journal.writing():
                self.journal.end(finish.stage, at=self.desk.clock(), reason=finish.why)
        return self._ended(finish.why)

    def _ended(self, why: str) -> Ending:
        """Return that the execution has ended. Raises UnansweredError if an order could not be read at the end."""
        if self.look_ups.failed is not None:
            raise self.look_ups.failed
        return Outcome.ENDED, why, None

    def _tracked(self, order_id: str) -> Tracked:
        return next(one for one in self.orders() if one.order.order_id == order_id)

    def _event(self, tracked: Tracked, event: Event, reason: str) -> Tracked:
        with self.journal.writing():
            return self.journal.store_event(tracked, event, at=self.desk.clock(), reason=reason)

    def _take_back(self, tracked: Tracked, why: str) -> Tracked:
        return self._event(tracked, not_sent_event(sends=tracked.sends), why)


def _not_sent_here(order_id: str) -> str:
    return f"another home trades this account: this ledger did not send its order {order_id}"


def _narrower(one: Admission, other: Admission) -> Admission:
    order = ("nothing", "reductions", "everything")
    return min(one, other, key=lambda admission: order.index(admission.admits))
