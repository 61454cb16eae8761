from dataclasses import replace

import numpy as np
import pytest

from tasks.core.errors import StorageError
from tasks.data.schema.records import SnapshotRef
from tasks.features import compute as engine
from tasks.features import store
from tasks.features.compute import compute
from tasks.features.store import stored_features
from tests.builders import FRIDAY, make_panel

NAMES = ("return_5", "reversal_5_neutral", "volatility_21", "momentum_12m_in_sector")


@pytest.fixture
def panel():
    return make_panel(sessions=300, symbols=20)


def snapshot(tmp_path, content="5" * 64):
    return SnapshotRef(content, tmp_path, FRIDAY, {})


def places(folder):
    return {path.name for path in folder.iterdir()}


@pytest.mark.parametrize("cells", [1, 2 * 300 * 20, 10**9])
def test_what_is_stored_in_groups_is_what_is_computed_at_once(tmp_path, panel, monkeypatch, cells):
    monkeypatch.setattr(engine, "GROUP_CELLS", cells)

    stored = stored_features(tmp_path / "features", panel, snapshot(tmp_path), NAMES)

    computed = compute(panel, NAMES)
    assert np.array_equal(stored.values, computed.values, equal_nan=True)
    assert (stored.names, stored.feature_set) == (computed.names, computed.feature_set)
    assert isinstance(stored.values, np.memmap)


def test_a_second_call_computes_nothing(tmp_path, panel, monkeypatch):
    first = stored_features(tmp_path / "features", panel, snapshot(tmp_path), NAMES)
    monkeypatch.setattr(store, "iterate_features", None)

    second = stored_features(tmp_path / "features", panel, snapshot(tmp_path), NAMES)

    assert np.array_equal(first.values, second.values, equal_nan=True)


def test_other_data_another_set_or_other_rows_are_another_matrix(tmp_path, panel, monkeypatch):
    monkeypatch.setattr(store, "MATRICES_RETAINED", 10)
    folder = tmp_path / "features"
    tail = replace(panel, **{name: getattr(panel, name)[1:] for name in ("sessions", "close", "is_member")})

    keys = {
        store._key(panel, snapshot(tmp_path), "a"),
        store._key(panel, snapshot(tmp_path, "6" * 64), "a"),
        store._key(panel, snapshot(tmp_path), "b"),
        store._key(tail, snapshot(tmp_path), "a"),
    }
    stored_features(folder, panel, snapshot(tmp_path), NAMES)
    stored_features(folder, panel, snapshot(tmp_path), NAMES[:1])

    assert len(keys) == 4
    assert len(places(folder)) == 2


@pytest.mark.parametrize("damage", [b"", b"\x93NUMPY", b"no array at all"])
def test_a_damaged_matrix_is_made_again(tmp_path, panel, damage):
    folder = tmp_path / "features"
    stored_features(folder, panel, snapshot(tmp_path), NAMES)
    (file,) = folder.glob("*/values.npy")
    file.write_bytes(damage)

    again = stored_features(folder, panel, snapshot(tmp_path), NAMES)

    assert np.array_equal(again.values, compute(panel, NAMES).values, equal_nan=True)


def test_only_the_last_used_matrices_are_kept(tmp_path, panel):
    folder = tmp_path / "features"
    for name in NAMES:
        stored_features(folder, panel, snapshot(tmp_path), [name])
    (folder / ".half.partial").mkdir()

    stored_features(folder, panel, snapshot(tmp_path), NAMES)

    assert len(places(folder)) == store.MATRICES_RETAINED


def test_a_full_disk_leaves_no_half_matrix(tmp_path, panel, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")
        yield

    monkeypatch.setattr(store, "iterate_features", full)

    with pytest.raises(StorageError, match="No space left"):
        stored_features(tmp_path / "features", panel, snapshot(tmp_path), NAMES)

    assert places(tmp_path / "features") == set()


def test_a_link_in_the_way_is_refused(tmp_path, panel):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "features").symlink_to(tmp_path / "elsewhere")

    with pytest.raises(StorageError, match="symbolic link"):
        stored_features(tmp_path / "features", panel, snapshot(tmp_path), NAMES)
