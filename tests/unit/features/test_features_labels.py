import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.features.labels import (
    forward_quintile,
    forward_rank,
    forward_return,
    significant_move,
    target,
)
from tests.unit.features.panels import rough_panel

NAN = np.nan


def column(*values):
    return np.array(values, dtype=float)[:, None]


def everyone(close):
    return np.ones(close.shape, dtype=bool)


def test_a_forward_return_runs_from_this_close_to_the_later_one():
    label = forward_return(column(100, 110, 121, 60.5), sessions=2)

    np.testing.assert_allclose(label.values, column(0.21, -0.45, NAN, NAN))


def test_a_label_names_the_row_on_which_it_ends():
    label = forward_return(column(1, 1, 1, 1), sessions=2)

    assert label.end_row.tolist() == [2, 3, 4, 5]


def test_a_delisting_inside_the_horizon_ends_in_cash_at_the_last_price():
    label = forward_return(column(100, 90, NAN, NAN, NAN), sessions=3)

    np.testing.assert_allclose(label.values, column(-0.1, 0, NAN, NAN, NAN))


def test_a_missing_bar_today_has_no_label_and_one_later_is_bridged():
    label = forward_return(column(100, NAN, 120, 130), sessions=1)

    np.testing.assert_allclose(label.values, column(0, NAN, 130 / 120 - 1, NAN))


def test_only_members_are_ranked():
    close = np.array([[1.0, 1, 1], [3, 9, 2]])
    members = np.array([[True, False, True], [True, True, True]])

    label = forward_rank(close, members, sessions=1)

    np.testing.assert_array_equal(label.values[0], [1, NAN, 0])


def test_the_target_is_the_mean_rank_and_ends_with_the_longest_horizon():
    close = np.array([[1.0, 1], [2, 1], [1, 2]])  # the first leads after one session, the second after two

    label = target(close, everyone(close), horizons=(1, 2))

    assert label.values[0].tolist() == [0.5, 0.5]
    assert np.isnan(label.values[1:]).all()
    assert label.end_row.tolist() == [2, 3, 4]


def test_quintiles_hold_a_fifth_each():
    close = np.vstack([np.ones(50), np.random.default_rng(0).lognormal(size=50)])

    fifths = forward_quintile(close, everyone(close), sessions=1).values[0]

    assert np.bincount(fifths.astype(int)).tolist() == [10, 10, 10, 10, 10]
    assert close[1][fifths == 4].min() > close[1][fifths == 3].max()


def test_small_moves_are_dropped():
    close = np.array([[100.0, 100, 100, 100], [102, 98, 100.5, NAN]])

    assert significant_move(close, everyone(close), sessions=1).values[0].tolist()[:2] == [1, 0]
    assert np.isnan(significant_move(close, everyone(close), sessions=1).values[0, 2:]).all()


LABELS = {
    "return": lambda close, _: forward_return(close, sessions=5),
    "rank": lambda close, members: forward_rank(close, members, sessions=5),
    "target": lambda close, members: target(close, members, horizons=(5, 21)),
    "quintile": lambda close, members: forward_quintile(close, members, sessions=21),
    "move": lambda close, members: significant_move(close, members, sessions=5),
}


@pytest.mark.parametrize("name", LABELS)
@given(seed=st.integers(0, 1000), last=st.integers(30, 99))
@settings(max_examples=10, deadline=None)
def test_a_label_knows_nothing_after_the_row_on_which_it_ends(name, seed, last):
    panel = rough_panel(seed, sessions=100)
    noise = rough_panel(seed + 1, sessions=100)
    later_is_noise = np.concatenate([panel.close[: last + 1], noise.close[last + 1 :]])
    make = LABELS[name]

    whole = make(panel.close, panel.is_member)

    ended = whole.end_row <= last
    for close in (later_is_noise, panel.close[: last + 1]):
        label = make(close, panel.is_member[: len(close)])
        rows = label.end_row <= last
        np.testing.assert_array_equal(label.values[rows], whole.values[ended])
    assert np.isnan(whole.values[whole.end_row >= len(panel.close)]).all()
