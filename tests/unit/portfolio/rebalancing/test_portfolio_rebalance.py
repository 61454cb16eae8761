"""What is held moves towards the target as far as that is worth its cost, and no limit waits for it."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import minimize

from tasks.core.sessions import session_after
from tasks.costs.model import Conditions, estimate
from tasks.portfolio.arrays import Names, value_held
from tasks.portfolio.caps import cap_book
from tasks.portfolio.limits import Group, Limits, Pair, breaches
from tasks.portfolio.rebalancing.descent import descend
from tasks.portfolio.rebalancing.rebalance import Costing, TurnoverPenalty, cost_fractions, move_towards
from tests.builders import FRIDAY, make_settings

COSTS = make_settings().costs
PENALTY = TurnoverPenalty(risk_aversion=2.5, cost_multiple=50.0)
FREE = Limits(1.0, 1.0, (), ())


def covariance_of(volatility, correlation):
    matrix = np.full((len(volatility), len(volatility)), correlation)
    np.fill_diagonal(matrix, 1.0)
    return np.outer(volatility, volatility) * matrix


def moved(target, current, covariance, *, cost=0.0006, limits=FREE, is_weighed=True, penalty=PENALTY):
    names = len(target)
    return move_towards(
        np.array(target),
        np.array(current),
        covariance,
        np.full(names, cost),
        limits,
        is_weighed=np.broadcast_to(is_weighed, names),
        penalty=penalty,
    ).weights


def loss(weights, target, current, covariance, cost):
    off = weights - target
    return 0.5 * off @ covariance @ off + cost @ np.abs(weights - current)


def test_a_small_drift_is_not_worth_its_cost():
    weights = moved([0.10, 0.10], [0.105, 0.095], covariance_of([0.3, 0.3], 0.2))

    assert weights.tolist() == [0.105, 0.095]


def test_a_large_drift_is_traded_to_where_the_next_step_costs_as_much_as_it_brings():
    one = covariance_of([0.3], 0.0)

    weights = moved([0.40], [0.80], one, limits=Limits(1.0, 1.0, (), ()))

    brings = 2.5 * 0.3**2 * (weights[0] - 0.40)
    assert brings == pytest.approx(50 * 0.0006, abs=1e-8)


def test_without_costs_the_target_is_reached():
    penalty = TurnoverPenalty(2.5, 0.0)

    assert moved([0.1, 0.2], [0.2, 0.1], covariance_of([0.3, 0.3], 0.2), penalty=penalty).tolist() == [
        0.1,
        0.2,
    ]


def test_substitutes_are_not_exchanged_where_unlike_names_are():
    target, current = [0.10, 0.30], [0.30, 0.10]

    alike = moved(target, current, covariance_of([0.3, 0.3], 0.98))
    unlike = moved(target, current, covariance_of([0.3, 0.3], 0.0))

    assert alike.tolist() == current
    assert unlike[0] < 0.25


def test_as_much_is_invested_as_the_target_invests():
    target = [0.05] * 20

    weights = moved(target, [0.0] * 20, covariance_of([0.3] * 20, 0.0))

    assert weights.sum() == pytest.approx(1.0)


def test_an_exit_is_not_weighed_against_its_cost():
    weights = moved([0.0, 0.1], [0.001, 0.1], covariance_of([0.3, 0.3], 0.2), is_weighed=[False, True])

    assert weights.tolist() == [0.0, 0.1]


@pytest.mark.parametrize(
    ("limits", "row"),
    [
        (Limits(1.0, 0.30, (), ()), 2),
        (Limits(1.0, 1.0, (Group("Energy", np.array([True, True, True]), 0.30),), ()), 2),
        (Limits(0.20, 1.0, (), (Pair(0, 1, 0.9),)), 1),
        (Limits(0.10, 1.0, (), ()), 0),
    ],
)
def test_what_exceeds_a_limit_is_sold_whatever_it_costs_and_the_limit_is_recorded(limits, row):
    target, current = np.full(3, 0.10), np.full(3, 0.11)

    move = move_towards(
        target,
        current,
        covariance_of([0.3] * 3, 0.5),
        np.ones(3),
        limits,
        is_weighed=np.ones(3, dtype=bool),
        penalty=PENALTY,
    )

    assert breaches(move.weights, limits) == ()
    assert (move.weights >= 0.10 - 1e-9).all()
    assert move.lowered.sum(axis=0) == pytest.approx(current - move.weights)
    assert move.lowered[row].sum() == pytest.approx((current - move.weights).sum())


@st.composite
def moves(draw):
    names = draw(st.integers(1, 12))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    loadings = rng.normal(0, 0.2, (names, 3))
    covariance = loadings @ loadings.T + np.diag(rng.uniform(0.005, 0.2, names))
    number = draw(st.sampled_from([0, 3]))
    groups = tuple(
        Group("group", rng.random(names) < 0.5, float(rng.uniform(0.05, 0.6))) for _ in range(number)
    )
    pairs = (Pair(0, names - 1, 0.9),) if names > 1 and number else ()
    limits = Limits(float(rng.uniform(0.05, 0.4)), float(rng.uniform(0, 1)), groups, pairs)
    target = cap_book(rng.dirichlet(np.ones(names)), limits)[-1]
    current = rng.dirichlet(np.ones(names)) * (rng.random(names) < 0.7)
    return target, current, covariance, rng.uniform(0, 0.01, names), limits


@settings(max_examples=60, deadline=None)
@given(moves(), st.booleans())
def test_every_weight_is_between_the_holding_and_the_target_and_every_limit_holds(move, weighs):
    target, current, covariance, cost, limits = move

    weights = move_towards(
        target, current, covariance, cost, limits, is_weighed=np.full(len(target), weighs), penalty=PENALTY
    ).weights

    assert (weights >= np.minimum(current, target) - 1e-9).all()
    assert (weights <= np.maximum(current, target) + 1e-9).all()
    assert breaches(weights, limits) == ()
    if not limits.groups and not limits.pairs:
        assert weights.sum() >= target.sum() - 1e-8


@settings(max_examples=30, deadline=None)
@given(moves())
def test_the_descent_finds_the_least_loss(move):
    target, current, covariance, cost, _ = move
    low, high = np.minimum(current, target), np.maximum(current, target)

    found = descend(current, target, covariance, cost)

    others = [
        minimize(
            loss, start, args=(target, current, covariance, cost), bounds=list(zip(low, high, strict=True))
        )
        for start in (current, target, found)
    ]
    assert loss(found, target, current, covariance, cost) <= min(other.fun for other in others) + 1e-9


@settings(max_examples=30, deadline=None)
@given(moves())
def test_what_was_moved_once_stays(move):
    target, current, covariance, cost, _ = move

    once = descend(current, target, covariance, cost)
    twice = descend(once, target, covariance, cost)

    assert np.abs(twice - once).max() < 1e-6


def test_the_cost_of_a_change_is_that_of_the_cost_model_per_usd():
    names = len(prices := np.array([50.0, 20.0, 0.0]))
    known = Names(
        score=np.zeros(names),
        is_scored=np.ones(names, dtype=bool),
        price=prices,
        has_quote=np.ones(names, dtype=bool),
        is_quarantined=np.zeros(names, dtype=bool),
        is_reserved=np.zeros(names, dtype=bool),
        has_risk=np.ones(names, dtype=bool),
        adv_usd=np.array([1e8, 1e6, 1e8]),
        daily_volatility=np.full(names, 0.02),
        fall=np.zeros(names),
        sector=np.zeros(names, dtype=np.int64),
        cap_class=np.zeros(names, dtype=np.int64),
    )
    costing = Costing(session_after(FRIDAY), 1.5, COSTS)
    held = value_held(np.zeros(names), prices, 1e6)

    cost = cost_fractions(np.array([0.01, -0.01, 0.01]), known, held, np.arange(names), costing)

    conditions = Conditions(
        prices[:2], known.daily_volatility[:2], np.array([2e6, 5e4]), session_after(FRIDAY), 1.5
    )
    shares = np.array([200.0, 500.0])
    costs = estimate(shares, np.array([False, True]), conditions, costs=COSTS)
    assert cost[:2] == pytest.approx((costs.commission_usd + costs.slippage_usd) / 10_000, rel=1e-9)
    assert 0 < cost[0] < cost[1] < 0.05  # the second is illiquid
    assert cost[2] == 0  # without a price nothing is traded
    assert pd.notna(cost).all()
