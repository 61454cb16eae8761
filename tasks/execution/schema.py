"""The records of an execution: what is ordered, and the state of each order. Whole shares, cents, exact prices.

An order's filled shares and money are not stored with its state: they are the sum of its entries in the ledger.
"""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal

Side = Literal["BUY", "SELL"]
Timing = Literal["market", "limit", "at_open", "at_close"]


class State(StrEnum):
    """The state of an order as the home knows it. Durable before and after everything that happens to the order."""

    INTENDED = "intended"  # stored; no request has been sent
    UNKNOWN = "unknown"  # a request may have been sent, and the broker has not confirmed its outcome
    WORKING = "working"  # the broker has it and may fill it, perhaps the rest of it
    CANCELING = "canceling"  # a request to cancel may have left; it may still fill
    FILLED = "filled"
    CANCELED = "canceled"  # by the broker's answer; may be filled in part
    EXPIRED = "expired"  # as canceled, at the end of its session
    REJECTED = "rejected"  # the broker refused it, at once or later
    ABSENT = "absent"  # after its session's close the broker still says it never had it
    GIVEN_UP = "given_up"  # by a named person after its session: the broker never stated how it ended
    VOID = "void"  # never sent, and never will be

    @property
    def is_final(self) -> bool:
        return self not in OPEN


OPEN = frozenset({State.INTENDED, State.UNKNOWN, State.WORKING, State.CANCELING})
AT_BROKER = frozenset({State.UNKNOWN, State.WORKING, State.CANCELING})  # it may fill


@dataclass(frozen=True)
class Order:
    """One order, fixed once it is stored. Its id is a hash of account, session, approval digest, row and part."""

    order_id: str  # at most 48 characters: letters, digits and hyphens
    session: date  # of the decision; it trades in the next session
    row: int  # of trades.csv, from 0
    part: int  # 0, and higher where a line needed another order
    symbol: str
    side: Side
    shares: int
    timing: Timing
    limit_price: Decimal | None  # only with timing "limit"

    @property
    def is_sale(self) -> bool:
        return self.side == "SELL"


@dataclass(frozen=True)
class Tracked:
    """An order and what is known of it."""

    order: Order
    state: State
    sends: int  # requests that may have left
    reason: str  # of the last change, for a person
    changed_at: datetime
