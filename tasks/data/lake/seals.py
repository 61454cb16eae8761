"""Record a digest of every file of a committed version, and detect files that are missing or changed.

A commit writes the digest of each new file into the head; readers compare. A digest is never computed again, so that
damaged content cannot become the committed one.
"""

import json
import logging
from collections.abc import Mapping
from dataclasses import replace

from tasks.core.errors import DataError
from tasks.core.text import counted
from tasks.data.lake.delta import data_files
from tasks.data.lake.head import Head
from tasks.data.lake.storage.location import files_of
from tasks.data.schema.records import LakeLocation

log = logging.getLogger(__name__)

FileDigests = dict[str, str]  # by file, relative to the table's directory


def with_file_digests(lake: LakeLocation, head: Head, *, before: Head) -> Head:
    """Return the head with the digests of all its files: those in `before`, and newly computed ones."""
    unchanged = {
        name: digests
        for name, digests in before.files.items()
        if before.versions.get(name) == head.versions.get(name)
    }
    return replace(
        head,
        files={
            name: unchanged.get(name) or _file_digests(lake, name, version, before.files.get(name, {}))
            for name, version in head.versions.items()
        },
    )


def with_recomputed_digests(lake: LakeLocation, head: Head) -> Head:
    """Return the head of a copied lake with digests computed here; the source was verified before."""
    names = [f"{table}/{name}" for table, digests in head.files.items() for name in digests]
    found = files_of(lake).digests(names)
    files = {
        table: {name: found[f"{table}/{name}"] for name in digests if f"{table}/{name}" in found}
        for table, digests in head.files.items()
    }
    return replace(head, files=files)


def refuse_damage(lake: LakeLocation, head: Head) -> None:
    """Raise DataError when a file of a committed table is missing or changed.

    A table of an earlier release has no digests; the next refresh that adds to the lake records them.
    """
    expected = {
        f"{table}/{name}": digest for table, digests in head.files.items() for name, digest in digests.items()
    }
    if unknown := sorted(set(head.versions) - set(head.files)):
        log.warning("written by an earlier release, so not verified by digests: %s", ", ".join(unknown))
    found = files_of(lake).digests(list(expected))
    wrong = sorted(name for name, digest in expected.items() if found.get(name) != digest)
    if not wrong:
        return
    raise _damaged(lake, wrong, "differs from what was committed" if wrong[0] in found else "is missing")


def _file_digests(lake: LakeLocation, name: str, version: int, known: Mapping[str, str]) -> FileDigests:
    names = [*data_files(lake, name, version), *_log_files(lake, name, version)]
    found = files_of(lake).digests([f"{name}/{file}" for file in names if file not in known])
    digests = {file: known.get(file) or found.get(f"{name}/{file}", "") for file in names}
    if missing := [f"{name}/{file}" for file, digest in digests.items() if not digest]:
        raise _damaged(lake, missing, "is missing")
    return digests


def _log_files(lake: LakeLocation, name: str, version: int) -> list[str]:
    """Return the log files of the version: the last checkpoint up to it, and the entries since."""
    pointer = files_of(lake).read(f"{name}/_delta_log/_last_checkpoint")
    last = int(json.loads(pointer.data)["version"]) if pointer else -1
    last = -1 if last > version else last  # of an interrupted refresh
    entries = [f"_delta_log/{entry:020d}.json" for entry in range(last + 1, version + 1)]
    return [*([f"_delta_log/{last:020d}.checkpoint.parquet"] if last >= 0 else []), *entries]


def _damaged(lake: LakeLocation, files: list[str], what: str) -> DataError:
    others = len(files) - 1
    verb = "is" if others == 1 else "are"
    more = f", and {counted(others, 'more file', 'more files')} {verb} damaged or missing" if others else ""
    return DataError(
        f"Table {files[0].split('/')[0]} in {lake} is damaged: {files[0]} {what}{more}.",
        remedy="Restore a backup (`afterclose data restore ARCHIVE --replace`), or move the lake away and "
        "import or refresh again.",
        files=len(files),
    )
