"""The effective number against simulated maxima of correlated normals."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm

from tasks.selection.statistics.effective import correlations, effective_trials

RECORD, WEEK = 770, 5  # sessions


def noise(seed, count, sessions=600):
    return np.random.default_rng(seed).normal(0, 0.01, (sessions, count))


def alike(seed, count, *, correlation, sessions=600):
    """Return trials that share this much of their variance."""
    common, own = noise(seed, 1, sessions), noise(seed + 1000, count, sessions)
    return np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own


def weekly(candidates, weeks):
    """Return the trials of so many weeks: each has the last RECORD sessions of every candidate."""
    length = len(candidates)
    columns = []
    for week in range(weeks):
        start = week * WEEK
        assert start + RECORD <= length
        trial = np.full_like(candidates, np.nan)
        trial[start : start + RECORD] = candidates[start : start + RECORD]
        columns.append(trial)
    return np.hstack(columns)


def renewed(count, weeks, *, correlation):
    """Return the trials of so many weeks that each search anew: what they share stays, what is their own does not."""
    length = RECORD + (weeks - 1) * WEEK
    common, found = noise(12, 1, length), np.full((length, count * weeks), np.nan)
    for week in range(weeks):
        rows = slice(week * WEEK, week * WEEK + RECORD)
        own = np.sqrt(1 - correlation) * noise(100 + week, count, RECORD)
        found[rows, week * count : (week + 1) * count] = np.sqrt(correlation) * common[rows] + own
    return found


def chances(related):
    """Return how many independent normals exceed 2 as often as the largest of these correlated ones."""
    values, vectors = np.linalg.eigh(related)
    draws = np.random.default_rng(8).normal(size=(20_000, len(related))) * np.sqrt(np.clip(values, 0, None))
    exceeding = ((draws @ vectors.T).max(axis=1) > 2).mean()
    return np.log(1 - exceeding) / np.log(norm.cdf(2))


def test_unrelated_trials_count_in_full_and_identical_ones_once():
    assert effective_trials(noise(1, 20, 20_000)) == pytest.approx(20, rel=0.01)
    assert effective_trials(np.repeat(noise(1, 1), 20, axis=1)) == pytest.approx(1, abs=1e-5)


def test_few_trials_are_few_chances():
    assert effective_trials(np.empty((0, 0))) == 0
    assert effective_trials(noise(1, 1)) == 1
    assert effective_trials(noise(1, 2)) == pytest.approx(2, rel=0.01)


@pytest.mark.slice
# never fewer chances than there are, and at most three times as many
@pytest.mark.parametrize(
    "returns",
    [
        alike(1, 26, correlation=0.9),
        alike(2, 10, correlation=0.5),
        np.hstack([alike(3, 40, correlation=0.97), noise(4, 1)]),
        np.hstack([alike(5, 20, correlation=0.8), alike(6, 5, correlation=0.6), noise(7, 3)]),
        weekly(noise(8, 1, 1200), 26),
        weekly(noise(9, 1, 1200), 52),
        weekly(np.hstack([alike(10, 3, correlation=0.8, sessions=1200), noise(11, 2, 1200)]), 30),
        renewed(20, 12, correlation=0.9),
        renewed(20, 12, correlation=0.65),
    ],
    ids=[
        "seeds",
        "loose",
        "crowd and one",
        "three groups",
        "26 weeks",
        "52 weeks",
        "30 weeks of five",
        "close searches",
        "loose searches",
    ],
)
def test_it_is_no_smaller_than_the_chances_that_there_are(returns):
    there_are = chances(correlations(returns))

    assert 0.95 * there_are <= effective_trials(returns) <= 3 * there_are


def test_fault_142_every_other_seed_and_every_week_raises_the_number():
    seeds = alike(1, 26, correlation=0.9)
    weeks = weekly(noise(2, 1, 1000), 26)

    for trials in (seeds, weeks):
        found = [effective_trials(trials[:, :count]) for count in range(1, 27)]
        assert found == sorted(found)
        assert found[-1] > found[0] + 1.5


def test_weeks_of_the_same_trials_count_as_the_matrix_of_all_would():
    trials = alike(3, 4, correlation=0.8, sessions=RECORD + 19 * WEEK)
    together, apart = effective_trials(weekly(trials, 20)), effective_trials(weekly(trials[:, :1], 20))

    # Galwey's number of a Kronecker product is the product of the numbers
    assert together == pytest.approx(apart * effective_trials(trials[:RECORD]), rel=0.05)
    assert together == pytest.approx(_galwey(correlations(weekly(trials, 20))), rel=0.05)


def test_one_week_with_many_trials_does_not_multiply_the_others():
    common = noise(4, 1, RECORD + 9 * WEEK)
    alone = weekly(common, 10)
    crowd = alike(5, 60, correlation=0.6, sessions=RECORD)
    crowd += common[-RECORD:] - crowd.mean(axis=1, keepdims=True) + 0.01 * noise(6, 1, RECORD)
    both = np.hstack([alone, np.vstack([np.full((9 * WEEK, 60), np.nan), crowd])])

    found, of_crowd, of_alone = (effective_trials(each) for each in (both, crowd, alone))

    assert of_crowd < found <= of_crowd + of_alone


def _galwey(related):
    values = np.clip(np.linalg.eigvalsh(related), 0, None)
    return np.sqrt(values).sum() ** 2 / values.sum()


def test_correlations_are_those_of_mean_returns():
    one = noise(3, 1, 4000)[:, 0]
    late, early, short = one.copy(), one.copy(), noise(4, 1, 4000)[:, 0]
    late[:1000], early[3000:], short[100:] = np.nan, np.nan, np.nan

    found = correlations(np.column_stack([late, early, short]))

    assert found[0, 1] == pytest.approx(2000 / 3000, abs=0.02)
    assert found[0, 2] == 0
    assert np.diag(found).tolist() == [1, 1, 1]


def test_correlations_of_whole_series_are_pearsons():
    returns = alike(5, 4, correlation=0.5)

    assert correlations(returns) == pytest.approx(np.corrcoef(returns, rowvar=False))


def test_a_trial_that_never_varies_is_related_to_none():
    returns = np.hstack([noise(3, 2), np.zeros((600, 1)), np.full((600, 1), np.nan)])
    returns[5, 3] = 0.02

    assert correlations(returns)[2:].tolist() == [[0, 0, 1, 0], [0, 0, 0, 1]]


def chain():
    """Return trials of which the second has a correlation of 0.8 with the first and of 0.57 with the third."""
    draws = noise(3, 3)
    one, other, third = np.linalg.qr(draws - draws.mean(axis=0))[0].T
    return np.column_stack([one, 0.8 * one + 0.6 * other, 0.95 * other + np.sqrt(1 - 0.95**2) * third])


def test_trials_that_end_together_are_clustered_together_wherever_they_begin():
    returns = chain()
    returns[0, 1] = returns[:2, 2] = np.nan

    # one by one, the last to begin would be joined first
    assert effective_trials(returns) == pytest.approx(2 + np.sqrt(1 - correlations(returns)[0, 1] ** 2))


def test_a_trial_joins_earlier_ones_if_their_mean_correlation_is_large():
    returns = chain()
    returns[-3:, 0] = returns[-2:, 1] = returns[-1:, 2] = np.nan

    assert effective_trials(returns) == pytest.approx(2 + np.sqrt(1 - correlations(returns)[0, 1] ** 2))


@given(st.integers(1, 12), st.integers(0, 50), st.floats(0, 1))
@settings(deadline=None)
def test_it_is_between_one_and_the_number_of_trials(count, seed, correlation):
    found = effective_trials(alike(seed, count, correlation=correlation, sessions=80))

    assert 1 - 1e-6 <= found <= count + 1e-6
