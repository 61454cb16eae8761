"""The stages of an execution: begin, carry forward, rehearse. What waits is stored; the next call continues."""

import logging
import tempfile
from collections.abc import Callable
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from tasks.approval.day import published_day
from tasks.approval.refusal import refusal
from tasks.approval.store import read_day
from tasks.approval.verification import Approved
from tasks.backtest.parity.recorded import parse_day
from tasks.backtest.parity.schema import RecordedDay
from tasks.core.clock import now
from tasks.core.errors import ConfigError
from tasks.core.homes.home import Home
from tasks.core.homes.lock import exclusive
from tasks.core.homes.run import Run
from tasks.core.ids import sha256_of_bytes
from tasks.core.stage import stage
from tasks.execution.brokers.registry import FILLS_FROM_BARS, begin_account, stored_market
from tasks.execution.execution import Execution
from tasks.execution.gates.live_opt_in import live_account, refuse_without_opt_in
from tasks.execution.journal import store_execution
from tasks.execution.progress import never, run_until
from tasks.execution.publication.files import DOCUMENT, write_execution
from tasks.execution.reconciliation.reconciling import reconcile_locked
from tasks.execution.running.carried import Carried, bridge_of, described
from tasks.execution.running.desk_opening import opened_desk
from tasks.execution.running.holding import Holding
from tasks.execution.running.rehearsal_copy import copied_home
from tasks.execution.start import new_execution
from tasks.ledger.database import opened
from tasks.ledger.positions_file import rebuild_positions
from tasks.portfolio.holdings.bookkeeping import Declaration, start_ledger

log = logging.getLogger(__name__)

DEMO_BROKER = "paper"


@stage()
def begin_execution(run: Run, approved: Approved, at: datetime) -> None:
    """Store what the approval covers. A home without a ledger, or without its paper account, begins them.

    From here on the day is decided: execution.json exists.
    """
    home, envelope = run.home, approved.envelope
    refuse_without_opt_in(
        envelope.mode,
        envelope.account,
        allows_live=run.settings.execution.allows_live,
        named=live_account(),
    )
    with exclusive(home.lock_file, doing="execute"), exclusive(home.portfolio_lock, doing="execute"):
        stored = _begin(run, approved, _recorded(run, approved), at)
        published = home.day_folder(run.session) / DOCUMENT
        if not published.exists():  # another process may have written all of it
            write_execution(home, run.session, {"session": str(run.session), "stage": str(stored.stage)})
    log.info("%s: execution begun at the broker %s", run.session, run.settings.execution.broker)


@stage()
def carry_execution(
    run: Run,
    *,
    longest_wait: timedelta,
    sleep: Callable[[float], None],
    is_stopped: Callable[[], bool] = never,
) -> Carried:
    """Reconcile, take every step that can be taken, and reconcile again. The kill switch is checked before each order.

    While it waits, the portfolio is not locked.
    """
    market = stored_market(run.home, run.settings)
    with (
        Holding(run.home.portfolio_lock, doing="execute") as holding,
        opened_desk(run, run.home, market) as desk,
    ):
        reconcile_locked(run.home, run.settings, desk.broker, now())
        progress = run_until(
            desk,
            run.session.day,
            longest_wait=longest_wait,
            sleep=holding.given_back(sleep),
            is_stopped=is_stopped,
        )
        found = reconcile_locked(run.home, run.settings, desk.broker, now())
        rebuild_positions(run.home)
        document = described(run, desk.connection, progress, found, bridge_of(desk, market, progress, found))
    log.info("%s: %s, %s", run.session, progress.outcome, progress.why)
    return Carried(progress, document, found, is_dry=False)


@stage()
def rehearse_execution(run: Run, approved: Approved | None = None) -> Carried:
    """Take the same steps on a copy of the ledger, at a broker that is only asked. `approved`: not begun yet."""
    with tempfile.TemporaryDirectory(prefix="afterclose-rehearsal-") as folder:
        copy = copied_home(run.home, Home(Path(folder)))
        copied = Run(copy, run.session, run.as_of, run.settings)
        if approved is not None:
            _begin(copied, approved, _recorded(run, approved), now())
        market = stored_market(run.home, run.settings)
        by_policy = b"" if approved is None else approved.by_policy
        with opened_desk(run, copy, market, rehearses=True, by_policy=by_policy) as desk:
            reconcile_locked(copy, run.settings, desk.broker, now())
            progress = run_until(desk, run.session.day, longest_wait=timedelta(0), sleep=lambda _: None)
            document = described(run, desk.connection, progress, None, (), by_policy=by_policy)
    return Carried(progress, document, None, is_dry=True)


def _begin(run: Run, approved: Approved, day: RecordedDay, at: datetime) -> Execution:
    settings, home = run.settings, run.home
    if (
        approved.envelope.demo and settings.execution.broker != DEMO_BROKER
    ):  # where no gate would pass an order
        raise ConfigError(
            f"This market is simulated: {settings.execution.broker} does not execute its trades.",
            remedy=f"Execute them at the paper broker: `afterclose execute {run.session} --broker {DEMO_BROKER}`.",
        )
    opening = Declaration(" and ".join(approved.approvers), "the ledger begins", run.session.day, at)
    start_ledger(home, initial_cash_usd=settings.portfolio.initial_cash_usd, declared=opening)
    held = {symbol: Decimal(repr(shares)) for symbol, shares in day.held.items()}
    begin_account(home, settings, held, day.cash_cents, session=run.session.day, at=at)
    broker = settings.execution.broker
    execution = new_execution(approved, at, broker=broker, fills_from_bars=broker in FILLS_FROM_BARS)
    with opened(home) as connection:
        return store_execution(connection, execution)


def _recorded(run: Run, approved: Approved) -> RecordedDay:
    """Return what the approved day held. Raises SafetyError if its files are not the approved ones."""
    _, manifest, files = read_day(run.home, run.session)
    if sha256_of_bytes(manifest) != sha256_of_bytes(approved.manifest):
        raise refusal(
            "manifest", f"{run.session}: manifest.json was replaced.", remedy="Restore the day from a backup."
        )
    published_day(run.session.day, manifest, files)
    day = parse_day(run.session.day, files, basis=None)
    if isinstance(day, str):
        raise refusal("day", f"{run.session}: {day}.", remedy="Run the day again and approve it again.")
    return day
