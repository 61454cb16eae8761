"""The checks that an execution calls before it sends: what they are given, and what they answer.

The driver knows only these shapes. What a check raises ends the step, and the order is not sent.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, Protocol

from tasks.approval.schema import Line
from tasks.execution.brokers.base import Asset, BrokerAccount, BrokerOrder, BrokerPosition, Quote
from tasks.execution.schema import Order

APPROVED_DAY = "approved_day"  # the gate of the day's files: they are the ones that the approval binds


@dataclass(frozen=True)
class Facts:
    """What the broker states at this moment, and the cash that the ledger states."""

    at: datetime  # by the broker's clock
    account: BrokerAccount
    positions: Mapping[str, BrokerPosition]
    open_orders: tuple[BrokerOrder, ...]  # of anybody, ours included
    quotes: Mapping[str, Quote]  # of the approved symbols
    assets: Mapping[str, Asset]  # of the approved symbols
    ledger_cash_cents: int


@dataclass(frozen=True)
class Verdict:
    """The answer about one order. `wait`: asked again at the next step; `void`: this order is never sent."""

    answer: Literal["pass", "wait", "void"]
    gate: str = ""  # the name of the gate that did not pass it
    why: str = ""


@dataclass(frozen=True)
class Admission:
    """What may be sent in this step at all: everything, reductions of positions only, or nothing."""

    admits: Literal["everything", "reductions", "nothing"]
    gate: str = ""
    why: str = ""


class Gates(Protocol):
    """The checks by name; each may read the ledger, none changes anything."""

    def admission(self, facts: Facts) -> Admission:
        """Return what may be sent in this step: account, clock, reconciliation."""
        ...

    def check(self, order: Order, line: Line, facts: Facts) -> Verdict:
        """Return whether this order may be sent now. Called before its request is stored."""
        ...


class WireGuard(Protocol):
    """The second, independent implementation of the hard limits, directly before the request leaves."""

    def __call__(self, order: Order, line: Line, facts: Facts) -> str:
        """Return why this order must not leave; "" if it may."""
        ...
