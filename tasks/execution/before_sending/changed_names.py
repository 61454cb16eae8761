"""Which approved names split or change their symbol by the fill session: the approved shares no longer apply."""

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date

from tasks.approval.schema import Line
from tasks.execution.deciding.reductions import Reduction
from tasks.execution.reconciliation.schema import CorporateAction, Market, Rename

BOOKED = {"split": "split", "rename": "changed its symbol", "merger": "was merged"}


def changes_in(market: Market) -> dict[str, str]:
    """Return what happens to each name, by symbol, as the lake states it. A dividend changes no shares. Pure."""
    return {**_splits(market.actions), **_renames(market.renames)}


def booked_changes(connection: sqlite3.Connection, *, after: date, through: date) -> dict[str, str]:
    """Return what the ledger has booked of the broker's activities: the lake may learn of it later."""
    rows = connection.execute(
        "SELECT symbol, kind, session FROM entries WHERE kind IN ('split', 'rename', 'merger') "
        "AND session > ? AND session <= ? ORDER BY rowid",
        (after.isoformat(), through.isoformat()),
    )
    return {symbol: f"{symbol} {BOOKED[kind]} on {session}" for symbol, kind, session in rows}


def voids(lines: Sequence[Line], changes: Mapping[str, str]) -> dict[int, Reduction]:
    """Return the lines, by row, that must not be executed; their orders that rest at the broker are canceled. Pure."""
    return {
        row: Reduction(0, f"{changes[line.symbol]}: the approved line no longer applies", cancels=True)
        for row, line in enumerate(lines)
        if line.symbol in changes
    }


def _splits(actions: Collection[CorporateAction]) -> dict[str, str]:
    return {
        one.symbol: f"{one.symbol} splits {one.split.numerator} for {one.split.denominator} on {one.ex_date}"
        for one in actions
        if one.split != 1
    }


def _renames(renames: Iterable[Rename]) -> dict[str, str]:
    return {one.old: f"{one.old} becomes {one.new} on {one.session}" for one in renames}
