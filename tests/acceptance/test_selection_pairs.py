"""The weekly choice of model and optimizer on whole simulated markets, by the command's own flow."""

import pytest

from flows.weekly import weekly_champion
from tasks.core.homes.home import Home
from tasks.core.homes.opening import open_run
from tasks.models.registry.champion import load_champion
from tasks.models.registry.store import read_production
from tasks.selection.trials.ledger import HomeLedger, read_contents
from tests.homes import LAST_SESSION, configure

pytestmark = pytest.mark.slice

PLANTED = {
    "data": {
        "simulated": {"symbols": 60, "first_session": "2019-01-02", "seed": 7, "information_coefficient": 0.3}
    },
    "models": {
        "candidates": [
            {"name": name, "kind": name, "parameters": {}} for name in ("quadratic_ridge", "lightgbm")
        ],
        "quick_candidates": ["quadratic_ridge", "lightgbm"],
        "train_sessions": 378,
        "test_sessions": 84,
        "max_train_test_gap": 1.0,  # models overfit a market this small
    },
    "selection": {"optimizers": ["tilted_hrp"], "finalists": 0},
}


def home_with(place, *, ic):
    market = PLANTED["data"]["simulated"] | {"information_coefficient": ic}
    configure(place, PLANTED | {"data": {"simulated": market}})
    return Home(place)


def week(home):
    with open_run(home=home.root, day=str(LAST_SESSION), profile=None, doing="test", environ={}) as run:
        return weekly_champion(run, quick=True)


def test_a_planted_market_promotes_a_pair_and_an_interrupted_week_counts_no_pair_twice(tmp_path, monkeypatch):
    home = home_with(tmp_path / "home", ic=0.3)
    record = HomeLedger.record

    def interrupt(ledger, trial):
        record(ledger, trial)
        if "optimizer" in trial.candidate.parameters:
            raise KeyboardInterrupt

    monkeypatch.setattr(HomeLedger, "record", interrupt)
    with pytest.raises(KeyboardInterrupt):
        week(home)
    begun = read_contents(home, {}).count
    monkeypatch.undo()

    first = week(home)
    rows = home.trial_ledger.read_bytes()
    again = week(home)

    pairs = [entry for entry in read_contents(home, {}).entries if "optimizer" in entry.parameters]
    assert (begun, read_contents(home, {}).count) == (4, 3 + len(pairs))
    assert len(pairs) % 2 == 0  # each of the learners that the selection folds cannot tell apart, twice
    assert home.trial_ledger.read_bytes() == rows
    assert again == first
    champion = read_production(home).metadata.champion
    assert champion.name in {"quadratic_ridge", "lightgbm"}
    assert f"{champion.name} with {champion.optimizer} was selected" in champion.selection_reason
    assert f"optimizer {champion.optimizer}." in first.report.read_text()
    assert champion.metrics["trials"] == read_contents(home, {}).count
    features = read_production(home).metadata.features
    loaded = load_champion(home, session=LAST_SESSION, features=features, max_age_days=35)
    assert loaded.champion.optimizer == champion.optimizer  # the day's


def test_a_market_without_a_signal_promotes_no_pair(tmp_path):
    home = home_with(tmp_path / "home", ic=0.0)

    promotion = week(home)

    assert promotion.champion.name == "equal_weight"
    assert read_production(home).metadata.champion.optimizer == "max_sharpe"  # the configured one
