"""What the selection must prove on markets whose truth is known: it finds planted alpha, and none where there is none.

The long tests verify what docs/model-selection.md claims (`make power`), on the same markets, and continue where a run
was interrupted; the short ones are two markets small enough for every run. All ICs are from the confirmation folds.
"""

import numpy as np
import pytest

from tests.power.measure import measure_market
from tests.power.store import EMPTY, FOLDER, PLANTED, folder_of_this_code, measure_and_store
from tests.power.table import power_of

pytestmark = pytest.mark.slice

LEARNERS = ("xgboost", "lightgbm", "random_forest", "quadratic_ridge", "rank_blend")


def small_market(planted, *, seed):
    return measure_market(planted, seed, symbols=80, sessions=1150)


def test_strong_alpha_of_a_small_market_is_confirmed_and_a_learner_finds_half_of_it():
    result = small_market(0.2, seed=12)

    found = {name: metrics["neutral_ic"] for name, metrics in result["found"].items()}
    assert result["confirmed"]
    assert result["selected"] == result["learner"] in {"rank_blend", "quadratic_ridge"}
    assert result["found"][result["learner"]]["neutral_ic_t"] > 5
    assert found[result["learner"]] > 2 * found["best_feature"] > 0
    assert found[result["learner"]] > 0.5 * result["truth"]["neutral_ic"] > 0.05


def test_a_small_market_without_alpha_has_a_candidate_that_is_not_confirmed():
    result = small_market(0.0, seed=21)

    assert result["selected"] == "rank_blend"
    assert not result["confirmed"]
    learners = [result["found"][name]["neutral_ic_t"] for name in LEARNERS]
    assert 0.3 < np.abs(learners).max() < 1


@pytest.mark.prove
def test_prove_at_most_2_of_40_markets_without_alpha_are_confirmed():
    folder = folder_of_this_code(FOLDER)
    power = power_of([measure_and_store(folder, market) for market in EMPTY])

    assert power.confirmed <= 2
    assert abs(power.learner_t.mean) < 0.5
    assert power.learner_t.deviation < 1.35


@pytest.mark.prove
def test_prove_learners_find_twice_what_the_best_single_feature_finds():
    folder = folder_of_this_code(FOLDER)
    power = power_of([measure_and_store(folder, market) for market in PLANTED[0.05]])

    # found: the correlation with the true expectation; realized ICs have the noise of returns in addition
    assert power.learner_recovered.mean > 2 * power.recovered["best_feature"].mean > 0.2
    assert power.learner.mean > 1.5 * power.best_feature.mean > 0
