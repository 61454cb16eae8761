"""Execute the approved trades of a session from the command line, and describe what happened."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from flows.announcing import announce_execution, announcing_failure, note_news, posts_news
from flows.execute import bring_bars, due_runs, execute_approved, execution_run
from flows.operations.decisions.persons import require_second
from flows.operations.homes.inspection import aligned
from flows.operations.trading.interruption import interruptible
from flows.operations.trading.orders_left import AFTER_A_LAPSE, CANCEL, nothing_stored, open_at_broker
from flows.permitted import permitted, stoppable_sleep
from flows.terminal import Options, Result, progress
from tasks.core.accountability import require_name_and_reason
from tasks.core.clock import now
from tasks.core.errors import BrokerError, SafetyError, TransientError
from tasks.core.homes.opening import find_home
from tasks.core.homes.run import Run
from tasks.core.masking import mask_logs
from tasks.core.sessions import exchange_minute, session_after, session_on
from tasks.core.stage import timings
from tasks.core.text import counted, dollars
from tasks.execution.brokers.manual.printed import ticket_text
from tasks.execution.brokers.manual.store import tickets
from tasks.execution.brokers.registry import FILLS_FROM_BARS
from tasks.execution.brokers.rehearsal import WOULD
from tasks.execution.ending.giving_up import give_up
from tasks.execution.execution import Stage
from tasks.execution.progress import Outcome, Progress
from tasks.execution.publication.document import Document
from tasks.execution.running.carried import Carried, describe_execution
from tasks.execution.running.in_progress import has_ended
from tasks.execution.schema import Tracked
from tasks.ledger.database import opened
from tasks.reporting.day.executed import FILLED, NO_ORDER, WAITING, Line, lines_of
from tasks.reporting.execution.publish import publish_execution
from tasks.safety.audit import record

FLOW = "execute-approved"
DRY = "Dry run: nothing was sent or stored."
NOTHING_TO_EXECUTE = 4
EXIT_CODES = {
    Outcome.HALTED: SafetyError.exit_code,
    Outcome.BLOCKED: SafetyError.exit_code,
    Outcome.STOPPED: BrokerError.exit_code,
}


def execute_due(options: Options, *, broker: str | None, dry_run: bool | None, minutes: int) -> Result:
    """Run execute-approved for every session that waits: those being executed, then the last one if it is approved."""
    mask_logs()
    due = due_runs(options.home, None, options.profile, at=now())
    done = [
        execute(options, str(run.session), broker=broker, dry_run=dry_run, minutes=minutes) for run in due
    ]
    if not done:
        nothing: dict[str, object] = {"home": str(find_home(options.home).root), "executions": []}
        return Result(nothing, "Nothing is approved and nothing is being executed.", NOTHING_TO_EXECUTE)
    document = {"home": done[0].document["home"], "executions": [one.document for one in done]}
    return Result(document, "\n\n".join(one.text for one in done), max(one.exit_code for one in done))


def execute(options: Options, day: str, *, broker: str | None, dry_run: bool | None, minutes: int) -> Result:
    """Run execute-approved for the session. `dry_run` None: as the settings say for scheduled runs."""
    mask_logs()
    run = execution_run(options.home, day, options.profile, broker=broker)
    if dry_run is None:
        dry_run = run.settings.execution.scheduled_dry_run
    is_history = has_ended(run)
    if not dry_run:  # a dry run changes nothing, not even the metrics
        note_news(options)
    with (
        progress(options),
        permitted(run.home, FLOW),
        timings(),
        announcing_failure(run, FLOW, is_news=not dry_run),
        interruptible(run.home) as interruption,
    ):
        if not dry_run:
            bring_bars(run, options.profile)
        carried = execute_approved(
            run,
            dry_run=dry_run,
            longest_wait=timedelta(minutes=minutes),
            sleep=stoppable_sleep(run.home, FLOW, interruption.sleep),
            is_stopped=interruption.is_asked,
        )
    announce_execution(run, carried)
    return described(run, carried, stopped_by=interruption.by, is_history=is_history)


@posts_news
def give_up_order(options: Options, day: str, order_id: str, *, by: str, second: str, reason: str) -> Result:
    """Give up an order that never becomes final. Logged before anything is stored; no broker is asked."""
    require_name_and_reason("Giving up an order", by=by, reason=reason)
    run = execution_run(options.home, day, options.profile)
    require_second(run.home, options, by=by, second=second, doing="Giving up an order")
    persons, at = f"{by}, {second}" if second.strip() else by, now()

    def log(tracked: Tracked) -> None:
        order = tracked.order
        what = f"{run.session}: {order.side} {order.shares} {order.symbol} ({order_id}), {tracked.state}"
        record(run.home, event="order_given_up", by=persons, detail=f"{what}: {reason}", at=at)

    made = give_up(run.home, run.session.day, order_id, by=persons, reason=reason, at=at, log=log)
    carried = describe_execution(run, made)
    publish_execution(run, carried)
    announce_execution(run, carried)
    return described(run, carried)


def described(run: Run, carried: Carried, *, stopped_by: str = "", is_history: bool = False) -> Result:
    """Return the execution as a document and as text.

    `stopped_by`: the signal that ended this run of it. `is_history`: it had ended before this run.
    """
    ended = carried.progress.outcome is Outcome.ENDED
    lapsed = ended and carried.progress.execution.stage is Stage.LAPSED
    code = SafetyError.exit_code if lapsed else EXIT_CODES.get(carried.progress.outcome, 0)
    executed_at = _finished_at(carried.document) if is_history else None
    document = {
        "home": str(run.home.root),
        "dry_run": carried.is_dry,
        "already_executed_at": executed_at,
        **carried.document,
    }
    lines = [] if executed_at is None else [_already(run, executed_at)]
    lines += _lines(run, carried)
    if stopped_by and not ended:
        document["stopped_by"], code = stopped_by, code or TransientError.exit_code
        lines.append(stopped_text(run, carried.progress, stopped_by))
    return Result(document, "\n".join(lines), code)


def _finished_at(document: Document) -> str | None:
    """Return when the execution finished; None if it lapsed or has not ended."""
    events: Any = document["events"]
    ends = [one["at"] for one in events if not one["order_id"] and one["event"] == Stage.FINISHED]
    return ends[-1] if ends else None


def _already(run: Run, executed_at: str) -> str:
    ended = exchange_minute(datetime.fromisoformat(executed_at))
    return (
        f"{run.session} was executed already: its execution ended {ended}. Nothing was sent now; this is what was "
        "ordered and filled then."
    )


def stopped_text(run: Run, reached: Progress, by: str) -> str:
    """Describe what an interrupted execution leaves open, and how to continue it."""
    return (
        f"Stopped by {by} after the step in progress. {open_at_broker(reached.remainder)}. Nothing is canceled by "
        f"this. Continue: `afterclose execute {run.session} --no-dry-run`; {CANCEL}."
    )


def _lines(run: Run, carried: Carried) -> Iterator[str]:
    document, progress_made = carried.document, carried.progress
    orders = _last_parts(document)
    if document["authority"] == "no_answer":
        yield f"Nobody answered {run.session} in time: its sells are sent under execution.no_answer, its buys lapse."
    if carried.is_dry and any(_would_be_sent(one) for one in orders):
        yield from _rehearsed(run, carried, orders)
        return
    waiting = [] if progress_made.outcome is Outcome.ENDED else _waiting_rows(document)
    lines = lines_of(document)
    if rows := [*(_row(one, lines[one["row"]]) for one in orders), *waiting]:
        yield aligned([("side", "symbol", "shares", "filled", "at", "state", "reason"), *rows])
    if carried.is_dry:
        yield f"{run.session}, {_account(document)}."
    else:
        yield (
            f"{run.session}, {_account(document)}: bought {_usd(document['bought_usd'])}, "
            f"sold {_usd(document['sold_usd'])}, fees {_usd(document['fees_usd'])}."
        )
    yield _state(run, progress_made)
    if carried.is_dry:
        yield DRY
        if progress_made.outcome not in {Outcome.ENDED, Outcome.BLOCKED}:
            yield f"To execute: `afterclose execute {run.session} --no-dry-run`."
    else:
        yield from _reconciled(carried)
        if carried.document["broker"] == "manual":
            yield _tickets(run)
        yield f"Report: {run.home.day_folder(run.session) / 'execution.html'}"


def _rehearsed(run: Run, carried: Carried, orders: list[dict[str, Any]]) -> Iterator[str]:
    """Describe a dry run that would send orders: which pass every check, and until when they can be stored."""
    execution = carried.progress.execution
    rows = [_rehearsed_row(one) for one in orders]
    passing = sum(_would_be_sent(one) for one in orders)
    yield aligned([("side", "symbol", "shares", "price", "checks", "reason"), *rows])
    yield (
        f"{run.session}, {_account(carried.document)}: {passing} of {counted(len(execution.lines), 'line')} pass "
        f"every check. At these prices and without fees: sells {_usd(carried.document['sold_usd'])}, buys "
        f"{_usd(carried.document['bought_usd'])}."
    )
    if carried.progress.outcome is not Outcome.ENDED:
        yield f"Not sent: {carried.progress.why}."
    yield (
        f"{DRY} To execute: `afterclose execute {run.session} --no-dry-run`; an execution has to begin before "
        f"{exchange_minute(execution.expires_at)}."
    )


def _would_be_sent(order: Mapping[str, Any]) -> bool:
    return str(order["reason"]).startswith(WOULD)


def _account(document: Document) -> str:
    return f"{document['broker']} account {document['account']} ({document['mode']})"


def _usd(amount: object) -> str:
    return dollars(float(str(amount)))


def _tickets(run: Run) -> str:
    """Return the orders that a person has to place."""
    with opened(run.home) as connection:
        found = tickets(connection, session=run.session.day)
    if not found:
        return "No order has to be placed yet."
    text = ticket_text(found, session=run.session.day, account=run.settings.approval.account)
    return f"{text}\nEnter what was filled: `afterclose fills add {run.session} SYMBOL SHARES PRICE`."


def _rehearsed_row(order: dict[str, Any]) -> tuple[str, ...]:
    """Return an order of a dry run. The fills that it assumes, so that buys can be checked, are not shown."""
    checks = "passes" if _would_be_sent(order) else order["state"]
    shares = f"{order['shares']:,}"
    return (order["side"], order["symbol"], shares, order["average_price"] or "", checks, order["reason"])


def _row(order: dict[str, Any], approved: Line) -> tuple[str, ...]:
    """Return an order; if it has fewer shares than approved, with the approved number and, once filled, the reason."""
    shares, reason = f"{order['shares']:,}", order["reason"]
    if order["shares"] < approved.approved:
        shares += f" of {approved.approved:,} approved"
        reason = approved.reason if order["state"] == FILLED else reason
    filled = f"{Decimal(order['filled_shares']):,}"
    line = (order["side"], order["symbol"], shares, filled, order["average_price"] or "")
    return (*line, order["state"], reason)


def _waiting_rows(document: Document) -> list[tuple[str, ...]]:
    """Return the approved lines that have no order yet, with the reason."""
    return [
        (line.side, line.symbol, f"{line.approved:,}", "0", "", line.state, line.reason)
        for line in lines_of(document)
        if line.state in {NO_ORDER, WAITING}
    ]


def _last_parts(document: Document) -> list[dict[str, Any]]:
    """Return the orders without those that another one replaced."""
    orders: Any = document["orders"]
    last = {one["row"]: one["part"] for one in orders}
    return [one for one in orders if one["part"] == last[one["row"]] or one["requests"]]


def _state(run: Run, reached: Progress) -> str:
    why, until = reached.why.rstrip("."), reached.until
    begin = "" if reached.outcome is Outcome.ENDED else nothing_stored(reached.execution, now())
    if reached.outcome in {Outcome.BLOCKED, Outcome.HALTED}:
        return _blocked(run, why) if reached.outcome is Outcome.BLOCKED else _halted(why, begin)
    if reached.outcome is Outcome.ENDED and reached.execution.stage is Stage.LAPSED:
        return f"Ended: {why}. {AFTER_A_LAPSE}"
    if until is None or begin:
        return f"{str(reached.outcome).capitalize()}: {why}.{begin}"
    if reached.was_stopped:
        ends = exchange_minute(reached.execution.ends_at)
        return f"Waiting: {why}. Run the command again now: what is not sent before {ends} is void."
    if run.settings.execution.broker in FILLS_FROM_BARS:
        fills = session_after(run.session.day)
        closes = exchange_minute(session_on(fills).closes_at or until)
        return f"Waiting for the bars of {fills}: {why}. Run the command again after its close, {closes}."
    return f"Waiting until {exchange_minute(until)}: {why}. Run the command again then."


def _halted(why: str, begin: str) -> str:
    return (
        f"Halted: {why}. What was canceled is not sent again. Once the halt has ended, run the command again to "
        f"continue with the rest.{begin}"
    )


def _blocked(run: Run, why: str) -> str:
    return (
        f"Blocked: {why}. Nothing more is sent, and waiting does not change this. Look at the account if an order is "
        f"named; if the day's files are named, restore live/{run.session} from a backup. Then run the command again "
        "(docs/execution.md#when-it-does-not-do-what-you-expect)."
    )


def _reconciled(carried: Carried) -> Iterator[str]:
    found = carried.reconciliation
    if found is None:
        return
    standing = found.standing
    if not standing:
        yield "Reconciled: ledger and broker agree to the share and cent."
        return
    yield f"Reconciled: {counted(len(standing), 'difference')} open; see `afterclose reconcile`."
    for difference in standing:
        yield f"  {difference.explanation}"
