"""The trials counted over the life of a home, for the page."""

import numpy as np
import pandas as pd

from tasks.models.training.metrics import metrics_of, quintiles_of
from tasks.selection.record import MOST_COUNTS, counted_by_session
from tasks.selection.trials.deflation import bar_of, effective_number
from tasks.selection.trials.history import history_of


def returns(seed):
    days = pd.bdate_range("2022-01-03", periods=120)
    return pd.Series(np.random.default_rng(seed).normal(0, 0.01, 120), index=days)


def test_trials_are_counted_up_to_each_session_in_the_order_of_time():
    history = history_of([returns(seed) for seed in range(3)])

    found = counted_by_session(history, ["2024-06-14", "2024-06-07", "2024-06-14"])

    assert [(each.session, each.trials) for each in found] == [("2024-06-07", 1), ("2024-06-14", 3)]
    assert found[0].bar == 0
    assert found[1].bar == bar_of(effective_number(history), years=3)


def test_of_many_sessions_ten_are_counted_and_the_last_is_one_of_them():
    history = history_of([returns(seed) for seed in range(30)])

    found = counted_by_session(history, [f"2024-06-{day:02d}" for day in range(1, 31)])

    assert len(found) == MOST_COUNTS
    assert (found[0].trials, found[-1].trials) == (1, 30)


def test_a_home_without_trials_has_no_counts():
    assert counted_by_session(history_of([]), []) == ()


def test_the_fifths_differ_by_the_spread_of_the_metrics():
    rng = np.random.default_rng(2)
    sessions = np.repeat(np.arange(20), 25)
    scores, follow = rng.normal(size=500), rng.normal(size=500)

    found = quintiles_of(scores, follow, sessions)

    assert found[-1] - found[0] == metrics_of(scores, follow, sessions).quantile_spread
    assert quintiles_of(scores[:5], follow[:5], sessions[:5]).size == 0
