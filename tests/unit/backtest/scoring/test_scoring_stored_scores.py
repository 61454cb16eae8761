"""Scores on disk: whole, theirs, or an error."""

import json

import numpy as np
import pytest

from config.sections import Candidate
from tasks.backtest.scoring.scores import DenseScores, TrainedFold
from tasks.backtest.scoring.stored_scores import MANIFEST_FILE, SCORES_FILE, load_scores, store_scores
from tasks.core.errors import StorageError
from tasks.core.ids import canonical_json, sealed, sha256_of_file, unsealed
from tasks.models.training.fold_by_fold import fit
from tests.builders import make_settings
from tests.unit.backtest.stored import DAYS
from tests.unit.models.datasets import make_data

IDENTITY = {"sessions": ["2024-01-01", "2024-01-04", 4], "companies": ["A", "B"], "seed": 1}
VALUES = np.array([[np.nan, np.nan], [np.nan, np.nan], [0.5, 0.25], [1.0, np.nan]])


@pytest.fixture
def place(tmp_path):
    candidate = Candidate(name="best", kind="best_feature", parameters={})
    data = make_data()
    fitted = fit(candidate, data, np.arange(len(data.x)), make_settings().models, seed=1)
    store_scores(
        tmp_path / "scores", DenseScores(VALUES, (TrainedFold(2, 3, 0, 1, 9, fitted),)), DAYS[:4], IDENTITY
    )
    return tmp_path / "scores"


def test_what_was_stored_is_read_back(place):
    stored = load_scores(place, IDENTITY, is_fresh=False)

    np.testing.assert_array_equal(stored.values, VALUES)
    fold = stored.folds[0]
    assert (fold["first"], fold["last"]) == ("2024-01-03", "2024-01-04")
    assert (fold["train_first"], fold["train_last"], fold["rows"]) == ("2024-01-01", "2024-01-02", 9)
    assert (place / fold["model"]).is_file()


@pytest.mark.parametrize("name", [SCORES_FILE, MANIFEST_FILE])
@pytest.mark.parametrize("how", ["absent", "empty", "one bit"])
def test_damaged_scores_are_an_error(place, name, how):
    content = bytearray((place / name).read_bytes())
    content[-20] ^= 1
    if how == "absent":
        (place / name).unlink()
    else:
        (place / name).write_bytes(b"" if how == "empty" else bytes(content))

    with pytest.raises(StorageError, match="damaged"):
        load_scores(place, IDENTITY, is_fresh=False)


@pytest.mark.parametrize("change", [lambda m: m["folds"][0].update(rows=10), lambda m: m["folds"].clear()])
def test_folds_that_were_changed_are_an_error(place, change):
    manifest = json.loads((place / MANIFEST_FILE).read_bytes())
    change(manifest)
    (place / MANIFEST_FILE).write_text(canonical_json(manifest))

    with pytest.raises(StorageError, match="damaged"):
        load_scores(place, IDENTITY, is_fresh=False)


def test_a_manifest_that_is_not_a_record_is_an_error(place):
    (place / MANIFEST_FILE).write_text("[]")

    with pytest.raises(StorageError, match="damaged"):
        load_scores(place, IDENTITY, is_fresh=False)


def test_scores_of_something_else_are_an_error(place):
    with pytest.raises(StorageError, match="another model, snapshot or code version"):
        load_scores(place, {**IDENTITY, "seed": 2}, is_fresh=False)


def test_a_pickled_array_is_never_loaded(place):
    np.save(place / SCORES_FILE, np.array([{}], dtype=object), allow_pickle=True)
    manifest = unsealed(json.loads((place / MANIFEST_FILE).read_bytes()))
    manifest["files"][SCORES_FILE] = sha256_of_file(place / SCORES_FILE)
    (place / MANIFEST_FILE).write_text(canonical_json(sealed(manifest)))

    with pytest.raises(StorageError, match="damaged"):
        load_scores(place, IDENTITY, is_fresh=False)


def test_a_symbolic_link_is_refused(place, tmp_path):
    (tmp_path / "link").symlink_to(place)

    with pytest.raises(StorageError, match="symbolic link"):
        load_scores(tmp_path / "link", IDENTITY, is_fresh=False)
