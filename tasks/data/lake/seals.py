"""Know the content of every file that a committed version is read from, and notice when one is gone or another.

A commit writes the digest of each new file into the head; whoever is about to read the lake compares. What was digested
once is never digested anew, so that damage cannot be taken for what was committed.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import replace

from tasks.core.errors import DataError
from tasks.data.lake.delta import data_files
from tasks.data.lake.head import Head
from tasks.data.lake.location import files_of
from tasks.data.schema.records import Place

log = logging.getLogger(__name__)

Seals = dict[str, str]  # digest of each file, by its name below the table's folder


def sealed(lake: Place, head: Head, *, before: Head) -> Head:
    """Return the head with the digests of all files of its tables: those that `before` has, and those of new files."""
    unchanged = {
        name: seals
        for name, seals in before.files.items()
        if before.versions.get(name) == head.versions.get(name)
    }
    return replace(
        head,
        files={
            name: unchanged.get(name) or _seals(lake, name, version, before.files.get(name, {}))
            for name, version in head.versions.items()
        },
    )


def sealed_anew(lake: Place, head: Head) -> Head:
    """Return the head of a lake that was copied here, after it was found sound where it came from."""
    names = [f"{table}/{name}" for table, seals in head.files.items() for name in seals]
    found = files_of(lake).digests(names)
    files = {
        table: {name: found[f"{table}/{name}"] for name in seals if f"{table}/{name}" in found}
        for table, seals in head.files.items()
    }
    return replace(head, files=files)


def refuse_damage(lake: Place, head: Head) -> None:
    """Raise DataError when a file of a committed table is missing or is not what was committed.

    A table that an earlier release wrote carries no digests; the next refresh that adds to the lake gives it some.
    """
    expected = {
        f"{table}/{name}": seal for table, seals in head.files.items() for name, seal in seals.items()
    }
    if unknown := sorted(set(head.versions) - set(head.files)):
        log.warning("written by an earlier release, so not compared with digests: %s", ", ".join(unknown))
    found = files_of(lake).digests(list(expected))
    wrong = sorted(name for name, seal in expected.items() if found.get(name) != seal)
    if not wrong:
        return
    raise _damaged(lake, wrong, "is not what was committed" if wrong[0] in found else "is missing")


def _seals(lake: Place, name: str, version: int, known: Mapping[str, str]) -> Seals:
    names = [*data_files(lake, name, version), *_log_files(lake, name, version)]
    found = files_of(lake).digests([f"{name}/{file}" for file in names if file not in known])
    seals = {file: known.get(file) or found.get(f"{name}/{file}", "") for file in names}
    if missing := [f"{name}/{file}" for file, seal in seals.items() if not seal]:
        raise _damaged(lake, missing, "is missing")
    return seals


def _log_files(lake: Place, name: str, version: int) -> list[str]:
    """Return what the version is read from: the last checkpoint up to it, and the entries since."""
    pointer = files_of(lake).read(f"{name}/_delta_log/_last_checkpoint")
    last = int(json.loads(pointer.data)["version"]) if pointer else -1
    last = -1 if last > version else last  # of a refresh that died
    entries = [f"_delta_log/{entry:020d}.json" for entry in range(last + 1, version + 1)]
    return [*([f"_delta_log/{last:020d}.checkpoint.parquet"] if last >= 0 else []), *entries]


def _damaged(lake: Place, files: list[str], what: str) -> DataError:
    more = f", and {len(files) - 1} more files are damaged or missing" if len(files) > 1 else ""
    return DataError(
        f"Table {files[0].split('/')[0]} in {lake} is damaged: {files[0]} {what}{more}.",
        remedy="Restore a backup (`afterclose data restore ARCHIVE --replace`), or move the lake away and "
        "import or refresh again.",
        files=len(files),
    )
