"""Declare a stage: a plain function that is a Prefect task whenever a Prefect flow calls it.

The CLI, the backtest and the tests call the same function without the engine (ADR 1: starting
Prefect's temporary server costs half a minute, and nobody should wait that long for a day).
Each stage's seconds go to whoever listens (`timings`), never into a stage's own result.
"""

import faulthandler
import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from functools import wraps
from typing import ParamSpec, TypeVar

from tasks.core.clock import stopwatch
from tasks.core.errors import TransientError

P = ParamSpec("P")
R = TypeVar("R")

log = logging.getLogger(__name__)

RETRY_DELAY_S = 30.0
GRACE_S = 30.0  # between a stage's time-out and the end of a process that does not heed it

_deadline: ContextVar[float | None] = ContextVar("stage_deadline", default=None)
_listener: ContextVar[dict[str, float] | None] = ContextVar("stage_timings", default=None)


def stage(*, retries: int = 0) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declare how the engine runs the function: only transient errors are retried, nothing is cached."""

    def declare(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            started = stopwatch()
            log.info("%s …", function.__name__)
            if _prefect_is_running_us():
                result = _as_prefect_task(function, retries)(*args, **kwargs)
            else:
                result = function(*args, **kwargs)
            _record(function.__name__, stopwatch() - started)
            return result

        return run

    return declare


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Let no stage outlive the limit: a hung run would hold its deployment's only place, and cancel every later day.

    The engine times the stage out. Code that hangs where no exception reaches it is ended with its process, a little
    later.
    """
    token = _deadline.set(stopwatch() + seconds)
    faulthandler.dump_traceback_later(seconds + GRACE_S, exit=True, file=sys.__stderr__ or sys.stderr)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
        _deadline.reset(token)


@contextmanager
def timings() -> Iterator[dict[str, float]]:
    """Collect the seconds of every stage that runs inside."""
    seconds: dict[str, float] = {}
    token = _listener.set(seconds)
    try:
        yield seconds
    finally:
        _listener.reset(token)


def timings_so_far() -> dict[str, float]:
    """Return the seconds of the stages that have ended; empty where nobody listens."""
    return dict(_listener.get() or {})


def seconds_left() -> float | None:
    """Return what is left of the limit, at least a moment, for the engine takes 0 for no limit."""
    deadline = _deadline.get()
    return None if deadline is None else max(deadline - stopwatch(), 0.001)


def _record(name: str, seconds: float) -> None:
    log.info("%s done in %.2f s", name, seconds)
    listener = _listener.get()
    if listener is not None:
        listener[name] = round(seconds, 3)


def _prefect_is_running_us() -> bool:
    context = sys.modules.get("prefect.context")  # not imported: then no engine is near
    return context is not None and context.FlowRunContext.get() is not None


def _as_prefect_task(function: Callable[P, R], retries: int) -> Callable[P, R]:
    from prefect import Task
    from prefect.cache_policies import NO_CACHE  # the default policy hashes whole frames

    return Task(
        fn=function,
        retries=retries,
        retry_delay_seconds=RETRY_DELAY_S,
        retry_condition_fn=_is_transient,
        timeout_seconds=seconds_left(),
        cache_policy=NO_CACHE,
        persist_result=False,
    )


def _is_transient(_task: object, _run: object, state: object) -> bool:
    from prefect.states import get_state_exception

    return isinstance(get_state_exception(state), TransientError)  # type: ignore[arg-type, unused-ignore]
