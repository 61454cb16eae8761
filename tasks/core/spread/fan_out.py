"""Spread independent work over processes or a Dask cluster. Results are in item order for any number of either.

Work must depend only on its item, because a killed worker's item is processed again. A worker exits when this
process ends for any reason, because its pipe is then closed.
"""

import signal
import traceback
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from multiprocessing import get_context
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from typing import Any, TypeVar

from tasks.core.errors import TransientError
from tasks.core.spread.cluster import cluster_workers

Item = TypeVar("Item")
Result = TypeVar("Result")
Report = Callable[[int], None]  # how many units of work were done since the last report
Work = Callable[[Item, Report], Result]
Run = Callable[[Sequence[Item]], Iterator[Result]]

STARTED, PROGRESS, RESULT, ERROR = range(4)
ATTEMPTS = 3  # of an item whose worker was killed, and of starting a worker


def fan_out(
    work: Work[Item, Result], items: Sequence[Item], *, processes: int, report: Report
) -> Iterator[Result]:
    """Yield the result of `work` for each item, in order. `work` must be picklable; see `workers`."""
    with workers(work, processes=min(processes, len(items)), report=report) as run:
        yield from run(items)


@contextmanager
def workers(
    work: Work[Item, Result],
    *,
    processes: int,
    threads: int = 1,
    cluster: str = "",
    report: Report = lambda _: None,
) -> Iterator[Run[Item, Result]]:
    """Yield a function that returns the results of items in order; its workers run until the block ends.

    With `cluster`, the address of a Dask scheduler, its workers do the work. Otherwise, with fewer than two processes,
    the work is done in this one, by `threads` threads. The function raises the exceptions of `work`. An item whose
    worker was killed is retried. TransientError is raised if that happens ATTEMPTS times to one item, or if ATTEMPTS
    workers in a row are killed before one is ready.
    """
    if cluster:
        with cluster_workers(work, scheduler=cluster, report=report) as run:
            yield run
    elif processes > 1:
        pool = _Pool(work, processes, report)
        try:
            yield pool.run
        finally:
            pool.stop()
    elif threads > 1:
        with ThreadPoolExecutor(threads) as executor:
            yield lambda items: executor.map(lambda item: work(item, report), items)
    else:
        yield lambda items: (work(item, report) for item in items)


@dataclass
class _Worker:
    process: BaseProcess
    is_ready: bool = False
    place: int | None = None  # of the item that it works on
    reported: int = 0  # units of that item


@dataclass
class _Pool:
    work: Work[Any, Any]
    processes: int
    report: Report
    workers: dict[Connection, _Worker] = field(default_factory=dict)
    lost_starts: int = 0  # workers killed before they were ready, since one last was

    def run(self, items: Sequence[Any]) -> Iterator[Any]:
        """Yield the results in order; each item goes to the next free worker."""
        waiting, attempts = list(range(len(items)))[::-1], [0] * len(items)
        done: dict[int, Any] = {}
        while len(self.workers) < min(self.processes, len(items)):
            self._start()
        for place in range(len(items)):
            while place not in done:
                self._hand_out(waiting, items)
                for connection in wait(list(self.workers)):
                    self._receive(connection, done, waiting, attempts)  # type: ignore[arg-type]
            yield done.pop(place)

    def stop(self) -> None:
        """Stop all workers immediately, even in the middle of an item."""
        for worker in self.workers.values():
            worker.process.terminate()
        for connection, worker in self.workers.items():
            worker.process.join()
            connection.close()

    def _start(self) -> None:
        context = get_context("spawn")  # the threads of libraries do not survive a fork
        ours, theirs = context.Pipe()
        process = context.Process(target=_serve, args=(self.work, theirs), daemon=True)
        process.start()
        theirs.close()
        self.workers[ours] = _Worker(process)

    def _hand_out(self, waiting: list[int], items: Sequence[Any]) -> None:
        for connection, worker in self.workers.items():
            if waiting and worker.is_ready and worker.place is None:
                worker.place, worker.reported = waiting.pop(), 0
                with suppress(BrokenPipeError, ConnectionResetError):  # killed: noticed when it is read
                    connection.send(items[worker.place])

    def _receive(
        self, connection: Connection, done: dict[int, Any], waiting: list[int], attempts: list[int]
    ) -> None:
        worker = self.workers[connection]
        try:
            kind, content = connection.recv()
        except (EOFError, OSError):  # the latter in the middle of a message
            self._replace(connection, waiting, attempts)
            return
        if kind == ERROR:
            raise content
        if kind == PROGRESS:
            worker.reported += content
            self.report(content)
        if kind == STARTED:
            worker.is_ready, self.lost_starts = True, 0
        if kind == RESULT and worker.place is not None:
            done[worker.place], worker.place = content, None

    def _replace(self, connection: Connection, waiting: list[int], attempts: list[int]) -> None:
        """Start another worker for the killed one; its item is next."""
        worker = self.workers.pop(connection)
        worker.process.join()
        connection.close()
        place = worker.place
        if place is None:
            self.lost_starts += not worker.is_ready
            losses = self.lost_starts
        else:
            attempts[place] += 1
            self.report(-worker.reported)
            waiting.append(place)
            losses = attempts[place]
        if losses == ATTEMPTS:
            raise TransientError(
                "Worker processes were killed, perhaps because memory ran out.",
                remedy="Run again: finished work is retained. If memory is short, use fewer processes.",
            )
        self._start()


def _serve(work: Work[Any, Any], connection: Connection) -> None:
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
