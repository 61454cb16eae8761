import numpy as np
import pandas as pd
import pytest

from tasks.core.errors import InfeasibleError
from tasks.portfolio.limits import Group, Pair
from tasks.portfolio.optimizers.hierarchical import allocate
from tasks.portfolio.optimizers.mean_variance import max_sharpe, min_volatility
from tasks.portfolio.optimizers.solver import NoSolution, minimise_variance, rows_of
from tests.problems import make_problem, sharpe
from tests.real_market import REAL_DATA

PRICES = REAL_DATA / "oracles" / "pypfopt_stock_prices.csv.gz"  # MIT licence, but real prices


def test_max_sharpe_gives_unrelated_names_weight_by_return_over_variance():
    covariance, expected = np.diag([0.04, 0.09, 0.04]), np.array([0.08, 0.09, -0.05])

    weights = max_sharpe(
        make_problem(names=3, position=1.0, covariance=covariance, expected_returns=expected)
    )

    np.testing.assert_allclose(weights / weights.sum(), [2 / 3, 1 / 3, 0], atol=1e-6)


def test_min_volatility_gives_unrelated_names_weight_by_inverse_variance():
    weights = min_volatility(make_problem(names=2, position=1.0, covariance=np.diag([0.02, 0.04])))

    np.testing.assert_allclose(weights / weights.sum(), [2 / 3, 1 / 3], atol=1e-6)


@pytest.mark.parametrize("method", [max_sharpe, min_volatility])
@pytest.mark.parametrize("covariance_scale", [1e-10, 1e-3, 1.0, 1e6])
@pytest.mark.parametrize("return_scale", [1e-6, 1.0, 1e3])
def test_the_units_of_returns_and_covariances_do_not_matter(method, covariance_scale, return_scale):
    problem = make_problem(position=0.3)
    scaled = make_problem(
        position=0.3,
        covariance=problem.covariance * covariance_scale,
        expected_returns=problem.expected_returns * return_scale,
    )

    np.testing.assert_allclose(method(scaled), method(problem), atol=2e-4)


@pytest.mark.parametrize("expected", [0.0, -0.01])
def test_no_sharpe_ratio_is_maximized_where_no_name_is_expected_to_beat_cash(expected):
    with pytest.raises(InfeasibleError, match="no name is expected to beat cash"):
        max_sharpe(make_problem(expected_returns=np.full(12, expected)))


@pytest.mark.parametrize("scale", [1e-8, 1.0])
def test_the_least_volatility_is_found_where_names_hedge_each_other(scale):
    hedged = np.array([[1.0, -0.999999, 0.0], [-0.999999, 1.0, 0.0], [0.0, 0.0, 1.0]])

    weights = min_volatility(make_problem(names=3, position=1.0, covariance=scale * hedged))

    np.testing.assert_allclose(weights / weights.sum(), [0.5, 0.5, 0.0], atol=1e-5)


def test_the_solver_prints_nothing(capfd):
    min_volatility(make_problem())

    assert capfd.readouterr() == ("", "")


def test_a_problem_that_has_no_solution_is_named():
    """The limits of a portfolio always leave a solution; the solver is still believed when it finds none."""
    below_one = rows_of(np.eye(12), np.ones(12))

    with pytest.raises(NoSolution, match="PrimalInfeasible"):
        minimise_variance(
            np.eye(12),
            rows_of(np.ones((1, 12)), np.array([100.0])),
            below_one,
            variables=12,
            objective=1.0,
            max_iterations=200,
        )


