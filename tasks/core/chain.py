"""Append rows to a CSV file that shows where it was edited: each row's digest covers all rows before it.

Serves every record that nobody may change afterwards. With a key the digests are HMACs: who can write the files but has
no key cannot write rows that verify. An anchor outside the file holds the number of rows and the last digest, so that
rows cut off the end are missed too. Damage never keeps a row from being appended; `verify` says where it is. A
*renewal* is a row whose digest covers all bytes before it: with it a person vouches for what stands there, and the
chain starts anew (ADR 12).
"""

import csv
import hmac
import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.core.atomic import refuse_symlink, sync_folder, write_text
from tasks.core.errors import StorageError
from tasks.core.homes.lock import waiting
from tasks.core.ids import canonical_json, sha256_of_bytes
from tasks.core.json_text import parse_json

GENESIS = "0" * 64
DIGEST = "hash"  # the last column
KEYED, RENEWAL = "hmac-", "all-"  # what precedes the hex digits of a keyed row, and of a renewal
LOCK_WAIT_S = 5.0


@dataclass(frozen=True)
class ChainFile:
    """Where a chain is stored, and the columns its user fills; the digest is a column more."""

    path: Path
    anchor: Path
    columns: tuple[str, ...]


@dataclass(frozen=True)
class Break:
    """One place where the chain does not hold. `byte` is the offset in the file; None where rows are gone."""

    line: int
    byte: int | None
    why: str


@dataclass(frozen=True)
class Verdict:
    """How many rows hold, how many of them by the key, and every break, first line first."""

    rows: int
    keyed: int
    breaks: tuple[Break, ...]

    @property
    def broken_at(self) -> int | None:
        """Return the first bad line of the file, None when the chain holds."""
        return self.breaks[0].line if self.breaks else None


@dataclass(frozen=True)
class _Line:
    number: int
    byte: int
    cells: tuple[str, ...]  # empty where the line is no row
    why: str = ""


def append(chain: ChainFile, fields: Sequence[str], *, key: bytes | None, renew: bool = False) -> None:
    """Append one row, on the disk before this returns. Fields must not hold line breaks.

    A torn last line is ended, not continued, so that it swallows no row. Raises StorageError.
    """
    refuse_symlink(chain.path)
    with waiting(chain.path, seconds=LOCK_WAIT_S) as file:
        content = file.read()
        ended = b"\n" if content and not content.endswith(b"\n") else b""
        rows = [line for line in _lines(content + ended, chain) if line.cells]
        heading = b"" if content else _encoded((*chain.columns, DIGEST))
        before = rows[-1].cells[-1] if rows else GENESIS
        if renew:
            before = sha256_of_bytes(content + ended + heading)
        digest = _digest(before, tuple(fields), key, is_renewal=renew)
        try:
            file.write(ended + heading + _encoded((*fields, digest)))
            file.flush()
            os.fsync(file.fileno())
            if not content:
                sync_folder(chain.path.parent)  # the file may be new
        except OSError as error:
            raise StorageError(
                f"{chain.path} could not be written: {error.strerror}.",
                remedy="Free space or fix the permissions, then run again.",
                path=str(chain.path),
            ) from error
        _write_anchor(chain.anchor, len(rows) + 1, digest, key)


def verify(chain: ChainFile, *, key: bytes | None) -> Verdict:
    """Follow the chain from its first row to the last one that the anchor knows. A missing file has no rows."""
    try:
        content = chain.path.read_bytes()
    except FileNotFoundError:
        content = b""
    last, keyed = GENESIS, 0
    stated: list[str] = []
    breaks = list(_heading_breaks(content, chain))
    for line in _lines(content, chain):
        if not line.cells:
            breaks.append(Break(line.number, line.byte, line.why))
            continue
        *fields, digest = line.cells
        is_renewal = RENEWAL in digest
        before = sha256_of_bytes(content[: line.byte]) if is_renewal else last
        if why := _doubt(digest, before, tuple(fields), key, is_renewal=is_renewal):
            breaks.append(Break(line.number, line.byte, why))
        else:
            keyed += key is not None
            if is_renewal:
                breaks.clear()
        last = digest
        stated.append(digest)
    breaks += _anchor_breaks(chain.anchor, stated, key)
    return Verdict(len(stated), keyed, tuple(breaks))


