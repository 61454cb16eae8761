from typing import get_args

import numpy as np
import pytest

from config.sections import Models
from tasks.features.labels import Entry
from tasks.models.training.controls import controls_of
from tasks.models.training.rows import rows_of
from tasks.models.training.targets import RESIDUALISED, TARGETS, TREND, make_target
from tasks.selection.selection_run import folds_of, out_of_sample
from tests.builders import drifting_panel, make_panel, make_settings
from tests.champions import features_of
from tests.unit.features.panels import rough_panel
from tests.unit.features.panels import rows_of as rows_at

EVERY = np.arange(460)
SMALL = {
    "models.train_sessions": 120,
    "models.min_train_sessions": 60,
    "models.test_sessions": 40,
    "models.folds": 2,
}


def settings_of(target):
    return make_settings(**SMALL | {"models.target": target}).models


def test_the_settings_allow_the_targets_that_there_are():
    assert set(get_args(Models.model_fields["target"].annotation)) == set(TARGETS)


def test_the_settings_allow_the_entries_that_there_are_and_never_the_close_of_the_decision():
    entries = get_args(Models.model_fields["entry"].annotation)

    assert entries == get_args(Entry) == ("next_open", "next_close")
    assert make_settings().models.entry == "next_open"


def test_the_residualised_mean_rank_is_learned_unless_another_target_is_asked_for():
    assert make_settings().models.target == "neutral_rank"


@pytest.mark.parametrize("name", TARGETS)
def test_every_target_is_centred_on_zero_and_is_higher_for_names_that_rise(name):
    values = make_target(name, drifting_panel(), (5, 21), "next_open", EVERY).values

    assert np.nanmax(np.abs(values)) <= (1.0 if name in RESIDUALISED else 0.5)
    assert np.nanmean(values[:, :10]) < -0.1
    assert np.nanmean(values[:, -10:]) > 0.1


def test_a_barrier_is_in_the_middle_where_neither_is_touched():
    values = make_target(
        "triple_barrier", rough_panel(sessions=150), (5, 21), "next_open", EVERY[:150]
    ).values

    assert set(values[np.isfinite(values)]) == {-0.5, 0.0, 0.5}


def test_a_residualised_target_is_the_rank_without_what_the_controls_explain():
    panel, sessions = make_panel(sessions=320, symbols=40), np.array([260, 265, 270])
    raw, residual = (
        make_target(name, panel, (5, 10), "next_open", sessions).values for name in ("rank", "neutral_rank")
    )
    rows = np.isfinite(raw)
    controls = controls_of(panel, *np.nonzero(rows), also=TREND)

    assert rows.sum() == 3 * 40
    np.testing.assert_array_equal(np.isfinite(residual), rows)
    np.testing.assert_allclose(residual[rows], controls.cleaned(raw[rows]))
    for axis in controls.axes:
        assert abs(np.dot(axis, residual[rows])) < 1e-9
    assert np.abs(residual[rows] - raw[rows]).max() > 0.05


def test_a_residualised_target_knows_nothing_of_rows_after_its_own_label():
    panel, sessions = make_panel(sessions=320, symbols=40), np.array([260, 265])
    whole = make_target("neutral_rank", panel, (5, 10), "next_open", sessions).values
    cut = make_target("neutral_rank", rows_at(panel, slice(0, 280)), (5, 10), "next_open", sessions).values

    np.testing.assert_array_equal(cut[sessions], whole[sessions])


def test_small_moves_are_tested_but_not_learned():
    panel = make_panel(sessions=460, symbols=30)
    settings = settings_of("significant_move")
    data = rows_of(panel, features_of(panel, settings), settings)
    fold = folds_of(panel, data, settings)[0]

    learned = data.training_rows(fold.train, fold.closed)

    assert np.abs(data.forward[learned]).min() > 0.01
    assert np.isfinite(data.target[learned]).all()
    features = features_of(panel, settings)
    tested, ranked = (
        out_of_sample(panel, features, (fold,), each).data for each in (settings, settings_of("rank"))
    )
    assert np.abs(tested.forward).min() < 0.01
    np.testing.assert_array_equal(tested.forward, ranked.forward)


def test_a_barrier_touched_early_is_learned_up_to_the_embargo():
    settings = settings_of("triple_barrier")
    panel = make_panel(sessions=460, symbols=30)
    data = rows_of(panel, features_of(panel, settings), settings)
    fold = folds_of(panel, data, settings)[0]

    learned = data.training_rows(fold.train, fold.closed)

    last = data.sessions[learned].max()
    assert fold.closed.start[0] - 10 < last < fold.closed.start[0]
    assert data.label_end[learned].max() < fold.closed.start[0]
    assert len(learned) < data.rows_of(fold.train).stop - data.rows_of(fold.train).start
