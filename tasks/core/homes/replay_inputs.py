"""The inputs and files of published days, read from the manifests in live/.

The inputs of a day must not be deleted, because its replay needs them: an unreadable manifest is an error.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import NamedTuple

from tasks.core.errors import StorageError
from tasks.core.homes.home import Home
from tasks.core.ids import sha256_of_file
from tasks.core.json_text import parse_json
from tasks.core.reading import read_bytes

MANIFEST = "manifest.json"


class ReplayInputs(NamedTuple):
    """The inputs of a published day."""

    snapshot: str  # id of the data
    champion: str  # sha256 of the model
    kept: str | None = (
        None  # sha256 of the index of what else was kept (tasks/core/homes/kept.py); None: older release
    )


def published_inputs(home: Home) -> dict[date, ReplayInputs]:
    """Return the inputs of each published day, by session, oldest first.

    Raises StorageError at the first unreadable manifest. Without published days the mapping is empty.
    """
    found = {}
    for path in sorted(home.live.glob(f"[0-9]*/{MANIFEST}")):
        try:
            manifest = parse_json(read_bytes(path))
            inputs = manifest["inputs"]
            session = date.fromisoformat(manifest["session"])
            kept = inputs.get("kept")
            found[session] = ReplayInputs(
                str(inputs["snapshot"]), str(inputs["champion"]), None if kept is None else str(kept)
            )
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise StorageError(
                f"{path} cannot be read ({type(error).__name__}), so the inputs of that day are unknown.",
                remedy="Restore the day from a backup, or move its directory out of live/.",
                path=str(path),
            ) from error
    return found


def changed_files(home: Home) -> Iterator[str]:
    """Yield the files of published days and their revisions, as DATE/NAME, that differ from their manifest."""
    for folder in map(home.day_folder, home.days()):
        yield from _changed(folder, home)
        for revision in sorted(path for path in folder.glob("revisions/[0-9]*") if path.is_dir()):
            yield from _changed(revision, home)


def _changed(folder: Path, home: Home) -> Iterator[str]:
    name = folder.relative_to(home.live).as_posix()
    try:
        digests = dict(parse_json(read_bytes(folder / MANIFEST))["sha256"])
    except (OSError, ValueError, KeyError, TypeError):
        yield f"{name}/{MANIFEST}"
        return
    for file, digest in sorted(digests.items()):
        path = folder / file
        if not path.is_file() or sha256_of_file(path) != digest:
            yield f"{name}/{file}"
