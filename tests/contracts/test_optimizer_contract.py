"""What every optimizer in the registry keeps. A new one is held to this by being registered."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from config.sections import Portfolio
from tasks.core.errors import InfeasibleError
from tasks.portfolio.limits import Group, Limits, Pair, breaches
from tasks.portfolio.optimizers import registry
from tasks.portfolio.optimizers.constraints import largest_budget, shares_of_budget
from tasks.portfolio.optimizers.problem import Problem
from tasks.portfolio.optimizers.quadratic import NoSolution, minimise_variance
from tasks.portfolio.optimizers.registry import NEED_A_RANKING, OPTIMIZERS, optimize

every_optimizer = pytest.mark.parametrize("method", OPTIMIZERS)
KEEPS_LIMITS = ("max_sharpe", "min_volatility")


def make_problem(*, names=12, seed=0, position=0.15, groups=(), pairs=(), max_iterations=200, **replaced):
    rng = np.random.default_rng(seed)
    loadings = rng.normal(0, 0.1, (names, 3))
    covariance = loadings @ loadings.T + np.diag(rng.uniform(0.02, 0.12, names))
    expected = rng.normal(0.05, 0.05, names)
    expected[0] = 0.08
    fields = {"expected_returns": expected, "covariance": covariance, **replaced}
    return Problem(
        **fields,
        limits=Limits(position, 1.0, tuple(groups), tuple(pairs)),
        solver_max_iterations=max_iterations,
    )


@every_optimizer
@pytest.mark.parametrize("names", [1, 2, 3, 12, 40])
def test_weights_are_finite_not_negative_and_sum_to_at_most_one(method, names):
    weights = optimize(method, make_problem(names=names, position=1.0))

    assert weights.shape == (names,)
    assert np.isfinite(weights).all()
    assert (weights >= 0).all()
    assert 0 < weights.sum() <= 1 + 1e-6


def test_inverse_volatility_gives_a_name_of_twice_the_deviation_half_the_weight():
    covariance = np.diag([0.01, 0.04, 0.16])

    weights = optimize("inverse_volatility", make_problem(names=3, position=1.0, covariance=covariance))

    np.testing.assert_allclose(weights, np.array([4, 2, 1]) / 7)


def test_hrp_and_min_volatility_give_unrelated_names_weight_by_inverse_variance():
    covariance = np.diag([0.02, 0.04])

    for method in ("hrp", "min_volatility"):
        weights = optimize(method, make_problem(names=2, position=1.0, covariance=covariance))

        np.testing.assert_allclose(weights / weights.sum(), [2 / 3, 1 / 3], atol=1e-3)


@pytest.mark.parametrize("names", [2, 3, 7, 40, 150])
@pytest.mark.parametrize("seed", range(3))
def test_hrp_gives_the_weights_of_pyportfolioopt(names, seed):
    import pandas as pd
    from pypfopt.hierarchical_portfolio import HRPOpt

    problem = make_problem(names=names, seed=seed)
    theirs = HRPOpt(cov_matrix=pd.DataFrame(problem.covariance)).optimize()

    weights = OPTIMIZERS["hrp"](problem)

    np.testing.assert_allclose(weights, [theirs[name] for name in range(names)], rtol=1e-10)


def test_max_sharpe_gives_unrelated_names_weight_by_return_over_variance():
    covariance, expected = np.diag([0.04, 0.09, 0.04]), np.array([0.08, 0.09, -0.05])

    weights = optimize(
        "max_sharpe", make_problem(names=3, position=1.0, covariance=covariance, expected_returns=expected)
    )

    np.testing.assert_allclose(weights / weights.sum(), [2 / 3, 1 / 3, 0], atol=1e-3)


def test_equal_weight_gives_each_name_the_same():
    assert optimize("equal_weight", make_problem(names=4)).tolist() == [0.25] * 4


@every_optimizer
def test_the_whole_book_is_invested_when_nothing_limits_it(method):
    weights = optimize(method, make_problem(position=1.0))

    assert weights.sum() == pytest.approx(1.0, abs=0.06)  # a solver's dust is left in cash


@every_optimizer
def test_equal_problems_give_equal_bytes(method):
    one, other = optimize(method, make_problem()), optimize(method, make_problem())

    assert one.tobytes() == other.tobytes()


@every_optimizer
def test_the_problem_is_not_changed(method):
    problem = make_problem()
    before = problem.expected_returns.copy(), problem.covariance.copy()

    optimize(method, problem)

    assert problem.expected_returns.tolist() == before[0].tolist()
    assert problem.covariance.tolist() == before[1].tolist()


@every_optimizer
@pytest.mark.parametrize("broken", ["expected_returns", "covariance"])
def test_inputs_that_are_not_finite_are_refused(method, broken):
    values = getattr(make_problem(), broken).copy()
    values.flat[0] = np.nan

    with pytest.raises(InfeasibleError):
        optimize(method, make_problem(**{broken: values}))


@every_optimizer
def test_fault_034_a_singular_covariance_gives_a_book_or_a_named_refusal(method):
    near_duplicates = np.full((6, 6), 0.04)

    try:
        weights = optimize(method, make_problem(names=6, covariance=near_duplicates, position=1.0))
    except InfeasibleError:
        return
    assert np.isfinite(weights).all()
    assert 0 < weights.sum() <= 1 + 1e-6


@pytest.mark.parametrize("method", sorted(NEED_A_RANKING))
def test_an_optimizer_that_needs_a_ranking_refuses_returns_below_cash(method):
    with pytest.raises(InfeasibleError, match="beat cash"):
        optimize(method, make_problem(expected_returns=np.full(12, -0.01)))


@pytest.mark.parametrize("method", KEEPS_LIMITS)
def test_an_optimizer_that_takes_limits_keeps_them(method):
    groups = (
        Group("sector A", np.arange(12) < 6, 0.30),
        Group("sector B", np.arange(12) >= 6, 0.60),
        Group("cap class small", np.arange(12) % 3 == 0, 0.05),
    )
    problem = make_problem(groups=groups, pairs=(Pair(6, 7, 0.8),))

    weights = optimize(method, problem)

    assert breaches(weights - 1e-6, problem.limits) == ()
    assert weights.sum() == pytest.approx(largest_budget(problem.limits, 12), abs=0.06)


@pytest.mark.parametrize("method", KEEPS_LIMITS)
def test_fault_029_a_solver_that_runs_out_of_iterations_is_named(method):  # issue 10, line 6
    with pytest.raises(InfeasibleError, match="did not reach the required accuracy within 3 iterations"):
        optimize(method, make_problem(names=40, position=1.0, max_iterations=3))


@pytest.mark.parametrize("method", KEEPS_LIMITS)
@pytest.mark.parametrize("seed", range(5))
def test_the_optimum_is_the_one_that_pyportfolioopt_finds(method, seed):
    from pypfopt.efficient_frontier import EfficientFrontier

    sector = Group("sector A", np.arange(12) < 6, 0.30)
    problem = make_problem(seed=seed, position=0.2, groups=(sector,), pairs=(Pair(6, 7, 0.8),))
    frontier = EfficientFrontier(
        problem.expected_returns, problem.covariance, weight_bounds=(0, 0.2), solver="CLARABEL"
    )
    frontier.add_constraint(lambda weights: sector.members.astype(float) @ weights <= sector.limit)
    frontier.add_constraint(lambda weights: weights[6] + weights[7] <= 0.2)
    called = {"max_sharpe": {"risk_free_rate": 0.0}, "min_volatility": {}}[method]
    theirs = np.array(list(getattr(frontier, method)(**called).values()))

    weights = OPTIMIZERS[method](problem)

    np.testing.assert_allclose(weights, theirs, atol=1e-5)


def test_a_solver_is_reached_without_a_modelling_library():
    """issue 10, done when 4: importing cvxpy costs a tenth of the day."""
    words = (
        "import sys; from tests.contracts.test_optimizer_contract import KEEPS_LIMITS, make_problem, optimize"
    )
    words += "; [optimize(method, make_problem()) for method in (*KEEPS_LIMITS, 'hrp')]"
    words += "; print(sorted({'cvxpy', 'pypfopt', 'scipy.stats'} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_a_problem_that_has_no_solution_is_named():
    """The limits of a book always leave a solution; the solver is still believed when it finds none."""
    rows = shares_of_budget(make_problem())[1]

    with pytest.raises(NoSolution, match="PrimalInfeasible"):
        minimise_variance(np.eye(12), (np.ones((1, 12)), np.array([100.0])), rows, max_iterations=200)


@pytest.mark.parametrize("method", KEEPS_LIMITS)
def test_limits_without_any_room_are_infeasible(method):
    nothing = (Group("sector A", np.ones(12, dtype=bool), 0.0),)

    with pytest.raises(InfeasibleError, match="no room"):
        optimize(method, make_problem(groups=nothing))


def test_max_sharpe_has_the_best_ratio_and_min_volatility_the_least_risk():
    problem = make_problem()

    def ratio(method):
        weights = optimize(method, problem)
        return weights @ problem.expected_returns / np.sqrt(weights @ problem.covariance @ weights)

    def risk(method):
        weights = optimize(method, problem)
        weights = weights / weights.sum()
        return weights @ problem.covariance @ weights

    assert max(OPTIMIZERS, key=ratio) == "max_sharpe"
    assert min(OPTIMIZERS, key=risk) == "min_volatility"


def test_the_optimum_is_the_one_a_dense_solver_finds():
    from scipy.optimize import minimize

    problem = make_problem(names=8, position=0.3)
    found = minimize(
        lambda w: w @ problem.covariance @ w,
        np.full(8, 1 / 8),
        bounds=[(0, 0.3)] * 8,
        constraints={"type": "eq", "fun": lambda w: w.sum() - 1},
        options={"ftol": 1e-14, "maxiter": 500},
    )

    weights = optimize("min_volatility", problem)

    weights = weights / weights.sum()
    assert weights @ problem.covariance @ weights == pytest.approx(found.fun, rel=1e-3)


def test_a_budget_is_what_the_limits_leave():
    sector = Group("sector A", np.ones(12, dtype=bool), 0.3)

    assert largest_budget(Limits(0.02, 1.0, (), ()), 12) == pytest.approx(0.24)
    assert largest_budget(Limits(0.15, 1.0, (sector,), ()), 12) == pytest.approx(0.3)
    assert largest_budget(Limits(0.15, 1.0, (), ()), 12) == pytest.approx(1.0)


def test_the_settings_name_exactly_the_optimizers_there_are():
    named = get_args(Portfolio.model_fields["optimizer"].annotation)

    assert set(named) == set(OPTIMIZERS)


def test_the_example_of_the_docs_is_an_optimizer(monkeypatch):
    page = (Path(__file__).parents[2] / "docs" / "adding-an-optimizer.md").read_text()
    example = re.findall(r"```python\n(.*?)```", page, re.DOTALL)[0]
    defined: dict[str, Any] = {}
    exec(example, defined)  # noqa: S102 - our own page
    monkeypatch.setattr(registry, "OPTIMIZERS", {"example": defined["return_weighted"]})
    problem = make_problem()

    weights = optimize("example", problem)

    assert weights.argmax() == problem.expected_returns.argmax()
    assert 0 < weights.sum() <= 1 + 1e-6
