"""Keep the head of a chain outside the home: one line per appended row, in a file that others cannot rewrite.

A writer to the home who also has the key can rewrite chain and anchor together; these lines still reveal it. A
renewal starts again: lines before the last renewal no longer state anything about the chain.
"""

import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.core.ids import canonical_json
from tasks.core.json_text import parse_json
from tasks.core.reading import read_bytes

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Head:
    """The number of rows of a chain after a row was appended, and the digest of that row."""

    rows: int
    digest: str
    renews: bool = False


def write_head(path: Path, head: Head) -> None:
    """Append one line and fsync it. A halt must not wait for this file: a failure is logged, and later lines tell.

    A file that is gone is only begun again with the chain, or by a person who renews it: its absence has to show.
    """
    may_begin = head.renews or head.rows == 1
    line = "\n" + canonical_json({"rows": head.rows, "hash": head.digest, "renews": head.renews}) + "\n"
    try:
        flags = os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK | (os.O_CREAT if may_begin else 0)
        with os.fdopen(os.open(path, flags, 0o600), "ab") as file:
            file.write(line.encode())
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        log.warning("%s could not be written (%s): the head of the chain is not copied", path, error.strerror)


def head_mismatches(path: Path, digests: Sequence[str]) -> Iterator[str]:
    """Yield where the chain, given by the digests of its rows, differs from the copied heads."""
    try:
        heads = _heads(read_bytes(path))
    except FileNotFoundError:
        if digests:
            yield f"{path}, which has a copy of the chain's head, is missing"
        return
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        yield f"{path} cannot be read ({type(error).__name__})"
        return
    last = max((number for number, head in enumerate(heads) if head.renews), default=0)
    for head in heads[last:]:
        if head.rows > len(digests):
            yield f"rows are missing: {path} has the head of row {head.rows}"
            return
        if digests[head.rows - 1] != head.digest:
            yield f"row {head.rows} differs from its copied head in {path}"
            return


def _heads(content: bytes) -> list[Head]:
    """Return the heads in the file. Lines end with a brace; one that a crash cut off does not, and is left out."""
    found = []
    for line in content.split(b"\n"):
        if not line.endswith(b"}"):
            continue
        stated = parse_json(line)
        head = Head(stated["rows"], stated["hash"], stated["renews"])
        if type(head.rows) is not int or head.rows < 1:
            raise ValueError("it does not state the number of rows")
        found.append(head)
    if not found:
        raise ValueError("it states no head")
    return found
