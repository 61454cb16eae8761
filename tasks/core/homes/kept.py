"""Store the input files of a day, content-addressed, in data/decisions/.

Parts are the home's files by relative path, as the day read them. Each is cut into blocks of lines, so that a file that
only grows is stored once, however many days read it. A block is a file named by the SHA-256 of its content, compressed;
an index, itself a block, lists the blocks of each part. The day's manifest names the index. A missing, damaged or
altered block is an error.
"""

import json
import re
import zlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath

from tasks.core.atomic import sync_folder, write_bytes, write_files
from tasks.core.errors import StorageError
from tasks.core.homes.home import Home
from tasks.core.homes.setup import set_up
from tasks.core.ids import sha256_of_bytes
from tasks.core.json_text import parse_json
from tasks.core.reading import read_bytes

FORMAT = "afterclose kept inputs 1"
BLOCK_LINES = 256
LARGEST_BLOCK = 64 << 20
DIGEST = re.compile(r"[0-9a-f]{64}")
Parts = Mapping[str, bytes]


def index_of(parts: Parts) -> bytes:
    """Return the index of the parts. Equal parts give equal bytes."""
    listed = {name: [sha256_of_bytes(block) for block in _blocks(parts[name])] for name in sorted(parts)}
    return (json.dumps({FORMAT: listed}, sort_keys=True, indent=0) + "\n").encode()


def keep_parts(home: Home, parts: Parts) -> str:
    """Store the parts, then their index; return the SHA-256 of the index. What is stored already stays."""
    index = index_of(parts)
    blocks = [block for content in parts.values() for block in _blocks(content)]
    named = {sha256_of_bytes(block): block for block in (*blocks, index)}
    missing = {name: block for name, block in named.items() if not (home.decisions / name).exists()}
    write_files(home.decisions, {name: zlib.compress(block) for name, block in missing.items()})
    if not missing:  # a killed run may have renamed them into place without syncing their names
        sync_folder(home.decisions)
    return sha256_of_bytes(index)


def read_parts(home: Home, index_sha256: str) -> dict[str, bytes]:
    """Return the parts of an index. Raises StorageError for a missing, damaged or altered block."""
    return {
        name: b"".join(_read(home, digest) for digest in digests)
        for name, digests in _listed(home, index_sha256).items()
    }


def kept_blocks(home: Home, index_sha256: str) -> Iterator[str]:
    """Yield the SHA-256 of the index and of every block that it names."""
    yield index_sha256
    for digests in _listed(home, index_sha256).values():
        yield from digests


def restore_parts(home: Home, parts: Parts) -> None:
    """Write the parts into an empty directory, which becomes a home."""
    for name, content in parts.items():
        write_bytes(home.root / _safe(name), content)
    set_up(home)


def delete_unnamed(home: Home, indexes: Iterable[str]) -> int:
    """Delete every block that none of these indexes needs; return the bytes freed. The caller holds the home's lock."""
    needed = {digest for index in indexes for digest in kept_blocks(home, index)}
    freed = 0
    for path in home.decisions.glob("*") if home.decisions.is_dir() else ():
        if path.name not in needed and path.is_file():
            freed += path.stat().st_size
            path.unlink()
    return freed


def _blocks(content: bytes) -> list[bytes]:
    lines = content.splitlines(keepends=True)
    return [b"".join(lines[start : start + BLOCK_LINES]) for start in range(0, len(lines), BLOCK_LINES)]


def _listed(home: Home, index_sha256: str) -> dict[str, list[str]]:
    index = _read(home, index_sha256)
    try:
        listed = parse_json(index)[FORMAT]
        return {_safe(name): [_digest(one) for one in blocks] for name, blocks in listed.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _unusable(home.decisions / index_sha256, f"it is not an index ({error})") from error


def _read(home: Home, digest: str) -> bytes:
    path = home.decisions / digest
    try:
        _digest(digest)
        unpacked = zlib.decompressobj()
        block = unpacked.decompress(read_bytes(path), LARGEST_BLOCK)
    except FileNotFoundError as error:
        raise _unusable(path, "it is missing") from error
    except (OSError, ValueError, zlib.error) as error:
        raise _unusable(path, f"it cannot be read ({error})") from error
    is_whole = unpacked.eof and not unpacked.unused_data  # nothing is missing or appended
    if not is_whole or sha256_of_bytes(block) != digest:
        raise _unusable(path, "it was altered or truncated")
    return block


def _digest(text: object) -> str:
    if not isinstance(text, str) or not DIGEST.fullmatch(text):
        raise ValueError("a block is not named by a SHA-256")
    return text


def _safe(name: str) -> str:
    """Return the path of a part if it stays inside a home."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or not path.parts:
        raise ValueError(f"{name[:60]!r} is not a path inside a home")
    return name


def _unusable(path: Path, why: str) -> StorageError:
    return StorageError(
        f"{path} cannot be used: {why}. It holds inputs of a published day.",
        remedy="Restore it from a backup (`afterclose data restore`).",
        path=str(path),
    )
