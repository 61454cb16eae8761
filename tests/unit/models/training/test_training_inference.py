import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import ttest_1samp

from tasks.models.training.inference import band, estimate


def moving_sums(seed, count, horizon):
    """Return sums of this many neighbouring independent values, as returns that overlap."""
    steps = np.random.default_rng(seed).normal(size=count + horizon - 1)
    return np.convolve(steps, np.ones(horizon), mode="valid")


@given(seed=st.integers(0, 1000), count=st.integers(2, 400))
def test_without_overlap_t_is_the_plain_one(seed, count):
    values = np.random.default_rng(seed).normal(0.1, 1, count)

    found = estimate(values, overlap=1)

    assert found.t == pytest.approx(ttest_1samp(values, 0).statistic)
    assert found.mean == pytest.approx(values.mean())


def test_on_independent_values_the_wide_kernel_costs_a_tenth():
    values = [np.random.default_rng(seed).normal(size=380) for seed in range(200)]

    ratios = [estimate(each, overlap=5).error / estimate(each, overlap=1).error for each in values]

    assert np.mean(ratios) == pytest.approx(1.05, abs=0.05)


@pytest.mark.parametrize(("horizon", "count"), [(5, 378), (21, 378), (5, 120)])
def test_on_overlapping_values_t_has_the_size_of_a_normal_one(horizon, count):
    found = np.array([estimate(moving_sums(seed, count, horizon), overlap=horizon).t for seed in range(1000)])

    assert found.mean() == pytest.approx(0, abs=0.1)
    assert found.std() == pytest.approx(1, abs=0.15)
    assert (np.abs(found) > 1.96).mean() == pytest.approx(0.05, abs=0.035)


def test_overlap_makes_the_error_larger_and_never_smaller_than_the_plain_one():
    values = moving_sums(0, 378, 5)

    assert estimate(values, overlap=5).error > 1.5 * estimate(values, overlap=1).error


def test_the_estimate_is_the_textbook_newey_west_times_the_fixed_b_correction():
    values = moving_sums(3, 100, 5)
    centred, width = values - values.mean(), 15  # three horizons are more than 1.3 √100
    variance = sum(
        (1 - abs(i - j) / width) * centred[i] * centred[j]
        for i in range(100)
        for j in range(100)
        if abs(i - j) < width
    )
    b = width / 100
    correction = (1.96 + 2.9694 * b + 0.416 * b**2 - 0.5324 * b**3) / 1.96

    assert estimate(values, overlap=5).error == pytest.approx(np.sqrt(variance / 99 / 100) * correction)


@settings(max_examples=50)
@given(seed=st.integers(0, 1000), scale=st.floats(1e-3, 1e3), count=st.integers(3, 100))
def test_units_change_no_t_and_a_turned_sign_turns_it(seed, scale, count):
    values = moving_sums(seed, count, 5)

    found = estimate(values, overlap=5)

    assert estimate(scale * values, overlap=5).t == pytest.approx(found.t)
    assert estimate(-values, overlap=5).t == pytest.approx(-found.t)


@pytest.mark.parametrize("values", [[], [0.3], [0.3, 0.3], [0.0] * 50])
@pytest.mark.parametrize("overlap", [1, 5])
def test_too_few_or_equal_values_have_no_error_and_no_t(values, overlap):
    found = estimate(np.array(values), overlap=overlap)

    assert (found.error, found.t) == (0, 0)


def test_a_band_is_two_standard_errors_wide_on_either_side():
    assert band(0.02, 0.01) == pytest.approx((0.0004, 0.0396))
