import numpy as np
import pytest

from tasks.features.compute import compute
from tasks.features.labels import forward_return, target
from tasks.models.training.dataset import make_dataset
from tasks.selection.selection_run import rows_of
from tests.builders import make_panel, make_settings
from tests.champions import features_of


def rows_by_hand(panel, sampled):
    label = target(panel, horizons=(5, 21), entry="next_open")
    forward = forward_return(panel, sessions=5, entry="next_open")
    return make_dataset(compute(panel), label, forward.values, panel.is_member, np.array(sampled))


def test_rows_are_the_members_of_the_sampled_sessions_in_order():
    panel = make_panel(sessions=300, symbols=4)
    panel.is_member[260, 1] = False

    data = rows_by_hand(panel, [255, 260])

    assert list(zip(data.sessions.tolist(), data.symbols.tolist(), strict=True)) == [
        *[(255, column) for column in range(4)],
        *[(260, column) for column in (0, 2, 3)],
    ]


def test_a_row_holds_the_features_and_labels_of_its_own_session_and_symbol():
    panel = make_panel(sessions=300, symbols=4)

    data = rows_by_hand(panel, [255, 260])

    features = compute(panel)
    np.testing.assert_array_equal(data.x[6], features.values[:, 260, 2])
    assert data.forward[6] == pytest.approx(panel.close[265, 2] / panel.open[261, 2] - 1)


def test_sessions_without_a_complete_label_have_no_rows():
    panel = make_panel(sessions=300, symbols=4)

    settings = make_settings().models
    data = rows_of(panel, features_of(panel, settings), settings)

    assert 299 - 10 - 5 < data.sessions.max() <= 299 - 10
    assert set(np.diff(data.sampled)) == {5}


def test_a_row_with_too_few_features_is_not_a_row():
    panel = make_panel(sessions=300, symbols=4)

    assert rows_by_hand(panel, [3, 255]).sampled.tolist() == [255]


def test_the_target_is_centred():
    panel, settings = make_panel(sessions=300, symbols=40), make_settings().models
    data = rows_of(panel, features_of(panel, settings), settings)

    assert data.target.mean() == pytest.approx(0, abs=1e-6)
    assert np.abs(data.target).max() <= 1


def test_the_rows_of_sessions_are_one_block():
    data = rows_by_hand(make_panel(sessions=300, symbols=4), [255, 260, 265])

    assert data.rows_of(np.array([260, 265])) == slice(4, 12)
    assert data.rows_of(np.array([], dtype=int)) == slice(0, 0)
