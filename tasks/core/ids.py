"""Content hashes (SHA-256) of bytes, files and plain records."""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tasks.core.reading import opened_file

BLOCK_BYTES = 1 << 20
SEAL = "record_sha256"


def sha256_of_bytes(content: bytes) -> str:
    """Return the hex digest of the bytes."""
    return hashlib.sha256(content).hexdigest()


def sha256_of_file(path: Path) -> str:
    """Return the hex digest of the file, read in blocks."""
    digest = hashlib.sha256()
    with opened_file(path) as file:
        while block := file.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def canonical_json(record: Any) -> str:
    """Serialize plain data so that equal records give equal text. NaN and infinity raise ValueError."""
    return json.dumps(record, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=True)


def sha256_of_record(record: Any) -> str:
    """Return the hex digest of plain data, independent of key order."""
    return sha256_of_bytes(canonical_json(record).encode())


def sealed(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the record with its own hash."""
    return {**record, SEAL: sha256_of_record(dict(record))}


def unsealed(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return a sealed record without its hash. Raises ValueError when it is not the record that was sealed."""
    content = {name: value for name, value in record.items() if name != SEAL}
    if record.get(SEAL) != sha256_of_record(content):
        raise ValueError("the record does not match its hash")
    return content
