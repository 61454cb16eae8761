"""The tables of the journal, and how an order and an execution are written in a row and read from it. No database."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, get_args

from tasks.approval.schema import Line
from tasks.core.errors import SafetyError
from tasks.core.ids import canonical_json
from tasks.execution.execution import Execution, Stage
from tasks.execution.schema import Order, Side, State, Timing, Tracked

PART, VERSION = "execution", 1
FIXED = {
    "executions": ("session", "approval_sha256", "account", "mode", "fill_session", "terms", "created_at"),
    "orders": ("order_id", "session", "row", "part", "symbol", "side", "shares", "timing", "limit_price"),
}
TABLES = (
    """CREATE TABLE executions (
    session TEXT PRIMARY KEY,
    approval_sha256 TEXT NOT NULL,
    account TEXT NOT NULL,
    mode TEXT NOT NULL,
    fill_session TEXT NOT NULL,
    terms TEXT NOT NULL,
    created_at TEXT NOT NULL,
    stage TEXT NOT NULL,
    reason TEXT NOT NULL,
    first_intent_at TEXT
) STRICT""",
    """CREATE TABLE orders (
    order_id TEXT PRIMARY KEY,
    session TEXT NOT NULL REFERENCES executions (session),
    row INTEGER NOT NULL,
    part INTEGER NOT NULL,
    symbol TEXT NOT NULL,
    side TEXT NOT NULL,
    shares INTEGER NOT NULL,
    timing TEXT NOT NULL,
    limit_price TEXT,
    state TEXT NOT NULL,
    sends INTEGER NOT NULL,
    reason TEXT NOT NULL,
    changed_at TEXT NOT NULL,
    UNIQUE (session, row, part)
) STRICT""",
    """CREATE TABLE order_events (
    number INTEGER PRIMARY KEY,
    session TEXT NOT NULL,
    order_id TEXT NOT NULL,
    run INTEGER NOT NULL,
    at TEXT NOT NULL,
    event TEXT NOT NULL,
    state TEXT NOT NULL,
    filled_shares TEXT NOT NULL,
    filled_cents INTEGER NOT NULL,
    reason TEXT NOT NULL
) STRICT""",
    """CREATE TABLE runs (
    token INTEGER PRIMARY KEY AUTOINCREMENT,
    session TEXT NOT NULL,
    process INTEGER NOT NULL,
    started_at TEXT NOT NULL
) STRICT""",
    *(
        f"CREATE TRIGGER {table}_fixed BEFORE UPDATE OF {', '.join(columns)} ON {table} "
        f"BEGIN SELECT RAISE(ABORT, 'the fixed columns of {table} cannot be changed'); END"
        for table, columns in FIXED.items()
    ),
    """CREATE TRIGGER order_events_no_update BEFORE UPDATE ON order_events
BEGIN SELECT RAISE(ABORT, 'events are append-only'); END""",
    *(
        f"CREATE TRIGGER {table}_no_delete BEFORE DELETE ON {table} "
        f"BEGIN SELECT RAISE(ABORT, '{table} are append-only'); END"
        for table in ("executions", "orders", "order_events", "runs")
    ),
)


def instant_cell(at: datetime) -> str:
    """Return the instant as it is stored: UTC, ISO 8601."""
    return at.astimezone(UTC).isoformat()


def order_cells(tracked: Tracked) -> tuple[object, ...]:
    """Return the row of an order, in the order of its columns."""
    order = tracked.order
    return (
        order.order_id,
        order.session.isoformat(),
        order.row,
        order.part,
        order.symbol,
        order.side,
        order.shares,
        order.timing,
        None if order.limit_price is None else str(order.limit_price),
        tracked.state,
        tracked.sends,
        tracked.reason,
        instant_cell(tracked.changed_at),
    )


def tracked_of(row: tuple[Any, ...]) -> Tracked:
    """Return the order of a row. Raises SafetyError if the row is damaged."""
    order_id, session, number, part, symbol, side, shares, timing, limit, state, sends, reason, at = row
    if side not in get_args(Side) or timing not in get_args(Timing):
        raise damaged(f"order {order_id}")
    order = Order(
        order_id,
        date.fromisoformat(session),
        number,
        part,
        symbol,
        side,
        shares,
        timing,
        None if limit is None else Decimal(limit),
    )
    return Tracked(order, State(state), sends, reason, datetime.fromisoformat(at))


def execution_cells(execution: Execution) -> tuple[object, ...]:
    """Return the row of an execution."""
    terms = {
        "lines": [line.model_dump() for line in execution.lines],
        "is_demo": execution.is_demo,
        "broker": execution.broker,
        "expires_at": instant_cell(execution.expires_at),
        "opens_at": instant_cell(execution.opens_at),
        "closes_at": instant_cell(execution.closes_at),
        "ends_at": instant_cell(execution.ends_at),
    }
    return (
        execution.session.isoformat(),
        execution.approval_sha256,
        execution.account,
        execution.mode,
        execution.fill_session.isoformat(),
        canonical_json(terms),
        instant_cell(execution.created_at),
        execution.stage,
        execution.reason,
    )


def execution_of(row: tuple[Any, ...]) -> Execution:
    """Return the execution of a row. Raises SafetyError if the row is damaged."""
    session, digest, account, mode, fill_session, terms, created_at, stage, reason, first = row
    stored = json.loads(terms)
    if mode not in {"paper", "live"}:
        raise damaged(f"the execution of {session}")
    return Execution(
        session=date.fromisoformat(session),
        approval_sha256=digest,
        account=account,
        mode=mode,
        is_demo=stored["is_demo"],
        lines=tuple(Line.model_validate(line) for line in stored["lines"]),
        expires_at=datetime.fromisoformat(stored["expires_at"]),
        fill_session=date.fromisoformat(fill_session),
        opens_at=datetime.fromisoformat(stored["opens_at"]),
        closes_at=datetime.fromisoformat(stored["closes_at"]),
        ends_at=datetime.fromisoformat(stored["ends_at"]),
        stage=Stage(stage),
        reason=reason,
        created_at=datetime.fromisoformat(created_at),
        first_intent_at=None if first is None else datetime.fromisoformat(first),
        broker=stored.get("broker", ""),
    )


def damaged(what: str) -> SafetyError:
    """Return the error for a row that cannot be read."""
    return SafetyError(
        f"The journal cannot be read: {what} is damaged.", remedy="Restore the ledger from a backup."
    )
