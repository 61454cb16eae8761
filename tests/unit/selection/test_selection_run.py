from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from tasks.selection.selection_run import (
    folds_of,
    last_window,
    rows_of,
    splits_of,
    window_needed,
)
from tests.builders import FRIDAY, make_panel, make_settings
from tests.champions import features_of
from tests.unit.models.datasets import make_data

SMALL = {
    "models.train_sessions": 120,
    "models.min_train_sessions": 60,
    "models.test_sessions": 40,
    "models.folds": 3,
    "models.quick_candidates": ["momentum_52_week", "equal_weight"],
}


def test_the_window_that_is_read_gives_the_folds_of_the_whole_history():
    settings = make_settings(**SMALL).models
    panel = make_panel(sessions=900, symbols=6)
    short = make_panel(sessions=900, symbols=6)
    tail = slice(900 - window_needed(settings), None)
    trimmed = type(short)(
        **{
            name: value[tail] if getattr(value, "shape", (0,))[0] == 900 else value
            for name, value in vars(short).items()
        }
    )

    whole, part = (
        folds_of(each, rows_of(each, features_of(each, settings), settings), settings)
        for each in (panel, trimmed)
    )

    assert [len(fold.train) for fold in part] == [len(fold.train) for fold in whole]
    assert [len(fold.test) for fold in part] == [len(fold.test) for fold in whole]


def test_an_expanding_window_trains_on_all_earlier_sessions_of_the_whole_history():
    settings = make_settings(**SMALL | {"models.train_sessions": None}).models
    panel = make_panel(sessions=560, symbols=6)
    data = rows_of(panel, features_of(panel, settings), settings)

    folds = folds_of(panel, data, settings)

    assert window_needed(settings) is None
    assert [fold.train[0] for fold in folds] == [data.sampled[0]] * 3
    np.testing.assert_array_equal(last_window(data, settings), data.sampled)


def splits(*, last=FRIDAY, feature_set="f" * 64, **overrides):
    settings = make_settings(**SMALL | overrides).models
    panel, data = (
        make_panel(sessions=400, symbols=3, last=last),
        replace(make_data(), feature_set=feature_set),
    )
    return splits_of(panel, data, folds_of(panel, data, settings), settings)


@pytest.mark.parametrize(
    ("overrides", "is_another"),
    [
        ({}, False),
        ({"last": FRIDAY - timedelta(days=1)}, True),
        ({"feature_set": "e" * 64}, True),
        ({"models.target": "rank"}, True),
        ({"models.entry": "next_close"}, True),
        ({"models.label_horizons": [5]}, True),
        ({"models.folds": 2}, True),
        ({"models.train_sessions": 100}, True),
        ({"models.embargo_sessions": 6}, True),
        ({"models.sample_weights": "time_decay"}, True),
        ({"models.min_t_statistic": 1.0, "models.min_deflated_sharpe": 0.5, "models.max_age_days": 9}, False),
    ],
)
def test_other_splits_are_other_trials_and_other_limits_are_not(overrides, is_another):
    assert (splits() != splits(**overrides)) == is_another
