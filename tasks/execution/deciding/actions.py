"""What an execution can do next, and the inputs of that decision."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from tasks.execution.brokers.base import BrokerOrder
from tasks.execution.checks import Admission, Facts
from tasks.execution.deciding.reductions import Reduction
from tasks.execution.deciding.sizing import OrderCosts
from tasks.execution.execution import Execution, Stage
from tasks.execution.schema import Order, Timing, Tracked


@dataclass(frozen=True)
class Intend:
    """Store a new order."""

    order: Order
    why: str


@dataclass(frozen=True)
class Skip:
    """Store that a line gets no order: an order that is void from the start."""

    order: Order
    why: str


@dataclass(frozen=True)
class Resize:
    """Void an order that was never sent, and store another one in its place."""

    order_id: str
    order: Order
    why: str


@dataclass(frozen=True)
class Void:
    """Never send an order that was never sent."""

    order_id: str
    why: str


@dataclass(frozen=True)
class Send:
    """Send an order, for the first time or again under the same id."""

    order_id: str


@dataclass(frozen=True)
class Cancel:
    """Ask the broker to cancel an order."""

    order_id: str
    why: str


@dataclass(frozen=True)
class Wait:
    """Do nothing before this instant."""

    until: datetime
    why: str


@dataclass(frozen=True)
class Finish:
    """End the execution."""

    stage: Stage
    why: str


Stored = Intend | Skip | Resize | Void  # change the ledger alone
Action = Stored | Send | Cancel | Wait | Finish


@dataclass(frozen=True)
class Rules:
    """How orders are placed and waited for."""

    timing: Timing
    collar_frac: Decimal  # of a limit
    deadline: timedelta  # for sales, after the open; 0: until the close
    poll: timedelta
    has_unique_ids: bool  # of the broker: an order without an answer may be sent again
    fills_from_bars: bool = False  # of the broker: it knows a session only once its bar is stored
    rehearses: bool = False  # a dry run: buys do not wait for the open, so that they are checked too


@dataclass(frozen=True)
class View:
    """The inputs of the decision about the next actions."""

    execution: Execution
    orders: tuple[Tracked, ...]  # of this execution
    filled: Mapping[str, Decimal]  # booked shares by order id
    stated: Mapping[
        str, BrokerOrder | None
    ]  # the orders that were looked up in this step; None: there is none
    facts: Facts
    rules: Rules
    admission: Admission
    must_cancel: bool  # whether what is not admitted is canceled, not only held back
    takes: Callable[[Order, datetime], datetime]
    costs: OrderCosts
    reductions: Mapping[int, Reduction] = field(default_factory=dict)  # by row

    @property
    def at(self) -> datetime:
        return self.facts.at
