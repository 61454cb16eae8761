"""Keep a result in a file under a hash of all that determines it, so that an interrupted run continues.

A file that is damaged, or belongs to another result, is an error: it is never computed again silently.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

from tasks.core.atomic import write_text
from tasks.core.errors import StorageError
from tasks.core.ids import canonical_json, sealed, unsealed
from tasks.core.json_text import parse_json
from tasks.core.reading import read_bytes

Result = TypeVar("Result")


def kept_file(folder: Path, identity: str) -> Path:
    """Return the file of the result with this identity."""
    return folder / f"{identity[:24]}.json"


def keep_result(folder: Path, identity: str, result: Mapping[str, Any]) -> None:
    """Store plain data under this identity."""
    record = sealed({"identity": identity, **result})
    write_text(kept_file(folder, identity), canonical_json(record) + "\n")


def kept_result(
    folder: Path, identity: str, read: Callable[[dict[str, Any]], Result], *, what: str
) -> Result:
    """Return what `read` makes of the stored data. `what` names the result in the error of a damaged file."""
    place = kept_file(folder, identity)
    try:
        record = unsealed(parse_json(read_bytes(place)))
        return read({str(record["identity"]): record}[identity])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StorageError(
            f"{what} {place} is damaged.",
            remedy="Delete the file; the next weekly run computes it again.",
            path=str(place),
        ) from error
