"""Act as the broker in the demo: fill the trades of a published day at their proposed prices.

Only the demo calls this. In a real home, only confirmed fills change the positions file.
"""

import csv
from datetime import date
from pathlib import Path

from tasks.core.atomic import write_text
from tasks.core.homes.home import Home
from tasks.portfolio.schema import CASH


def is_filled(home: Home, session: date) -> bool:
    """Return whether the positions file already reflects that session or a later one."""
    if not home.positions_file.exists():
        return False
    sessions = [row["session"] for row in _rows(home.positions_file) if row.get("session")]
    return any(date.fromisoformat(held_since) >= session for held_since in sessions)


def fill_as_proposed(home: Home, session: date) -> None:
    """Write the positions after the day's trades, from portfolio_weights.csv: shares by symbol, and the cash."""
    rows = _rows(home.day_folder(session) / "portfolio_weights.csv")
    held = [row for row in rows if row["symbol"] == CASH or float(row["shares"]) != 0]
    lines = ["symbol,shares,session", *(f"{row['symbol']},{row['shares']},{session}" for row in held)]
    write_text(home.positions_file, "\n".join(lines) + "\n")


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
