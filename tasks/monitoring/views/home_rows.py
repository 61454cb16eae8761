"""Read a home's records outside its days as rows of the views: equity, audit log, decisions, trials, matrices."""

import csv
import io
from datetime import date, datetime
from pathlib import Path

from tasks.approval.approval_log import APPROVED, APPROVED_DETAIL, REJECTED, REJECTED_DETAIL
from tasks.backtest.matrix.publication import MATRIX_FILE
from tasks.backtest.matrix.tables import WITHHELD
from tasks.core.errors import DataError
from tasks.core.homes.home import Home
from tasks.core.reading import read_text
from tasks.monitoring.shadow_days import read_shadows, shadow_skill
from tasks.monitoring.views.catalog import MATRIX, SHADOW_IC
from tasks.monitoring.views.ledger_rows import naive_utc
from tasks.monitoring.views.schema import Row
from tasks.portfolio.holdings.record import refuse_short_history
from tasks.safety.audit import read_intact
from tasks.selection.trials.ledger import require_intact

EQUITY_NUMBERS = ("equity", "daily_return", "benchmark_return")
EQUITY_AMOUNTS = ("turnover", "cost", "exposure", "net_flows", "receivable")


def equity_rows(home: Home) -> list[Row]:
    """Return performance_history.csv, oldest first. Raises if rows of it are missing or it cannot be read."""
    refuse_short_history(home, None)
    path = home.performance_file
    if not path.exists():
        return []
    try:
        found = csv.DictReader(io.StringIO(read_text(path), newline=""))
        rows = [_equity(row) for row in found]
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            f"{path} cannot be read ({type(error).__name__}: {str(error)[:80]}).",
            remedy="Fix the row, or restore the file from a backup (`afterclose data restore`).",
            path=str(path),
        ) from error
    return sorted(rows, key=lambda row: str(row[0]))


def _equity(row: dict[str, str]) -> Row:
    before = [_number(row.get(name)) for name in EQUITY_NUMBERS]
    after = [_number(row.get(name)) for name in EQUITY_AMOUNTS]
    return (date.fromisoformat(row["date"]), *before, row["regime"], *after)


def audit_rows(home: Home) -> list[Row]:
    """Return the rows of the audit log. Raises SafetyError if its chain is broken."""
    return [
        (number, naive_utc(datetime.fromisoformat(row.at)), row.event, row.by, row.detail)
        for number, row in enumerate(read_intact(home), start=1)
    ]


def decision_rows(home: Home) -> list[Row]:
    """Return the approvals and rejections in the order of the audit log."""
    found: list[Row] = []
    for row in read_intact(home):
        pattern = {APPROVED: APPROVED_DETAIL, REJECTED: REJECTED_DETAIL}.get(row.event)
        parsed = pattern.fullmatch(row.detail) if pattern else None
        if parsed is not None:
            reason = parsed[3] if row.event == REJECTED else ""
            at = naive_utc(datetime.fromisoformat(row.at))
            decision = row.event.removeprefix("day_")
            found.append((date.fromisoformat(parsed[1]), at, decision, row.by, reason, parsed[2]))
    return found


def trial_rows(home: Home) -> list[Row]:
    """Return the trials in the order of the ledger. Raises SafetyError if it is not intact."""
    return [
        (
            number,
            date.fromisoformat(entry.session),
            entry.run,
            entry.candidate,
            entry.kind,
            entry.parameters,
            entry.trial,
        )
        for number, entry in enumerate(require_intact(home, returns=False).entries, start=1)
    ]


def matrix_rows(home: Home) -> list[Row]:
    """Return the rows of every matrix in reports/."""
    files = sorted(path for path in home.reports.rglob(MATRIX_FILE) if not path.is_symlink())
    return [row for path in files for row in _matrix(path, str(path.parent.relative_to(home.reports)))]


def shadow_score_rows(home: Home) -> list[Row]:
    """Return what the challengers scored. Raises StorageError for a file that was altered."""
    return [
        (day.scored.session, symbol, day.scored.model, day.scored.model_sha256, score)
        for day in read_shadows(home)
        for symbol, score in day.scored.scores.items()
    ]


def shadow_ic_rows(home: Home) -> list[Row]:
    """Return the realized skill of the challengers, by session."""
    return [
        (*(getattr(one, name) for name in SHADOW_IC.names[:-5]), *one.quantiles)
        for one in shadow_skill(read_shadows(home)).values()
    ]


def _matrix(path: Path, report: str) -> list[Row]:
    kinds = {column.name: column.kind for column in MATRIX.columns}
    try:
        rows = csv.DictReader(io.StringIO(read_text(path), newline=""))
        return [(report, *(_cell(row[name], kinds[name]) for name in MATRIX.names[1:])) for row in rows]
    except (OSError, ValueError, KeyError) as error:
        raise DataError(
            f"{path} cannot be read ({type(error).__name__}).",
            remedy="Delete the report or run the matrix again (`afterclose backtest --matrix`).",
            path=str(path),
        ) from error


def _cell(text: str, kind: str) -> object:
    if kind == "text":
        return text
    number = None if text == WITHHELD else _number(text)
    return int(number) if kind == "count" and number is not None else number


def _number(text: str | None) -> float | None:
    return float(text) if text else None
