"""Read equity and exposure by session from live/performance_history.csv, which `reporting` writes.

Strict: an invalid value is an error, because the loss limits depend on it.
"""

import csv
import io
import math
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tasks.core.errors import DataError
from tasks.core.reading import read_text

COLUMNS = ("date", "equity", "exposure")
LEDGER_COLUMNS = ("net_flows", "receivable")  # missing or empty before the home had a ledger


@dataclass(frozen=True)
class EquityHistory:
    """One entry per session run, oldest first. Exposure is the invested fraction at the close, before trades.

    Equity includes dividends between ex-date and payment; net flows are deposits minus withdrawals until the session.
    """

    sessions: tuple[date, ...]
    equity_usd: tuple[float, ...]
    exposure: tuple[float, ...]
    net_flows_usd: tuple[float, ...]

    def between(self, after: date | None, before: date) -> "EquityHistory":
        """Return the sessions strictly between two dates; `after` None means no bound."""
        first = 0 if after is None else bisect_right(self.sessions, after)
        chosen = slice(first, bisect_left(self.sessions, before))
        return EquityHistory(
            self.sessions[chosen], self.equity_usd[chosen], self.exposure[chosen], self.net_flows_usd[chosen]
        )


def read_equity_history(path: Path) -> EquityHistory:
    """Return the history; empty if there is no file. Raises DataError for an invalid file."""
    try:
        text = read_text(path)
    except FileNotFoundError:
        return EquityHistory((), (), (), ())
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(path, str(error)) from error
    return parse_equity_history(text, path)


def parse_equity_history(text: str, path: Path) -> EquityHistory:
    """Parse the CSV: other columns are ignored, rows are sorted by date, a duplicate session is an error."""
    rows = csv.DictReader(io.StringIO(text, newline=""))
    missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
    if missing:
        raise _unusable(path, f"column {', '.join(missing)} is missing")
    parsed = sorted(_row(row, path, line=rows.line_num) for row in rows)
    sessions = tuple(row[0] for row in parsed)
    if len(set(sessions)) < len(sessions):
        raise _unusable(path, "it has a session twice")
    return EquityHistory(
        sessions,
        equity_usd=tuple(row[1] for row in parsed),
        exposure=tuple(row[2] for row in parsed),
        net_flows_usd=tuple(row[3] for row in parsed),
    )


def _row(row: dict[str, str], path: Path, *, line: int) -> tuple[date, float, float, float]:
    try:
        day = date.fromisoformat(row["date"])
        equity, exposure = float(row["equity"]), float(row["exposure"])
        net_flows, receivable = (float(row.get(name) or 0) for name in LEDGER_COLUMNS)
    except (ValueError, TypeError) as error:
        raise _unusable(path, f"line {line}: {error}") from error
    worth = equity + receivable
    if not (math.isfinite(worth) and equity > 0 and worth > 0 and math.isfinite(exposure + net_flows)):
        raise _unusable(path, f"line {line}: equity {equity}, exposure {exposure}")
    return day, worth, exposure, net_flows


def _unusable(path: Path, why: str) -> DataError:
    return DataError(
        f"{path} cannot be used: {why}.",
        remedy="Fix the file or restore it from a backup; the loss limits depend on it.",
        path=str(path),
    )
