"""Backtests count in the trial ledger (Z8): every candidate × optimizer × regime × terms is one trial."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from config.sections import Candidate
from tasks.backtest.combination import Combination
from tasks.backtest.walk import Totals
from tasks.core.homes.home import Home
from tasks.selection.trials.books import trial_of
from tasks.selection.trials.ledger import HomeLedger, first_session, read_contents
from tests.unit.selection.trials.test_trials_ledger import TRIAL

LIGHTGBM = Candidate(name="lightgbm", kind="lightgbm", parameters={"num_leaves": 7})
BOOK = Combination("lightgbm", "max_sharpe", date(2024, 6, 10), date(2024, 6, 13), "next_open", 1)
DAYS = np.arange("2024-06-10", "2024-06-14", dtype="datetime64[D]")


def totals(*equity):
    zero = np.zeros(len(equity), dtype=np.int64)
    return Totals(DAYS, np.array(equity, dtype=np.int64), zero, zero, zero, zero)


def trial(combination=BOOK, *, scores="s", costs=1.0, seed=1):
    return trial_of(
        LIGHTGBM, combination, totals(100, 110, 99, 99), seed=seed, scores=scores, costs_multiple=costs
    )


def test_the_returns_are_those_of_the_portfolio_after_costs():
    found = trial().returns

    assert found.to_numpy() == pytest.approx([0.1, -0.1, 0.0])
    assert [str(day.date()) for day in found.index] == ["2024-06-11", "2024-06-12", "2024-06-13"]


@pytest.mark.parametrize(("uses_regime", "stated"), [(True, "on"), (False, "off")])
def test_the_optimizer_and_the_regime_are_parameters_of_the_trial(uses_regime, stated):
    found = trial(replace(BOOK, uses_regime=uses_regime)).candidate

    assert found.name == "lightgbm"
    assert found.parameters == {"num_leaves": 7, "optimizer": "max_sharpe", "regime_adaptation": stated}


def test_the_same_backtest_counts_once_and_any_other_counts(tmp_path):
    home = Home(tmp_path)
    others = [
        trial(replace(BOOK, optimizer="equal_weight")),
        trial(replace(BOOK, uses_regime=False)),
        trial(replace(BOOK, every_sessions=5)),
        trial(scores="other splits"),
        trial(costs=2.0),
        trial(seed=2),
    ]
    for each in (trial(), trial(), *others, *others):
        HomeLedger(home, "2024-06-14", "backtest", "5" * 64, environ={}).record(each)

    assert read_contents(home, {}).count == 1 + len(others)


def test_a_backtest_counts_but_is_not_a_look_of_the_weekly_selection(tmp_path):
    home = Home(tmp_path)
    HomeLedger(home, "2024-01-05", "backtest", "5" * 64, environ={}).record(trial())
    assert first_session(read_contents(home, {})) is None

    HomeLedger(home, "2024-06-14", "weekly --quick", "5" * 64, environ={}).record(TRIAL)

    assert first_session(read_contents(home, {})) == "2024-06-14"
    assert read_contents(home, {}).count == 2
