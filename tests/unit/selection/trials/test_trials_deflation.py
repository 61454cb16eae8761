"""What trials leave of the evidence."""

import numpy as np
import pandas as pd
import pytest

from tasks.selection.statistics.sharpe import (
    deflated_sharpe,
    min_backtest_length,
    moments_of,
    probabilistic_sharpe,
    sharpe_error,
)
from tasks.selection.trials.deflation import bar_of, deflate, effective_number
from tasks.selection.trials.history import history_of

SESSIONS = 756


def series(seed, sharpe=0.0, sessions=SESSIONS, start="2021-01-04"):
    """Return returns with exactly this yearly Sharpe ratio."""
    values = np.random.default_rng(seed).normal(0, 0.01, sessions)
    values = (values - values.mean()) / values.std(ddof=1) * 0.01
    return pd.Series(values + 0.01 * sharpe / np.sqrt(252), index=pd.bdate_range(start, periods=sessions))


def evidence_after(others, sharpe=1.5):
    week = {"lightgbm": series(1, sharpe)}
    history = history_of([*week.values(), *others])
    return deflate(history, week, "lightgbm", ranked=["lightgbm"]).evidence


# issue 14: trying again until something wins raises what is asked for
def test_fault_108_every_trial_raises_the_bar_and_lowers_the_deflated_ratio():
    found = [evidence_after([series(100 + i) for i in range(count)]) for count in (0, 1, 5, 25, 125)]

    bars, deflated = [each.bar for each in found], [each.deflated for each in found]
    assert bars == sorted(bars)
    assert bars[0] == 0
    assert deflated == sorted(deflated, reverse=True)
    assert deflated[0] == found[0].probabilistic > 0.99
    assert deflated[-1] < 0.5


def test_trials_that_are_the_same_raise_nothing():
    alone = evidence_after([])

    assert evidence_after([series(1, 1.5)] * 10).deflated == pytest.approx(alone.deflated)


def test_lost_trials_count_as_independent_ones():
    week = {"lightgbm": series(1, 1.5)}
    known = history_of([*week.values(), *[series(100 + i) for i in range(9)]])
    lost = history_of(list(week.values()), unknown=9)

    one, other = (deflate(each, week, "lightgbm", ranked=["lightgbm"]) for each in (known, lost))

    assert (one.trials, other.trials, other.unknown) == (10, 10, 9)
    assert other.effective == pytest.approx(one.effective)
    assert other.evidence.deflated == pytest.approx(one.evidence.deflated)


def test_the_sharpe_ratio_is_per_year_with_its_interval():
    found = evidence_after([])

    assert found.sharpe == pytest.approx(1.5)
    assert found.sharpe_high - found.sharpe == pytest.approx(1.96 / np.sqrt(3), rel=0.1)
    assert found.sharpe - found.sharpe_low == pytest.approx(found.sharpe_high - found.sharpe)
    assert found.sessions == SESSIONS
    assert found.min_track_record_sessions == pytest.approx(1 + (1.645 / 1.5) ** 2 * 252, rel=0.1)


def test_a_losing_candidate_has_no_minimum_track_record():
    assert evidence_after([], sharpe=-1).min_track_record_sessions is None


def test_the_evidence_has_the_figures_of_both_conventions():
    week = {"lightgbm": series(1, 1.5)}
    history = history_of([*week.values(), *[series(100 + i) for i in range(24)]])
    moments = moments_of(week["lightgbm"].to_numpy())
    variance = sharpe_error(moments, at=0, observations=SESSIONS) ** 2

    deflation = deflate(history, week, "lightgbm", ranked=["lightgbm"])

    found, trials = deflation.evidence, deflation.effective
    assert (found.candidate, found.autocorrelation) == ("lightgbm", moments.autocorrelation)
    for convention, probabilistic, deflated in (
        ("2012", found.probabilistic_2012, found.deflated_2014),
        ("2025", found.probabilistic, found.deflated),
    ):
        assert probabilistic == probabilistic_sharpe(moments, benchmark=0, convention=convention)
        assert deflated == deflated_sharpe(moments, trials=trials, variance=variance, convention=convention)


def test_the_bar_is_a_ratio_per_year_too():
    week = {"lightgbm": series(1, 1.5)}
    history = history_of([*week.values(), *[series(100 + i) for i in range(24)]])

    found = deflate(history, week, "lightgbm", ranked=["lightgbm"])

    assert found.evidence.bar == pytest.approx(bar_of(found.effective, years=SESSIONS / 252), rel=0.1)
    assert found.evidence.bar > 1


def test_the_bar_falls_with_the_length_of_the_record():
    assert bar_of(10, years=4) == pytest.approx(bar_of(10, years=1) / 2)


def test_a_trial_without_a_signal_of_its_own_is_counted_but_no_chance_of_luck():
    flat = series(1) * 0
    week = {"lightgbm": series(1, 1.5), "equal_weight": flat}
    history = history_of(list(week.values()))

    found = deflate(history, week, "lightgbm", ranked=["lightgbm"])

    assert (found.trials, found.effective) == (2, 1)


def test_the_least_length_of_a_backtest_is_that_of_a_sharpe_ratio_of_1():
    week = {f"candidate {number}": series(number) for number in range(8)}

    found = deflate(history_of(list(week.values())), week, None, ranked=[])

    assert found.min_backtest_years == pytest.approx(min_backtest_length(found.effective, sharpe=1))
    assert found.min_backtest_years > 1


def test_without_a_candidate_or_with_too_few_sessions_there_is_no_evidence():
    week = {"lightgbm": series(1, sessions=59)}
    history = history_of(list(week.values()))

    assert deflate(history, week, None, ranked=["lightgbm"]).evidence is None
    assert deflate(history, week, "lightgbm", ranked=["lightgbm"]).evidence is None
    assert deflate(history_of([]), {}, None, ranked=[]).effective == 0


def test_sixty_sessions_are_evidence_and_a_trial():
    week = {"lightgbm": series(1, sessions=60)}

    found = deflate(
        history_of([*week.values(), series(2, sessions=59)]), week, "lightgbm", ranked=["lightgbm"]
    )

    assert (found.effective, found.evidence.sessions) == (1, 60)


def test_overfitting_is_that_of_the_weeks_candidates_that_rank():
    week = {"a": series(1, 3.0), "b": series(2), "equal_weight": series(1) * 0}
    history = history_of(list(week.values()))

    assert deflate(history, week, "a", ranked=["a", "b"]).overfitting < 0.2
    assert np.isnan(deflate(history, week, "a", ranked=["a"]).overfitting)


def test_a_year_of_weeks_adds_what_its_fresh_sessions_differ():
    long = [series(seed, sessions=SESSIONS + 260) for seed in (1, 2, 3)]
    found = [
        effective_number(history_of([each[5 * w : 5 * w + SESSIONS] for w in range(weeks) for each in long]))
        for weeks in (1, 2, 26, 52)
    ]

    assert found == [
        pytest.approx(3, abs=0.05),
        pytest.approx(3.5, abs=0.3),
        pytest.approx(9, abs=1),
        pytest.approx(14.5, abs=1.5),
    ]
