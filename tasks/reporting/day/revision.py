"""Render the files of a revision: trades that a person struck or halved after the day was published.

The signals and the report stay those of the day; the revision's manifest names the day's manifest by digest.
"""

from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from tasks.approval.day import PublishedDay
from tasks.core.homes.replay_inputs import MANIFEST
from tasks.core.ids import sha256_of_bytes
from tasks.core.json_text import parse_json
from tasks.core.versions.source_code import CODE_ROOT, code_fingerprint
from tasks.portfolio.schema import Portfolio
from tasks.reporting.day.assessed import assessment_record
from tasks.reporting.day.files import (
    FIRST_SCREEN,
    SCHEMA_VERSION,
    check_records,
    json_bytes,
    portfolio_record,
    trades_csv,
    weights_csv,
)
from tasks.reporting.day.ledger import printed_trades, printed_weights
from tasks.risk.assessment import Assessment
from tasks.safety.schema import Checks


@dataclass(frozen=True)
class Revision:
    """Who revised the day, when and why, and what was changed."""

    number: int
    by: str
    at: str
    reason: str
    struck: tuple[str, ...]
    halved: tuple[str, ...]
    solved: bool


@dataclass(frozen=True)
class RevisedBook:
    """The target, the trades and the portfolio after them, as frames, the checks that they passed, and the risk."""

    portfolio: Portfolio
    target: pd.DataFrame
    trades: pd.DataFrame
    after: pd.DataFrame
    checks: Checks
    assessment: Assessment  # of the portfolio after them


def revision_files(day: PublishedDay, revision: Revision, book: RevisedBook) -> dict[str, bytes]:
    """Return the files of the revision of the day, with their manifest."""
    files = {
        "trades.csv": trades_csv(printed_trades(book.trades)),
        "portfolio_weights.csv": weights_csv(printed_weights(book.target, book.after)),
        "monitoring_log.json": json_bytes(_monitoring(day, revision, book)),
    }
    return files | {MANIFEST: json_bytes(_manifest(day, revision, files))}


def _monitoring(day: PublishedDay, revision: Revision, book: RevisedBook) -> dict[str, Any]:
    """Return the day's record with what the revision changed, without what the report says of the day's list."""
    record: dict[str, Any] = parse_json(day.files["monitoring_log.json"])
    record.pop(FIRST_SCREEN, None)
    return record | {
        "checks": check_records(book.checks),
        "portfolio": portfolio_record(book.portfolio),
        "risk_assessment": assessment_record(book.assessment),
        "revision": asdict(revision),
    }


def _manifest(day: PublishedDay, revision: Revision, files: dict[str, bytes]) -> dict[str, Any]:
    manifest = parse_json(day.manifest)
    return {
        "schema_version": SCHEMA_VERSION,
        "session": str(day.session),
        "status": "published",
        "revision": asdict(revision),
        "day_sha256": day.manifest_sha256,
        "inputs": manifest["inputs"],
        "versions": manifest["versions"] | {"code": code_fingerprint(CODE_ROOT)},
        "sha256": {name: sha256_of_bytes(content) for name, content in files.items()},
    }


def revision_of(day: PublishedDay) -> Revision | None:
    """Return who revised the day and how, as its manifest has it; None for the day as published."""
    if not day.revision:
        return None
    stated = parse_json(day.manifest)["revision"]
    return Revision(
        day.revision,
        str(stated["by"]),
        str(stated["at"]),
        str(stated["reason"]),
        tuple(stated["struck"]),
        tuple(stated["halved"]),
        bool(stated["solved"]),
    )
