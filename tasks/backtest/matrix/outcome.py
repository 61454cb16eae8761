"""The outcome of one combination of a matrix, and its file: written atomically, verified when read.

The file name is the id of the combination, a hash of all its inputs. So a later matrix reuses the finished combinations
of an earlier or interrupted one.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tasks.backtest.combination import Combination
from tasks.backtest.walk import Totals
from tasks.core.atomic import refuse_symlink, write_text
from tasks.core.errors import StorageError
from tasks.core.ids import canonical_json, sha256_of_record
from tasks.core.json_text import parse_json
from tasks.core.reading import read_bytes
from tasks.data.schema.records import Days

SCHEMA_VERSION = 1
COLUMNS = ("equity", "invested", "bought", "sold", "costs")


@dataclass(frozen=True)
class Outcome:
    """The result of a combination: the totals of its run, or the reason for its failure."""

    id: str
    combination: Combination
    totals: Totals | None
    methods: Mapping[str, int]  # decisions by the method that set the weights
    reason: str = ""  # why it failed


def store_outcome(folder: Path, outcome: Outcome) -> None:
    """Write the outcome's file."""
    totals = outcome.totals
    record = {
        "schema_version": SCHEMA_VERSION,
        "id": outcome.id,
        "combination": {name: str(value) for name, value in asdict(outcome.combination).items()},
        "totals": {name: getattr(totals, name).tolist() for name in COLUMNS} if totals else None,
        "methods": dict(outcome.methods),
        "reason": outcome.reason,
    }
    document = {"sha256": sha256_of_record(record), "record": record}
    write_text(_file(folder, outcome.id), canonical_json(document) + "\n")


def load_outcome(folder: Path, identity: str, combination: Combination, sessions: Days) -> Outcome | None:
    """Return the stored outcome; None if there is none. `sessions`: all sessions of the world.

    Raises StorageError for a file that is incomplete, or belongs to another combination.
    """
    path = _file(folder, identity)
    if not path.exists():
        return None
    refuse_symlink(path)
    try:
        document = parse_json(read_bytes(path))
        record = document["record"]
        is_whole = (
            document["sha256"] == sha256_of_record(record)
            and record["schema_version"] == SCHEMA_VERSION
            and record["id"] == identity
        )
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise _damaged(path) from error
    if not is_whole:
        raise _damaged(path)
    return Outcome(
        identity,
        combination,
        _totals(record["totals"], combination, sessions),
        record["methods"],
        record["reason"],
    )


def _totals(columns: Mapping[str, Any] | None, combination: Combination, sessions: Days) -> Totals | None:
    if columns is None:
        return None
    is_walked = (sessions >= np.datetime64(combination.first)) & (sessions <= np.datetime64(combination.last))
    return Totals(sessions[is_walked], *(np.array(columns[name], dtype=np.int64) for name in COLUMNS))


def _file(folder: Path, identity: str) -> Path:
    return folder / f"{identity}.json"


def _damaged(path: Path) -> StorageError:
    return StorageError(
        f"The finished backtest in {path} is damaged.",
        remedy="Delete the file, then run again: only this combination is recomputed.",
        path=str(path),
    )
