"""Read the book's own past: equity and exposure by session, from live/performance_history.csv.

Strict: a figure that cannot be read is an error, because the loss limits rest on it. Writing is the report's work.
"""

import csv
import io
import math
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tasks.core.errors import DataError

COLUMNS = ("date", "equity", "exposure")


@dataclass(frozen=True)
class Performance:
    """One entry per session that was run, oldest first. Exposure is the invested share at the close, before trades."""

    sessions: tuple[date, ...]
    equity_usd: tuple[float, ...]
    exposure: tuple[float, ...]

    def between(self, after: date | None, before: date) -> "Performance":
        """Return what lies strictly between two sessions; `after` None is open."""
        chosen = [i for i, day in enumerate(self.sessions) if day < before and (after is None or day > after)]
        return Performance(
            tuple(self.sessions[i] for i in chosen),
            tuple(self.equity_usd[i] for i in chosen),
            tuple(self.exposure[i] for i in chosen),
        )


def read_performance(path: Path) -> Performance:
    """Return the history; no file yet is an empty one."""
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return Performance((), (), ())
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(path, str(error)) from error
    return parse_performance(text, path)


def parse_performance(text: str, path: Path) -> Performance:
    """Understand the CSV; other columns are ignored, other orders sorted, a doubled session is an error."""
    rows = csv.DictReader(io.StringIO(text, newline=""))
    missing = [name for name in COLUMNS if name not in (rows.fieldnames or ())]
    if missing:
        raise _unusable(path, f"column {', '.join(missing)} is missing")
    parsed = sorted(_row(row, path, line=rows.line_num) for row in rows)
    sessions = tuple(day for day, _, _ in parsed)
    if len(set(sessions)) < len(sessions):
        raise _unusable(path, "a session stands there twice")
    return Performance(sessions, tuple(e for _, e, _ in parsed), tuple(x for _, _, x in parsed))


def _row(row: dict[str, str], path: Path, *, line: int) -> tuple[date, float, float]:
    try:
        day = date.fromisoformat(row["date"])
        equity, exposure = float(row["equity"]), float(row["exposure"])
    except (ValueError, TypeError) as error:
        raise _unusable(path, f"line {line}: {error}") from error
    if not (math.isfinite(equity) and equity > 0 and math.isfinite(exposure)):
        raise _unusable(path, f"line {line}: equity {equity}, exposure {exposure}")
    return day, equity, exposure


def _unusable(path: Path, why: str) -> DataError:
    return DataError(
        f"{path} cannot be used: {why}.",
        remedy="Mend the file or restore it from a backup; the loss limits are judged from it.",
        path=str(path),
    )
