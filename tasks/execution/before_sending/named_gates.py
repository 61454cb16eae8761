"""The gates as an execution calls them: facts are gathered for each order, and the outcomes become one answer."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import datetime

from tasks.approval.schema import Line
from tasks.core.errors import AftercloseError
from tasks.execution import checks
from tasks.execution.gates.facts import Books, Facts, Terms, Truth, Window, approved_line
from tasks.execution.gates.limits import Limits
from tasks.execution.gates.result import GateResult
from tasks.execution.gates.table import check_batch, check_order, failed, may_wait
from tasks.execution.schema import Order, State

log = logging.getLogger(__name__)

BUYS_ONLY = frozenset({"batch_cash", "batch_notional"})  # what fails alone stops buys, and no sale


Read = Callable[[], Books]


@dataclass
class NamedGates:
    """`checks.Gates` for one execution. `admission` begins a step; the books are read again for every order."""

    terms: Terms
    window: Window
    limits: Limits
    broker: str
    live_account: str
    takes: Callable[[Order, datetime], datetime]
    clock: Callable[[], datetime]
    begin: Callable[[], Read]  # of a step: what changes rarely is read then
    _read: Read | None = field(default=None, init=False)

    def admission(self, facts: checks.Facts) -> checks.Admission:
        """Return what may be sent: everything; sales only while buys would fail anyway; nothing if a gate failed."""
        self._read = None
        gathered = self._facts(facts)
        placed = gathered.books.placed or ()
        orders = tuple(one.order for one in placed if one.state is State.INTENDED)
        results = failed(check_batch(replace(gathered, orders=orders)))
        if hard := [result for result in results if result.name not in BUYS_ONLY]:
            return checks.Admission("nothing", hard[0].name, _why(hard))
        if results:
            return checks.Admission("reductions", results[0].name, _why(results))
        books, account = gathered.books, facts.account
        if books.switch is None or books.switch.is_on:
            return checks.Admission("reductions", "switch", "the kill switch allows reductions only")
        if books.is_reconciled is not True:
            return checks.Admission("reductions", "reconciled", "ledger and broker are not reconciled")
        if account.only_closing:
            return checks.Admission("reductions", "only_closing", "the broker accepts only closing orders")
        return checks.Admission("everything")

    def check(self, order: Order, line: Line, facts: checks.Facts) -> checks.Verdict:
        """Return whether the order may be sent now, with every gate that failed."""
        if self.terms.lines[order.row : order.row + 1] != (approved_line(line),):
            return checks.Verdict(
                "void", "approved_line", f"line {order.row} is not the one that was approved"
            )
        results = check_order(replace(self._facts(facts), one=order, takes_at=self.takes(order, facts.at)))
        for result in results:
            if result.waived_by:
                log.warning(
                    "%s: gate %s: %s; waived by %s",
                    order.order_id,
                    result.name,
                    _text(result),
                    result.waived_by,
                )
        found = failed(results)
        if not found:
            return checks.Verdict("pass")
        return checks.Verdict("wait" if may_wait(found) else "void", _first(found).name, _why(found))

    def _facts(self, facts: checks.Facts) -> Facts:
        return Facts(
            at=self.clock(),
            broker=self.broker,
            live_account=self.live_account,
            terms=self.terms,
            window=self.window,
            limits=self.limits,
            truth=self._truth(facts),
            books=self._books(),
        )

    def _truth(self, facts: checks.Facts) -> Truth:
        return Truth(facts.at, facts.account, facts.positions, facts.open_orders, facts.assets, facts.quotes)

    def _books(self) -> Books:
        try:
            self._read = self._read or self.begin()
            return self._read()
        except AftercloseError as error:
            log.warning("What the home knows cannot be read: %s", error.what)
            return Books(**dict.fromkeys(Books.__dataclass_fields__))


def _first(found: tuple[GateResult, ...]) -> GateResult:
    """Return the failure that decides: one that voids the order, if there is one."""
    return next((result for result in found if not may_wait([result])), found[0])


def _why(found: list[GateResult] | tuple[GateResult, ...]) -> str:
    first = _first(tuple(found))
    others = ", ".join(result.name for result in found if result is not first)
    return f"{_text(first)}; also {others}" if others else _text(first)


def _text(result: GateResult) -> str:
    limit = f", limit {result.limit}" if result.limit else ""
    return f"{result.reason} ({result.value}{limit})"
