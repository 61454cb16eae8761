from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.features.labels import (
    forward_rank,
    forward_return,
    sessions_known_after,
    significant_move,
    target,
    triple_barrier,
)
from tests.builders import make_panel
from tests.unit.features.panels import columns_of, rough_panel, rows_of, with_later_rows_of
from tests.unit.features.reference_labels import REFERENCE

NAN = np.nan
ENTRIES = ("next_open", "next_close")


def column(*values):
    return np.array(values, dtype=float)[:, None]


def panel_of(close, *, open_=None, high=None, low=None, is_member=None):
    """Return a panel of these prices; without an open, every session opens where the one before closed."""
    given = make_panel(sessions=close.shape[0], symbols=close.shape[1])
    opened = np.where(np.isnan(close), np.nan, np.vstack([close[:1], close[:-1]])) if open_ is None else open_
    return replace(
        given,
        open=opened,
        high=close if high is None else high,
        low=close if low is None else low,
        close=close,
        is_member=np.ones(close.shape, dtype=bool) if is_member is None else is_member,
    )


def returns(close, *, sessions, entry="next_open", open_=None):
    return forward_return(panel_of(close, open_=open_), sessions=sessions, entry=entry)


def test_a_forward_return_runs_from_the_next_open_to_the_close_of_the_horizon():
    close, open_ = column(100, 110, 121, 60.5), column(99, 100, 120, 110)

    label = returns(close, sessions=2, open_=open_)

    np.testing.assert_allclose(label.values, column(0.21, 60.5 / 120 - 1, NAN, NAN))


def test_from_the_next_close_the_horizon_ends_a_session_later():
    label = returns(column(100, 110, 121, 60.5), sessions=2, entry="next_close")

    np.testing.assert_allclose(label.values, column(-0.45, NAN, NAN, NAN))


@pytest.mark.parametrize("entry", ENTRIES)
def test_the_close_of_the_decision_is_no_part_of_its_return(entry):
    close = column(100, 110, 121, 130, 90)
    close_before = close.copy()
    close_before[1] = 55.0
    opened = column(100, 101, 111, 122, 131)

    before, after = (returns(each, sessions=2, entry=entry, open_=opened) for each in (close_before, close))

    assert before.values[1] == after.values[1]


def test_a_label_names_the_row_on_which_it_ends():
    for entry, ends in (("next_open", [2, 3, 4, 5]), ("next_close", [3, 4, 5, 6])):
        label = returns(column(1, 1, 1, 1), sessions=2, entry=entry)

        assert label.end_row[:, 0].tolist() == ends
        assert label.end_row.dtype == np.int32
        assert sessions_known_after(2, entry) == ends[0]


def test_a_delisting_inside_the_horizon_ends_in_cash_at_the_last_price():
    label = returns(column(100, 100, 90, NAN, NAN), sessions=3)

    np.testing.assert_allclose(label.values, column(-0.1, -0.1, NAN, NAN, NAN))


def test_what_cannot_be_bought_at_the_entry_has_no_return_and_a_later_gap_is_bridged():
    label = returns(column(100, 100, NAN, 120, 130), sessions=2, open_=column(100, 100, NAN, 110, 120))

    np.testing.assert_allclose(label.values, column(0, NAN, 130 / 110 - 1, NAN, NAN))


def test_only_members_are_ranked():
    close = np.array([[1.0, 1, 1], [3, 9, 2]])
    members = np.array([[True, False, True], [True, True, True]])

    label = forward_rank(panel_of(close, is_member=members), sessions=1, entry="next_open")

    np.testing.assert_array_equal(label.values[0], [1, NAN, 0])


def test_the_target_is_the_mean_rank_and_ends_with_the_longest_horizon():
    close = np.array([[1.0, 1], [2, 1], [1, 2]])  # the first leads after one session, the second after two

    label = target(panel_of(close), horizons=(1, 2), entry="next_open")

    assert label.values[0].tolist() == [0.5, 0.5]
    assert np.isnan(label.values[1:]).all()
    assert label.end_row[:, 0].tolist() == [2, 3, 4]


def test_small_moves_are_dropped():
    close = np.array([[100.0, 100, 100, 100], [102, 98, 100.5, NAN]])

    label = significant_move(panel_of(close), sessions=1, entry="next_open")

    assert label.values[0].tolist()[:2] == [1, 0]
    assert np.isnan(label.values[0, 2:]).all()


def swinging(*last, before=100):
    """Return a price that moves 2% up and down for so many rows, then takes these steps from 100."""
    steps = np.where(np.arange(before) % 2 == 0, 100.0, 102.0)[::-1]
    return column(*steps, *last)


def barrier(close, *, open_=None, high=None, low=None, sessions=4, upper=1.0, lower=1.0, entry="next_open"):
    """Return value and end, counted in rows, of the label of the row before the last steps."""
    panel = panel_of(close, open_=open_, high=high, low=low)
    label = triple_barrier(panel, sessions=sessions, upper=upper, lower=lower, entry=entry)
    return label.values[99, 0], label.end_row[99, 0] - 99


def test_the_barrier_that_is_touched_first_gives_the_label_and_its_row_the_end():
    assert barrier(swinging(101, 106, 90, 90)) == (1, 2)  # two percent a session are four in four sessions
    assert barrier(swinging(101, 95, 110, 110)) == (-1, 2)


def test_the_session_of_an_entry_at_its_open_can_touch_and_one_at_its_close_cannot():
    close = swinging(106, 106, 106, 106, 106)

    assert barrier(close) == (1, 1)
    assert barrier(close, entry="next_close") == (0, 5)


