"""The walks of pairs of model and optimizer over the selection folds."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from config.sections import Candidate
from tasks.models.training.controls import make_controls
from tasks.models.training.dataset import OutOfSample
from tasks.models.training.fold_by_fold import FoldResult
from tasks.selection.net.pairs import can_be_compared, compared_optimizers, walk_pairs, with_optimizer
from tasks.selection.net.portfolio import Scored, halves, walk_book
from tests.builders import make_settings
from tests.champions import MemoryLedger
from tests.unit.models.datasets import make_data
from tests.unit.models.training.test_training_walkforward import folds_of
from tests.unit.selection.net import test_net_portfolio

NAMES = test_net_portfolio.NAMES
DAYS = test_net_portfolio.DAYS_OF_PANEL
GIVEN = {
    "risk.window_sessions": 60,
    "portfolio.max_positions": 4,
    "portfolio.max_position_frac": 0.5,
    "portfolio.optimizer": "hrp",
    "selection.optimizers": ["inverse_volatility", "hrp"],
}
SETTINGS = make_settings(**GIVEN)
MODELS = ("lightgbm", "quadratic_ridge")
market = test_net_portfolio.market


@pytest.fixture(scope="module")
def found():
    """Two candidates that were tested on six folds, the first two of which select."""
    folds = folds_of(150, folds=6, test=15, train=30, least_train=10)
    sessions = np.concatenate([fold.test for fold in folds])
    data = make_data(sessions, names=NAMES)
    tested = OutOfSample(data, make_controls(data.sessions, None, {"beta": data.x[:, 0]}), overlap=5)
    rng = np.random.default_rng(5)
    walks = {
        name: [FoldResult(fold, rng.normal(size=len(fold.test) * NAMES), None, None) for fold in folds]
        for name in MODELS
    }
    candidates = tuple(Candidate(name=name, kind=name, parameters={}) for name in MODELS)
    return SimpleNamespace(candidates=candidates, walks=walks, tested=tested)


def walked(market, found, folder, ledger, *, seed=lambda _: 1, settings=SETTINGS):
    return walk_pairs(market, DAYS, found, MODELS, settings, folder=folder, seed=seed, ledger=ledger)


def test_portfolio_optimizer_is_compared_first_and_each_once():
    assert compared_optimizers(SETTINGS) == ("hrp", "inverse_volatility")
    assert compared_optimizers(with_optimizer(SETTINGS, "max_sharpe"))[0] == "max_sharpe"


def test_every_pair_is_walked_over_the_selection_folds_but_the_first(market, found, tmp_path):
    pairs = walked(market, found, tmp_path, MemoryLedger())

    selecting = halves(found.walks["lightgbm"])[0]
    assert len(selecting) == 2
    assert (pairs.first, pairs.last) == tuple(DAYS[selecting[1].fold.test[place]].item() for place in (0, -1))
    assert [(each.model, each.optimizer) for each in pairs.results] == [
        (model, optimizer) for model in MODELS for optimizer in ("hrp", "inverse_volatility")
    ]
    assert len({each.figures.total_return for each in pairs.results}) == 4


def test_a_pair_is_the_portfolio_of_the_selected_candidate_with_its_optimizer(market, found, tmp_path):
    ledger = MemoryLedger()
    walked(market, found, tmp_path, ledger)

    parts = [Scored(each.fold.test, each.scores) for each in halves(found.walks["quadratic_ridge"])[0]]
    tested = found.tested.of_sessions(np.concatenate([each.sessions for each in parts]))
    settings = with_optimizer(SETTINGS, "inverse_volatility")
    book = walk_book(market, DAYS, tested, parts[:1], parts[1:], found.candidates[1], settings)

    equity = book.totals.equity
    assert ledger.trials[3].returns.to_numpy() == pytest.approx(np.diff(equity) / equity[:-1], abs=0)


def test_no_session_of_the_confirmation_folds_has_a_part_in_it(market, found, tmp_path):
    first = walked(market, found, tmp_path / "a", MemoryLedger())

    rng = np.random.default_rng(8)
    later = {
        name: [
            FoldResult(each.fold, rng.normal(size=len(each.scores)) if place > 1 else each.scores, None, None)
            for place, each in enumerate(walk)
        ]
        for name, walk in found.walks.items()
    }
    data = found.tested.data
    confirming = data.sessions >= halves(found.walks["lightgbm"])[1][0].fold.test[0]
    tested = replace(
        found.tested, data=replace(data, forward=np.where(confirming, -data.forward, data.forward))
    )
    changed = SimpleNamespace(candidates=found.candidates, walks=later, tested=tested)

    assert repr(walked(market, changed, tmp_path / "b", MemoryLedger())) == repr(first)


def test_every_pair_is_a_trial_that_names_its_optimizer_and_a_stored_one_is_not_walked_again(
    market, found, tmp_path, monkeypatch
):
    ledger = MemoryLedger()
    first = walked(market, found, tmp_path, ledger)
    monkeypatch.setattr("tasks.backtest.matrix.run.walk_together", None)

    again = walked(market, found, tmp_path, MemoryLedger())

    assert [each.candidate.parameters["optimizer"] for each in ledger.trials] == [
        "hrp",
        "inverse_volatility",
    ] * 2
    assert repr(again) == repr(first)  # withheld figures are NaN
    assert len(list(tmp_path.iterdir())) == 4


def test_the_skill_of_the_first_fold_converts_the_scores_of_the_second(market, found, tmp_path):
    first = found.walks["lightgbm"][0]
    is_first = np.isin(found.tested.data.sessions, first.fold.test)
    noise = np.random.default_rng(6).normal(0, 0.02, is_first.sum())  # equal ICs would have no standard error
    foresight = replace(first, scores=found.tested.data.forward[is_first] + noise)
    skilled = SimpleNamespace(
        candidates=found.candidates,
        walks=found.walks | {"lightgbm": [foresight, *found.walks["lightgbm"][1:]]},
        tested=found.tested,
    )
    settings = with_optimizer(SETTINGS, "max_sharpe")  # weighs expected returns
    without, ledger = MemoryLedger(), MemoryLedger()
    walked(market, found, tmp_path / "a", without, settings=settings)
    walked(market, skilled, tmp_path / "b", ledger, settings=settings)

    parts = [Scored(each.fold.test, each.scores) for each in halves(skilled.walks["lightgbm"])[0]]
    tested = found.tested.of_sessions(np.concatenate([each.sessions for each in parts]))
    book = walk_book(market, DAYS, tested, parts[:1], parts[1:], found.candidates[0], settings)

    equity = book.totals.equity
    assert ledger.trials[0].returns.to_numpy() == pytest.approx(np.diff(equity) / equity[:-1], abs=0)
    assert not ledger.trials[0].returns.equals(without.trials[0].returns)  # the skill matters


def test_a_trial_has_the_seed_of_its_candidate(market, found, tmp_path):
    ledger = MemoryLedger()

    walked(market, found, tmp_path, ledger, seed={"lightgbm": 11, "quadratic_ridge": 22}.get)

    assert [each.seed for each in ledger.trials] == [11, 11, 22, 22]


def test_pairs_at_other_costs_are_other_trials(market, found, tmp_path):
    ledger, dearer = MemoryLedger(), MemoryLedger()

    walked(market, found, tmp_path, ledger)
    walked(market, found, tmp_path, dearer, settings=make_settings(**GIVEN, **{"costs.multiple": 3.0}))

    assert not {each.splits for each in ledger.trials} & {each.splits for each in dearer.trials}


def test_pairs_on_other_data_are_other_trials_and_are_walked_again(market, found, tmp_path):
    ledger, restated = MemoryLedger(), MemoryLedger()

    walked(market, found, tmp_path, ledger)
    walked(replace(market, snapshot="6" * 64), found, tmp_path, restated)

    assert not {each.splits for each in ledger.trials} & {each.splits for each in restated.trials}
    assert len(list(tmp_path.iterdir())) == 8


def test_a_single_selection_fold_has_nothing_to_compare(found):
    few = {name: walk[:3] for name, walk in found.walks.items()}

    assert can_be_compared(found)
    assert not can_be_compared(SimpleNamespace(walks=few))
    assert not can_be_compared(SimpleNamespace(walks={}))
