from math import nan

import numpy as np
import pytest
from pydantic import ValidationError

from config.selection_section import ScoreWeights
from tasks.backtest.matrix.tables import COST, Baseline
from tasks.backtest.metrics.figures import Figure, measure
from tasks.selection.net.figures import net_figures, weighted_score
from tests.builders import make_settings
from tests.unit.backtest.metrics.curves import make_curve, noise

WEIGHTS = make_settings().selection.score_weights
BEST = {"sharpe": 2.0, "drawdown": 0.0, "calmar": 1.5, "turnover": 0.0, "regime_consistency": 1.0}
WORST = {"sharpe": 0.0, "drawdown": -0.30, "calmar": 0.0, "turnover": 0.50, "regime_consistency": 0.0}


def measured(curve):
    return Baseline(curve, {**measure(curve), COST: Figure(0.01, len(curve.returns), "full")})


def test_the_score_is_one_at_the_best_end_of_every_scale_and_zero_at_the_worst():
    assert weighted_score(BEST, WEIGHTS) == pytest.approx(1)
    assert weighted_score(WORST, WEIGHTS) == 0
    beyond = {"sharpe": 3.0, "drawdown": 0.0, "calmar": 9.0, "turnover": 0.0, "regime_consistency": 1.0}
    assert weighted_score(beyond, WEIGHTS) == pytest.approx(1)
    below = {"sharpe": -1.0, "drawdown": -0.6, "calmar": -2.0, "turnover": 2.0, "regime_consistency": 0.0}
    assert weighted_score(below, WEIGHTS) == 0


@pytest.mark.parametrize(
    ("name", "weight"),
    [
        ("sharpe", 0.30),
        ("drawdown", 0.25),
        ("calmar", 0.20),
        ("turnover", 0.15),
        ("regime_consistency", 0.10),
    ],
)
def test_each_figure_has_the_weight_of_b5_and_is_scaled_linearly(name, weight):
    middle = (BEST[name] + WORST[name]) / 2

    assert weighted_score(WORST | {name: BEST[name]}, WEIGHTS) == pytest.approx(weight)
    assert weighted_score(WORST | {name: middle}, WEIGHTS) == pytest.approx(weight / 2)


def test_a_figure_that_is_withheld_scores_nothing():
    assert weighted_score(BEST | {"sharpe": nan, "calmar": nan}, WEIGHTS) == pytest.approx(0.5)


def test_weights_that_do_not_sum_to_one_are_refused():
    given = WEIGHTS.model_dump()

    assert ScoreWeights(**given) == WEIGHTS
    with pytest.raises(ValidationError, match=r"the weights sum to 1\.1, not to 1"):
        ScoreWeights(**(given | {"calmar": 0.30}))


def test_turnover_of_a_month_is_that_of_21_sessions():
    curve = make_curve(np.zeros(100), start_usd=1000.0, buys_usd=30.0, sells_usd=10.0)

    found = net_figures(measured(curve), WEIGHTS)

    assert found.turnover_month == pytest.approx(21 * 0.02)
    assert found.cost_year == 0.01


def test_consistency_counts_the_regimes_with_a_positive_sharpe_ratio_and_only_long_ones():
    good, bad = noise(80, mean=0.002), noise(80, mean=-0.002)
    returns = np.concatenate([good, bad, good, -np.abs(noise(20))])
    states = np.repeat(["BULL", "BEAR", "NEUTRAL", "CRASH"], [80, 80, 80, 21])

    found = net_figures(measured(make_curve(returns, regime=states)), WEIGHTS)

    assert found.regime_consistency == pytest.approx(2 / 3)


@pytest.mark.parametrize(("count", "consistency"), [(59, 1.0), (60, 0.5)])
def test_a_regime_counts_from_sixty_sessions_on(count, consistency):
    returns = np.concatenate([noise(80, mean=0.002), noise(count, mean=-0.005)])
    states = np.repeat(["BULL", "BEAR"], [80, count + 1])

    found = net_figures(measured(make_curve(returns, regime=states)), WEIGHTS)

    assert found.regime_consistency == consistency


def test_a_regime_in_which_nothing_is_held_does_not_count():
    returns = np.concatenate([noise(80, mean=0.002), np.zeros(80)])
    states = np.repeat(["BULL", "CRASH"], [80, 81])

    assert net_figures(measured(make_curve(returns, regime=states)), WEIGHTS).regime_consistency == 1


def test_a_short_walk_has_no_annual_figure_and_scores_what_is_left():
    found = net_figures(measured(make_curve(noise(30))), WEIGHTS)

    assert np.isnan([found.sharpe, found.calmar, found.turnover_month, found.regime_consistency]).all()
    only = {"sharpe": nan, "calmar": nan, "turnover": nan, "regime_consistency": nan}
    assert found.score == weighted_score(only | {"drawdown": found.max_drawdown}, WEIGHTS) > 0