def test_barriers_are_measured_from_the_entry_and_not_from_the_close_of_the_decision():
    close = swinging(106, 106, 106, 106, 106)
    opened = close.copy()
    opened[100] = 106.0

    assert barrier(close, open_=opened) == (0, 4)
    assert barrier(swinging(106, 106, 112, 112, 112), entry="next_close") == (1, 3)


def test_neither_barrier_in_time_is_zero_and_ends_with_the_horizon():
    assert barrier(swinging(101, 99, 101, 99, 120)) == (0, 4)
    assert barrier(swinging(101, 99, 101, 99, 120), entry="next_close") == (1, 5)


def test_barriers_are_as_far_as_they_are_asked_to_be():
    assert barrier(swinging(101, 106, 90, 90), upper=2.0) == (-1, 3)
    assert barrier(swinging(101, 106, 90, 90), upper=2.0, lower=3.0) == (0, 4)


def test_highs_and_lows_touch_and_not_only_closes():
    close = swinging(100, 100, 100, 100)
    high, low = close.copy(), close.copy()
    high[101], low[102] = 105, 95

    assert barrier(close) == (0, 4)
    assert barrier(close, high=high, low=low) == (1, 2)
    assert barrier(close, high=close, low=low) == (-1, 3)


def test_both_barriers_on_one_row_say_nothing_about_which_came_first():
    close = swinging(100, 100, 100, 100)

    assert barrier(close, high=close * 1.1, low=close * 0.9) == (0, 1)


def test_a_touch_is_known_before_the_horizon_is_over_and_no_touch_only_then():
    assert barrier(swinging(101, 106)) == (1, 2)
    value, end = barrier(swinging(101, 99))
    assert np.isnan(value)
    assert end == 4


def test_a_delisted_name_is_untouched_and_ends_with_the_horizon_for_a_bar_could_come_back():
    assert barrier(swinging(101, NAN, NAN, NAN)) == (0, 4)
    assert barrier(swinging(101, NAN, NAN, 110)) == (1, 4)


@pytest.mark.parametrize("entry", ENTRIES)
def test_a_name_that_cannot_be_bought_has_no_barriers(entry):
    assert np.isnan(barrier(swinging(NAN, 110, 110, 110, 110), entry=entry)[0])


def test_a_price_that_stands_has_no_barriers():
    panel = panel_of(column(*[42.0] * 100))

    assert np.isnan(triple_barrier(panel, sessions=4, upper=1, lower=1, entry="next_open").values).all()


def labels_of(entry):
    return {
        "return": lambda panel: forward_return(panel, sessions=5, entry=entry),
        "rank": lambda panel: forward_rank(panel, sessions=5, entry=entry),
        "target": lambda panel: target(panel, horizons=(5, 21), entry=entry),
        "move": lambda panel: significant_move(panel, sessions=5, entry=entry),
        "barrier": lambda panel: triple_barrier(panel, sessions=21, upper=1.0, lower=1.5, entry=entry),
    }


LABELS = {(name, entry): label for entry in ENTRIES for name, label in labels_of(entry).items()}

every_label = pytest.mark.parametrize("name", LABELS)


@every_label
def test_a_label_is_what_its_plain_reference_says(name):
    panel = rough_panel(3, sessions=150)

    label = LABELS[name](panel)

    values, end_row = REFERENCE[name](panel)
    np.testing.assert_allclose(label.values, values, rtol=1e-6)
    np.testing.assert_array_equal(label.end_row, end_row)
    assert np.isfinite(values).mean() > 0.3


@every_label
@given(seed=st.integers(0, 1000), last=st.integers(80, 149))
@settings(max_examples=10)
def test_a_label_knows_nothing_after_the_row_on_which_it_ends(name, seed, last):
    panel, noise = rough_panel(seed, sessions=150), rough_panel(seed + 1, sessions=150)

    whole = LABELS[name](panel)

    ended = whole.end_row[: last + 1] <= last
    for other in (with_later_rows_of(panel, noise, last + 1), rows_of(panel, slice(last + 1))):
        label = LABELS[name](other)
        np.testing.assert_array_equal(label.end_row[: last + 1] <= last, ended)
        np.testing.assert_array_equal(label.values[: last + 1][ended], whole.values[: last + 1][ended])
    assert np.isnan(whole.values[whole.end_row >= 150]).all()


@every_label
@given(seed=st.integers(0, 1000))
@settings(max_examples=10)
def test_a_label_does_not_depend_on_the_order_of_the_symbols(name, seed):
    panel = rough_panel(seed, sessions=100)
    order = np.random.default_rng(seed).permutation(12)

    label, shuffled = LABELS[name](panel), LABELS[name](columns_of(panel, order))

    np.testing.assert_array_equal(shuffled.values, label.values[:, order])
    np.testing.assert_array_equal(shuffled.end_row, label.end_row[:, order])


@every_label
@given(seed=st.integers(0, 1000))
@settings(max_examples=10)
def test_a_label_does_not_depend_on_the_unit_of_a_price(name, seed):
    panel = rough_panel(seed, sessions=100)
    units = 2.0 ** np.random.default_rng(seed).integers(-5, 6, 12)  # a power of two rounds nothing
    in_units = replace(
        panel, **{field: getattr(panel, field) * units for field in ("open", "high", "low", "close")}
    )

    label, scaled = LABELS[name](panel), LABELS[name](in_units)

    np.testing.assert_array_equal(scaled.values, label.values)
    np.testing.assert_array_equal(scaled.end_row, label.end_row)
