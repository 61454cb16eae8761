"""The walk of a selected candidate: which scores it is given, and what it knows of their skill."""

from dataclasses import asdict, replace
from types import SimpleNamespace

import numpy as np
import pytest

from config.sections import Candidate
from tasks.backtest.combination import Combination, run_combination
from tasks.backtest.halts import Halts
from tasks.backtest.matrix.tables import measure_totals
from tasks.backtest.signals import RegimePath, signals_of
from tasks.models.training.controls import make_controls
from tasks.models.training.dataset import OutOfSample
from tasks.models.training.fold_by_fold import FoldResult
from tasks.models.training.walkforward import split_folds
from tasks.regime.exposure import everything_allowed
from tasks.selection.net.figures import net_figures
from tasks.selection.net.portfolio import Market, scored, scores_of, skill_before, walk_selected
from tests.builders import make_settings
from tests.unit.backtest.stored import DAYS, world
from tests.unit.models.datasets import make_data
from tests.unit.models.training.test_training_walkforward import folds_of

NAMES, SESSIONS = 12, 170
SETTINGS = make_settings(**{"risk.window_sessions": 60, "portfolio.max_positions": 4})
ALLOWED = everything_allowed(SESSIONS)._replace(exposure_cap=np.full(SESSIONS, 0.8))


@pytest.fixture(scope="module")
def market():
    rng = np.random.default_rng(3)
    level = 50 * np.exp(np.cumsum(rng.normal(0, 0.01, (SESSIONS, NAMES)), axis=0))
    closes = {
        name: dict(enumerate(np.round(level[:, place], 2))) for place, name in enumerate("ABCDEFGHIJKL")
    }
    regime = RegimePath(np.full(SESSIONS, "BULL"), ALLOWED, np.full(SESSIONS, 15.0))
    reversed_columns = np.tile(np.arange(NAMES)[::-1], (SESSIONS - 10, 1))
    return Market(world(closes, sessions=SESSIONS, volume=1e6), regime, reversed_columns, "5" * 64)


DAYS_OF_PANEL = DAYS[10:SESSIONS]  # the panel begins later than the world


@pytest.fixture(scope="module")
def run():
    """A run on a panel of 160 sessions, whose columns are those of the world in reverse order."""
    folds = folds_of(150, folds=3)
    sessions = np.concatenate([fold.test for fold in folds])
    data = make_data(sessions, names=NAMES)
    tested = OutOfSample(data, make_controls(data.sessions, None, {"beta": data.x[:, 0]}), overlap=5)
    rng = np.random.default_rng(5)
    walk = [FoldResult(fold, rng.normal(size=len(fold.test) * NAMES), None, None) for fold in folds]
    candidate = Candidate(name="lightgbm", kind="lightgbm", parameters={})
    return SimpleNamespace(candidate=candidate, walks={"lightgbm": walk}, tested=tested)


def test_every_score_is_given_to_its_company_on_its_session_and_no_other(market, run):
    walk, data = run.walks["lightgbm"], run.tested.data

    values = scores_of(market, DAYS_OF_PANEL, run.tested, scored(walk))

    scores = np.concatenate([each.scores for each in walk])
    for row in (0, 7, len(scores) - 1):
        assert values[data.sessions[row] + 10, NAMES - 1 - data.symbols[row]] == scores[row]
    assert np.isfinite(values).sum() == len(scores)


def test_a_name_that_the_world_does_not_have_is_left_out(market, run):
    columns = market.columns.copy()
    columns[:, 0] = -1

    values = scores_of(
        replace(market, columns=columns), DAYS_OF_PANEL, run.tested, scored(run.walks["lightgbm"])
    )

    assert np.isnan(values[:, NAMES - 1]).all()
    assert np.isfinite(values[:, 0]).any()


def test_the_skill_before_a_fold_knows_no_label_that_ends_in_it_or_later(run):
    walk, data = run.walks["lightgbm"], run.tested.data
    first = int(walk[1].fold.test[0])
    known = skill_before(run.tested, scored(walk), first, SETTINGS.models)

    changed = {}
    for since in (first - 5, first - 6):  # the last label before the fold begins five sessions before it
        forward = np.where(data.sessions >= since, -data.forward, data.forward)
        other = replace(run.tested, data=replace(data, forward=forward))
        changed[since] = skill_before(other, scored(walk), first, SETTINGS.models)

    assert known["sessions"] == len(walk[0].fold.test) - 5
    assert changed[first - 5] == known
    assert changed[first - 6] != known


def test_the_walk_is_that_of_the_backtest_over_the_confirmation_folds(market, run):
    walk = run.walks["lightgbm"]
    confirming = split_folds(tuple(each.fold for each in walk))[1]

    found = walk_selected(market, DAYS_OF_PANEL, run, SETTINGS, seed=1)

    first, last = (DAYS_OF_PANEL[place].item() for place in (confirming[0].test[0], confirming[-1].test[-1]))
    assert (found.first, found.last, found.optimizer) == (first, last, "max_sharpe")
    signals = signals_of(
        market.world,
        scores_of(market, DAYS_OF_PANEL, run.tested, scored(walk)),
        [
            {
                "first": str(DAYS_OF_PANEL[fold.test[0]]),
                "skill": skill_before(run.tested, scored(walk), int(fold.test[0]), SETTINGS.models),
            }
            for fold in confirming
        ],
        ALLOWED,
        kind="lightgbm",
        optimizer="max_sharpe",
        models=SETTINGS.models,
    )
    combination = Combination("lightgbm", "max_sharpe", first, last, "next_open", 1)
    halts = Halts(market.world, SETTINGS, market.regime.volatility_pct, after="reset")
    course = run_combination(market.world, signals, SETTINGS, combination, halts)
    baseline = measure_totals(course.totals, market.world, market.regime.states)
    expected = asdict(net_figures(baseline, SETTINGS.selection.score_weights))
    assert asdict(found.candidate) == pytest.approx(expected, nan_ok=True, abs=0)
    assert found.candidate.total_return != found.equal_weight.total_return
    assert found.sessions == len(course.sessions) - 1
