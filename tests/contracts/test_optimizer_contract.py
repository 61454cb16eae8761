"""What every optimizer in the registry keeps. A new one is held to this by being registered."""

import os
import re
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits

from config.sections import Portfolio
from tasks.core.errors import InfeasibleError
from tasks.portfolio.caps import cap_book
from tasks.portfolio.ladder import HOLD, rungs, solve
from tasks.portfolio.limits import Group, Limits, Pair, breaches
from tasks.portfolio.optimizers import registry
from tasks.portfolio.optimizers.constraints import largest_budget
from tasks.portfolio.optimizers.registry import NEED_A_RANKING, OPTIMIZERS, optimize
from tests.problems import make_factors, make_problem, sharpe

every_optimizer = pytest.mark.parametrize("method", OPTIMIZERS)
KEEPS_LIMITS = ("max_sharpe", "min_volatility", "black_litterman")
LEAN = ("max_sharpe", "min_volatility", "risk_parity", "hrp", "tilted_hrp")  # need no modeling library


@every_optimizer
@pytest.mark.parametrize("names", [1, 2, 3, 12, 40])
def test_weights_are_finite_not_negative_and_sum_to_at_most_one(method, names):
    weights = optimize(method, make_problem(names=names, position=1.0))

    assert weights.shape == (names,)
    assert np.isfinite(weights).all()
    assert (weights >= 0).all()
    assert 0 < weights.sum() <= 1 + 1e-6


@every_optimizer
def test_the_whole_portfolio_is_invested_when_nothing_limits_it(method):
    weights = optimize(method, make_problem(position=1.0))

    assert weights.sum() == pytest.approx(1.0, abs=0.06)  # a solver's dust is left in cash


@every_optimizer
def test_one_name_below_an_equal_weight_is_not_noise(method):
    assert optimize(method, make_problem(names=1, position=0.02)).sum() >= 0.02 - 1e-6


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


COVARIANCES = {
    "factors": lambda names, rng: make_factors(names=names, seed=int(rng.integers(99))).matrix(),
    "near-duplicates": lambda names, _: np.full((names, names), 0.04),
    "one name twice": lambda names, _: _repeat_the_first(make_factors(names=names).matrix()),
    "a name that does not move": lambda names, _: np.diag([0.0, *np.full(names - 1, 0.04)]),
    "no risk": lambda names, _: np.zeros((names, names)),
    "fewer sessions than names": lambda names, rng: np.cov(rng.normal(0, 0.2, (names, 3))).reshape(
        names, names
    ),
    "not positive definite": lambda names, _: 0.04 * (1.5 * np.eye(names) - 0.5),
    "opposites": lambda names, _: 0.04 * np.outer(*2 * [np.where(np.arange(names) % 2, 1.0, -1.0)]),
}
RETURNS = {
    "a few good": lambda names, rng: rng.normal(0.05, 0.1, names),
    "equal": lambda names, _: np.full(names, 0.05),
    "none": lambda names, _: np.zeros(names),
    "all negative": lambda names, rng: -rng.uniform(0.01, 0.5, names),
    "one barely positive": lambda names, _: np.append(np.full(names - 1, -0.1), 1e-12),
    "one huge": lambda names, _: np.append(np.full(names - 1, 0.01), 1e6),
    "not a number": lambda names, _: np.full(names, np.nan),
}
LIMITS = {
    "none": lambda _: Limits(1.0, 1.0, (), ()),
    "positions": lambda _: Limits(0.02, 1.0, (), ()),
    "no room": lambda names: Limits(0.15, 1.0, (Group("all", np.ones(names, dtype=bool), 0.0),), ()),
    "a closed sector": lambda names: Limits(0.3, 0.5, (Group("even", np.arange(names) % 2 == 0, 0.0),), ()),
    "every pair": lambda names: Limits(
        0.15, 1.0, (), tuple(Pair(i, j, 0.9) for i in range(names) for j in range(i + 1, names))
    ),
}


@st.composite
def hostile_problems(draw):
    names = draw(st.integers(1, 25))
    rng = np.random.default_rng(draw(st.integers(0, 2**16)))
    unit = 10.0 ** draw(st.integers(-12, 6))
    return replace(
        make_problem(names=names),
        covariance=COVARIANCES[draw(st.sampled_from(sorted(COVARIANCES)))](names, rng) * unit,
        expected_returns=RETURNS[draw(st.sampled_from(sorted(RETURNS)))](names, rng),
        limits=LIMITS[draw(st.sampled_from(sorted(LIMITS)))](names),
    )


@every_optimizer
@settings(max_examples=25)
@given(hostile_problems())
def test_a_hostile_problem_gives_a_portfolio_or_the_stated_fallback(method, problem):
    solution = solve(problem, optimizer=method, ranks=True)

    tried = [step.method for step in solution.steps]
    assert tried == [*rungs(method), HOLD][: len(tried)]
    assert all(step.outcome.startswith("failed: ") for step in solution.steps[:-1])
    assert solution.steps[-1].outcome.startswith("used: ")
    if solution.weights is None:
        assert solution.method == HOLD
        return
    assert np.isfinite(solution.weights).all()
    assert (solution.weights >= 0).all()
    assert 0 < solution.weights.sum() <= 1 + 1e-6
    assert breaches(cap_book(solution.weights, problem.limits)[-1], problem.limits) == ()


