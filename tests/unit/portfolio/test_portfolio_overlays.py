"""Each sizing overlay does what it says, only lowers weights, and is off as shipped."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.portfolio.limits import Limits
from tasks.portfolio.optimizers.problem import Problem
from tasks.portfolio.overlays import size
from tests.builders import make_settings

SHIPPED = make_settings().portfolio


def problem_of(expected, volatility, correlation):
    matrix = np.array(correlation, dtype=float)
    covariance = np.outer(volatility, volatility) * matrix
    return Problem(np.array(expected), covariance, Limits(1.0, 1.0, (), ()), 200, SHIPPED.methods)


def sized(weights, problem, *, ranks=True, **changed):
    overlays = SHIPPED.overlays.model_copy(update=changed)
    return size(np.array(weights), problem, ranks=ranks, overlays=overlays)


TWO = problem_of([0.10, 0.05], [0.30, 0.20], [[1.0, 0.0], [0.0, 1.0]])


def test_as_shipped_every_overlay_is_off():
    weights, effects = sized([0.6, 0.4], TWO)

    assert weights.tolist() == [0.6, 0.4]
    assert effects == ()


def test_the_portfolio_is_cut_to_the_volatility_target_and_keeps_its_proportions():
    weights, (effect,) = sized([0.6, 0.4], TWO, volatility_target=0.10)

    assert np.sqrt(weights @ TWO.covariance @ weights) == pytest.approx(0.10)
    assert weights[0] / weights[1] == pytest.approx(1.5)
    assert (effect.overlay, effect.before) == ("volatility_target", 1.0)
    assert effect.after == pytest.approx(weights.sum())


def test_a_portfolio_below_the_volatility_target_is_not_enlarged():
    assert sized([0.3, 0.2], TWO, volatility_target=0.5)[0].tolist() == [0.3, 0.2]


def test_a_quarter_of_kelly_is_a_quarter_of_the_size_with_the_largest_growth():
    volatile = problem_of([0.04], [0.40], [[1.0]])

    weights, _ = sized([1.0], volatile, kelly_frac=1.0)
    quarter, _ = sized([1.0], volatile, kelly_frac=0.25)

    sizes = np.linspace(0, 1, 1001)
    growth = sizes * 0.04 - sizes**2 * 0.40**2 / 2
    assert weights[0] == pytest.approx(sizes[growth.argmax()], abs=1e-3)
    assert quarter[0] == pytest.approx(weights[0] / 4)


def test_a_portfolio_below_its_kelly_size_is_not_enlarged():
    promising = problem_of([0.5], [0.20], [[1.0]])

    assert sized([0.4], promising, kelly_frac=0.25)[0].tolist() == [0.4]


def test_a_portfolio_of_nothing_stays_one():
    weights, _ = sized([0.0, 0.0], TWO, correlation_reduction=0.5, kelly_frac=0.25, volatility_target=0.1)

    assert weights.tolist() == [0.0, 0.0]


def test_kelly_holds_nothing_that_is_expected_to_lose_and_does_not_apply_without_expectations():
    losing = problem_of([-0.05], [0.20], [[1.0]])

    assert sized([1.0], losing, kelly_frac=0.25)[0].tolist() == [0.0]
    assert sized([1.0], losing, kelly_frac=0.25, ranks=False)[0].tolist() == [1.0]


def test_a_position_is_cut_by_its_mean_correlation_with_the_others():
    three = problem_of([0.1] * 3, [0.2] * 3, [[1.0, 0.8, -0.4], [0.8, 1.0, -0.2], [-0.4, -0.2, 1.0]])

    weights, _ = sized([0.4, 0.4, 0.2], three, correlation_reduction=0.5)

    first = (0.8 * 0.4 - 0.4 * 0.2) / 0.6
    second = (0.8 * 0.4 - 0.2 * 0.2) / 0.6
    np.testing.assert_allclose(weights, [0.4 * (1 - first / 2), 0.4 * (1 - second / 2), 0.2])


def test_overlays_apply_one_after_the_other_and_each_reports_its_effect():
    pair = problem_of([0.10, 0.05], [0.30, 0.20], [[1.0, 0.5], [0.5, 1.0]])

    weights, effects = sized(
        [0.6, 0.4], pair, correlation_reduction=0.4, kelly_frac=0.25, volatility_target=0.05
    )

    overlays, before, after = zip(*effects, strict=True)
    assert overlays == ("correlation_reduction", "kelly_frac", "volatility_target")
    assert before == (1.0, after[0], after[1])
    assert before > after
    assert after[-1] == weights.sum()


@settings(max_examples=40)
@given(st.integers(1, 8), st.integers(0, 2**32 - 1), st.floats(0, 1), st.floats(0, 1), st.floats(0, 0.5))
def test_overlays_never_raise_a_weight_or_make_it_negative(names, seed, kelly, correlation, volatility):
    rng = np.random.default_rng(seed)
    loadings = rng.normal(0, 0.2, (names, 3))
    covariance = loadings @ loadings.T + np.diag(rng.uniform(0.01, 0.1, names))
    problem = Problem(rng.normal(0, 0.1, names), covariance, Limits(1.0, 1.0, (), ()), 200, SHIPPED.methods)
    weights = rng.dirichlet(np.ones(names))

    smaller, _ = sized(
        weights, problem, kelly_frac=kelly, correlation_reduction=correlation, volatility_target=volatility
    )

    assert (smaller <= weights + 1e-15).all()
    assert (smaller >= 0).all()
