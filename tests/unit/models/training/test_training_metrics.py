import numpy as np
import pytest
from scipy.stats import spearmanr

from tasks.models.training.inference import estimate
from tasks.models.training.metrics import metrics_of


def three_sessions(names=40, seed=0, skill=0.5):
    rng = np.random.default_rng(seed)
    sessions = np.repeat([4, 9, 14], names)
    scores = rng.normal(size=3 * names)
    returns = 0.02 * (skill * scores + rng.normal(size=3 * names)) + np.repeat([0.1, -0.2, 0.0], names)
    return scores, returns, sessions


def test_rank_ic_is_the_mean_rank_correlation_of_the_sessions():
    scores, returns, sessions = three_sessions()

    by_session = [spearmanr(scores[sessions == s], returns[sessions == s])[0] for s in (4, 9, 14)]

    measured = metrics_of(scores, returns, sessions)
    assert measured.rank_ic == pytest.approx(np.mean(by_session))
    assert measured.rank_ic_t == pytest.approx(estimate(np.array(by_session), overlap=1).t)
    assert measured.icir == pytest.approx(np.mean(by_session) / np.std(by_session, ddof=1))
    assert measured.sessions == 3


def test_tied_scores_share_their_rank():
    scores, returns, sessions = three_sessions()
    coarse = np.round(scores)

    expected = [spearmanr(coarse[sessions == s], returns[sessions == s])[0] for s in (4, 9, 14)]

    assert metrics_of(coarse, returns, sessions).rank_ic == pytest.approx(np.mean(expected))


def test_a_market_that_rises_as_a_whole_earns_no_credit():
    scores, returns, sessions = three_sessions()
    tide = np.repeat([0.5, -0.5, 1.0], 40)

    before, after = metrics_of(scores, returns, sessions), metrics_of(scores + tide, returns + tide, sessions)

    assert after.rank_ic == pytest.approx(before.rank_ic)
    assert after.quantile_spread == pytest.approx(before.quantile_spread)
    assert after.ic == pytest.approx(before.ic)


def test_perfect_scores_hit_always_and_their_fifths_rise():
    _, returns, sessions = three_sessions()

    measured = metrics_of(returns, returns, sessions)

    assert (measured.rank_ic, measured.hit_rate, measured.monotonicity) == pytest.approx((1, 1, 1))
    assert measured.quantile_spread > 0


def test_reversed_scores_have_all_signs_turned():
    scores, returns, sessions = three_sessions()

    there, back = metrics_of(scores, returns, sessions), metrics_of(-scores, returns, sessions)

    assert back.rank_ic == pytest.approx(-there.rank_ic)
    assert back.rank_ic_t == pytest.approx(-there.rank_ic_t)
    assert back.hit_rate == pytest.approx(1 - there.hit_rate)
    assert back.quantile_spread == pytest.approx(-there.quantile_spread)


def test_constant_scores_measure_nothing():
    scores, returns, sessions = three_sessions()

    measured = metrics_of(np.zeros_like(scores), returns, sessions)

    assert (measured.rank_ic, measured.rank_ic_t, measured.ic, measured.icir) == (0, 0, 0, 0)
    assert measured.hit_rate == 0.5
    assert measured.quantile_spread == 0
    assert measured.monotonicity == 0


def test_one_score_that_is_not_a_number_makes_all_figures_none():
    scores, returns, sessions = three_sessions()
    scores[5] = np.nan

    measured = metrics_of(scores, returns, sessions)

    assert np.isnan([measured.rank_ic, measured.rank_ic_t, measured.hit_rate]).all()


def test_a_session_of_a_few_names_is_not_counted():
    scores, returns, sessions = three_sessions()
    few = np.r_[np.arange(80), [80, 81, 82]]

    assert metrics_of(scores[few], returns[few], sessions[few]).sessions == 2


def test_no_rows_measure_nothing():
    nothing = np.array([])

    assert metrics_of(nothing, nothing, nothing.astype(int)).sessions == 0
