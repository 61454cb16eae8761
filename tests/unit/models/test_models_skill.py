from dataclasses import replace

import numpy as np
import pytest

from tasks.models.skill import score_to_return, shrunken, stated_skill
from tasks.selection.promotion import describe
from tests.champions import STATISTIC, make_training


def measured(tmp_path, **metrics):
    champion = describe(make_training(tmp_path), optimizer="hrp", min_t=2.0).champion
    return replace(champion, metrics=champion.metrics | metrics)


def test_an_ic_of_042_over_five_sessions_is_worth_thirty_percent_of_volatility_before_it_is_shrunk(tmp_path):
    champion = measured(tmp_path, neutral_ic=0.042, neutral_ic_t=1000.0)

    assert score_to_return(champion) == pytest.approx(0.2982, abs=1e-4)


def test_an_ic_is_shrunk_by_its_own_uncertainty(tmp_path):
    assert shrunken(0.04, 2.0) == pytest.approx(0.03)
    assert shrunken(0.04, 1.0) == shrunken(0.04, -3.0) == shrunken(-0.04, -3.0) == 0.0
    assert score_to_return(measured(tmp_path, neutral_ic=0.04, neutral_ic_t=2.0)) == pytest.approx(
        0.03 * np.sqrt(252 / STATISTIC.horizon_sessions)
    )


def test_shrinkage_halves_the_error_where_true_ics_are_mostly_zero():
    draw = np.random.default_rng(3)
    true = np.where(draw.random(4000) < 0.2, 0.03, 0.0)
    seen = true + 0.01 * draw.standard_normal(4000)

    shrunk = np.array([shrunken(ic, ic / 0.01) for ic in seen])

    assert np.mean((shrunk - true) ** 2) < 0.5 * np.mean((seen - true) ** 2)


def test_the_baseline_is_worth_nothing_and_says_so(tmp_path):
    baseline = replace(measured(tmp_path), ranks=False, statistic=None, name="equal_weight")

    assert score_to_return(baseline) == 0.0
    assert stated_skill(baseline).startswith("equal_weight is the baseline: it uses no signal")


def test_a_champion_of_an_older_build_is_worth_its_rank_ic(tmp_path):
    older = replace(measured(tmp_path, rank_ic=0.04, rank_ic_t=2.0), statistic=None)

    assert score_to_return(older) == pytest.approx(0.03 * np.sqrt(252 / 5))
    assert score_to_return(replace(older, metrics={})) == 0.0
    assert "earlier release" in stated_skill(older)


def test_a_measured_champion_states_band_sessions_and_the_smallest_ic_it_could_have_confirmed(tmp_path):
    champion = measured(
        tmp_path,
        neutral_ic=0.031,
        neutral_ic_low=0.011,
        neutral_ic_high=0.051,
        sessions=378.0,
        detectable_ic=0.02,
    )

    said = stated_skill(champion)

    assert "neutral IC 0.0310, 95% CI 0.0110 to 0.0510, 378 sessions" in said
    assert (
        "Minimum detectable IC: 0.0200. Sharpe ratio before costs, top fifth by score against all names over 769"
        " out-of-sample sessions: 2.10 a year; the probability that it is better than luck," in said
    )
    assert said.endswith("given 5 trials to date (3.2 effective), is 0.991.")


def test_a_champion_of_a_build_without_a_trial_ledger_states_no_deflation(tmp_path):
    champion = measured(tmp_path, neutral_ic=0.031)
    older = {name: value for name, value in champion.metrics.items() if name != "deflated_sharpe"}

    assert "Deflated" not in stated_skill(replace(champion, metrics=older))