@pytest.mark.parametrize("method", sorted(NEED_A_RANKING))
def test_an_optimizer_that_needs_a_ranking_refuses_returns_below_cash(method):
    with pytest.raises(InfeasibleError, match="beat cash"):
        optimize(method, make_problem(expected_returns=np.full(12, -0.5)))


@every_optimizer
def test_the_factor_form_gives_the_weights_of_the_matrix(method):
    form = make_factors(names=60, factors=5)
    sectors = tuple(Group(f"sector {s}", np.arange(60) % 5 == s, 0.25) for s in range(5))
    problem = make_problem(names=60, position=0.05, groups=sectors, covariance=form.matrix())

    weights = OPTIMIZERS[method](problem)

    np.testing.assert_allclose(OPTIMIZERS[method](replace(problem, covariance=form)), weights, atol=2e-6)


@every_optimizer
def test_two_thousand_names_in_factor_form_give_a_portfolio(method):
    sectors = tuple(Group(f"sector {s}", np.arange(2000) % 11 == s, 0.20) for s in range(11))
    form = make_factors(names=2000, factors=20)
    problem = make_problem(names=2000, position=0.02, groups=sectors, covariance=form)

    weights = optimize(method, problem)

    assert weights.shape == (2000,)
    assert (weights >= 0).all()
    assert 0.9 < weights.sum() <= 1 + 1e-6


@every_optimizer
@pytest.mark.parametrize("is_in_factor_form", [False, True])
def test_the_number_of_threads_does_not_change_a_byte(method, is_in_factor_form):
    form = make_factors(names=150, factors=20)
    problem = make_problem(names=150, covariance=form if is_in_factor_form else form.matrix())

    with threadpool_limits(1):
        alone = optimize(method, problem)
    with threadpool_limits(2):
        assert optimize(method, problem).tobytes() == alone.tobytes()


@pytest.mark.slice
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="needs two cores")
def test_one_core_and_two_give_the_same_bytes():
    """A process on one core starts its linear algebra with one thread."""
    words = """if True:
        import hashlib, os, sys
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, cores[: int(sys.argv[1])])
        from tests.contracts.test_optimizer_contract import LEAN, make_factors, make_problem, optimize
        form = make_factors(names=400, factors=20)
        problems = [make_problem(names=400, covariance=one) for one in (form, form.matrix())]
        weights = [optimize(method, problem).tobytes() for problem in problems for method in LEAN]
        print(hashlib.sha256(b"".join(weights)).hexdigest())"""
    digests = {
        subprocess.run(
            [sys.executable, "-c", words, cores], capture_output=True, text=True, check=True
        ).stdout
        for cores in ("1", "2")
    }

    assert len(digests) == 1


@every_optimizer
def test_a_loaded_machine_does_not_change_a_byte(method):
    """The solvers' limits are iterations, not seconds."""
    problem = make_problem(names=40)
    idle = optimize(method, problem)

    busy = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(2 * os.cpu_count())]
    try:
        loaded = optimize(method, problem)
    finally:
        for process in busy:
            process.kill()
            process.wait()

    assert loaded.tobytes() == idle.tobytes()


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


def test_a_solver_is_reached_without_a_modelling_library():
    """issue 10, done when 4: importing cvxpy costs a tenth of the day."""
    words = "import sys; from tests.contracts.test_optimizer_contract import LEAN, make_problem, optimize"
    words += "; [optimize(method, make_problem()) for method in LEAN]"
    words += "; print(sorted({'cvxpy', 'pypfopt', 'scipy.stats'} & set(sys.modules)))"

    done = subprocess.run([sys.executable, "-c", words], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


@pytest.mark.parametrize("method", KEEPS_LIMITS)
def test_limits_without_any_room_are_infeasible(method):
    nothing = (Group("sector A", np.ones(12, dtype=bool), 0.0),)

    with pytest.raises(InfeasibleError, match="no room"):
        optimize(method, make_problem(groups=nothing))


def test_max_sharpe_has_the_best_ratio_and_min_volatility_the_least_risk():
    problem = make_problem()

    def risk(method):
        weights = optimize(method, problem)
        weights = weights / weights.sum()
        return weights @ problem.covariance @ weights

    assert max(OPTIMIZERS, key=lambda method: sharpe(optimize(method, problem), problem)) == "max_sharpe"
    assert min(OPTIMIZERS, key=risk) == "min_volatility"


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


def _repeat_the_first(covariance):
    duplicated = covariance.copy()
    duplicated[-1], duplicated[:, -1] = duplicated[0], duplicated[:, 0]
    return np.minimum(duplicated, duplicated.T)
