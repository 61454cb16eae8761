"""Weights that a person set: kept as they are, within the limits, while the other names are optimized again."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.portfolio.candidates import Obstacle, choose_candidates
from tasks.portfolio.frame import matrix_of, session_arrays, with_weights
from tasks.portfolio.limits import TOLERANCE, breaches, rules_of
from tasks.portfolio.schema import CASH, Book, Holding
from tasks.portfolio.target import View, target_weights
from tests.builders import FRIDAY, make_settings
from tests.targets import COSTING

NAMES = [f"S{number:02d}" for number in range(12)]
RULES_AT = make_settings(**{"portfolio.max_positions": 6}).portfolio
ASSETS = pd.DataFrame(
    {
        "price": 50.0,
        "has_quote": True,
        "is_quarantined": False,
        "adv_usd": 1e8,
        "daily_volatility": 0.02,
        "fall": 0.0,
        "sector": [f"sector {number % 4}" for number in range(12)],
        "cap_class": "large",
    },
    index=pd.Index(NAMES, name="symbol"),
)
UNCLASSED = ASSETS.assign(cap_class="")  # no limit applies to all names together
COVARIANCE = pd.DataFrame(np.diag(np.full(12, 0.0004)), NAMES, NAMES)
SCORES = pd.Series(np.linspace(1.0, -1.0, 12), NAMES)
BOOK = Book(
    FRIDAY,
    tuple(Holding(name, 1_000.0, 50.0, has_quote=True) for name in ("S00", "S05", "S11")),
    850_000.0,
    1_000_000.0,
)


def target_with(fixed, *, exposure_cap=1.0, optimizer="score_weighted", assets=ASSETS):
    session = session_arrays(SCORES, assets, NAMES, BOOK, fixed=fixed)
    rules = rules_of(RULES_AT, session.sectors)
    candidates = choose_candidates(session.names, session.held, rules=rules, stop_loss_frac=0.0)
    known = matrix_of(COVARIANCE, session.at(candidates.considered))
    view = View(True, 0.05, optimizer, exposure_cap, allows_new_positions=True)
    target = target_weights(
        view, session.names, session.held, candidates, known, rules=rules, costing=COSTING
    )
    weights = pd.Series(target.weights, session.at(target.places))
    return weights.reindex(session.symbols).fillna(0.0), target, candidates


def test_a_struck_name_keeps_the_weight_that_it_has():
    free, _, _ = target_with(None)
    struck = {"S01": 0.0, "S11": 0.05}

    weights, target, candidates = target_with(struck)

    assert free["S01"] > 0.01
    assert free["S11"] < 0.05  # it would have been sold
    assert weights["S01"] == 0
    assert weights["S11"] == pytest.approx(0.05, abs=1e-9)
    assert breaches(target.weights, target.limits) == ()
    assert set(candidates.obstacle[[1, 11]]) == {Obstacle.FIXED}


def test_a_name_that_is_neither_held_nor_a_candidate_gets_the_weight_that_a_person_sets():
    assert target_with(None)[0]["S10"] == 0
    weights, _, _ = target_with({"S10": 0.05}, optimizer="equal_weight", assets=UNCLASSED)

    assert weights["S10"] == pytest.approx(0.05)


def test_a_held_name_in_quarantine_stays_while_another_gets_the_weight_that_a_person_sets():
    doubtful = UNCLASSED.assign(is_quarantined=ASSETS.index == "S05")

    weights, _, _ = target_with({"S11": 0.02}, optimizer="equal_weight", assets=doubtful)

    assert weights[["S05", "S11"]].tolist() == pytest.approx([0.05, 0.02])


def test_no_weight_that_is_set_is_the_same_as_before():
    assert (target_with(None)[0] == target_with({})[0]).all()


@given(
    st.dictionaries(st.sampled_from(NAMES), st.floats(0, 0.3), max_size=4),
    st.floats(0.1, 1.0),
    st.sampled_from(["score_weighted", "hrp", "equal_weight"]),
)
def test_limits_hold_whatever_a_person_sets(fixed, exposure_cap, optimizer):
    weights, target, _ = target_with(fixed, exposure_cap=exposure_cap, optimizer=optimizer)

    assert breaches(target.weights, target.limits) == ()
    assert weights.sum() <= exposure_cap + TOLERANCE
    for name, weight in fixed.items():
        assert weights[name] <= weight + TOLERANCE


def test_the_rest_of_a_target_with_other_weights_is_cash():
    frame = pd.DataFrame({"weight": [0.4, 0.5, 0.1]}, index=["A", "B", CASH])

    changed = with_weights(frame, {"A": 0.1})

    assert changed["weight"].to_dict() == pytest.approx({"A": 0.1, "B": 0.5, CASH: 0.4})
    assert frame["weight"]["A"] == 0.4
