"""Know which version of each table is the committed one. Readers go through the head and nothing else.

The head is written last and atomically: until then a refresh has not happened. Never touches a table.
"""

import json
from dataclasses import asdict, dataclass, field
from datetime import date, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tasks.core.atomic import write_text
from tasks.core.errors import DataError
from tasks.data.migrations import SCHEMA_VERSION, brought_forward

FILE_NAME = "head.json"
SUPERSEDED = "superseded"


@dataclass(frozen=True)
class Head:
    """The committed snapshot: Delta version and row count of each table, and the span of sessions."""

    provider: str
    revision: int = 0
    refreshed_at: datetime | None = None  # None: not known, or never
    first_session: date | None = None
    last_session: date | None = None
    versions: dict[str, int] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)


class _HeadFile(BaseModel):
    """head.json as it must look in this release."""

    model_config = ConfigDict(extra="forbid", strict=False)

    provider: str
    revision: int
    refreshed_at: datetime | None
    first_session: date | None
    last_session: date | None
    versions: dict[str, int]
    rows: dict[str, int]


def read_head(lake: Path) -> Head | None:
    """Return the committed head; None where there is no lake yet. A lake whose head is lost is refused."""
    path = lake / FILE_NAME
    if not path.exists():
        if lake.is_dir() and any(lake.glob("*/_delta_log")):
            raise _unreadable(path, "it is missing while the tables are there")
        return None
    return _read(path)


def write_head(lake: Path, head: Head) -> None:
    """Make the head the committed one. This is the moment a refresh becomes real."""
    write_text(lake / FILE_NAME, _as_text(head))


def keep_superseded(lake: Path, head: Head) -> None:
    """Keep a head beside the one that is about to say something else about its last session."""
    write_text(lake / SUPERSEDED / f"{head.revision:06d}.json", _as_text(head))


def superseded_heads(lake: Path) -> dict[Path, Head]:
    """Return the kept heads by file, latest first."""
    return {path: _read(path) for path in sorted((lake / SUPERSEDED).glob("*.json"), reverse=True)}


def _read(path: Path) -> Head:
    try:
        record = json.loads(path.read_bytes())
        version = int(record.pop("schema_version"))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unreadable(path, type(error).__name__) from error
    if version > SCHEMA_VERSION:
        raise DataError(
            f"{path} has schema version {version}; this release knows {SCHEMA_VERSION}.",
            remedy="Run the release that wrote it, or a later one.",
            path=str(path),
        )
    try:
        content = _HeadFile.model_validate(brought_forward(record, version=version))
    except (ValidationError, KeyError) as error:
        raise _unreadable(path, type(error).__name__) from error
    return Head(**content.model_dump())


def _as_text(head: Head) -> str:
    record = {"schema_version": SCHEMA_VERSION, **asdict(head)}
    return json.dumps(record, indent=1, sort_keys=True, default=str) + "\n"


def _unreadable(path: Path, why: str) -> DataError:
    return DataError(
        f"{path} cannot be used: {why}.",
        remedy="Restore the lake from a backup, or move the folder away and refresh again.",
        path=str(path),
    )
