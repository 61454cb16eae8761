"""Declare a stage: a plain function that runs as a Prefect task when a Prefect flow calls it.

The CLI and the tests call the same function without Prefect (ADR 1: its temporary server takes half a minute to start).
The duration of each stage is collected by `timings`, never in the stage's own result.
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
steps = logging.getLogger(f"{__name__}.steps")


def report_step(what: str, done: int, total: int) -> None:
    """Log how many of the parts of a long stage are done, for whoever shows the time left; first with none."""
    steps.info("%s: %d of %d", what, done, total, extra={"what": what, "done": done, "total": total})


RETRY_DELAY_S = 30.0
GRACE_S = 30.0  # from a stage's timeout to the end of a process that ignores it

_deadline: ContextVar[float | None] = ContextVar("stage_deadline", default=None)
_listener: ContextVar[dict[str, float] | None] = ContextVar("stage_timings", default=None)
_condition: ContextVar[Callable[[], None] | None] = ContextVar("stage_condition", default=None)
_witness: ContextVar[Callable[[str, float], None] | None] = ContextVar("stage_witness", default=None)


def stage(*, retries: int = 0) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Declare how Prefect runs the function: only transient errors are retried, nothing is cached."""

    def declare(function: Callable[P, R]) -> Callable[P, R]:
        @wraps(function)
        def run(*args: P.args, **kwargs: P.kwargs) -> R:
            if (refuse := _condition.get()) is not None:
                refuse()
            started = stopwatch()
            log.info("%s …", function.__name__)
            if _is_in_prefect_flow():
                result = _as_prefect_task(function, retries)(*args, **kwargs)
            else:
                result = function(*args, **kwargs)
            _record(function.__name__, stopwatch() - started)
            return result

        return run

    return declare


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """Limit the block's duration: a hung run would occupy its deployment's only slot and cancel every later day.

    Prefect times the stage out. If code hangs where no exception reaches it, the process ends `GRACE_S` later.
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
    """Collect the duration in seconds of every stage in the block, by its name."""
    seconds: dict[str, float] = {}
    token = _listener.set(seconds)
    try:
        yield seconds
    finally:
        _listener.reset(token)


@contextmanager
def before_each_stage(refuse: Callable[[], None]) -> Iterator[None]:
    """Call `refuse`, which raises an error if the run has to stop, before each stage in the block."""
    token = _condition.set(refuse)
    try:
        yield
    finally:
        _condition.reset(token)


@contextmanager
def after_each_stage(tell: Callable[[str, float], None]) -> Iterator[None]:
    """Call `tell` with the name and the seconds of each stage in the block that is done."""
    token = _witness.set(tell)
    try:
        yield
    finally:
        _witness.reset(token)


def timings_so_far() -> dict[str, float]:
    """Return the durations in seconds of finished stages; empty outside `timings`."""
    return dict(_listener.get() or {})


def seconds_left() -> float | None:
    """Return the rest of the time limit, at least 1 ms because Prefect takes 0 for no limit; None without one."""
    deadline = _deadline.get()
    return None if deadline is None else max(deadline - stopwatch(), 0.001)


def _record(name: str, seconds: float) -> None:
    log.info("%s done in %.2f s", name, seconds)
    listener = _listener.get()
    if listener is not None:
        listener[name] = round(seconds, 3)
    if (tell := _witness.get()) is not None:
        tell(name, seconds)


def _is_in_prefect_flow() -> bool:
    context = sys.modules.get("prefect.context")  # not imported: no Prefect flow is running
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
