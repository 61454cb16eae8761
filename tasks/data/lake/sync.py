"""Sync a table's commits to disk before the head names them, so that the head never survives without them.

The Delta library writes and renames files but does not sync them.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote

from tasks.core.json_text import parse_json
from tasks.core.reading import read_text


def sync_commits(table: Path, first: int, last: int) -> None:
    """Sync the log entries of versions `first` to `last`, the files they added, and their directories."""
    log = table / "_delta_log"
    written: set[Path] = set()
    written |= {file for file in log.glob("*.checkpoint.parquet") if first <= int(file.name[:20]) <= last}
    for version in range(first, last + 1):
        entry = log / f"{version:020d}.json"
        # a version left by a crash may name files that were vacuumed since
        written |= {entry, *(file for file in _added(entry, table) if file.exists())}
    for file in sorted(written):
        _sync(file, os.O_RDONLY)
    for folder in sorted({file.parent for file in written} | {log, table, table.parent}):
        _sync(folder, os.O_RDONLY | os.O_DIRECTORY)


def _added(entry: Path, table: Path) -> Iterator[Path]:
    for line in read_text(entry).splitlines():
        added = parse_json(line).get("add")
        if added:
            yield table / unquote(added["path"])


def _sync(path: Path, flags: int) -> None:
    descriptor = os.open(path, flags)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
