"""What an execution works with, and how a step of it ended."""

import sqlite3
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from tasks.core.homes.home import Home
from tasks.execution.brokers.base import Broker
from tasks.execution.checks import Gates, WireGuard
from tasks.execution.deciding.actions import Rules
from tasks.execution.deciding.reductions import Reduction
from tasks.execution.deciding.sizing import OrderCosts
from tasks.execution.execution import Execution
from tasks.execution.schema import Tracked
from tasks.safety.kill_switch.switch_file import Switch


class Outcome(StrEnum):
    """How a step ended."""

    AGAIN = "again"  # something was done: ask again at once
    WAITING = "waiting"
    HALTED = "halted"  # by the kill switch or a withdrawn approval; everything that could be was canceled
    BLOCKED = "blocked"  # a person has to look: at an order under one of our ids, at the day's files, at another home
    STOPPED = "stopped"  # the broker does not accept the credentials
    ENDED = "ended"


@dataclass(frozen=True)
class Progress:
    """The state after a step. `until`: when the next step can change something; None if nothing will by itself."""

    outcome: Outcome
    why: str
    until: datetime | None
    execution: Execution
    orders: tuple[Tracked, ...]
    was_stopped: bool = False  # by a person or the system, before the next step

    @property
    def remainder(self) -> tuple[Tracked, ...]:
        """The orders that are not final."""
        return tuple(tracked for tracked in self.orders if not tracked.state.is_final)


def no_reductions(execution: Execution) -> Mapping[int, Reduction]:  # noqa: ARG001
    """Return that every line may be traded as approved."""
    return {}


@dataclass(frozen=True)
class Desk:
    """What an execution works with. Every callable is called again whenever its result matters."""

    home: Home
    connection: sqlite3.Connection
    broker: Broker
    rules: Rules
    costs: OrderCosts
    gates: Gates
    wire_guard: WireGuard
    switch: Callable[[], Switch]
    objection: Callable[[Execution], str]  # why the approval no longer holds; "" if it does
    clock: Callable[[], datetime]
    reductions: Callable[[Execution], Mapping[int, Reduction]] = no_reductions  # by row
