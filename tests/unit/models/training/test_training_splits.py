import numpy as np
import pytest
from pydantic import ValidationError

from config.sections import Models
from tasks.models.training.splits import Embargo, closed_by, label_ends, path_ids, purged_folds
from tests.builders import make_settings

NO_EMBARGO = Embargo(before=0, after=0)


def trained(*, rows, reach, groups, test_groups=1, embargo=NO_EMBARGO):
    """Return the training rows of each fold, one row per session, whose label spans `reach` further sessions."""
    sessions = np.arange(rows)
    folds = purged_folds(
        sessions, sessions, sessions + reach, groups=groups, test_groups=test_groups, embargo=embargo
    )
    return [
        [
            int(row)
            for row in fold.train
            if not fold.closed.touched_by(np.array([row]), np.array([row + reach]))[0]
        ]
        for fold in folds
    ]


@pytest.mark.parametrize(
    ("groups", "test_groups", "splits", "paths"),
    [(5, 2, 10, 4), (6, 2, 15, 5), (8, 2, 28, 7), (6, 3, 20, 10), (10, 3, 120, 36), (8, 4, 70, 35)],
)
def test_v14_the_numbers_of_splits_and_paths(groups, test_groups, splits, paths):
    sessions = np.arange(40)

    folds = purged_folds(
        sessions, sessions, sessions, groups=groups, test_groups=test_groups, embargo=NO_EMBARGO
    )

    ids = path_ids(groups, test_groups)
    assert (len(folds), ids.max() + 1) == (splits, paths)
    assert ids.shape == (splits, test_groups)


def test_v15_training_rows_with_a_label_of_one_more_session():
    rows = trained(rows=12, reach=1, groups=3, test_groups=2)

    assert rows == [[9, 10, 11], [5, 6], [0, 1, 2]]


def test_v15_training_rows_with_an_embargo_after_the_test():
    rows = trained(rows=12, reach=0, groups=3, test_groups=2, embargo=Embargo(before=0, after=1))

    assert rows == [[9, 10, 11], [5, 6, 7], [0, 1, 2, 3]]


def test_v15_paths():
    assert path_ids(3, 2).tolist() == [[0, 0], [1, 0], [1, 1]]


def test_v16_labels_are_purged_on_both_sides():
    assert trained(rows=10, reach=2, groups=2) == [[7, 8, 9], [0, 1, 2]]


def test_v16_the_span_between_two_test_blocks_is_not_purged():
    tested = np.array([2, 9])
    closed = closed_by(tested, tested + 1, NO_EMBARGO)
    others = np.setdiff1d(np.arange(12), tested)

    purged = others[closed.touched_by(others, others + 1)]

    assert purged.tolist() == [1, 3, 8, 10]


def test_an_embargo_before_the_test_keeps_as_many_sessions_free_of_labels():
    rows = trained(rows=10, reach=1, groups=2, embargo=Embargo(before=2, after=0))

    assert rows == [[6, 7, 8, 9], [0, 1]]


def test_every_path_tests_each_group_once():
    ids, pairs = path_ids(6, 2), [(a, b) for a in range(6) for b in range(a + 1, 6)]

    for path in range(5):
        groups = [pairs[fold][place] for fold, place in zip(*np.nonzero(ids == path), strict=True)]
        assert sorted(groups) == list(range(6))


def test_folds_are_numbered_and_test_blocks_of_nearly_equal_length():
    folds = purged_folds(np.arange(0, 14, 5), np.arange(14), np.arange(14), groups=3, embargo=NO_EMBARGO)

    assert [fold.number for fold in folds] == [1, 2, 3]
    assert [fold.test.tolist() for fold in folds] == [[*range(5)], [*range(5, 10)], [*range(10, 14)]]
    assert [fold.train.tolist() for fold in folds] == [[5, 10], [0, 10], [0, 5]]


def test_a_group_can_be_as_short_as_one_session():
    assert trained(rows=3, reach=0, groups=3) == [[1, 2], [0, 2], [0, 1]]


@pytest.mark.parametrize(("groups", "test_groups"), [(3, 0), (3, 3), (13, 1), (1, 1)])
def test_groups_that_cannot_be_tested_are_refused(groups, test_groups):
    sessions = np.arange(12)

    with pytest.raises(ValueError, match="cannot be tested over 12 sessions"):
        purged_folds(sessions, sessions, sessions, groups=groups, test_groups=test_groups, embargo=NO_EMBARGO)


def test_the_label_of_a_tested_session_ends_with_the_last_of_its_rows():
    sessions, ends = np.array([1, 1, 3, 4, 9]), np.array([3, 6, 4, 4, 20])

    assert label_ends(sessions, ends, np.array([1, 2, 3])).tolist() == [6, 2, 4]


@pytest.mark.parametrize("key", ["shuffle", "random_splits", "splitter"])
def test_shuffled_splitting_cannot_be_configured(key):
    settings = make_settings().models.model_dump()

    assert not [name for name in Models.model_fields if "shuffle" in name or "random" in name]
    with pytest.raises(ValidationError, match=key):
        Models(**settings | {key: True})
