import numpy as np
import pytest

from tasks.backtest.metrics.distribution import measure_distribution


def values(returns):
    return {name: figure.value for name, figure in measure_distribution(np.array(returns)).items()}


def test_a_small_distribution_worked_out_by_hand():
    measured = values([-0.03, 0.01, 0.01, 0.01, np.nan])

    assert measured == pytest.approx(
        {
            "mean_return": 0.0,
            "best_day": 0.01,
            "worst_day": -0.03,
            "var_95": 0.03,
            "cvar_95": 0.03,
            "skewness": (-27 + 3) / 4 / 3**1.5,  # in hundredths: variance 3
            "kurtosis": (81 + 3) / 4 / 9 - 3,
        },
        abs=1e-12,
    )


def test_the_shape_does_not_depend_on_the_mean():
    around_zero, gains = values([-0.03, 0.01, 0.01, 0.01]), values([0.01, 0.05, 0.05, 0.05])

    assert gains["mean_return"] == pytest.approx(0.04)
    for name in ("skewness", "kurtosis"):
        assert gains[name] == pytest.approx(around_zero[name])


def test_a_normal_distribution_has_no_skewness_and_no_excess_kurtosis():
    measured = values(np.random.default_rng(3).normal(0, 0.01, 200_000))

    assert measured["skewness"] == pytest.approx(0, abs=0.03)
    assert measured["kurtosis"] == pytest.approx(0, abs=0.05)
    assert measured["var_95"] == pytest.approx(1.645 * 0.01, rel=0.02)


@pytest.mark.parametrize("returns", [[], [np.nan]])
def test_no_returns_are_no_figures(returns):
    assert all(figure.standing == "withheld" for figure in measure_distribution(np.array(returns)).values())


def test_returns_without_spread_have_no_shape():
    measured = values([0.01, 0.01])

    assert np.isnan(measured["skewness"])
    assert np.isnan(measured["kurtosis"])
