"""Append rows to a tamper-evident CSV file: each row's digest covers all rows before it.

For records that must not change afterwards. With a key the digests are HMACs: a writer without the key cannot produce
rows that verify. An anchor outside the file holds the number of rows and the last digest, so that truncation is
detected too. Damage never prevents an append; `verify` locates it. A *renewal* is a row whose digest covers all bytes
before it: with it a person accepts the existing content, and the chain restarts (ADR 12).
"""

import csv
import hmac
import io
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tasks.core.atomic import refuse_symlink, sync_folder, write_text
from tasks.core.chain.heads import Head, head_mismatches, write_head
from tasks.core.errors import StorageError
from tasks.core.homes.lock import waiting
from tasks.core.ids import canonical_json, sha256_of_bytes
from tasks.core.json_text import parse_json
from tasks.core.reading import read_bytes
from tasks.core.text import counted

GENESIS = "0" * 64
DIGEST = "hash"  # the last column
KEYED, RENEWAL = "hmac-", "all-"  # what precedes the hex digits of a keyed row, and of a renewal
LOCK_WAIT_S = 5.0


@dataclass(frozen=True)
class ChainFile:
    """The paths of a chain and its columns; the digest is appended as the last column."""

    path: Path
    anchor: Path
    columns: tuple[str, ...]
    heads: Path | None = None  # outside the home: a copy of the head after each row


@dataclass(frozen=True)
class Break:
    """One place where the chain is broken. `byte` is the offset in the file; None where rows are missing."""

    line: int
    byte: int | None
    why: str


@dataclass(frozen=True)
class Verdict:
    """The number of rows, how many verified with the key, and every break in order of lines."""

    rows: int
    keyed: int
    breaks: tuple[Break, ...]

    @property
    def broken_at(self) -> int | None:
        """The first broken line of the file; None for an intact chain."""
        return self.breaks[0].line if self.breaks else None


@dataclass(frozen=True)
class _Line:
    number: int
    byte: int
    cells: tuple[str, ...]  # empty if the line is not a row
    why: str = ""


