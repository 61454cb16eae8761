"""Train and test a finalist on the folds of its cross-validation, each stored as soon as it is done.

An interrupted weekly run continues with the missing folds. A file is the SHA-256 of the scores, then the scores.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from config.sections import Candidate
from tasks.core.atomic import write_bytes
from tasks.core.errors import StorageError
from tasks.core.reading import read_bytes
from tasks.models.kinds.base import Vector
from tasks.models.training.fold_by_fold import FoldWork, RunFolds
from tasks.models.training.splits import Fold

DIGEST_BYTES = 32


def scores_by_fold(
    folder: Path, candidate: Candidate, folds: Sequence[Fold], run: RunFolds, *, seed: int
) -> list[Vector]:
    """Return the scores of the tested rows of each fold. `folder`: of this candidate, data, settings and code alone."""
    places = [folder / f"{number:02}.scores" for number in range(1, len(folds) + 1)]
    missing = [pair for pair in zip(places, folds, strict=True) if not pair[0].exists()]
    work = [FoldWork(candidate, fold, seed) for _, fold in missing]
    for (place, _), result in zip(missing, run(work), strict=True):
        content = result.scores.astype(np.float64).tobytes()
        write_bytes(place, hashlib.sha256(content).digest() + content)
    return [_stored(place) for place in places]


def _stored(place: Path) -> Vector:
    content = read_bytes(place)
    if hashlib.sha256(content[DIGEST_BYTES:]).digest() != content[:DIGEST_BYTES]:
        raise StorageError(
            f"The stored scores {place} are damaged.",
            remedy="Delete the file; the next weekly run computes it again.",
            path=str(place),
        )
    return np.frombuffer(content[DIGEST_BYTES:], dtype=np.float64)
