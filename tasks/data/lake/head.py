"""Read and write the head: it names the committed version of each table. All readers start from the head.

The head is written last and atomically: until then a refresh is not committed. Never touches a table.
"""

import json
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime

from pydantic import BaseModel, ConfigDict, ValidationError

from tasks.core.errors import DataError
from tasks.core.json_text import parse_json
from tasks.data.lake.migrations import SCHEMA_VERSION, migrate_head
from tasks.data.lake.storage.files import Content, Files
from tasks.data.lake.storage.location import files_of
from tasks.data.schema.records import LakeLocation

FILE_NAME = "head.json"
SUPERSEDED = "superseded"


@dataclass(frozen=True)
class Head:
    """The committed snapshot: Delta version, row count and file digests of each table, and the span of sessions."""

    provider: str
    revision: int = 0
    refreshed_at: datetime | None = None  # None: unknown, or never
    first_session: date | None = None
    last_session: date | None = None
    versions: dict[str, int] = field(default_factory=dict)
    rows: dict[str, int] = field(default_factory=dict)
    files: dict[str, dict[str, str]] = field(default_factory=dict)  # digests by table and file (lake/seals)
    simulated_version: int | None = (
        None  # of the simulated market (intake/simulated_version); None: another provider
    )
    tag: str | None = field(default=None, compare=False)  # of the file it was read from, in a bucket


class _HeadFile(BaseModel):
    """Schema of head.json in this release."""

    model_config = ConfigDict(extra="forbid", strict=False)

    provider: str
    revision: int
    refreshed_at: datetime | None
    first_session: date | None
    last_session: date | None
    versions: dict[str, int]
    rows: dict[str, int]
    files: dict[str, dict[str, str]]
    simulated_version: int | None


def read_head(lake: LakeLocation) -> Head | None:
    """Return the committed head; None where there is no lake yet. Raises DataError for tables without a head."""
    files = files_of(lake)
    found = _read(files, lake, FILE_NAME)
    if found is None and any("/_delta_log/" in name for name in files.names()):
        raise _unreadable(f"{lake}/{FILE_NAME}", "it is missing, but tables exist")
    return found


def write_head(lake: LakeLocation, head: Head) -> Head:
    """Commit the head and return it as stored. This commits a refresh.

    If another home has written to the bucket since the head was read, its head stays and StorageError is raised.
    """
    return replace(head, tag=files_of(lake).write(FILE_NAME, _as_bytes(head), over=head.tag))


def store_superseded(lake: LakeLocation, head: Head) -> None:
    """Store a copy of a head that is about to be replaced for the same last session."""
    files_of(lake).write(f"{SUPERSEDED}/{head.revision:06d}.json", _as_bytes(head), over=None)


def superseded_heads(lake: LakeLocation) -> dict[str, Head]:
    """Return the superseded heads by file name, latest first."""
    files = files_of(lake)
    names = [name for name in files.names(SUPERSEDED) if name.endswith(".json")]
    heads = {name: _read(files, lake, name) for name in reversed(names)}
    return {name: head for name, head in heads.items() if head is not None}


def _read(files: Files, lake: LakeLocation, name: str) -> Head | None:
    path = f"{lake}/{name}"
    try:
        found = files.read(name)
    except OSError as error:
        raise _unreadable(path, type(error).__name__) from error
    return None if found is None else _parsed(path, found)


def _parsed(path: str, found: Content) -> Head:
    try:
        record = parse_json(found.data)
        version = int(record.pop("schema_version"))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unreadable(path, type(error).__name__) from error
    if version > SCHEMA_VERSION:
        raise DataError(
            f"{path} has schema version {version}; this release supports up to {SCHEMA_VERSION}.",
            remedy="Run the release that wrote it, or a later one.",
            path=path,
        )
    try:
        content = _HeadFile.model_validate(migrate_head(record, version=version))
    except (ValidationError, KeyError) as error:
        raise _unreadable(path, type(error).__name__) from error
    return Head(**content.model_dump(), tag=found.tag)


def _as_bytes(head: Head) -> bytes:
    record = {"schema_version": SCHEMA_VERSION, **asdict(head)}
    del record["tag"]
    return (json.dumps(record, indent=1, sort_keys=True, default=str) + "\n").encode()


def _unreadable(path: str, why: str) -> DataError:
    return DataError(
        f"{path} cannot be used: {why}.",
        remedy="Restore the lake from a backup, or move it away and refresh again.",
        path=path,
    )
