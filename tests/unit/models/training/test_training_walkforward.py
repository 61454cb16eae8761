import numpy as np

from tasks.models.training.walkforward import (
    BLOCK,
    Window,
    fold_before,
    make_folds,
    sampled_sessions,
    split_folds,
)


def folds_of(sessions, *, every=1, label=21, origin=0, **window):
    """Return folds over this many sessions, all of which can be tested."""
    settings = {"train": 100, "least_train": 50, "test": 21, "folds": 3, "embargo": 5} | window
    last = sessions - 1
    sampled = sampled_sessions(0, last, every=every, origin=origin)
    return make_folds(sampled, last=last, origin=origin, label_sessions=label, window=Window(**settings))


def test_sessions_are_sampled_by_their_number_and_not_from_the_last():
    assert sampled_sessions(0, 12, every=5, origin=0).tolist() == [0, 5, 10]
    assert sampled_sessions(0, 10, every=5, origin=0).tolist() == [0, 5, 10]
    assert sampled_sessions(0, 13, every=5, origin=0).tolist() == [0, 5, 10]
    assert sampled_sessions(0, 12, every=5, origin=1002).tolist() == [3, 8]
    assert sampled_sessions(5, 12, every=5, origin=0).tolist() == [5, 10]


def test_nothing_is_sampled_where_no_label_is_complete():
    assert sampled_sessions(0, -1, every=5, origin=0).size == 0


def test_test_windows_lie_end_to_end_and_the_last_ends_with_the_last_session():
    folds = folds_of(300)

    assert [fold.number for fold in folds] == [1, 2, 3]
    assert [fold.test[0] for fold in folds] == [231, 252, 273]
    assert [fold.test[-1] for fold in folds] == [251, 272, 299]


def test_every_session_of_a_window_is_tested_however_few_are_trained_on():
    for fold in folds_of(300, every=5):
        assert (np.diff(fold.test) == 1).all()
        assert set(fold.train % 5) == {0}


def test_for_a_month_a_day_more_changes_no_fold_but_the_end_of_the_last_test():
    first = folds_of(294)

    for later in range(1, BLOCK):
        folds = folds_of(294 + later)
        for one, other in zip(first, folds, strict=True):
            np.testing.assert_array_equal(one.train, other.train)
            assert one.test[0] == other.test[0]
        assert folds[-1].test[-1] == 293 + later
    assert folds_of(294 + BLOCK)[0].test[0] == first[0].test[0] + BLOCK


def test_folds_are_the_same_sessions_wherever_the_panel_begins():
    whole, part = folds_of(400), folds_of(300, origin=100)

    for one, other in zip(whole, part, strict=True):
        np.testing.assert_array_equal(one.test, other.test + 100)
        np.testing.assert_array_equal(one.train, other.train + 100)


def test_labels_are_known_an_embargo_before_the_test():
    fold = folds_of(300)[0]

    assert fold.closed.start[0] == fold.test[0] - 5
    assert fold.train[-1] == fold.closed.start[0] - 1  # a label of that session might end the session after


def test_a_training_window_is_as_long_as_asked_for_up_to_the_last_session_of_which_all_labels_are_known():
    fold = folds_of(300)[-1]

    assert fold.closed.start[0] - 21 - fold.train[0] == 100


def test_an_expanding_window_begins_with_the_first_session():
    rolling, expanding = folds_of(300), folds_of(300, train=None)

    assert [fold.train[0] for fold in rolling] == [105, 126, 147]
    assert [fold.train[0] for fold in expanding] == [0, 0, 0]
    for one, other in zip(rolling, expanding, strict=True):
        assert one.train[-1] == other.train[-1]
        np.testing.assert_array_equal(one.test, other.test)


def test_a_fold_with_too_little_history_is_not_made():
    assert [fold.number for fold in folds_of(50 + 26 + 42, origin=50)] == [1, 2]  # 50 + 118 is a boundary
    assert folds_of(50 + 26 + 20) == ()


def test_a_fold_is_made_of_just_the_least_history_and_not_of_a_session_less():
    assert len(folds_of(50 + 26 + 21, origin=8, folds=1)) == 1  # 8 + 76 is a boundary
    assert folds_of(50 + 26 + 20, origin=9, folds=1) == ()


def test_the_earlier_third_of_the_folds_selects_and_the_others_confirm():
    folds = folds_of(400, folds=6)

    choosing, confirming = split_folds(folds)

    assert [fold.number for fold in choosing] == [1, 2]
    assert [fold.number for fold in confirming] == [3, 4, 5, 6]


def test_one_fold_can_not_both_choose_and_confirm():
    assert split_folds(folds_of(300, folds=1)) == ((), ())


def test_two_folds_choose_and_confirm_one_each():
    choosing, confirming = split_folds(folds_of(300, folds=2))

    assert [fold.number for fold in choosing + confirming] == [1, 2]


def test_a_fold_alone_is_numbered_0_and_is_none_without_a_session_to_train_on():
    window = Window(train=None, least_train=50, test=21, folds=3, embargo=5)
    test = np.arange(200, 221)

    fold = fold_before(test, sampled_sessions(0, 220, every=5, origin=0), label_sessions=21, window=window)

    assert (fold.number, fold.train[0]) == (0, 0)
    assert fold_before(test, np.arange(0), label_sessions=21, window=window) is None
