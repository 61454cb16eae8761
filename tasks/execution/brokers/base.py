"""The interface of a broker: requests, answers and errors. The driver of an execution uses brokers only through it.

Every method may raise `UnansweredError` (no usable answer in time: anything may have happened), `ThrottledError` (not
accepted because of a rate limit) or `UnauthorizedError`; `submit` may also raise `RefusedError`. They raise nothing
else. An answer whose needed fields cannot be read is an `UnansweredError`. Amounts are whole cents; shares are exact
decimals as the broker states them.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Literal, Protocol

from tasks.core.errors import BrokerError
from tasks.execution.schema import Order, Side


class UnansweredError(BrokerError):
    """No usable answer in time: the request may or may not have been carried out."""


class ThrottledError(BrokerError):
    """The broker accepts no more requests for now; this one was not carried out."""

    def __init__(self, what: str, *, remedy: str, retry_after_s: float) -> None:
        super().__init__(what, remedy=remedy, retry_after_s=retry_after_s)
        self.retry_after_s = retry_after_s


class UnauthorizedError(BrokerError):
    """The broker does not accept the credentials; nothing was carried out."""


class RefusedError(BrokerError):
    """The broker refused an order. `duplicate`: because it knows the id, so that the order may stand.

    `definite` is False if the client library may have sent the request more than once.
    """

    def __init__(
        self, what: str, *, remedy: str, code: str = "", duplicate: bool = False, definite: bool = True
    ) -> None:
        super().__init__(what, remedy=remedy, code=code)
        self.code, self.duplicate, self.definite = code, duplicate, definite


class Status(StrEnum):
    """What the broker says of an order."""

    OPEN = "open"  # accepted, new, partially filled, held, suspended, a cancel or replacement under way …
    CANCELING = "canceling"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"


@dataclass(frozen=True)
class BrokerOrder:
    """An order as the broker has it, ours or somebody else's. Filled amounts are totals so far, not increments."""

    order_id: str  # the id that the client gave; for orders by hand the broker's own
    symbol: str
    side: Side
    shares: Decimal
    status: Status
    filled_shares: Decimal
    filled_cents: int  # notional: shares × price, positive
    fee_cents: int  # 0 where fees are activities of their own
    submitted_at: datetime
    reason: str = ""


@dataclass(frozen=True)
class BrokerAccount:
    """The account at this moment."""

    account: str  # its number or name
    mode: Literal["paper", "live"]
    cash_cents: int
    settled_cash_cents: int  # what may be spent now without unsettled proceeds
    equity_cents: int
    only_closing: bool  # restricted to orders that close positions
    is_blocked: bool
    is_preliminary: bool  # read inside one of the broker's nightly windows: not to be judged


@dataclass(frozen=True)
class BrokerPosition:
    """Shares of one symbol, negative when short, and what the broker says they cost."""

    symbol: str
    shares: Decimal
    cost_cents: int | None = None


@dataclass(frozen=True)
class Asset:
    """Whether a symbol can be traded now."""

    symbol: str
    is_tradable: bool
    is_halted: bool
    reason: str = ""


@dataclass(frozen=True)
class Quote:
    """A price good enough to size and judge an order by, and when it was made."""

    symbol: str
    price: Decimal
    at: datetime


ActivityKind = Literal[
    "fill",  # of an order that is not ours: by hand or by another tool
    "dividend_due",  # on the ex-date, where the broker states it: receivable_cents
    "dividend",  # paid
    "interest",
    "fee",
    "split",  # shares: the change in shares
    "cash_in_lieu",
    "merger",  # shares given up and cash or other shares received
    "rename",  # shares leave one symbol (one activity) and come to another (a second one)
    "deposit",
    "withdrawal",
    "correction",  # the broker restated or busted a trade
    "other",  # not known, or not to be booked without a person: a spin-off, a transfer of shares … `note` names it
]


@dataclass(frozen=True)
class Activity:
    """What changed shares or cash at the broker, other than fills of our own orders. Signed changes of the account."""

    activity_id: str  # unique and stable
    kind: ActivityKind
    symbol: str  # "" if it concerns no position
    shares: Decimal
    cash_cents: int
    session: date  # on which it took effect
    note: str = ""
    receivable_cents: int = 0  # change in dividends due; 0 where the broker does not state them


class Broker(Protocol):
    """One account at one broker."""

    @property
    def name(self) -> str: ...

    @property
    def has_unique_ids(self) -> bool:
        """Whether a second order with the same id is refused, so that sending again cannot double it."""
        ...

    def now(self) -> datetime:
        """Return the broker's clock."""
        ...

    def account(self) -> BrokerAccount: ...

    def positions(self) -> Mapping[str, BrokerPosition]:
        """Return all positions, each under its symbol. A failed call is never an empty mapping."""
        ...

    def open_orders(self) -> tuple[BrokerOrder, ...]:
        """Return all open orders of anybody, beyond one page too."""
        ...

    def order_ids(self, since: datetime) -> frozenset[str]:
        """Return the client ids of all orders submitted after `since`, of any status, beyond one page too."""
        ...

    def order(self, order_id: str) -> BrokerOrder | None:
        """Return the order with this client id, of any age and status; None if the broker says it has none."""
        ...

    def submit(self, order: Order) -> BrokerOrder:
        """Send the order; return it as the broker has it. Raises `RefusedError` if the broker rejects it."""
        ...

    def cancel(self, order_id: str) -> None:
        """Ask for a cancellation. Returns once the request is taken, which does not mean that it is canceled."""
        ...

    def assets(self, symbols: Collection[str]) -> Mapping[str, Asset]:
        """Return what is known of the symbols; a symbol the broker does not know is left out."""
        ...

    def quotes(self, symbols: Collection[str]) -> Mapping[str, Quote]:
        """Return current prices; a symbol without one is left out."""
        ...

    def activities(self, since: date) -> tuple[Activity, ...]:
        """Return the activities that took effect on or after the day, oldest first."""
        ...

    def takes(self, order: Order, at: datetime) -> datetime:
        """Return the earliest time at which the broker accepts this order: `at` itself if it accepts it now."""
        ...
