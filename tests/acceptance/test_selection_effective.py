"""The number of independent trials after five years of weekly searches (issue 14, M17)."""

import time
import tracemalloc

import numpy as np
import pytest

from tasks.selection.statistics.effective import effective_trials

WEEKS, A_WEEK, RECORD, WEEK = 260, 166, 770, 5


def five_years():
    """Return the trials of weekly searches: six kinds of candidates, each trial correlated to its kind by 0.7."""
    rng = np.random.default_rng(5)
    length = RECORD + WEEK * WEEKS
    kinds, found = rng.normal(size=(length, 6)), np.full((length, WEEKS * A_WEEK), np.nan)
    for week in range(WEEKS):
        rows = slice(week * WEEK, week * WEEK + RECORD)
        shared = kinds[rows][:, rng.integers(0, 6, A_WEEK)]
        own = rng.normal(size=(RECORD, A_WEEK))
        found[rows, week * A_WEEK : (week + 1) * A_WEEK] = np.sqrt(0.7) * shared + np.sqrt(0.3) * own
    return found


@pytest.mark.slice
def test_five_years_of_weekly_searches_are_counted_in_a_minute_of_processor_time_and_a_tenth_of_the_matrix():
    trials = five_years()
    tracemalloc.start()
    began = time.process_time()

    found = effective_trials(trials)

    spent, (_, peak) = time.process_time() - began, tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert 260 < found < 10_000
    assert spent < 60
    assert peak < trials.shape[1] ** 2 * 8 / 10
