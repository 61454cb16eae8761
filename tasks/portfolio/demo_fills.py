"""Play the broker for the demo: what a published day proposed counts as filled at its price.

Only the demo calls this. In a real home the positions file changes by confirmed fills alone.
"""

import csv
import io
from datetime import date

from tasks.core.atomic import write_text
from tasks.core.home import Home
from tasks.portfolio.positions import parse_positions


def is_filled(home: Home, session: date) -> bool:
    """Say whether the book already is as it stood after that session, or a later one."""
    if not home.positions_file.exists():
        return False
    positions = parse_positions(
        home.positions_file.read_text(encoding="utf-8"), path=str(home.positions_file)
    )
    held_since = [position.session for position in positions.positions if position.session is not None]
    return bool(held_since) and max(held_since) >= session


def fill_as_proposed(home: Home, session: date) -> None:
    """Write the book as the day's portfolio_weights.csv leaves it: shares by symbol, and the cash."""
    weights = home.day_folder(session) / "portfolio_weights.csv"
    rows = list(csv.DictReader(io.StringIO(weights.read_text(encoding="utf-8"))))
    lines = ["symbol,shares,session"]
    lines += [f"{row['symbol']},{row['shares']},{session}" for row in rows if float(row["shares"]) != 0]
    write_text(home.positions_file, "\n".join(lines) + "\n")
