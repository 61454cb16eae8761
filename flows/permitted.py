"""Run a flow only while a person permits it: this is checked at its start, before each stage, and while it waits."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial

from tasks.core.homes.home import Home
from tasks.core.stage import before_each_stage
from tasks.safety.flow_permissions import refuse_continuing, refuse_start


@contextmanager
def permitted(home: Home, flow: str) -> Iterator[None]:
    """Raise FlowNotPermittedError if the flow may not start, or may not continue with its next stage."""
    refuse_start(home, flow)
    with before_each_stage(partial(refuse_continuing, home, flow)):
        yield


def stoppable_sleep(home: Home, flow: str, sleep: Callable[[float], None]) -> Callable[[float], None]:
    """Return `sleep`, which raises FlowNotPermittedError instead if the flow was stopped."""

    def pause(seconds: float) -> None:
        refuse_continuing(home, flow)
        sleep(seconds)

    return pause
