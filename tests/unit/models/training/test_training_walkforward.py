import numpy as np

from tasks.models.training.walkforward import Window, make_folds, sampled_sessions, split_folds


def folds_of(sessions, *, every=1, label=21, **window):
    settings = {"train": 100, "least_train": 50, "test": 20, "folds": 3, "embargo": 5} | window
    sampled = sampled_sessions(0, sessions - 1, every=every)
    return make_folds(sampled, label_sessions=label, window=Window(**settings))


def test_sessions_are_sampled_back_from_the_last():
    assert sampled_sessions(0, 12, every=5).tolist() == [2, 7, 12]


def test_nothing_is_sampled_where_no_label_is_complete():
    assert sampled_sessions(0, -1, every=5).size == 0


def test_test_windows_lie_end_to_end_and_the_last_ends_with_the_last_session():
    folds = folds_of(300)

    assert [fold.number for fold in folds] == [1, 2, 3]
    assert [fold.test[0] for fold in folds] == [240, 260, 280]
    assert [fold.test[-1] for fold in folds] == [259, 279, 299]


def test_labels_are_known_an_embargo_before_the_test():
    fold = folds_of(300)[0]

    assert fold.known_before == fold.test[0] - 5
    assert fold.train[-1] == fold.known_before - 1  # a label of that session might end the session after


def test_a_training_window_is_as_long_as_asked_for_up_to_the_last_session_of_which_all_labels_are_known():
    fold = folds_of(300)[-1]

    assert fold.known_before - 21 - fold.train[0] == 100


def test_a_fold_with_too_little_history_is_not_made():
    assert [fold.number for fold in folds_of(50 + 26 + 40)] == [1, 2]
    assert folds_of(50 + 26 + 19) == ()


def test_with_sampling_all_folds_stay_on_the_sampled_sessions():
    folds = folds_of(300, every=5)

    positions = np.concatenate([np.concatenate([fold.train, fold.test]) for fold in folds])
    assert set(positions % 5) == {299 % 5}


def test_the_later_half_of_the_folds_confirms_and_an_odd_one_too():
    folds = folds_of(300, folds=5)

    choosing, confirming = split_folds(folds)

    assert [fold.number for fold in choosing] == [1, 2]
    assert [fold.number for fold in confirming] == [3, 4, 5]


def test_one_fold_can_not_both_choose_and_confirm():
    assert split_folds(folds_of(300, folds=1)) == ((), ())


def test_two_folds_choose_and_confirm_one_each():
    choosing, confirming = split_folds(folds_of(300, folds=2))

    assert [fold.number for fold in choosing + confirming] == [1, 2]


def test_a_fold_is_made_of_just_the_least_history_and_not_of_a_session_less():
    assert len(folds_of(50 + 26 + 20, folds=1)) == 1
    assert folds_of(50 + 26 + 19, folds=1) == ()