@pytest.mark.real_data
@pytest.mark.skipif(not PRICES.is_file(), reason="needs the prices of the oracle")
def test_oracle_o13_the_test_prices_of_pyportfolioopt():
    prices = pd.read_csv(PRICES, index_col="date", parse_dates=True)
    returns = prices.pct_change(fill_method=None).dropna(how="all")
    # geometric mean over each name's own history, sample covariance over common sessions, as PyPortfolioOpt has them
    mean = (1 + returns).prod() ** (252 / returns.count()) - 1
    covariance = returns.cov() * 252
    names = len(mean)

    def performance(weights, mean=mean, covariance=covariance):
        volatility = np.sqrt(weights @ covariance.to_numpy() @ weights)
        return weights @ mean.to_numpy(), volatility, (weights @ mean.to_numpy() - 0.02) / volatility

    unlimited = {"names": names, "position": 1.0, "covariance": covariance.to_numpy()}
    excess = make_problem(**unlimited, expected_returns=mean.to_numpy() - 0.02)

    assert performance(max_sharpe(excess) / max_sharpe(excess).sum()) == pytest.approx(
        (0.3047768672819914, 0.22165566922402932, 1.2847714127003216), abs=1e-6
    )
    assert performance(min_volatility(excess) / min_volatility(excess).sum()) == pytest.approx(
        (0.15056821399482578, 0.15915084514118694, 0.8204054077060996), abs=1e-6
    )
    split = allocate(covariance.to_numpy(), returns.corr().to_numpy())  # correlations over pairs of histories
    assert performance(split, returns.mean() * 252) == pytest.approx(
        (0.21353402380950973, 0.17844159743748936, 1.084579081272277), abs=1e-6
    )


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("method", [max_sharpe, min_volatility])
def test_the_optimum_is_the_one_that_pyportfolioopt_finds(method, seed):
    from pypfopt.efficient_frontier import EfficientFrontier

    sector = Group("sector A", np.arange(12) < 6, 0.30)
    problem = make_problem(seed=seed, position=0.2, groups=(sector,), pairs=(Pair(6, 7, 0.8),))
    frontier = EfficientFrontier(
        problem.expected_returns, problem.covariance, weight_bounds=(0, 0.2), solver="CLARABEL"
    )
    frontier.add_constraint(lambda weights: sector.members.astype(float) @ weights <= sector.limit)
    frontier.add_constraint(lambda weights: weights[6] + weights[7] <= 0.2)
    called = {max_sharpe: ("max_sharpe", {"risk_free_rate": 0.0}), min_volatility: ("min_volatility", {})}
    name, arguments = called[method]
    theirs = np.array(list(getattr(frontier, name)(**arguments).values()))

    weights = method(problem)

    np.testing.assert_allclose(weights, theirs, atol=1e-4)  # theirs is within the solver's absolute tolerance


@pytest.mark.parametrize("seed", range(6))
def test_the_optimum_agrees_with_an_independent_solver(seed):
    """SLSQP takes the ratio itself and the weights themselves; Clarabel a quadratic program of their shares."""
    from scipy.optimize import minimize

    sectors = tuple(Group(f"sector {s}", np.arange(12) % 4 == s, 0.30) for s in range(4))
    problem = make_problem(seed=seed, position=0.2, groups=sectors, pairs=(Pair(2, 7, 0.8),))
    limits = [{"type": "eq", "fun": lambda w: w.sum() - 1}]
    limits += [{"type": "ineq", "fun": lambda w, g=group: g.limit - w[g.members].sum()} for group in sectors]
    limits += [{"type": "ineq", "fun": lambda w: 0.2 - w[2] - w[7]}]

    def best(objective):
        found = minimize(
            objective,
            np.full(12, 1 / 12),
            method="SLSQP",
            bounds=[(0, 0.2)] * 12,
            constraints=limits,
            options={"ftol": 1e-15, "maxiter": 1000},
        )
        assert found.success
        return found.fun

    def variance(weights):
        weights = weights / weights.sum()
        return weights @ problem.covariance @ weights

    assert sharpe(max_sharpe(problem), problem) == pytest.approx(
        -best(lambda w: -sharpe(w, problem)), rel=1e-6
    )
    assert variance(min_volatility(problem)) == pytest.approx(best(variance), rel=1e-6)
