"""Carry an execution forward by one step that any process may take at any time; a thin loop repeats it.

A step asks the broker for every open order of the execution, books what was filled, and does what follows. What is
about to be sent is stored before it leaves, and the answer after; a step that dies anywhere is continued by the next.
"""

from collections.abc import Callable
from datetime import date, timedelta

from tasks.core.errors import SafetyError
from tasks.execution.brokers.base import ThrottledError, UnansweredError, UnauthorizedError
from tasks.execution.desk import Desk, Outcome, Progress
from tasks.execution.execution import Execution
from tasks.execution.journal import Journal, read_execution, read_orders, start_run
from tasks.execution.step import Step

__all__ = ["Desk", "Outcome", "Progress", "advance", "never", "run_until"]

UNANSWERED_WAIT = timedelta(seconds=5)


def advance(desk: Desk, session: date, run: Journal) -> Progress:
    """Take one step and return what it led to.

    Raises FencedError if a newer run took over, SafetyError if the session has no execution.
    """
    execution = _execution(desk, session)
    step = Step(desk, run, execution)
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
        with run.writing():
            run.note_news(outcome, at=desk.clock(), reason=why)
    return Progress(outcome, why, until, read_execution(desk.connection, session) or execution, step.orders())


def never() -> bool:
    """Return that nobody asked the execution to stop."""
    return False


def run_until(
    desk: Desk,
    session: date,
    *,
    longest_wait: timedelta,
    sleep: Callable[[float], None],
    is_stopped: Callable[[], bool] = never,
) -> Progress:
    """Take steps until the execution ends, needs a person, or has nothing to do for longer than `longest_wait`.

    Once it `is_stopped`, no further step is taken, not even the first.
    """
    run = start_run(desk.connection, session, desk.clock())
    while not is_stopped():
        progress = advance(desk, session, run)
        if progress.outcome is Outcome.AGAIN:
            continue
        if progress.outcome is not Outcome.WAITING or progress.until is None:
            return progress
        wait = progress.until - desk.clock()
        if wait > longest_wait:
            return progress
        sleep(max(wait.total_seconds(), 0.0))
    orders = read_orders(desk.connection, session)
    execution, at = _execution(desk, session), desk.clock()
    return Progress(Outcome.WAITING, "the run was stopped", at, execution, orders, was_stopped=True)


def _execution(desk: Desk, session: date) -> Execution:
    """Return the execution. Raises SafetyError if the session has none."""
    execution = read_execution(desk.connection, session)
    if execution is None:
        raise SafetyError(
            f"{session} is not being executed.",
            remedy=f"Start it: `afterclose execute {session} --no-dry-run`.",
        )
    return execution
