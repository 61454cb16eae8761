"""Know which version of each table is the committed one. Readers go through the head and nothing else.

The head is written last and atomically: until then a refresh has not happened. Never touches a table.
"""

import json
from dataclasses import asdict, dataclass, field
from datetime import date
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from tasks.core.atomic import write_text
from tasks.core.errors import DataError

SCHEMA_VERSION = 1
FILE_NAME = "head.json"


@dataclass(frozen=True)
class Head:
    """The committed snapshot: Delta version and row count of each table, and the span of sessions."""

    provider: str
    revision: int = 0
    first_session: date | None = None
    last_session: date | None = None
    versions: dict[str, int] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)


class _HeadFile(BaseModel):
    """head.json as it must look."""

    model_config = ConfigDict(extra="forbid", strict=False)

    schema_version: int
    provider: str
    revision: int
    first_session: date | None
    last_session: date | None
    versions: dict[str, int]
    rows: dict[str, int]


def read_head(lake: Path) -> Head | None:
    """Return the committed head; None where there is no lake yet. A lake whose head is lost is refused."""
    path = lake / FILE_NAME
    try:
        content = _HeadFile.model_validate_json(path.read_text())
    except FileNotFoundError:
        if lake.is_dir() and any(lake.glob("*/_delta_log")):
            raise _unreadable(path, "it is missing while the tables are there") from None
        return None
    except (ValidationError, UnicodeDecodeError, OSError) as error:
        raise _unreadable(path, type(error).__name__) from error
    if content.schema_version != SCHEMA_VERSION:
        raise _unreadable(path, f"its schema version is {content.schema_version}, not {SCHEMA_VERSION}")
    return Head(**content.model_dump(exclude={"schema_version"}))


def write_head(lake: Path, head: Head) -> None:
    """Make the head the committed one. This is the moment a refresh becomes real."""
    record = {"schema_version": SCHEMA_VERSION, **asdict(head)}
    write_text(lake / FILE_NAME, json.dumps(record, indent=1, sort_keys=True, default=str) + "\n")


def _unreadable(path: Path, why: str) -> DataError:
    return DataError(
        f"{path} cannot be used: {why}.",
        remedy="Restore the lake from a backup, or move the folder away and refresh again.",
        path=str(path),
    )
