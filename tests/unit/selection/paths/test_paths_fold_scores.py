"""The folds of a cross-validation are trained once, however often it is interrupted."""

from types import SimpleNamespace

import numpy as np
import pytest

from config.sections import Candidate
from tasks.core.errors import StorageError
from tasks.selection.paths.fold_scores import scores_by_fold

CANDIDATE = Candidate(name="lightgbm", kind="lightgbm", parameters={})
FOLDS = ("first", "second", "third")


def runner(trained, *, until=3):
    """Return a function that trains folds, recorded in `trained`, and is interrupted once there are so many."""

    def run(work):
        for each in work:
            if len(trained) == until:
                raise KeyboardInterrupt
            trained.append(each.fold)
            yield SimpleNamespace(scores=np.array([each.seed, FOLDS.index(each.fold), 0.1]))

    return run


def test_an_interrupted_cross_validation_continues_with_the_folds_that_are_missing(tmp_path):
    trained = []
    with pytest.raises(KeyboardInterrupt):
        scores_by_fold(tmp_path / "a", CANDIDATE, FOLDS, runner(trained, until=2), seed=7)

    found = scores_by_fold(tmp_path / "a", CANDIDATE, FOLDS, runner(trained), seed=7)

    assert trained == ["first", "second", "third"]
    assert [each.tolist() for each in found] == [[7, 0, 0.1], [7, 1, 0.1], [7, 2, 0.1]]


def test_damaged_scores_are_an_error(tmp_path):
    scores_by_fold(tmp_path, CANDIDATE, FOLDS, runner([]), seed=7)
    place = tmp_path / "02.scores"
    place.write_bytes(place.read_bytes()[:-1] + b"x")

    with pytest.raises(StorageError, match="scores are damaged"):
        scores_by_fold(tmp_path, CANDIDATE, FOLDS, runner([]), seed=7)


def test_without_folds_nothing_is_trained(tmp_path):
    assert scores_by_fold(tmp_path, CANDIDATE, (), runner([]), seed=7) == []
