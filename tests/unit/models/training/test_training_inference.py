import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import lfilter
from scipy.stats import kstest
from scipy.stats import t as student_t

from tasks.models.training.inference import Estimate, estimate


def moving_sums(seed, count, horizon):
    """Return sums of this many neighboring independent values, as returns that overlap."""
    steps = np.random.default_rng(seed).normal(size=count + horizon - 1)
    return np.convolve(steps, np.ones(horizon), mode="valid")


def samples(count, horizon, *, autocorrelation=0.0, number=2000):
    """Return samples of overlapping returns of a market whose daily returns have this autocorrelation; mean zero."""
    steps = np.random.default_rng(count * 100 + horizon).normal(size=(number, count + horizon + 30))
    if autocorrelation:
        steps = lfilter([1.0], [1.0, -autocorrelation], steps, axis=1)
    summed = np.cumsum(steps[:, 30:], axis=1)
    return summed[:, horizon:] - summed[:, :-horizon]


def rejected_frac(values, horizon):
    """Return in what fraction of the samples the 95% interval does not contain zero."""
    found = [estimate(each, overlap=horizon) for each in values]
    return np.mean([one.low > 0 or one.high < 0 for one in found])


@pytest.mark.parametrize("horizon", [1, 5, 21])
@pytest.mark.parametrize("count", [10, 21, 42, 63, 126, 260])
@pytest.mark.parametrize("autocorrelation", [0.0, 0.2])
def test_a_true_mean_of_zero_is_outside_of_the_interval_in_five_percent_of_samples(
    count, horizon, autocorrelation
):
    values = samples(count, horizon, autocorrelation=autocorrelation)

    assert 0.03 <= rejected_frac(values, horizon) <= 0.08


@pytest.mark.parametrize(
    ("count", "horizon", "least"),
    [(10, 21, 0.15), (21, 5, 0.45), (63, 21, 0.45), (42, 1, 0.6), (63, 5, 0.65), (126, 5, 0.7)],
)
def test_a_mean_of_three_true_errors_is_found(count, horizon, least):
    values = samples(count, horizon)

    assert rejected_frac(values + 3 * values.mean(axis=1).std(), horizon) >= least


@pytest.mark.parametrize(("horizon", "count"), [(5, 378), (21, 600), (5, 252)])
def test_in_long_windows_t_has_the_size_of_a_normal_one(horizon, count):
    found = np.array([estimate(each, overlap=horizon).t for each in samples(count, horizon, number=1000)])

    assert found.mean() == pytest.approx(0, abs=0.1)
    assert found.std() == pytest.approx(1, abs=0.15)
    assert (np.abs(found) > 1.96).mean() == pytest.approx(0.05, abs=0.035)


@pytest.mark.parametrize(("horizon", "first_long"), [(1, 252), (5, 252), (21, 525)])
def test_a_long_window_has_252_sessions_and_25_horizons(horizon, first_long):
    values = np.random.default_rng(7).normal(size=first_long)

    assert estimate(values, overlap=horizon).degrees == np.inf
    assert estimate(values[1:], overlap=horizon).degrees < np.inf


def test_on_independent_values_the_wide_kernel_costs_a_twentieth():
    values = samples(380, 1, number=200)

    ratios = [estimate(each, overlap=5).error / (each.std(ddof=1) / np.sqrt(380)) for each in values]

    assert np.mean(ratios) == pytest.approx(1.05, abs=0.05)


def test_p_values_of_a_true_mean_of_zero_are_uniform():
    found = [estimate(each, overlap=5).p_value for each in samples(63, 5)]

    assert kstest(found, "uniform").pvalue > 0.01


def test_the_p_value_and_the_interval_agree():
    for values in samples(21, 5, number=200):
        found = estimate(values, overlap=5)

        assert (found.p_value < 0.05) == (found.low > 0 or found.high < 0)


def test_values_that_overlap_less_than_stated_widen_the_interval_and_never_narrow_it():
    values = samples(63, 1)

    assert 0.01 <= rejected_frac(values, 5) <= 0.05


def test_the_estimate_of_a_short_window_is_the_textbook_one():
    values, count, horizon = moving_sums(3, 42, 5), 42, 5
    lags = np.abs(np.subtract.outer(np.arange(count), np.arange(count)))
    covariance = np.maximum(horizon - lags, 0)
    cosines = [np.cos(np.pi * j * (np.arange(count) + 0.5) / count) for j in range(1, 6)]  # 0.4 · 42^⅔
    squares = [(each @ values) ** 2 / (each @ covariance @ each) for each in cosines]
    error = np.sqrt(np.mean(squares) * covariance.sum()) / count

    found = estimate(values, overlap=horizon)

    half = student_t.ppf(0.975, 5) * error
    assert (found.low, found.high) == pytest.approx((values.mean() - half, values.mean() + half))
    assert found.p_value == pytest.approx(2 * student_t.sf(abs(values.mean()) / error, 5))


def test_the_estimate_of_a_long_window_is_the_textbook_newey_west_times_the_fixed_b_correction():
    values = moving_sums(3, 260, 9)
    centred, width = values - values.mean(), 27  # three horizons are more than 1.3 √260
    lags = np.abs(np.subtract.outer(np.arange(260), np.arange(260)))
    variance = centred @ np.maximum(1 - lags / width, 0) @ centred
    b = width / 260
    correction = (1.96 + 2.9694 * b + 0.416 * b**2 - 0.5324 * b**3) / 1.96

    assert estimate(values, overlap=9).error == pytest.approx(np.sqrt(variance / 259 / 260) * correction)


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


def test_a_95_percent_interval_of_a_long_window_is_two_standard_errors_wide_on_either_side():
    found = Estimate(0.02, 0.01)

    assert (found.low, found.high) == pytest.approx((0.0004, 0.0396))
    assert found.p_value == pytest.approx(0.0455, abs=1e-4)
