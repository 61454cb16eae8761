"""Build a set of features once for a snapshot, and map it from disk ever after: ten candidates, one computation.

A matrix is named by all that decides its values: the data, the universe's rules, the set, the rows, and the code that
computes. It may be deleted at any time.
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
from tasks.data.schema.records import Panel, SnapshotRef
from tasks.features.compute import computed_in_turn
from tasks.features.engine.feature import Values
from tasks.features.registry import feature_set, selected
from tasks.features.schema import FeatureMatrix

log = logging.getLogger(__name__)

KEPT = 2  # matrices on disk: this week's and the one before
VALUES_FILE = "values.npy"


def stored_features(folder: Path, panel: Panel, snapshot: SnapshotRef, names: Sequence[str]) -> FeatureMatrix:
    """Return the panel's features, mapped from disk; computed and written first where they are not there yet."""
    fingerprint = feature_set(names)
    place = folder / _key(panel, snapshot, fingerprint)[:24]
    shape = (len(names), *panel.close.shape)
    values = _mapped(place, shape)
    if values is None:
        _make_room(folder)
        _write(place, panel, names, shape)
        values = np.load(place / VALUES_FILE, mmap_mode="r")
    else:
        os.utime(place)  # what is used is kept longest
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
    """Return one hash of the sources that compute features: a mended kernel makes a new matrix."""
    sources = sorted(Path(__file__).parent.rglob("*.py"))
    return sha256_of_record([sha256_of_bytes(source.read_bytes()) for source in sources])


def _mapped(place: Path, shape: tuple[int, ...]) -> Values | None:
    """Map a stored matrix; one that is not whole is as good as none."""
    try:
        values = np.load(place / VALUES_FILE, mmap_mode="r")
    except (FileNotFoundError, ValueError, EOFError):
        return None
    return values if values.shape == shape and values.dtype == np.float32 else None


def _write(place: Path, panel: Panel, names: Sequence[str], shape: tuple[int, ...]) -> None:
    features, sessions, symbols = shape
    log.info("computing %d features of %d names over %d sessions", features, symbols, sessions)
    with replace_folder(place) as new, (new / VALUES_FILE).open("wb") as file:
        header = {"descr": "<f4", "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_2_0(file, header)
        for few in computed_in_turn(panel, selected(names)):
            few.tofile(file)


def _make_room(folder: Path) -> None:
    """Delete what a killed run left, and all matrices but the last used ones."""
    refuse_symlink(folder)
    folder.mkdir(parents=True, exist_ok=True)
    remove_leftovers(folder)
    stored = sorted(folder.iterdir(), key=lambda place: place.stat().st_mtime, reverse=True)
    for place in stored[KEPT - 1 :]:
        shutil.rmtree(place)
