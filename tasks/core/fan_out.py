"""Spread independent work over processes. The number of processes affects only the order of results.

A worker exits when this process ends for any reason, because its pipe is then closed.
"""

import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

from tasks.core.errors import TransientError

Item = TypeVar("Item")
Result = TypeVar("Result")
Report = Callable[[int], None]  # how many units of work were done since the last report

STARTED, PROGRESS, RESULT, ERROR = range(4)


def fan_out(
    work: Callable[[Item, Report], Result], items: Sequence[Item], *, processes: int, report: Report
) -> Iterator[Result]:
    """Yield the result of `work` for each item, as it is completed. `work` must be a module-level function.

    With one process or one item, the work is done in this process. Raises the exceptions of `work`, and TransientError
    if a worker was killed; the other workers are then stopped.
    """
    if min(processes, len(items)) < 2:
        yield from (work(item, report) for item in items)
        return
    context = get_context("spawn")  # the threads of libraries do not survive a fork
    workers: dict[Connection, Any] = {}
    try:
        for _ in range(min(processes, len(items))):
            ours, theirs = context.Pipe()
            workers[ours] = context.Process(target=_serve, args=(work, theirs), daemon=True)
            workers[ours].start()
            theirs.close()
        yield from _collect(list(items), list(workers), report)
    finally:
        for process in workers.values():
            process.terminate()
        for process in workers.values():
            process.join()


def _collect(waiting: list[Any], connections: list[Connection], report: Report) -> Iterator[Any]:
    """Send the items in order, each to the next free worker; yield the results."""
    missing = len(waiting)
    waiting.reverse()
    while missing:
        for connection in wait(connections):
            kind, content = _received(connection)  # type: ignore[arg-type]
            if kind == ERROR:
                raise content
            if kind == PROGRESS:
                report(content)
                continue
            if kind == RESULT:
                missing -= 1
                yield content
            if waiting:
                connection.send(waiting.pop())  # type: ignore[union-attr]


def _received(connection: Connection) -> tuple[int, Any]:
    try:
        kind, content = connection.recv()
    except EOFError:
        raise TransientError(
            "A worker process was killed, perhaps because memory ran out.",
            remedy="Run again: finished work is kept. If memory is short, use fewer processes.",
        ) from None
    return kind, content


def _serve(work: Callable[[Any, Report], Any], connection: Connection) -> None:
    """Process the items received until the pipe is closed."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent is interrupted too, and ends this process

    def report(units: int) -> None:
        connection.send((PROGRESS, units))

    with suppress(EOFError, BrokenPipeError, ConnectionResetError):
        connection.send((STARTED, None))
        while True:
            item = connection.recv()
            try:
                answer = RESULT, work(item, report)
            except (BrokenPipeError, ConnectionResetError):
                raise
            except Exception as error:  # noqa: BLE001 - it is raised in the parent
                error.add_note(traceback.format_exc())
                answer = ERROR, error
            connection.send(answer)
