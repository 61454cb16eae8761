from dataclasses import replace

import numpy as np
import pytest

from tasks.core.artifacts import load_frame
from tasks.core.errors import ConfigError, DataError
from tasks.data.schema.records import Market, SnapshotRef
from tasks.features import registry, task
from tasks.features.compute import compute, compute_last
from tasks.features.registry import FEATURES, factors, feature_names, feature_set, reach, selected, warm_up
from tasks.features.sets import SETS
from tests.builders import make_panel, make_run


def test_the_warm_up_is_the_longest_window():
    assert warm_up(["return_1", "sma_ratio_50"]) == 50


def test_a_neutral_form_reaches_as_far_back_as_what_it_is_neutral_to():
    (neutral,) = selected(["reversal_5_neutral"])

    assert neutral.window == 6
    assert reach(neutral) == warm_up([neutral.name]) == max(each.window for each in factors([neutral])) == 253


def test_every_set_names_registered_features_once():
    for names in SETS.values():
        assert len(set(names)) == len(names)
        assert set(names) <= set(feature_names())


def test_there_are_features_enough_and_158_of_them_are_those_of_qlib():
    assert len(SETS["all"]) >= 150
    assert len(SETS["alpha158"]) == 158


def test_features_come_in_the_order_in_which_they_are_named():
    assert compute(make_panel(sessions=30), ["return_5", "return_1"]).names == ("return_5", "return_1")


def test_an_unknown_feature_is_refused_by_name():
    with pytest.raises(ConfigError, match="crystal_ball"):
        selected(["return_1", "crystal_ball"])


@pytest.mark.parametrize("change", [{"version": 2}, {"window": 9}, {"transform": "none"}, {"name": "other"}])
def test_another_version_window_form_or_name_is_another_set(monkeypatch, change):
    before = feature_set()

    monkeypatch.setattr(registry, "FEATURES", (replace(FEATURES[0], **change), *FEATURES[1:]))

    assert feature_set() != before


def test_another_order_is_another_set():
    assert feature_set(["return_1", "return_5"]) != feature_set(["return_5", "return_1"])


def test_a_matrix_gives_rows_session_by_session():
    matrix = compute(make_panel(sessions=30, symbols=4), ["return_1", "return_5"])
    mask = np.zeros((30, 4), dtype=bool)
    mask[10, [1, 3]] = mask[20, 2] = True

    rows = matrix.rows(mask)

    assert rows.tolist() == [
        matrix.values[:, 10, 1].tolist(),
        matrix.values[:, 10, 3].tolist(),
        matrix.values[:, 20, 2].tolist(),
    ]
    assert rows.flags.c_contiguous


def test_a_panel_shorter_than_every_window_has_no_values():
    last = compute_last(make_panel(sessions=1), ["return_1"])

    assert last.values.shape == (1, 1, 30)
    assert np.isnan(last.values).all()


def market(tmp_path):
    snapshot = SnapshotRef("abc", tmp_path, make_panel().sessions[-1].item(), {})
    return Market(snapshot, "files", 0, 0, (), (), 30, (), (), ())


def test_the_stage_stores_one_row_per_member_and_one_column_per_feature(tmp_path, monkeypatch):
    panel = make_panel()
    panel.is_member[-1, 3] = False
    monkeypatch.setattr(task, "read_panel", lambda *_, **__: panel)

    run = make_run(tmp_path, **{"models.features": "alpha158"})

    frame = load_frame(task.compute_features(run, market(tmp_path)))

    assert tuple(frame.columns) == SETS[run.settings.models.features]
    assert frame.index.tolist() == [symbol for symbol in panel.symbols if symbol != "S003"]
    assert (frame.index.name, {str(dtype) for dtype in frame.dtypes}) == ("symbol", {"float32"})


def test_the_stage_refuses_an_empty_universe(tmp_path, monkeypatch):
    panel = make_panel()
    panel.is_member[-1] = False
    monkeypatch.setattr(task, "read_panel", lambda *_, **__: panel)

    with pytest.raises(DataError, match="universe is empty"):
        task.compute_features(make_run(tmp_path), market(tmp_path))
