"""The records of a reconciliation: what is compared, the differences found, and the locks that follow from them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Literal

from tasks.execution.brokers.base import Activity, BrokerAccount, BrokerOrder, BrokerPosition
from tasks.execution.schema import State
from tasks.ledger.entries import Entry

Kind = Literal[
    "fill",  # of an order of ours that the ledger or the positions do not show yet
    "dividend",
    "fee",
    "interest",
    "split",
    "cash_in_lieu",
    "merger",
    "rename",
    "manual_trade",  # also an open order by hand
    "deposit",
    "withdrawal",
    "restatement",
    "vanished_position",
    "unknown",
]
Scope = Literal["nothing", "name", "all"]


@dataclass(frozen=True)
class OurOrder:
    """An order of ours that may explain a difference: open, or changed recently. Amounts are totals, not signed."""

    order_id: str
    symbol: str
    is_sale: bool
    shares: Decimal
    state: State
    changed_at: datetime
    booked_shares: Decimal
    booked_cents: int  # notional
    booked_fee_cents: int = 0
    at_broker: BrokerOrder | None = None


@dataclass(frozen=True)
class Books:
    """What the home knows. `account` is the account reconciled before: its name and mode; None the first time."""

    entries: tuple[Entry, ...]
    orders: tuple[OurOrder, ...] = ()
    order_ids: frozenset[str] = frozenset()  # of every order of ours, final ones too
    account: tuple[str, str] | None = None
    acknowledged: frozenset[str] = frozenset()  # differences that a person has acknowledged
    locks: tuple["Lock", ...] = ()  # of the reconciliation before


@dataclass(frozen=True)
class Statement:
    """What the broker answered. None: the call failed, which is never read as empty."""

    account: BrokerAccount | None
    positions: Mapping[str, BrokerPosition] | None
    activities: tuple[Activity, ...] | None
    open_orders: tuple[BrokerOrder, ...] | None


@dataclass(frozen=True)
class CorporateAction:
    """A row of the lake: USD per share after any split of the same day; new shares per old one."""

    symbol: str
    ex_date: date
    dividend_usd: Decimal = Decimal(0)
    split: Fraction = Fraction(1)
    price_before: Decimal | None = None  # raw: the last close before the ex-date
    price_after: Decimal | None = None  # raw: the first price from the ex-date on


@dataclass(frozen=True)
class Rename:
    """A symbol change known to the lake."""

    old: str
    new: str
    session: date


@dataclass(frozen=True)
class Market:
    """What the lake has about the names held, and the last prices of each, USD."""

    actions: tuple[CorporateAction, ...] = ()
    renames: tuple[Rename, ...] = ()
    prices: Mapping[str, Decimal] = field(default_factory=dict)


@dataclass(frozen=True)
class Difference:
    """One difference. Explained to the cent if it has bookings; shares and cents are broker less ledger."""

    difference_id: str  # the same as long as the difference exists, on other days and after a restart
    kind: Kind
    symbol: str  # "" if it concerns no position
    shares: Decimal
    cents: int
    explanation: str  # one sentence for a person
    blocks: Scope
    bookings: tuple[Entry, ...] = ()
    is_waiting: bool = False  # it is expected to end without intervention
    proposal: Entry | None = None  # what a person books by accepting it, under a kind of their choice


@dataclass(frozen=True)
class Lock:
    """No new risk in this name until its difference is gone; symbol "": in no name."""

    symbol: str
    difference_id: str
    kind: Kind
    since: datetime
    reason: str


@dataclass(frozen=True)
class Reconciliation:
    """The outcome. `equity_cents` is the figure of record: the broker's account endpoint. The other is a note."""

    at: datetime
    is_preliminary: bool
    differences: tuple[Difference, ...]
    locks: tuple[Lock, ...]
    equity_cents: int | None
    book_equity_cents: (
        int | None
    )  # ledger cash + receivables + shares × last prices; None if a price is missing

    @property
    def standing(self) -> tuple[Difference, ...]:
        """Return the differences that remain after the bookings."""
        return tuple(item for item in self.differences if item.blocks != "nothing" or not item.bookings)

    @property
    def bookings(self) -> tuple[Entry, ...]:
        return tuple(entry for difference in self.differences for entry in difference.bookings)

    @property
    def blocks_all(self) -> bool:
        return self.is_preliminary or any(not lock.symbol for lock in self.locks)

    @property
    def is_unanswered(self) -> bool:
        """Whether a call to the broker failed, so that nothing was compared."""
        return any(item.blocks == "all" and item.is_waiting for item in self.differences)

    @property
    def locked_symbols(self) -> frozenset[str]:
        return frozenset(lock.symbol for lock in self.locks if lock.symbol)
