"""The stage on a panel: its output and its log. Only the lake is replaced."""

from dataclasses import replace

import numpy as np

from tasks.core.artifacts import load_frame
from tasks.data.schema.records import Market, Panel, SnapshotRef
from tasks.risk import task
from tasks.risk.schema import RiskModel
from tests.builders import FRIDAY, make_panel, make_run


def estimate(panel: Panel, tmp_path, monkeypatch, **settings) -> RiskModel:
    monkeypatch.setattr(task, "read_prices", lambda *_, **__: panel)
    market = Market(SnapshotRef("x", tmp_path, FRIDAY, {}), "test", 0, 0, (), (), 30, (), (), ())
    return task.estimate_risk(make_run(tmp_path, **settings), market)


def test_the_returns_of_the_window_are_handed_on_by_symbol(tmp_path, monkeypatch):
    panel = make_panel(sessions=253, symbols=5)

    model = estimate(panel, tmp_path, monkeypatch)

    returns = load_frame(model.returns)
    assert list(returns.index) == list(panel.symbols)
    assert list(returns.columns) == list(panel.sessions[1:].astype("datetime64[s]"))
    assert 0 < model.shrinkage.intensity < 1
    assert model.notes == ()


def test_the_factor_model_is_chosen_in_the_settings_and_noted(tmp_path, monkeypatch):
    settings = {"risk.covariance": "factor_model", "risk.factors": 7}

    model = estimate(make_panel(sessions=253, symbols=5), tmp_path, monkeypatch, **settings)

    assert model.factors == 7
    assert model.notes == ("The covariance is estimated with 7 statistical factors.",)


def test_members_with_short_histories_are_left_out_and_named(tmp_path, monkeypatch):
    panel = make_panel(sessions=253, symbols=15)
    close = panel.close.copy()
    close[:200, :12] = np.nan

    model = estimate(replace(panel, close=close), tmp_path, monkeypatch)

    assert list(load_frame(model.returns).index) == ["S012", "S013", "S014"]
    assert model.notes[0].startswith("No risk estimate for S000, S001,")
    assert "S009 and 2 more: the history is too short" in model.notes[0]


def test_a_market_without_history_has_no_estimate_and_says_so(tmp_path, monkeypatch):
    model = estimate(make_panel(sessions=5, symbols=3), tmp_path, monkeypatch)

    assert load_frame(model.returns).empty
    assert model.notes[-1] == "No name has enough returns in the window: there is no risk estimate at all."


def test_two_runs_of_a_session_store_the_same_bytes(tmp_path, monkeypatch):
    panel = make_panel(sessions=253, symbols=5)

    one = estimate(panel, tmp_path / "one", monkeypatch)
    other = estimate(panel, tmp_path / "other", monkeypatch)

    assert (one.shrinkage, one.returns.sha256) == (other.shrinkage, other.returns.sha256)


def test_ten_names_without_an_estimate_are_all_named(tmp_path, monkeypatch):
    panel = make_panel(sessions=253, symbols=15)
    close = panel.close.copy()
    close[:200, :10] = np.nan

    (note,) = estimate(replace(panel, close=close), tmp_path, monkeypatch).notes

    assert note.endswith("S008, S009: the history is too short, or the price does not move.")


def test_a_name_that_is_not_a_member_on_the_session_is_not_missed(tmp_path, monkeypatch):
    panel = make_panel(sessions=253, symbols=5)
    close, is_member = panel.close.copy(), panel.is_member.copy()
    close[:200, :2] = np.nan
    is_member[-1, 0] = False
    is_member[:-1, 1] = False

    (note,) = estimate(replace(panel, close=close, is_member=is_member), tmp_path, monkeypatch).notes

    assert note.startswith("No risk estimate for S001: ")


def test_a_covariance_that_was_repaired_is_reported(tmp_path, monkeypatch):
    panel = make_panel(sessions=253, symbols=2)
    close = 50 * np.exp(np.cumsum(np.where(np.arange(253) % 2, 0.01, -0.01)))[:, None] * np.ones((1, 2))

    (note,) = estimate(replace(panel, close=close), tmp_path, monkeypatch).notes

    assert "singular" in note