def append(chain: ChainFile, fields: Sequence[str], *, key: bytes | None, renew: bool = False) -> None:
    """Append one row and fsync it. Fields must not contain line breaks. Raises StorageError.

    A truncated last line is terminated first, so that the new row stays separate.
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
        # missing rows are reported until a person accepts the chain
        logged = 0 if renew else logged_rows(chain)
        head = Head(max(len(rows), logged) + 1, digest, renews=renew)
        _write_anchor(chain.anchor, head.rows, digest, key)
        if chain.heads is not None:
            write_head(chain.heads, head)


def verify(chain: ChainFile, *, key: bytes | None) -> Verdict:
    """Verify the chain from its first row to the last one in the anchor. A missing file has no rows."""
    return read_verified(chain, key=key)[0]


def read_verified(chain: ChainFile, *, key: bytes | None) -> tuple[Verdict, list[tuple[str, ...]]]:
    """Verify the chain, and return the fields of the rows in the very bytes that were verified."""
    content = _content(chain)
    last, keyed = GENESIS, 0
    digests: list[str] = []
    rows: list[tuple[str, ...]] = []
    breaks = list(_heading_breaks(content, chain))
    for line in _lines(content, chain):
        if not line.cells:
            breaks.append(Break(line.number, line.byte, line.why))
            continue
        *fields, digest = line.cells
        is_renewal = RENEWAL in digest
        before = sha256_of_bytes(content[: line.byte]) if is_renewal else last
        if why := _mismatch(digest, before, tuple(fields), key, is_renewal=is_renewal):
            breaks.append(Break(line.number, line.byte, why))
        else:
            keyed += key is not None
            if is_renewal:
                breaks.clear()
        last = digest
        digests.append(digest)
        rows.append(tuple(fields))
    breaks += _anchor_breaks(chain.anchor, digests, key)
    if chain.heads is not None:
        breaks += [Break(len(digests) + 2, None, why) for why in head_mismatches(chain.heads, digests)]
    return Verdict(len(digests), keyed, tuple(breaks)), rows


def read_rows(chain: ChainFile) -> list[tuple[str, ...]]:
    """Return the fields of every row that can be read, verified or not, without its digest."""
    return [line.cells[:-1] for line in _lines(_content(chain), chain) if line.cells]


def logged_rows(chain: ChainFile) -> int:
    """Return the number of rows that the anchor lists; 0 if it is missing or cannot be read."""
    try:
        return int(parse_json(read_bytes(chain.anchor))["rows"])
    except (OSError, ValueError, KeyError, TypeError):
        return 0


def _content(chain: ChainFile) -> bytes:
    """Return the bytes of the file; none if it is missing. Raises StorageError if it cannot be read."""
    try:
        return read_bytes(chain.path)
    except FileNotFoundError:
        return b""
    except OSError as error:
        raise StorageError(
            f"{chain.path} cannot be read: {error.strerror}.",
            remedy="Restore it from a backup, or fix its permissions.",
            path=str(chain.path),
        ) from error


def _mismatch(
    digest: str, before: str, fields: tuple[str, ...], key: bytes | None, *, is_renewal: bool
) -> str:
    """Return why a row fails to verify; empty if it verifies."""
    is_keyed = digest.startswith(KEYED)
    if is_keyed and key is None:
        return "it is authenticated with a key, and without the key it cannot be verified"
    if key is not None and not is_keyed:
        return "it is not authenticated: it was written without the key"
    if hmac.compare_digest(digest, _digest(before, fields, key, is_renewal=is_renewal)):
        return ""
    if is_keyed:
        return "it was edited, a row before it is missing, or it was written with another key"
    return "it was edited, or a row before it is missing"


def _digest(before: str, fields: tuple[str, ...], key: bytes | None, *, is_renewal: bool) -> str:
    mark = (KEYED if key else "") + (RENEWAL if is_renewal else "")
    payload = canonical_json([*([mark] if mark else []), before, *fields]).encode()
    return mark + (hmac.digest(key, payload, "sha256").hex() if key else sha256_of_bytes(payload))


def _heading_breaks(content: bytes, chain: ChainFile) -> Iterator[Break]:
    heading = _encoded((*chain.columns, DIGEST))
    if content and not content.startswith(heading):
        yield Break(1, 0, f"the header is not {heading.decode().strip()}")


def _lines(content: bytes, chain: ChainFile) -> Iterator[_Line]:
    """Yield the lines below the heading, decoded one by one, so that damage stays within its line."""
    byte = 0
    for number, line in enumerate(_split(content), start=1):
        if number > 1:
            yield _read(number, byte, line, chain)
        byte += len(line)


def _split(content: bytes) -> list[bytes]:
    """Split at newlines only, keeping them: other line ends may be part of a damaged row."""
    *whole, rest = content.split(b"\n")
    return [line + b"\n" for line in whole] + ([rest] if rest else [])


def _read(number: int, byte: int, line: bytes, chain: ChainFile) -> _Line:
    if not line.endswith(b"\n"):
        return _Line(number, byte, (), f"it is cut off after {counted(len(line), 'byte')}")
    if not line.strip():
        return _Line(number, byte, (), "it is blank")
    try:
        rows = list(csv.reader([line.decode()], strict=True))
    except UnicodeDecodeError as error:
        return _Line(number, byte, (), f"byte {byte + error.start} is not UTF-8")
    except csv.Error:
        rows = []
    if len(rows) != 1 or len(rows[0]) != len(chain.columns) + 1:
        return _Line(number, byte, (), "it is not a complete row")
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


def _anchor_breaks(path: Path, digests: list[str], key: bytes | None) -> Iterator[Break]:
    """Compare the rows with the anchor. One row more than it lists means a crash between the two writes."""
    end = len(digests) + 2
    try:
        anchor = parse_json(read_bytes(path))
        rows, digest, mac = int(anchor["rows"]), str(anchor[DIGEST]), str(anchor.get("mac", ""))
    except FileNotFoundError:
        if key is not None or len(digests) > 1:
            yield Break(end, None, f"{path.name} is missing, so the number of rows is unknown")
        return
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        yield Break(end, None, f"{path.name} cannot be read ({type(error).__name__})")
        return
    if key is not None and not hmac.compare_digest(mac, _anchor_mac(rows, digest, key)):
        yield Break(end, None, f"{path.name} was not written with the key")
    if rows > len(digests):
        yield Break(end, None, f"rows are missing: {rows} were logged")
    elif rows < 1 or digests[rows - 1] != digest:
        yield Break(end, None, f"row {rows} differs from the one that was logged")
