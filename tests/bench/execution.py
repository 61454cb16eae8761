"""Time the checks of one order, a day of 50 orders at the paper broker, and a reconciliation of 500 names.

The day is the product's own: approved, then executed in the evening and again with the next session's bars. Only the
two executions are measured, not the day, its approval or the refresh. Processor time, in this process.
"""

import statistics
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

from flows.daily import daily_live
from tasks.core.clock import clock_set_to
from tasks.core.homes.opening import settings_of
from tasks.core.homes.run import Run
from tasks.core.homes.setup import set_up
from tasks.core.sessions import session_after, session_on
from tasks.data.task import refresh_market
from tasks.execution.brokers.paper.broker import PaperBroker
from tasks.execution.gates.table import check_order, failed
from tasks.execution.reconciliation.reconciling import reconcile
from tasks.execution.wire_guard import guard
from tasks.ledger.opening import Holding, Opening, begin_ledger
from tests.bench.table import Row, table
from tests.builders import make_settings
from tests.execution_facts import make_facts, make_order, make_wire
from tests.paper_days import FIRST, SETTINGS, Approver, evening, execute, make_paper_home, open_at
from tests.unit.execution.brokers.paper.markets import Clock, D, F, LiteralMarket, account_at
from tests.unit.execution.test_execution_at_paper import bars

NAMES, ORDERS, CHECKS = 500, 50, 2_000
FIFTY = SETTINGS | {"portfolio": {"max_positions": ORDERS, "max_correlation": 1.0}}


def measure() -> dict[str, str]:
    """Return the table of executions."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [_checks(), *_day(Path(folder)), *_reconciliations(Path(folder))]
    return {"Execution, processor time": table(rows)}


def _checks() -> Row:
    facts, wire = make_facts(make_settings(), make_order()), make_wire()

    def check() -> None:
        if failed(check_order(replace(facts))):  # anew: facts remember what they looked up
            raise SystemExit("the order of the bench does not pass")
        guard(wire, {})

    each = [_taken(lambda: [check() for _ in range(100)]) / 100 for _ in range(CHECKS // 100)]
    return Row(
        "all gates and the wire guard, one order",
        f"{statistics.median(each) * 1e6:,.0f} µs",
        "–",
        "–",
        "< 100 µs",
    )


def _day(folder: Path) -> list[Row]:
    place = make_paper_home(folder, FIFTY, "equal_weight")
    run = Run(place, session_on(FIRST), evening(FIRST), settings_of(place, None, environ={}).settings)
    following = session_after(FIRST)
    with clock_set_to(evening(FIRST)):
        with open_at(place, FIRST) as opened:
            orders = daily_live(opened).trades
        Approver(place).approve(run)
        sent = _taken(lambda: execute(run))
        idle = statistics.median(_taken(lambda: execute(run)) for _ in range(5))
    with clock_set_to(evening(following)):
        with open_at(place, following) as later:
            refresh_market(later)
        filled = _taken(lambda: execute(run))
    return [
        Row(f"a day of {orders} orders at the paper broker", f"{sent + filled:.2f} s", "–", "–", "< 2 s"),
        Row("a run in between that has nothing to do", f"{idle:.2f} s", "–", "–", "–"),
    ]


def _reconciliations(folder: Path) -> list[Row]:
    return [
        Row(
            f"`reconcile`, {NAMES} names, {what}",
            f"{_reconciled(folder / what.split()[0], shares):.2f} s",
            "–",
            "–",
            "< 2 s",
        )
        for what, shares in (("all equal", 10), ("each with a different number of shares", 11))
    ]


def _reconciled(root: Path, shares: int) -> float:
    """Return the seconds of a reconciliation of a ledger with 10 shares of each name."""
    names = [f"N{number:03}" for number in range(NAMES)]
    home = account_at(root, dict.fromkeys(names, shares), 1_000_00)
    set_up(home)
    at = session_on(D).closes_at
    assert at is not None
    holdings = tuple(Holding(name, Decimal(10), D) for name in names)
    begin_ledger(home, Opening(holdings, 1_000_00, D, "0" * 64), at=at)
    clock, market = Clock(), LiteralMarket({D: bars(names, 20_00)}, stored=D)
    clock.before_open(F)
    broker = PaperBroker(home, market, clock, fill_session=F)
    settings = make_settings()
    return statistics.median(_taken(lambda: reconcile(home, settings, broker, clock())) for _ in range(5))


def _taken(run: Callable[[], object]) -> float:
    started = time.process_time()
    run()
    return time.process_time() - started
