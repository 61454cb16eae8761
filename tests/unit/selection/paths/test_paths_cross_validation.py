"""Combinatorial purged cross-validation of a candidate (M4): which model scores which session, and what it has seen."""

import numpy as np
import pytest

from config.sections import Candidate
from tasks.models.training.controls import make_controls
from tasks.models.training.dataset import OutOfSample
from tasks.models.training.fold_by_fold import fold_workers, walk_forward
from tasks.selection.paths.cross_validation import combinatorial_folds, paths_of
from tests.builders import make_settings
from tests.unit.models.datasets import make_data

NAMES, LAST = 6, 300
MODELS = make_settings(
    **{"models.train_sessions": 100, "models.label_horizons": [5, 10], "models.embargo_sessions": 5}
).models
TESTED = np.arange(120, LAST)


@pytest.fixture(scope="module")
def data():
    return make_data(np.arange(0, LAST, 5), names=NAMES, label=10)


@pytest.fixture(scope="module")
def tested():
    rows = make_data(TESTED, names=NAMES, label=5, seed=1)
    return OutOfSample(rows, make_controls(rows.sessions, None, {"beta": rows.x[:, 0]}), overlap=5)


def test_no_training_label_touches_a_tested_label_or_its_embargo(data):
    folds = combinatorial_folds(data, TESTED, MODELS)

    assert len(folds) == 15  # V14
    for fold in folds:
        rows = data.training_rows(fold.train, fold.closed)
        spans = zip(data.sessions[rows], data.label_end[rows], strict=True)
        trained = np.unique(np.concatenate([np.arange(start, end + 1) for start, end in spans]))
        closed = np.unique(np.concatenate([np.arange(day - 5, day + 11 + 5) for day in fold.test]))
        assert not np.intersect1d(trained, closed).size
        assert rows.size
        assert (data.sessions[rows] < 120).any()  # sessions before the tests are always trained on


def test_every_path_has_each_session_once_scored_by_a_model_that_tested_its_group(data, tested):
    folds = combinatorial_folds(data, TESTED, MODELS)
    scores = [np.full(len(fold.test) * NAMES, float(fold.number)) for fold in folds]

    paths = paths_of(folds, scores, tested)

    assert len(paths) == 5  # V14
    by_session = np.zeros((5, len(TESTED)))
    for place, path in enumerate(paths):
        assert np.concatenate([part.sessions for part in path]).tolist() == TESTED.tolist()
        for part in path:
            assert len(part.scores) == len(part.sessions) * NAMES
            (number,) = np.unique(part.scores)
            assert np.isin(part.sessions, folds[int(number) - 1].test).all()
            by_session[place, part.sessions - TESTED[0]] = number
    assert all(len(set(column)) == 5 for column in by_session.T)  # five different models


def test_the_two_groups_of_a_fold_are_scored_and_nothing_between_them(data, tested):
    candidate = Candidate(name="momentum", kind="equal_weight", parameters={})
    folds = combinatorial_folds(data, TESTED, MODELS)
    apart = next(fold for fold in folds if fold.blocks[1][0] - fold.blocks[0][-1] > 1)
    finished: list[int] = []

    with fold_workers(data, tested, MODELS) as run:
        (result,) = walk_forward(candidate, (apart,), run, seed=1, report=finished.append)

    assert finished == [1]
    assert len(result.scores) == len(apart.test) * NAMES
    assert result.test.sessions in {0, len(apart.test)}


def test_fewer_sessions_than_groups_have_no_folds(data):
    assert combinatorial_folds(data, TESTED[:5], MODELS) == ()
    assert paths_of((), [], None) == []
