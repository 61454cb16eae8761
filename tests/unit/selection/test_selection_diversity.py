import numpy as np
import pytest
from scipy.stats import spearmanr

from tasks.selection.diversity import diversity_of, diversity_section

SESSIONS = np.repeat(np.arange(40), 20)


def noise(seed):
    return np.random.default_rng(seed).normal(size=len(SESSIONS))


# M11
def test_the_correlation_is_the_mean_of_the_sessions_rank_correlations():
    one, other = noise(1), noise(1) + noise(2)

    found = diversity_of({"one": one, "other": other}, SESSIONS)

    each = [spearmanr(one[s == SESSIONS], other[s == SESSIONS]).statistic for s in range(40)]
    assert found.correlation[0][1] == pytest.approx(np.mean(each))
    assert found.correlation[0][0] == pytest.approx(1)
    assert found.score == pytest.approx(1 - np.mean(each))


def test_predictions_are_compared_by_rank_and_within_a_session():
    one = noise(1)

    found = diversity_of({"one": one, "other": np.exp(one) + 1000.0 * SESSIONS}, SESSIONS)

    assert found.correlation[0][1] == pytest.approx(1)
    assert (found.agreement, found.score) == (pytest.approx(1), pytest.approx(0))


def test_opposite_and_unrelated_predictions_disagree_as_much_as_they_should():
    opposite = diversity_of({"one": noise(1), "other": -noise(1)}, SESSIONS)
    unrelated = diversity_of({"one": noise(1), "other": noise(2)}, SESSIONS)

    assert (opposite.correlation[0][1], opposite.agreement) == (pytest.approx(-1), 0)
    assert opposite.score == pytest.approx(2)
    assert unrelated.agreement == pytest.approx(0.5, abs=0.05)


def test_sessions_count_equally_however_many_names_they_have():
    sessions = np.repeat([0, 1], [10, 90])
    one = np.arange(100.0)
    other = np.where(sessions == 0, one, -one)

    found = diversity_of({"one": one, "other": other}, sessions)

    assert found.correlation[0][1] == pytest.approx(0)
    assert found.agreement == pytest.approx(0.5)


def test_constant_scores_correlate_with_nothing():
    found = diversity_of({"one": noise(1), "flat": np.zeros(len(SESSIONS))}, SESSIONS)

    assert found.correlation[0][1] == 0
    assert np.isfinite(found.score)


def test_near_equal_predictions_are_a_warning():
    near = {"one": noise(1), "other": noise(1) + 0.1 * noise(2)}

    text = "\n".join(diversity_section(diversity_of(near, SESSIONS)))
    quiet = "\n".join(diversity_section(diversity_of({"one": noise(1), "other": noise(2)}, SESSIONS)))

    assert "- one and other predict nearly the same: correlation 0.9" in text
    assert "- The candidates hardly differ: diversity score 0.0" in text
    assert "| one | 1.00 | 0.9" in text
    assert "nearly the same" not in quiet
    assert "hardly differ" not in quiet


def test_one_candidate_has_no_diversity():
    assert diversity_of({"one": noise(1)}, SESSIONS) is None
    assert diversity_section(None) == ["Fewer than two candidates rank names."]
