"""The state of a day's execution, for the page's headline: whether it has ended, and what it waits for. Pure."""

from tasks.core.text import counted, one_line
from tasks.execution.desk import Outcome
from tasks.execution.remaining import remaining
from tasks.reporting.day.executed import UNDER_WAY, WAITING, ExecutedDay

ENDED = str(Outcome.ENDED)


def execution_headline(executed: ExecutedDay | None) -> str:
    """Return the outcome in a few words. None, or a day with a problem: its record cannot be read."""
    if executed is None or executed.problem:
        return "Executed, but execution.json cannot be read"
    if executed.outcome in UNDER_WAY:
        states = [line.state for line in executed.lines]
        left = remaining((one for one in states if one != WAITING), without_order=states.count(WAITING))
        return f"Executing: {left.text() or 'nothing is left to send'}"
    if executed.outcome == ENDED:
        filled = sum(line.filled > 0 for line in executed.lines)
        return f"Executed: {filled} of {counted(len(executed.lines), 'order')} filled"
    return f"Execution {one_line(executed.outcome)}"


def execution_detail(executed: ExecutedDay | None) -> str:
    """Return why the execution is where it is."""
    if executed is None or executed.problem:
        return "execution.json cannot be read; `afterclose execute` shows the state of the orders"
    return f"{one_line(executed.outcome).capitalize()}: {one_line(executed.why)}"


def has_ended(executed: ExecutedDay | None) -> bool:
    """Return whether nothing more is sent or filled."""
    return executed is not None and not executed.problem and executed.outcome == ENDED
