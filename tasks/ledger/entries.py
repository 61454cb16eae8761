"""The entries of the ledger: every change in cash and shares, once. Whole cents, exact shares; never edited."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Literal

Kind = Literal[
    "opening",  # what the home held when its ledger began, as declared by its positions file
    "fill",  # of an order of ours: `order_id`; `source` is the order and its total filled so far
    "manual_trade",  # a trade that really happened, entered by hand or found at the broker
    "fee",
    "dividend_due",  # on the ex-date: `receivable_cents`
    "dividend",  # paid: cash up, receivable down
    "interest",
    "split",
    "cash_in_lieu",
    "merger",
    "rename",  # shares leave one symbol (one entry) and come to another (a second entry)
    "deposit",
    "withdrawal",
    "restatement",  # the broker restated or busted a trade
    "correction",  # of the books alone, declared by a person
]


@dataclass(frozen=True)
class Entry:
    """One signed change. `source` is unique in the ledger: the same event cannot be booked twice."""

    kind: Kind
    source: str
    session: date  # on which it counts
    at: datetime  # when it was booked
    symbol: str = ""
    shares: Decimal = Decimal(0)
    cash_cents: int = 0
    receivable_cents: int = 0
    fee_cents: int = 0  # included in cash_cents
    order_id: str = ""
    by: str = ""  # the person, where one entered it
    reason: str = ""
