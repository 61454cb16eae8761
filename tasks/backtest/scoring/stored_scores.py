"""Compute a candidate's dense scores once, and store them in the home with the model of every fold.

The directory's name is a hash of everything that determines the scores. A damaged directory, or one whose content
does not match its name, is an error; it is never overwritten.
"""

import io
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from config.sections import Candidate
from config.sections import Models as ModelSettings
from tasks.backtest.scoring.scores import KNOWLEDGE, DenseScores, Report, dense_scores, spans_of
from tasks.backtest.scoring.store import read_revisions, reader_of
from tasks.backtest.world import World
from tasks.core.atomic import make_folder, refuse_symlink, replace_folder, write_bytes, write_text
from tasks.core.errors import DataError, StorageError
from tasks.core.ids import canonical_json, sealed, sha256_of_bytes, sha256_of_record, unsealed
from tasks.core.json_text import parse_json
from tasks.core.reading import read_bytes
from tasks.core.versions.libraries import installed_versions
from tasks.data.schema.records import Days, Matrix, SnapshotRef
from tasks.features.registry import feature_set
from tasks.features.sets import SETS

SCHEMA_VERSION = 2
SCORES_FILE, MANIFEST_FILE = "scores.npy", "manifest.json"
LIBRARIES = ("catboost", "lightgbm", "numpy", "scikit-learn", "xgboost", "xgboost-cpu")
DETERMINING = (
    *("features", "target", "entry", "label_horizons", "sample_weights", "half_life_sessions"),
    *("train_sessions", "min_train_sessions", "test_sessions", "embargo_sessions"),
)


@dataclass(frozen=True)
class StoredScores:
    """Scores by session and company of the world, and the manifest's record of each fold."""

    id: str
    values: Matrix
    folds: tuple[
        Mapping[str, Any], ...
    ]  # first, last, train_first, train_last (dates), rows, model (file name), skill
    is_fresh: bool  # computed now, not read


def stored_scores(
    folder: Path,
    features_folder: Path,
    snapshot: SnapshotRef,
    world: World,
    candidate: Candidate,
    settings: ModelSettings,
    *,
    seed: int,
    report: Report | None = None,
) -> StoredScores:
    """Return the candidate's scores of the world's sessions from `folder`; computed and stored there if it has none.

    Raises StorageError for a damaged directory.
    """
    if snapshot.rules is None:
        raise DataError(
            "The snapshot lacks the settings that determine its panel.",
            remedy="Pass the snapshot that refresh_market returned.",
        )
    tables = read_revisions(snapshot, KNOWLEDGE)
    spans = spans_of(tables, world.sessions, benchmark=snapshot.rules.benchmark)
    identity = _identity(snapshot, world, spans, candidate, settings, seed)
    place = folder / sha256_of_record(identity)[:24]
    if not place.exists():
        scores = dense_scores(
            world.sessions,
            len(world.company),
            spans,
            reader_of(snapshot, world, features_folder, SETS[settings.features]),
            candidate,
            settings,
            seed=seed,
            report=report,
        )
        store_scores(place, scores, world.sessions, identity)
        return load_scores(place, identity, is_fresh=True)
    return load_scores(place, identity, is_fresh=False)


def store_scores(place: Path, scores: DenseScores, sessions: Days, identity: Mapping[str, Any]) -> None:
    """Write scores, models and manifest as one directory, which appears complete or not at all."""
    buffer = io.BytesIO()
    np.save(buffer, scores.values, allow_pickle=False)
    files, folds = {SCORES_FILE: buffer.getvalue()}, []
    for number, fold in enumerate(scores.folds, 1):
        name = f"fold-{number:02}.{fold.fitted.model.suffix}"
        files[name] = fold.fitted.model.dump()
        rows = (fold.first, fold.last, fold.train_first, fold.train_last)
        days = (str(day) for day in sessions[list(rows)])
        dated = dict(zip(("first", "last", "train_first", "train_last"), days, strict=True))
        folds.append(
            {"number": number, **dated, "rows": fold.rows, "model": name, "skill": asdict(fold.skill)}
        )
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "identity": identity,
        "folds": folds,
        "files": {name: sha256_of_bytes(content) for name, content in files.items()},
    }
    make_folder(place.parent)
    with replace_folder(place) as new:
        for name, content in files.items():
            write_bytes(new / name, content)
        write_text(new / MANIFEST_FILE, canonical_json(sealed(manifest)) + "\n")


def load_scores(place: Path, identity: Mapping[str, Any], *, is_fresh: bool) -> StoredScores:
    """Return the stored scores. Raises StorageError unless they are whole and the ones that `identity` describes."""
    refuse_symlink(place)
    try:
        # sealed: the skill of a fold scales every expected return
        manifest = unsealed(parse_json(read_bytes(place / MANIFEST_FILE)))
        content = read_bytes(place / SCORES_FILE)
        is_whole = (
            manifest["schema_version"] == SCHEMA_VERSION
            and canonical_json(manifest["identity"]) == canonical_json(identity)
            and manifest["files"][SCORES_FILE] == sha256_of_bytes(content)
        )
        values = np.load(io.BytesIO(content), allow_pickle=False) if is_whole else None
        folds = tuple(dict(fold) for fold in manifest["folds"])
    except (OSError, ValueError, KeyError, TypeError, AttributeError, EOFError) as error:
        raise _damaged(place) from error
    shape = identity["sessions"][2], len(identity["companies"])
    if values is None or values.shape != shape or values.dtype != np.float64:
        raise _damaged(place)
    return StoredScores(place.name, values, folds, is_fresh)


def _identity(
    snapshot: SnapshotRef,
    world: World,
    spans: tuple[range, ...],
    candidate: Candidate,
    settings: ModelSettings,
    seed: int,
) -> dict[str, Any]:
    chosen = settings.model_dump(mode="json", include=set(DETERMINING))
    return {
        "schema_version": SCHEMA_VERSION,
        "snapshot": snapshot.id,
        "rules": asdict(snapshot.rules) if snapshot.rules else None,
        "sessions": [str(world.sessions[0]), str(world.sessions[-1]), len(world.sessions)],
        "companies": world.company.tolist(),
        "known": [str(world.sessions[span.start]) for span in spans],
        "candidate": candidate.model_dump(mode="json"),
        "feature_set": feature_set(SETS[settings.features]),
        "settings": chosen,
        "seed": seed,
        "code": _code(),
        "libraries": installed_versions(LIBRARIES),
    }


@cache
def _code() -> str:
    """Return the hash of the sources that determine scores, so that a fix gives new ones."""
    tasks = Path(__file__).parent.parent
    packages = (tasks / "features", tasks / "models", tasks / "data" / "panel")
    sources = sorted(source for package in packages for source in package.rglob("*.py"))
    sources.append(Path(__file__).with_name("scores.py"))
    return sha256_of_record([sha256_of_bytes(read_bytes(source)) for source in sources])


def _damaged(place: Path) -> StorageError:
    return StorageError(
        f"The stored scores in {place} are damaged, or belong to another model, snapshot or code version.",
        remedy="Delete the directory; the next backtest computes them again.",
        path=str(place),
    )
