"""Cache the features of a snapshot on disk, so that all candidates share one computation.

The cache key covers everything that determines the values: data, universe rules, set, rows, and the code. A cached
matrix may be deleted at any time.
"""

import logging
import os
import shutil
from collections.abc import Sequence
from dataclasses import asdict
from functools import cache
from pathlib import Path

import numpy as np

from tasks.core.atomic import refuse_symlink, remove_leftovers, replace_folder
from tasks.core.ids import sha256_of_bytes, sha256_of_record
from tasks.core.reading import read_bytes
from tasks.core.text import counted
from tasks.data.schema.records import Panel, SnapshotRef
from tasks.features.compute import iterate_features
from tasks.features.engine.feature import Values
from tasks.features.registry import feature_set, selected
from tasks.features.schema import FeatureMatrix

log = logging.getLogger(__name__)

MATRICES_RETAINED = 2  # this week's and the previous one
VALUES_FILE = "values.npy"


def stored_features(folder: Path, panel: Panel, snapshot: SnapshotRef, names: Sequence[str]) -> FeatureMatrix:
    """Return the panel's features, memory-mapped from disk; computed and stored first if they are not there."""
    fingerprint = feature_set(names)
    place = folder / _key(panel, snapshot, fingerprint)[:24]
    shape = (len(names), *panel.close.shape)
    values = _mapped(place, shape)
    if values is None:
        _make_room(folder)
        _write(place, panel, names, shape)
        values = np.load(place / VALUES_FILE, mmap_mode="r")
    else:
        os.utime(place)  # the most recently used are retained
    return FeatureMatrix(panel.sessions, panel.symbols, tuple(names), values, fingerprint)


def _key(panel: Panel, snapshot: SnapshotRef, fingerprint: str) -> str:
    return sha256_of_record(
        {
            "snapshot": snapshot.id,
            "rules": asdict(snapshot.rules) if snapshot.rules else None,
            "set": fingerprint,
            "sessions": [str(panel.sessions[0]), str(panel.sessions[-1]), len(panel.sessions)],
            "symbols": panel.symbols.tolist(),
            "code": _code(),
        }
    )


@cache
def _code() -> str:
    """Return the hash of the sources that compute features, so that a fix invalidates the cache."""
    sources = sorted(Path(__file__).parent.rglob("*.py"))
    return sha256_of_record([sha256_of_bytes(read_bytes(source)) for source in sources])


def _mapped(place: Path, shape: tuple[int, ...]) -> Values | None:
    """Memory-map a stored matrix; None if it is missing or incomplete."""
    try:
        values = np.load(place / VALUES_FILE, mmap_mode="r")
    except (FileNotFoundError, ValueError, EOFError):
        return None
    return values if values.shape == shape and values.dtype == np.float32 else None


def _write(place: Path, panel: Panel, names: Sequence[str], shape: tuple[int, ...]) -> None:
    features, sessions, symbols = shape
    log.info(
        "computing %s of %s over %s",
        counted(features, "feature"),
        counted(symbols, "name"),
        counted(sessions, "session"),
    )
    with replace_folder(place) as new, (new / VALUES_FILE).open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_2_0(file, header)
        for few in iterate_features(panel, selected(names)):
            few.tofile(file)


def _make_room(folder: Path) -> None:
    """Delete leftovers of killed runs, and all but the most recently used matrices."""
    refuse_symlink(folder)
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    stored = sorted(folder.iterdir(), key=lambda place: place.stat().st_mtime, reverse=True)
    for place in stored[MATRICES_RETAINED - 1 :]:
        shutil.rmtree(place)