def _doubt(digest: str, before: str, fields: tuple[str, ...], key: bytes | None, *, is_renewal: bool) -> str:
    """Say why a row does not hold; empty when it does."""
    is_keyed = digest.startswith(KEYED)
    if is_keyed and key is None:
        return "it is keyed, and without the key it cannot be verified"
    if key is not None and not is_keyed:
        return "it is not keyed: it was written without the key"
    if hmac.compare_digest(digest, _digest(before, fields, key, is_renewal=is_renewal)):
        return ""
    return "it was edited, a row before it is gone" + (", or it has another key" if is_keyed else "")


def _digest(before: str, fields: tuple[str, ...], key: bytes | None, *, is_renewal: bool) -> str:
    mark = (KEYED if key else "") + (RENEWAL if is_renewal else "")
    payload = canonical_json([*([mark] if mark else []), before, *fields]).encode()
    return mark + (hmac.digest(key, payload, "sha256").hex() if key else sha256_of_bytes(payload))


def _heading_breaks(content: bytes, chain: ChainFile) -> Iterator[Break]:
    heading = _encoded((*chain.columns, DIGEST))
    if content and not content.startswith(heading):
        yield Break(1, 0, f"the heading is not {heading.decode().strip()}")


def _lines(content: bytes, chain: ChainFile) -> Iterator[_Line]:
    """Yield the lines below the heading; each is decoded by itself, so that damage ends with its line."""
    byte = 0
    for number, line in enumerate(_split(content), start=1):
        if number > 1:
            yield _read(number, byte, line, chain)
        byte += len(line)


def _split(content: bytes) -> list[bytes]:
    """Split at newlines alone, each kept at its line's end: other line ends may be part of a damaged row."""
    *whole, rest = content.split(b"\n")
    return [line + b"\n" for line in whole] + ([rest] if rest else [])


def _read(number: int, byte: int, line: bytes, chain: ChainFile) -> _Line:
    if not line.endswith(b"\n"):
        return _Line(number, byte, (), f"it is cut off after {len(line)} bytes")
    if not line.strip():
        return _Line(number, byte, (), "it is blank")
    try:
        rows = list(csv.reader([line.decode()], strict=True))
    except UnicodeDecodeError as error:
        return _Line(number, byte, (), f"byte {byte + error.start} is not UTF-8")
    except csv.Error:
        rows = []
    if len(rows) != 1 or len(rows[0]) != len(chain.columns) + 1:
        return _Line(number, byte, (), "it is no whole row")
    return _Line(number, byte, tuple(rows[0]))


def _encoded(cells: Sequence[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(cells)
    return line.getvalue().encode()


def _write_anchor(path: Path, rows: int, digest: str, key: bytes | None) -> None:
    anchor: dict[str, object] = {"rows": rows, DIGEST: digest}
    if key:
        anchor["mac"] = _anchor_mac(rows, digest, key)
    write_text(path, canonical_json(anchor) + "\n")


def _anchor_mac(rows: int, digest: str, key: bytes) -> str:
    return hmac.digest(key, canonical_json([rows, digest]).encode(), "sha256").hex()


def _anchor_breaks(path: Path, stated: list[str], key: bytes | None) -> Iterator[Break]:
    """Compare the rows with what the anchor knows. One row more than it knows is a crash between two writes."""
    end = len(stated) + 2
    try:
        anchor = parse_json(path.read_bytes())
        rows, digest, mac = int(anchor["rows"]), str(anchor[DIGEST]), str(anchor.get("mac", ""))
    except FileNotFoundError:
        if key is not None or len(stated) > 1:
            yield Break(end, None, f"{path.name} is missing: nobody knows how many rows there were")
        return
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        yield Break(end, None, f"{path.name} cannot be read ({type(error).__name__})")
        return
    if key is not None and not hmac.compare_digest(mac, _anchor_mac(rows, digest, key)):
        yield Break(end, None, f"{path.name} was not written with the key")
    if rows > len(stated):
        yield Break(end, None, f"rows are gone: {rows} were logged")
    elif rows < 1 or stated[rows - 1] != digest:
        yield Break(end, None, f"row {rows} is not the one that was logged")
