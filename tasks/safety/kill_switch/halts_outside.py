"""Store trips of the kill switch outside the home when the home is read-only or its disk is full.

One file per trip in a directory owned by the user, named by a hash of the home's path; `read_switch` reads it too. A
file halts trading even if it is empty, as it may be on a full disk.
"""

import contextlib
import json
import os
import uuid
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from tasks.core.errors import StorageError
from tasks.core.homes.home import Home
from tasks.core.ids import sha256_of_bytes
from tasks.core.json_text import parse_json
from tasks.core.reading import read_bytes

OUTSIDE = "outside-"


def outside_folder(home: Home) -> Path | None:
    """Return the directory for this home, in XDG_STATE_HOME or ~/.local/state; None if the user has neither."""
    try:
        state = Path(os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state")
        place = sha256_of_bytes(os.fsencode(home.root.resolve()))[:32]
    except (OSError, RuntimeError):
        return None
    return state / "afterclose" / "halts" / place


def write_outside(home: Home, trip: Mapping[str, Any]) -> Path | None:
    """Write the trip and return its path; None if that fails, or if the home belongs to another user."""
    folder = outside_folder(home)
    if folder is None or not _is_ours(home):
        return None
    path = folder / f"{OUTSIDE}{uuid.uuid4().hex[:8]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600, exist_ok=False)
    except OSError:
        return None
    with contextlib.suppress(OSError):  # the empty file already halts trading
        path.write_text(json.dumps(trip) + "\n", encoding="utf-8")
    return path


def read_outside(home: Home) -> Iterator[tuple[str, Mapping[str, Any] | None]]:
    """Yield the trips by name; None for an unreadable file or directory. Never raises."""
    folder = outside_folder(home)
    if folder is None or not os.path.isdir(folder):  # noqa: PTH112 - False where a parent cannot be searched
        return
    try:
        paths = sorted(folder.glob(f"{OUTSIDE}*")) if os.listdir(folder) else []  # noqa: PTH208 - glob hides errors
    except OSError:
        yield OUTSIDE.rstrip("-"), None
        return
    for path in paths:
        yield path.name, _read(path)


def remove_outside(home: Home, names: Collection[str]) -> None:
    """Remove the named trips; names of other trips are ignored."""
    folder = outside_folder(home)
    for path in [] if folder is None else [folder / name for name in names if name.startswith(OUTSIDE)]:
        remove_halt(path)


def remove_halt(path: Path) -> None:
    """Remove a file that halts trading, if it exists. Raises StorageError."""
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise StorageError(
            f"{path} could not be removed: {error.strerror}.",
            remedy="Remove it by hand; until then the kill switch is on.",
            path=str(path),
        ) from error


def _read(path: Path) -> Mapping[str, Any] | None:
    try:
        trip = parse_json(read_bytes(path))
    except (OSError, ValueError):
        return None
    return trip if isinstance(trip, dict) else None


def _is_ours(home: Home) -> bool:
    try:
        return home.root.stat().st_uid == os.getuid()
    except OSError:
        return False
