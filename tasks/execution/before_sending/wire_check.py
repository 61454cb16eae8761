"""Call the wire guard for an execution. It reads ledger and orders itself, and uses nothing that the gates read."""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from tasks.approval.schema import Line
from tasks.execution.checks import Facts
from tasks.execution.journal import read_orders
from tasks.execution.schema import AT_BROKER, Order
from tasks.execution.wire_guard import GuardRefusedError, Wire, guard

SHARES = "SELECT shares FROM entries WHERE symbol = ?"
CASH = "SELECT coalesce(sum(cash_cents), 0) FROM entries"
BUYS = """SELECT coalesce(-sum(cash_cents), 0) FROM entries
WHERE session >= ? AND cash_cents < 0 AND kind IN ('fill', 'manual_trade')"""


@dataclass(frozen=True)
class WireCheck:
    """`checks.WireGuard` for one execution. Called after the request was stored, so that it counts itself."""

    connection: sqlite3.Connection
    session: date  # of the decision
    fill_session: date
    has_unique_ids: bool
    allows_live: bool
    environ: Mapping[str, str]

    def __call__(self, order: Order, line: Line, facts: Facts) -> str:  # noqa: ARG002 - the approval is the gates' matter
        """Return why the order must not leave; "" if it may."""
        tracked = read_orders(self.connection, self.session)
        sums = self.connection.execute
        wire = Wire(
            order=order,
            account=facts.account,
            positions=facts.positions,
            open_orders=facts.open_orders,
            unconfirmed=[one.order for one in tracked if one.state in AT_BROKER],
            quotes=facts.quotes,
            ledger_shares=sum((Decimal(row[0]) for row in sums(SHARES, (order.symbol,))), Decimal(0)),
            ledger_cash_cents=int(sums(CASH).fetchone()[0]),
            buys_today_cents=int(sums(BUYS, (self.fill_session.isoformat(),)).fetchone()[0]),
            orders_today=sum(one.sends for one in tracked),
            sends=sum(one.sends for one in tracked if one.order.order_id == order.order_id),
            has_unique_ids=self.has_unique_ids,
            allows_live=self.allows_live,
        )
        try:
            guard(wire, self.environ)
        except GuardRefusedError as refused:
            return refused.what
        return ""
