import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.features.rolling import (
    ema,
    ema_window,
    lag,
    ratio,
    rolling_max,
    rolling_mean,
    rolling_mean_and_std,
    rolling_min,
    rolling_sum,
    weighted_sum,
)

NAN = np.nan
KERNELS = {
    "sum": rolling_sum,
    "mean": rolling_mean,
    "max": rolling_max,
    "min": rolling_min,
    "std": lambda x, window: rolling_mean_and_std(x, window)[1],
    "weighted": lambda x, window: weighted_sum(x, np.linspace(0.1, 1, window)),
}


def column(*values):
    return np.array(values, dtype=float)[:, None]


def same(one, two):
    return np.array_equal(one, two, equal_nan=True)


def test_a_sum_wants_its_whole_window():
    assert same(rolling_sum(column(1, 2, 3, 4), 3), column(NAN, NAN, 6, 9))


def test_a_window_longer_than_the_array_has_no_value():
    assert np.isnan(rolling_sum(column(1, 2), 3)).all()
    assert np.isnan(weighted_sum(column(1, 2), np.ones(3))).all()


def test_a_mean_counts_what_is_there_when_four_fifths_are():
    values = column(1, 2, NAN, 4, 5)

    assert rolling_mean(values, 5)[-1] == 3.0
    assert np.isnan(rolling_mean(values, 4)[-1])


def test_extremes_skip_missing_values():
    values = column(1, 9, NAN, 4, 5)

    assert rolling_max(values, 5)[-1] == 9
    assert rolling_min(values, 5)[-1] == 1


def test_a_constant_deviates_by_exactly_zero():
    _, std = rolling_mean_and_std(np.full((50, 1), 0.1), 21)

    assert (std[20:] == 0).all()


def test_a_deviation_survives_a_large_level():
    small = np.random.default_rng(0).normal(size=(40, 1))

    _, std = rolling_mean_and_std(small + 1e9, 40)

    assert std[-1, 0] == pytest.approx(small.std(ddof=1), rel=1e-6)


def test_an_exponential_mean_forgets_what_is_older_than_its_window():
    values = np.ones((ema_window(3) + 1, 1))
    values[0] = 1e12

    assert ema(values, 3)[-1] == 1.0


def test_an_exponential_mean_weighs_recent_values_more():
    rising = np.arange(40, dtype=float)[:, None]

    assert rolling_mean(rising, ema_window(5))[-1] < ema(rising, 5)[-1] < rising[-1]


def test_a_lag_beyond_the_array_is_missing():
    assert same(lag(column(1, 2, 3), 1), column(NAN, 1, 2))
    assert np.isnan(lag(column(1, 2, 3), 5)).all()
    assert same(lag(column(1, 2), 0), column(1, 2))


def test_nothing_over_nothing_is_what_flat_says_and_missing_stays_missing():
    assert same(
        ratio(column(0, 1, NAN), column(0, 2, 3), flat=0.5),
        column(0.5, 0.5, NAN),
    )


@pytest.mark.parametrize("name", KERNELS)
@given(
    window=st.integers(2, 70), start=st.integers(0, 30), seed=st.integers(0, 1000), missing=st.floats(0, 0.3)
)
@settings(max_examples=25, deadline=None)
def test_where_the_array_begins_or_ends_changes_no_bit(name, window, start, seed, missing):
    rng = np.random.default_rng(seed)
    values = rng.lognormal(0, 3, (120, 3))
    values[rng.random(values.shape) < missing] = NAN
    kernel = KERNELS[name]

    whole = kernel(values, window)

    first_whole = start + window - 1
    assert same(kernel(values[start:110], window)[window - 1 :], whole[first_whole:110])


@pytest.mark.parametrize("name", KERNELS)
@pytest.mark.parametrize("window", [2, 3, 7, 8, 21, 63, 64])
def test_a_kernel_equals_the_plain_calculation(name, window):
    values = np.random.default_rng(window).lognormal(0, 1, 80)
    plain = {
        "sum": np.sum,
        "mean": np.mean,
        "max": np.max,
        "min": np.min,
        "std": lambda x: np.std(x, ddof=1),
        "weighted": lambda x: np.sum(x * np.linspace(0.1, 1, window)),
    }[name]

    computed = KERNELS[name](values[:, None], window)[window - 1 :, 0]

    expected = [plain(values[end - window : end]) for end in range(window, 81)]
    np.testing.assert_allclose(computed, expected, rtol=1e-12)
