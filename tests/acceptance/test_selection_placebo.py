import zlib

import numpy as np
import pytest

from tasks.core.errors import StorageError
from tasks.selection.placebo import runs
from tasks.selection.placebo.runs import placebo_t, run_placebos
from tasks.selection.schema import Placebo
from tasks.selection.selection_run import run_selection
from tasks.selection.trials.history import MemoryLedger
from tests.builders import make_panel, make_settings
from tests.champions import features_of

SETTINGS = make_settings(
    **{
        "models.train_sessions": 120,
        "models.min_train_sessions": 60,
        "models.test_sessions": 40,
        "models.folds": 3,
        "models.candidates": [
            {"name": "momentum_52_week", "kind": "momentum_52_week", "parameters": {}},
            {"name": "best_feature", "kind": "best_feature", "parameters": {}},
        ],
        "models.quick_candidates": [],
        "selection.placebo_runs": 2,
    }
)


def seed(name):
    return zlib.crc32(name.encode())


@pytest.fixture(scope="module")
def predictable():
    """A market that follows its highs, and its features."""
    panel = make_panel(sessions=560, symbols=30)
    panel.close[:] *= np.exp(np.linspace(-0.004, 0.004, 30) * np.arange(560)[:, None])
    panel.high[:] = panel.close
    return panel, features_of(panel, SETTINGS.models)


# M7
def test_the_selection_finds_a_signal_and_nothing_once_the_features_are_exchanged(predictable):
    panel, features = predictable
    real = run_selection(
        panel, features, SETTINGS.models, quick=False, seed=seed, ledger=MemoryLedger()
    ).choice.result

    placebos = [placebo_t(panel, features, SETTINGS, seed=seed, number=number) for number in range(1, 5)]

    assert real.confirmation["neutral_ic_t"] > 5
    assert max(np.abs(placebos)) < real.confirmation["neutral_ic_t"] / 2


def test_a_stored_run_is_not_computed_again_and_another_snapshot_is(predictable, tmp_path, monkeypatch):
    computed = []

    def fake(panel, features, settings, *, seed, number):
        computed.append(number)
        return float(number)

    monkeypatch.setattr(runs, "placebo_t", fake)
    for snapshot in ("a", "a", "b"):
        found = run_placebos(tmp_path, snapshot, *predictable, SETTINGS, t=1.5, seed=seed)

    assert computed == [1, 2, 1, 2]
    assert found == Placebo(1.5, (1.0, 2.0))


def test_a_damaged_run_is_an_error(predictable, tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "placebo_t", lambda *_, **__: 1.0)
    run_placebos(tmp_path, "a", *predictable, SETTINGS, t=1.5, seed=seed)
    path = min(tmp_path.iterdir())
    path.write_text(path.read_text().replace("1.0", "9.0"))

    with pytest.raises(StorageError, match="damaged"):
        run_placebos(tmp_path, "a", *predictable, SETTINGS, t=1.5, seed=seed)


def test_the_candidate_counts_as_one_of_the_runs():
    assert Placebo(3.0, tuple([0.0] * 19)).p_value == pytest.approx(0.05)
    assert Placebo(1.0, (2.0, 1.0, 0.5)).p_value == pytest.approx(0.75)
