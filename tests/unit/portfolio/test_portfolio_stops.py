import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.portfolio.stops import NO_STOPS, StopWindow, is_stopped, recent_fall, stop_window
from tests.builders import make_settings

OFF = {"CRASH": 0.0, "BEAR": 0.0, "NEUTRAL": 0.0, "BULL": 0.0}


def fall_of(*closes, high=3, pause=2):
    return recent_fall(np.array(closes, dtype=float)[:, None], StopWindow(high, pause))[0]


def test_the_fall_is_measured_from_the_highest_close_of_the_window():
    assert fall_of(100, 120, 90) == pytest.approx(0.25)
    assert fall_of(120, 100, 100, 90, high=3, pause=1) == pytest.approx(0.10)  # 120 is older than the window


def test_levels_below_one_are_levels():
    assert fall_of(0.8, 0.4) == pytest.approx(0.5)


def test_a_fall_counts_until_it_is_as_old_as_the_pause():
    assert fall_of(100, 70, 100) == pytest.approx(0.30)
    assert fall_of(100, 70, 100, 100) == 0


def test_a_high_before_a_fall_counts_for_that_fall_although_the_last_close_no_longer_sees_it():
    assert fall_of(100, 60, 60, 60, high=2, pause=3) == pytest.approx(0.40)
    assert fall_of(100, 60, 60, 60, high=2, pause=2) == 0


def test_sessions_without_a_bar_are_not_a_fall():
    nan = float("nan")

    assert fall_of(nan, 100, nan, 80, high=4, pause=2) == pytest.approx(0.20)
    assert fall_of(nan, nan) == 0
    assert fall_of(100, 0.0) == 0  # no price


def test_a_shorter_history_than_the_window_is_used_as_far_as_it_is_known():
    assert fall_of(100, 75, high=63, pause=21) == pytest.approx(0.25)


def test_without_stops_nothing_is_read():
    assert stop_window(make_settings().regime) == NO_STOPS
    assert NO_STOPS.sessions == 0
    assert recent_fall(np.array([[100.0], [1.0]]), NO_STOPS).tolist() == [0.0]


def test_the_window_is_that_of_the_settings_as_soon_as_one_state_has_a_stop():
    regime = make_settings(**{"regime.stop_loss_frac": OFF | {"CRASH": 0.1}}).regime

    assert stop_window(regime) == StopWindow(63, 21)
    assert stop_window(regime).sessions == 83


def test_a_stop_of_any_size_reads_the_window():
    regime = make_settings(**{"regime.stop_loss_frac": OFF | {"CRASH": 0.001}}).regime

    assert stop_window(regime) == StopWindow(63, 21)


def test_a_name_is_stopped_beyond_the_stop_not_at_it():
    fall = np.array([0.2, 0.2 + 1e-12, 0.2001, np.nan])

    assert is_stopped(fall, 0.2).tolist() == [False, False, True, False]
    assert not is_stopped(fall, 0.0).any()


levels = st.lists(st.one_of(st.floats(1, 1000), st.just(float("nan"))), min_size=1, max_size=12)


@given(levels, st.integers(1, 6), st.integers(1, 4))
def test_the_fall_is_that_of_a_search_close_by_close(closes, high, pause):
    last = len(closes) - 1
    falls = [
        1 - closes[row] / closes[earlier]
        for row in range(max(0, last - pause + 1), last + 1)
        for earlier in range(max(0, row - high + 1), row + 1)
        if not np.isnan(closes[row] + closes[earlier])
    ]

    found = fall_of(*closes, high=high, pause=pause)

    assert found == pytest.approx(max([0.0, *falls]), abs=1e-12)


# a decision sees no more than the window: rows before it change nothing
@given(levels, st.integers(1, 6), st.integers(1, 4))
def test_closes_before_the_window_change_nothing(closes, high, pause):
    window = StopWindow(high, pause)
    padded = [*np.full(window.sessions, 1e6), *closes][-len(closes) - window.sessions :]
    seen = np.array(padded, dtype=float)[-window.sessions :]

    assert fall_of(*padded, high=high, pause=pause) == fall_of(*seen, high=high, pause=pause)


# a split or a dividend scales all levels before it
@given(levels, st.floats(0.01, 100))
def test_the_scale_of_the_levels_does_not_matter(closes, scale):
    scaled = [close * scale for close in closes]

    assert fall_of(*scaled, high=6, pause=4) == pytest.approx(fall_of(*closes, high=6, pause=4), abs=1e-12)
