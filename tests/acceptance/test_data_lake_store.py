"""A committed table is read once, however many stages use it, until its file is replaced."""

import pytest

from tasks.core.homes.home import Home
from tasks.data.lake import store
from tasks.data.lake.head import read_head
from tests.deliveries import make_delivery, refresh


@pytest.fixture
def lake(tmp_path, monkeypatch):
    refresh(monkeypatch, tmp_path, make_delivery())
    return Home(tmp_path).lake


def test_a_table_is_read_once(lake, monkeypatch):
    versions = read_head(lake).versions
    first = store.read_table(lake, versions, "actions")
    monkeypatch.setattr(store, "open_table", lambda *_: pytest.fail("the table was read again"))
    first.loc[0, "split"] = 77.0

    again = store.read_table(lake, versions, "actions")

    assert 77.0 not in again["split"].to_numpy()


def test_a_table_replaced_at_its_version_is_read_again(lake, monkeypatch):
    versions = read_head(lake).versions
    store.read_table(lake, versions, "actions")
    entry = lake / "actions" / "_delta_log" / f"{versions['actions']:020d}.json"
    entry.write_text(entry.read_text())
    opened = []
    real = store.open_table
    monkeypatch.setattr(store, "open_table", lambda *given: opened.append(given) or real(*given))

    store.read_table(lake, versions, "actions")

    assert len(opened) == 1
