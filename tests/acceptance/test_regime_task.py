"""The stage on a panel: its output and its log. Only the lake is replaced."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from tasks.core.artifacts import load_frame
from tasks.core.errors import DataError
from tasks.data.schema.records import Market, Panel, SnapshotRef
from tasks.regime import store, task
from tasks.regime.schema import Regime
from tests.builders import FRIDAY, make_panel, make_run, make_settings


def detect(panel: Panel, tmp_path, monkeypatch, **settings) -> Regime:
    monkeypatch.setattr(task, "read_prices", lambda *_, **__: panel)
    market = Market(SnapshotRef("x", tmp_path, FRIDAY, {}), "test", 0, 0, (), (), 30, (), (), ())
    return task.detect_regime(make_run(tmp_path, **settings), market)


def rising_panel() -> Panel:
    panel = make_panel()
    return replace(panel, market=100 * 1.001 ** np.arange(300))


def test_the_state_its_cap_and_what_it_was_read_from_are_handed_on(tmp_path, monkeypatch):
    regime = detect(rising_panel(), tmp_path, monkeypatch)

    assert (regime.session, regime.state, regime.exposure_cap) == (FRIDAY, "BULL", 1.0)
    assert regime.allows_new_positions
    assert list(regime.inputs) == ["trend", "volatility_pct", "breadth", "correlation", "drawdown"]
    assert regime.inputs["volatility_pct"] == 15.0
    assert regime.notes == ()


def test_the_history_ends_with_the_session_and_is_as_long_as_the_report_needs(tmp_path, monkeypatch):
    history = load_frame(detect(rising_panel(), tmp_path, monkeypatch).history)

    assert len(history) == 252
    assert history.index[-1].date() == FRIDAY
    assert history["state"].iloc[-1] == "BULL"


def test_a_crash_allows_nothing_new(tmp_path, monkeypatch):
    panel = rising_panel()
    falling = np.concatenate([np.ones(290), 0.96 ** np.arange(1, 11)])
    crash = replace(
        panel,
        market=panel.market * falling,
        close=panel.close * falling[:, None],
        volatility_index=np.where(np.arange(300) < 290, 15.0, 60.0),
    )

    regime = detect(crash, tmp_path, monkeypatch)

    assert (regime.state, regime.exposure_cap, regime.allows_new_positions) == ("CRASH", 0.0, False)
    assert regime.notes == ("Volatility is 60.0%, above 40%: the exposure cap is halved.",)


def test_size_purchases_and_stop_follow_the_settings_of_the_state(tmp_path, monkeypatch):
    sizes = {"CRASH": 0.0, "BEAR": 0.25, "NEUTRAL": 0.5, "BULL": 0.75}
    settings = {"regime.size_multiplier": sizes, "regime.no_new_positions": ["CRASH", "BULL"]}
    settings["regime.max_buys_frac"] = {"CRASH": 0.0, "BEAR": 0.1, "NEUTRAL": 0.2, "BULL": 0.3}
    settings["regime.stop_loss_frac"] = {"CRASH": 0.1, "BEAR": 0.2, "NEUTRAL": 0.3, "BULL": 0.4}

    regime = detect(rising_panel(), tmp_path, monkeypatch, **settings)

    assert (regime.state, regime.size_multiplier, regime.allows_new_positions) == ("BULL", 0.75, False)
    assert regime.max_buys_frac == 0.3
    assert regime.stop_loss_frac == 0.4


def test_the_statistical_model_is_named_and_a_short_history_keeps_the_state_of_the_rules(
    tmp_path, monkeypatch
):
    regime = detect(rising_panel(), tmp_path, monkeypatch, **{"regime.model": "statistical"})

    assert regime.state == "BULL"
    assert regime.notes == ("The state is set by the statistical model.",)


def test_the_statistical_model_sets_the_states_of_a_long_history(tmp_path, monkeypatch):
    panel = make_panel(sessions=2300, symbols=2)
    quiet = replace(panel, volatility_index=np.full(2300, 12.0), market=100 * 1.0005 ** np.arange(2300))
    wild = np.random.default_rng(0).standard_normal(2300) * np.where(np.arange(2300) % 500 < 250, 0.005, 0.03)
    monkeypatch.setattr(store, "read_prices", lambda *_, **__: replace(quiet, market=np.exp(wild.cumsum())))
    snapshot = SnapshotRef("x", tmp_path, FRIDAY, {})

    by_model = store.regime_history(snapshot, make_settings(**{"regime.model": "statistical"}).regime)
    by_rules = store.regime_history(snapshot, make_settings().regime)

    assert by_model["state"].iloc[2290] == "CRASH"
    assert by_model["state"].iloc[:1200].equals(by_rules["state"].iloc[:1200])
    assert "CRASH" not in set(by_rules["state"].iloc[300:])


def test_an_input_that_nobody_knows_is_left_out_and_reported(tmp_path, monkeypatch):
    panel = rising_panel()
    nameless = replace(
        panel, close=np.full_like(panel.close, np.nan), is_member=np.zeros_like(panel.is_member)
    )

    regime = detect(nameless, tmp_path, monkeypatch)

    assert list(regime.inputs) == ["trend", "volatility_pct", "drawdown"]
    assert "Breadth cannot be measured: the worst value is assumed." in regime.notes


@pytest.mark.parametrize(
    ("first", "last", "sessions"),
    [(None, None, 300), (date(2024, 6, 10), None, 5), (None, date(2024, 6, 7), 295)],
)
def test_the_history_of_a_snapshot_can_be_cut_at_both_ends(first, last, sessions, tmp_path, monkeypatch):
    monkeypatch.setattr(store, "read_prices", lambda *_, **__: rising_panel())
    snapshot = SnapshotRef("x", tmp_path, FRIDAY, {})

    table = store.regime_history(snapshot, make_settings().regime, first=first, last=last)

    assert len(table) == sessions


@pytest.mark.parametrize(
    ("first", "last", "words"),
    [
        (None, date(2010, 1, 1), r"\(no lower bound to 2010-01-01\)\."),
        (date(2030, 1, 1), None, r"\(2030-01-01 to no upper bound\)\."),
    ],
)
def test_a_range_without_sessions_is_named_in_the_error(first, last, words, tmp_path, monkeypatch):
    monkeypatch.setattr(store, "read_prices", lambda *_, **__: rising_panel())
    snapshot = SnapshotRef("x", tmp_path, FRIDAY, {})

    with pytest.raises(DataError, match=f"no session in the requested range {words}"):
        store.regime_history(snapshot, make_settings().regime, first=first, last=last)
