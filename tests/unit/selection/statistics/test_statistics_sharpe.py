"""Oracles V1 to V11: figures of the papers."""

from math import inf, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.selection.statistics.sharpe import (
    Moments,
    deflated_sharpe,
    expected_maximum,
    min_backtest_length,
    min_track_record,
    moments_of,
    probabilistic_sharpe,
    sharpe_error,
)

PAPER_2012 = Moments(1.585 / sqrt(12), 24, -2.448, 10.164)


def exact(value):
    return pytest.approx(value, rel=0, abs=5e-8)


def test_v1_the_convention_of_2012():
    assert probabilistic_sharpe(PAPER_2012, benchmark=0, convention="2012") == exact(0.91323430688)
    normal = Moments(1.585 / sqrt(12), 24)
    assert probabilistic_sharpe(normal, benchmark=0, convention="2012") == exact(0.98159123608)


def test_v1b_the_convention_of_2025():
    assert probabilistic_sharpe(PAPER_2012, benchmark=0, convention="2025") == exact(0.9875041)
    theirs = Moments(0.036 / 0.079, 24, -2.448, 10.164)
    assert probabilistic_sharpe(theirs, benchmark=0, convention="2025") == exact(0.9872073)


@pytest.mark.parametrize(
    ("skewness", "kurtosis", "sharpe", "error", "years"),
    [(-0.2250, 2.9570, 0.7079, 0.1028, 0.7152), (-1.4455, 7.0497, 0.8183, 0.1550, 1.1593)],
)
def test_v2_minimum_track_records_of_hedge_funds(skewness, kurtosis, sharpe, error, years):
    moments = Moments(sharpe, 134, skewness, kurtosis)

    assert sharpe_error(moments, at=sharpe, observations=133) == pytest.approx(error, abs=5e-5)
    assert min_track_record(moments, benchmark=0) / 12 == pytest.approx(years, abs=2e-4)


def test_v4_the_expected_maximum_is_the_approximation_of_the_paper():
    found = {trials: expected_maximum(trials) for trials in (2, 10, 45, 46, 88, 100, 1000)}

    assert found == {
        2: pytest.approx(0.519755, abs=1e-6),
        10: pytest.approx(1.574598, abs=1e-6),
        45: pytest.approx(2.235640, abs=1e-6),
        46: pytest.approx(2.244171, abs=1e-6),
        88: pytest.approx(2.485295, abs=1e-6),
        100: exact(2.5306028932),
        1000: pytest.approx(3.255122, abs=1e-6),
    }


@pytest.mark.parametrize(
    ("trials", "deflated"), [(10, 0.9938796), (46, 0.9505017), (100, 0.90039683445), (1000, 0.6399150)]
)
def test_v5_the_deflated_sharpe_ratio_of_2014(trials, deflated):
    moments = Moments(2.5 / sqrt(250), 1250, -3, 10)

    found = deflated_sharpe(moments, trials=trials, variance=0.5 / 250, convention="2012")

    assert found == exact(deflated)
    assert sqrt(0.5 / 250) * expected_maximum(100) == pytest.approx(0.1131720, abs=1e-7)


@pytest.mark.parametrize(
    ("better", "worse", "periods", "shape", "years"),
    [
        (2, 1, 250, (0, 3), 2.73118780),
        (2, 1, 52, (0, 3), 2.82883359),
        (3, 2.5, 12, (-0.72, 5.78), 27.35292020),
    ],
)
def test_v6_the_minimum_track_record_against_a_benchmark(better, worse, periods, shape, years):
    moments = Moments(better / sqrt(periods), 100, *shape)

    assert min_track_record(moments, benchmark=worse / sqrt(periods)) / periods == exact(years)


def test_a_sharpe_ratio_below_the_benchmark_has_no_minimum_track_record():
    assert min_track_record(Moments(0.1, 100), benchmark=0.1) == inf


def test_v7_the_minimum_backtest_length():
    assert min_backtest_length(45, sharpe=1) == exact(4.9980870044)
    assert min_backtest_length(45, sharpe=2) == exact(4.9980870044 / 4)


