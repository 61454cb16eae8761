"""An execution at the scripted broker whose desk has the real gates and the real wire guard of its home."""

from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from tasks.execution.before_sending.approved_day import ApprovedDay
from tasks.execution.before_sending.ready import make_checks
from tasks.execution.gates.facts import Terms, approved_line
from tasks.execution.journal import read_execution
from tasks.execution.reconciliation.schema import Reconciliation
from tasks.execution.reconciliation.store import prepare, store
from tasks.ledger.database import opened
from tasks.safety.kill_switch.switch import read_switch
from tests.builders import make_settings
from tests.execution_days import EVENING, LINES, MORNING, OPENS, SESSION, Day, make_day

SETTINGS = make_settings(**{"approval.account": "A1"})
CASH = 100_000_00
EQUITY = CASH + 100 * 10_00 + 50 * 20_00
TERMS = Terms(
    session=SESSION,
    account="A1",
    mode="paper",
    is_demo=False,
    decided_at=EVENING - timedelta(hours=2),
    expires_at=OPENS,
    equity_cents=EQUITY,
    lines=tuple(map(approved_line, LINES)),
)
APPROVED = ApprovedDay(TERMS, "c" * 64, "lightgbm", "BULL", Decimal(1), {})


class GuardedDay(Day):
    """A day whose desk has the checks of its home."""

    approved = APPROVED
    settings = SETTINGS
    skew = timedelta(0)  # of this machine's clock

    @contextmanager
    def desk(self, wrap=lambda broker: broker):
        with super().desk(wrap) as desk:
            execution = read_execution(desk.connection, SESSION)
            gates, guard = make_checks(
                self.home,
                desk.connection,
                desk.broker,
                self.settings,
                execution,
                self.approved,
                clock=lambda: self.clock() + self.skew,
                environ={},
            )
            yield replace(desk, gates=gates, wire_guard=guard, switch=lambda: read_switch(self.home))


def make_guarded(root, **changes):
    """Return an execution of LINES with 100,000 USD beside the shares; nothing was reconciled yet."""
    plain = make_day(root, cash=CASH, **changes)
    return GuardedDay(plain.home, plain.broker_file, plain.script, plain.clock, takes_from=plain.takes_from)


def reconcile(day, *locks):
    found = Reconciliation(
        MORNING,
        is_preliminary=False,
        differences=(),
        locks=locks,
        equity_cents=EQUITY,
        book_equity_cents=EQUITY,
    )
    with opened(day.home) as connection:
        prepare(connection)
        store(connection, found, ("A1", "paper"))
