"""Ask the ledger's database which sessions were executed: the answer must not depend on a day's directory in live/.

The table is the execution's own (tasks/execution/journal.py); a home in which nothing was executed has none.
"""

from datetime import date

from tasks.core.homes.home import Home
from tasks.ledger.anchor import is_begun
from tasks.ledger.database import database_errors, opened


def has_execution(home: Home, session: date) -> bool:
    """Return whether an execution of the session began, ended or not. Raises SafetyError if the ledger is missing."""
    return session in executed_sessions(home)


def executed_sessions(home: Home) -> frozenset[date]:
    """Return the sessions whose execution began; none without a ledger. Raises SafetyError if it is missing."""
    if not is_begun(home):
        return frozenset()
    with opened(home) as connection, database_errors(home):
        table = "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = 'executions'"
        if connection.execute(table).fetchone() is None:
            return frozenset()
        rows = connection.execute("SELECT session FROM executions").fetchall()
    return frozenset(date.fromisoformat(row[0]) for row in rows)
