"""Read what the last published day before a session decided from."""

import csv
import io
from datetime import date
from pathlib import Path

from tasks.core.homes.run import Run
from tasks.core.reading import read_bytes, read_text
from tasks.portfolio.holdings.record import published_sessions
from tasks.trades.tickets.previous import FILES, PreviousDecision, parse_previous

NET_FLOWS = "net_flows"


def read_previous(run: Run) -> PreviousDecision | str | None:
    """Return the last published decision; a string if it cannot be compared, None if there is none."""
    session = max((day for day in published_sessions(run.home) if day < run.session.day), default=None)
    if session is None:
        return None
    folder = run.home.live / session.isoformat()
    try:
        files = {name: read_bytes(folder / name) for name in FILES if (folder / name).exists()}
        found = parse_previous(session, files)
    except (OSError, ValueError, KeyError, TypeError, AttributeError, csv.Error) as error:
        return f"The day of {session} cannot be read ({type(error).__name__})."
    return f"The day of {session} cannot be compared: {found}." if isinstance(found, str) else found


def net_flows_at(performance_file: Path, session: date) -> float:
    """Return deposits minus withdrawals up to the session, by its row; 0 without one, as before the first of them."""
    if not performance_file.exists():
        return 0.0
    rows = csv.DictReader(io.StringIO(read_text(performance_file), newline=""))
    return next((float(row.get(NET_FLOWS) or 0) for row in rows if row["date"] == session.isoformat()), 0.0)
