"""Running totals of the ledger for the checks before each order: what is held, and what was traded in the session.

The ledger is read and verified once; then only what was appended since is added, so that a check takes microseconds.
"""

import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import NamedTuple

from tasks.ledger.store import end_of_ledger, entries

TRADES = frozenset({"fill", "manual_trade"})
NEWER = (
    """SELECT id, kind, session, symbol, shares, cash_cents, order_id FROM entries WHERE id > ? ORDER BY id"""
)


class Booked(NamedTuple):
    """The parts of an entry that are summed."""

    kind: str
    session: date
    symbol: str
    shares: Decimal
    cash_cents: int
    order_id: str


class Totals:
    """The sums. `since`: the first session that counts as the one being executed."""

    def __init__(self, since: date) -> None:
        self.since = since
        self.shares: dict[str, Decimal] = defaultdict(Decimal)
        self.cash_cents = 0
        self.filled: dict[str, Decimal] = defaultdict(Decimal)  # shares by order
        self.bought: dict[str, Decimal] = defaultdict(Decimal)
        self.buys_cents = 0
        self.sales_cents = 0
        self.traded: dict[str, set[date]] = defaultdict(set)

    def add(self, booked: Iterable[Booked]) -> None:
        """Add the entries."""
        for one in booked:
            self.cash_cents += one.cash_cents
            if one.shares:
                self.shares[one.symbol] += one.shares
            if one.kind == "fill":
                self.filled[one.order_id] += abs(one.shares)
            if one.kind in TRADES:
                self.traded[one.symbol].add(one.session)
                if one.session >= self.since:
                    self._add_traded(one)

    def _add_traded(self, one: Booked) -> None:
        if one.shares > 0:
            self.bought[one.symbol] += one.shares
            self.buys_cents -= one.cash_cents
        else:
            self.sales_cents += one.cash_cents


class LedgerTotals:
    """The totals of one ledger, brought up to date whenever they are asked for."""

    def __init__(self, connection: sqlite3.Connection, since: date) -> None:
        self._connection, self._totals = connection, Totals(since)
        self._last = end_of_ledger(connection).entries
        verified = entries(connection)[: self._last]
        self._totals.add(
            Booked(one.kind, one.session, one.symbol, one.shares, one.cash_cents, one.order_id)
            for one in verified
        )

    def now(self) -> Totals:
        """Return the totals with every entry appended so far. Raises SafetyError if the ledger was shortened."""
        for row in self._connection.execute(NEWER, (self._last,)).fetchall():
            number, kind, session, symbol, shares, cash_cents, order_id = row
            self._totals.add(
                [
                    Booked(
                        kind, date.fromisoformat(session), symbol, Decimal(shares), int(cash_cents), order_id
                    )
                ]
            )
            self._last = number
        return self._totals
