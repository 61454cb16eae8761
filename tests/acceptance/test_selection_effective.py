"""The number of independent trials after years of weekly searches (issue 14, M17). `make prove` counts five years."""

import tracemalloc

import numpy as np
import pytest

from tasks.selection.statistics.effective import effective_trials

A_WEEK, RECORD, WEEK = 166, 770, 5


def weekly_searches(weeks):
    """Return the trials of weekly searches: six kinds of candidates, each trial correlated to its kind by 0.7."""
    rng = np.random.default_rng(5)
    length = RECORD + WEEK * weeks
    kinds, found = rng.normal(size=(length, 6)), np.full((length, weeks * A_WEEK), np.nan)
    for week in range(weeks):
        rows = slice(week * WEEK, week * WEEK + RECORD)
        shared = kinds[rows][:, rng.integers(0, 6, A_WEEK)]
        own = rng.normal(size=(RECORD, A_WEEK))
        found[rows, week * A_WEEK : (week + 1) * A_WEEK] = np.sqrt(0.7) * shared + np.sqrt(0.3) * own
    return found


@pytest.mark.slice
@pytest.mark.parametrize("weeks", [104, pytest.param(260, marks=pytest.mark.prove)])
def test_weekly_searches_are_counted_in_a_tenth_of_the_memory_of_their_correlations(weeks):
    trials = weekly_searches(weeks)
    tracemalloc.start()

    found = effective_trials(trials)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert weeks < found < 10_000
    assert peak < trials.shape[1] ** 2 * 8 / 10