# V11: a library once counted the missing values as observations
def test_v11_missing_values_change_nothing():
    returns = np.random.default_rng(4).normal(0.001, 0.01, 300)
    padded = np.concatenate([np.full(200, np.nan), returns, np.full(50, np.nan)])

    assert moments_of(padded) == moments_of(returns)


def test_moments_by_hand():
    moments = moments_of(np.array([1.0, 2.0, 3.0, 4.0, 10.0]))

    assert moments.sharpe == pytest.approx(4 / sqrt(12.5))
    assert (moments.skewness, moments.kurtosis) == (
        pytest.approx(((-3) ** 3 + (-2) ** 3 - 1 + 6**3) / 5 / 10**1.5),
        pytest.approx((3**4 + 2**4 + 1 + 6**4) / 5 / 10**2),
    )
    assert moments.autocorrelation == pytest.approx((6 + 2 + 0 + 0) / 50)


@pytest.mark.parametrize("returns", [[], [0.01], [0.01] * 50])
def test_without_variation_there_is_no_sharpe_ratio(returns):
    moments = moments_of(np.array(returns))

    assert (moments.sharpe, moments.observations) == (0, len(returns))


def test_two_returns_have_a_sharpe_ratio():
    moments = moments_of(np.array([0.01, 0.03]))

    assert (moments.sharpe, moments.observations) == (pytest.approx(sqrt(2)), 2)


def test_v12_the_sharpe_ratio_divides_by_the_sample_deviation():
    returns = [0.259, 0.198, 0.364, -0.081, 0.057, 0.055, 0.188, 0.317, 0.24, 0.184, -0.01, 0.526]

    assert moments_of(np.array(returns) - 0.05).sharpe == pytest.approx(0.834364, abs=1e-6)


def test_autocorrelated_returns_are_worth_fewer_observations():
    plain, smooth = Moments(0.1, 500), Moments(0.1, 500, autocorrelation=0.5)

    assert sharpe_error(smooth, at=0, observations=500) == pytest.approx(
        sqrt(3) * sharpe_error(plain, at=0, observations=500)
    )
    assert min_track_record(smooth, benchmark=0) > 2.9 * min_track_record(plain, benchmark=0)


def test_one_observation_has_the_error_of_a_unit_and_none_an_infinite_one():
    normal = Moments(0.0, 1)

    assert sharpe_error(normal, at=0, observations=1) == 1
    assert sharpe_error(normal, at=0, observations=0) == inf


def test_the_error_allows_for_autocorrelation_of_simulated_returns():
    rng = np.random.default_rng(5)
    shocks = rng.normal(size=(2000, 300))
    for day in range(1, 300):
        shocks[:, day] += 0.4 * shocks[:, day - 1]
    found = [moments_of(path) for path in shocks]

    deviation = np.std([each.sharpe for each in found])
    expected = np.mean([sharpe_error(each, at=0, observations=300) for each in found])
    assert expected == pytest.approx(deviation, rel=0.05)


def test_the_error_of_skewed_heavy_tailed_autocorrelated_returns_by_hand():
    """With ρ = 0.3: ρ/(1 − ρ) = 0.428571 and ρ²/(1 − ρ²) = 0.098901."""
    moments = Moments(0.2, 100, skewness=-1.0, kurtosis=6.0, autocorrelation=0.3)

    spread = 1 + 2 * 0.428571 + 1.527473 * 0.2 + 1.197802 * 1.25 * 0.2**2
    assert sharpe_error(moments, at=0.2, observations=100) == pytest.approx(sqrt(spread / 100), rel=1e-6)


def test_a_negative_autocorrelation_claims_no_certainty():
    assert moments_of(np.tile([0.02, -0.01], 100)).autocorrelation == 0


@given(st.floats(1, 1e6), st.floats(1, 1e6))
def test_more_trials_never_lower_the_bar(one, other):
    fewer, more = sorted([one, other])

    assert 0 <= expected_maximum(fewer) <= expected_maximum(more) + 1e-12
