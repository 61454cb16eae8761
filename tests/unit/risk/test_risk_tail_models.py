import numpy as np
import pytest

from tasks.risk.tail import month_loss, tail_loss
from tasks.risk.tail_models import METHODS, degrees_of_freedom, losses_by_method, monte_carlo, parametric

PATHS = 10_000


def normal(sessions: int = 252, deviation: float = 0.01) -> np.ndarray:
    """Exactly normal: quantiles of the distribution, in a fixed random order, with that standard deviation."""
    from scipy.stats import norm

    values = norm.ppf((np.arange(sessions) + 0.5) / sessions)
    return np.random.default_rng(0).permutation(values / values.std(ddof=1) * deviation)


def test_parametric_losses_are_those_of_the_normal_table():
    losses = parametric(normal(), 0.95)

    assert losses["var_1d"] == pytest.approx(0.01 * 1.6448536, rel=1e-6)
    assert losses["cvar_1d"] == pytest.approx(0.01 * 2.0627128, rel=1e-6)
    assert losses["var_21d"] == pytest.approx(losses["var_1d"] * 21**0.5)
    assert losses["cvar_21d"] == pytest.approx(losses["cvar_1d"] * 21**0.5)


def test_on_normal_returns_the_three_methods_agree():
    losses = losses_by_method(normal(2_000), 0.95, seed=1, paths=PATHS)

    assert tuple(losses) == METHODS
    for method in ("historical", "monte_carlo"):
        assert losses[method]["var_1d"] == pytest.approx(losses["parametric"]["var_1d"], rel=0.05)
        assert losses[method]["cvar_1d"] == pytest.approx(losses["parametric"]["cvar_1d"], rel=0.05)
    assert losses["monte_carlo"]["var_21d"] == pytest.approx(losses["parametric"]["var_21d"], rel=0.06)


def test_historical_losses_are_those_of_the_report():
    returns = normal()

    losses = losses_by_method(returns, 0.95, seed=1, paths=100)["historical"]

    assert (losses["var_1d"], losses["cvar_1d"]) == tail_loss(returns, 0.95)
    assert (losses["var_21d"], losses["cvar_21d"]) == month_loss(returns, 0.95)


def test_fat_tails_deepen_the_simulated_shortfall_and_not_the_normal_one():
    fat = np.random.default_rng(3).standard_t(5, 5_000)
    fat *= 0.01 / fat.std(ddof=1)

    assert degrees_of_freedom(fat) < 12
    assert degrees_of_freedom(normal()) == 100
    assert monte_carlo(fat, 0.99, seed=1, paths=PATHS)["cvar_1d"] > 1.1 * parametric(fat, 0.99)["cvar_1d"]


@pytest.mark.parametrize(
    ("calm_sessions", "degrees"),
    [(5, 16), (6, 10), (50, 4.5), (1, 100)],  # a kurtosis of 3.5, of 4, of more than t has, of 1.5
)
@pytest.mark.parametrize("mean", [0.0, 1.0])
def test_degrees_of_freedom_are_those_of_the_kurtosis_around_the_mean(calm_sessions, degrees, mean):
    returns = np.array([1.0, -1.0] + [0.0] * calm_sessions)

    assert degrees_of_freedom(mean + returns) == pytest.approx(degrees)


def test_returns_with_the_kurtosis_of_the_normal_distribution_count_as_normal():
    returns = np.array([2.0, -2.0, 1.0, 1.0, -1.0, -1.0] + [0.0] * 6)  # exactly 3

    assert degrees_of_freedom(returns) == 100
    assert degrees_of_freedom(np.append(np.tile(returns, 10), 0.0)) == 100


def test_simulated_sessions_have_the_volatility_and_the_tails_of_the_returns():
    from scipy.stats import t

    fat = 0.001 * np.array([4.0, -4.0] + [1.0, -1.0] * 17)
    degrees = degrees_of_freedom(fat)

    loss = monte_carlo(fat, 0.9, seed=1, paths=PATHS)["var_1d"]

    assert 4.5 < degrees < 10
    quantile = t.ppf(0.9, degrees) * ((degrees - 2) / degrees) ** 0.5
    assert loss == pytest.approx(fat.std(ddof=1) * quantile, rel=0.05)
    twice = np.concatenate([fat, fat])
    assert monte_carlo(twice, 0.9, seed=1, paths=PATHS)["var_1d"] / loss == pytest.approx(
        twice.std(ddof=1) / fat.std(ddof=1)
    )


def test_returns_that_do_not_vary_count_as_normal():
    assert degrees_of_freedom(np.zeros(30)) == 100
    assert monte_carlo(np.zeros(30), 0.95, seed=1, paths=100)["cvar_21d"] == 0


def test_two_more_paths_are_another_draw_and_its_mirror_image():
    found = {monte_carlo(normal(), 0.5, seed=1, paths=paths)["cvar_21d"] for paths in (4, 6, 8, 10)}

    assert len(found) == 4


def test_of_two_paths_one_mirrors_the_other_so_that_one_of_them_loses():
    losses = [monte_carlo(normal(), 0.95, seed=seed, paths=2)["var_1d"] for seed in range(10)]

    assert min(losses) > 0


def test_paths_repeat_with_the_seed():
    returns = normal()

    assert monte_carlo(returns, 0.95, seed=1, paths=500) == monte_carlo(returns, 0.95, seed=1, paths=500)
    assert monte_carlo(returns, 0.95, seed=1, paths=500) != monte_carlo(returns, 0.95, seed=2, paths=500)


def test_the_mean_of_the_past_does_not_make_a_portfolio_safe():
    returns = normal()

    assert parametric(returns + 0.005, 0.95) == pytest.approx(parametric(returns, 0.95))
    assert monte_carlo(returns + 0.005, 0.95, seed=1, paths=500) == pytest.approx(
        monte_carlo(returns, 0.95, seed=1, paths=500)
    )


def test_no_session_loses_more_than_everything():
    wild = np.random.default_rng(1).normal(0, 0.8, 252)

    assert monte_carlo(wild, 0.95, seed=1, paths=1_000)["cvar_1d"] <= 1
    assert monte_carlo(wild, 0.95, seed=1, paths=1_000)["cvar_21d"] <= 1


def test_too_few_returns_estimate_nothing():
    losses = losses_by_method(np.full(19, 0.01), 0.95, seed=1, paths=100)

    assert np.isnan([*losses["parametric"].values(), *losses["monte_carlo"].values()]).all()
    assert losses["historical"]["var_1d"] == 0
    assert np.isfinite(list(parametric(normal(20), 0.95).values())).all()
    assert np.isfinite(list(monte_carlo(normal(20), 0.95, seed=1, paths=100).values())).all()
