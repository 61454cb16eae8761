"""What a delivery adds to the lake: late and refused actions, rewritten history."""

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tasks.core.errors import DataError
from tasks.core.sessions import sessions_between
from tasks.data.gates.conform import conform
from tasks.data.gates.context_rows import Known
from tasks.data.intake.admit import admit
from tasks.data.lake.head import read_head
from tasks.data.lake.store import read_table
from tasks.data.panel.reader import read_panel
from tasks.data.providers.base import Delivery
from tasks.data.upkeep.verify import verify_lake
from tests.builders import FRIDAY, make_settings
from tests.deliveries import Served, days_of, make_delivery, refresh, scaled, small_run, typed, with_one_price


@pytest.fixture(scope="module")
def home_before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home whose lake ends on the session before the last. Read-only: tests use `home`."""
    home = tmp_path_factory.mktemp("before") / "home"
    with pytest.MonkeyPatch.context() as patch:
        refresh(patch, home, make_delivery(), days_of(make_delivery())[-2])
    return home


@pytest.fixture
def home(home_before: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(home_before, tmp_path / "home"))


class Repeating(Served):
    """Delivers all actions and the bars of the last ten sessions again each time, as a careful source does."""

    def fetch(self, *, after: date | None, through: date) -> Delivery:
        part, whole = super().fetch(after=after, through=through), super().fetch(after=None, through=through)
        days = sorted(whole.bars["session"].unique())[-10:]
        return replace(part, actions=whole.actions, bars=whole.bars[whole.bars["session"] >= days[0]])


def actions_of(*rows: tuple[str, date, float, float]) -> pd.DataFrame:
    return typed("actions", pd.DataFrame(rows, columns=["symbol", "session", "dividend", "split"]))


def test_a_dividend_that_becomes_known_a_hundred_sessions_late_counts_as_if_it_had_been_in_time(
    tmp_path, monkeypatch
):
    base = make_delivery(sessions=150)
    days = days_of(base)
    late = actions_of(*base.actions.itertuples(index=False), ("S04", days[40], 0.8, 1.0))
    refresh(monkeypatch, tmp_path / "late", base, days[-2])

    after = refresh(monkeypatch, tmp_path / "late", Repeating(replace(base, actions=late)))
    in_time = refresh(monkeypatch, tmp_path / "early", replace(base, actions=late))

    closes = [read_panel(market.snapshot, window=None).close for market in (after, in_time)]
    np.testing.assert_array_equal(*closes)
    assert after.snapshot.id == in_time.snapshot.id


@pytest.mark.parametrize(
    "action", [("S04", 100.0, 1.0), ("S04", 0.0, 3.0)], ids=["impossible", "unconfirmed"]
)
def test_an_action_that_was_refused_stays_refused_when_it_is_delivered_again(action, tmp_path, monkeypatch):
    base = make_delivery(symbols=30)
    days = days_of(base)
    symbol, dividend, split = action
    bad = replace(base, actions=actions_of((symbol, days[-5], dividend, split)))

    for day in days[-2:]:
        refresh(monkeypatch, tmp_path, Repeating(bad), day)

    lake = tmp_path / "data" / "lake"
    head = read_head(lake)
    assert head is not None
    assert len(read_table(lake, head.versions, "actions")) == 0
    assert len(read_table(lake, head.versions, "findings")) == 1


def test_bars_delivered_again_unchanged_are_not_news(tmp_path, monkeypatch):
    base = scaled(make_delivery(symbols=30), "S03", days_of(make_delivery())[-4], 10.0)
    days = days_of(base)

    markets = [refresh(monkeypatch, tmp_path, Repeating(base), days[place]) for place in (-5, -4, -2)]

    assert [market.restated_bars for market in markets] == [0] * 3
    assert [finding.rule for finding in markets[-1].findings] == ["unit_error"]


def test_a_lost_session_that_the_provider_corrects_later_is_intact_and_keeps_its_findings(
    tmp_path, monkeypatch
):
    base = make_delivery(symbols=20)
    days, limit = days_of(base), {"data.quality.max_quarantined_frac": 0.1}
    lost = with_one_price(base, 9, days[-3])
    refresh(monkeypatch, tmp_path, lost, days[-2], **limit)

    market = refresh(monkeypatch, tmp_path, Repeating(base), days[-1], **limit)

    assert (market.restated_bars, market.quarantined) == (9, ())
    found = verify_lake(small_run(tmp_path, **limit)).findings
    assert [one.session for one in found if one.severity == "stop"] == [days[-3]] * 9


def test_a_close_that_repeats_a_bar_set_aside_keeps_its_name_out(tmp_path, monkeypatch):
    base = make_delivery(symbols=20)
    days, limit = days_of(base), {"data.quality.max_quarantined_frac": 0.1}
    wrong = with_one_price(scaled(base, "S19", days[-3], 10.0), 9, days[-2])

    market = refresh(monkeypatch, tmp_path, wrong, days[-1], **limit)

    assert market.quarantined == ("S19",)
    assert {one.rule for one in market.findings if one.session == days[-2]} == {"flat_bar"}


def test_a_name_whose_past_was_rewritten_beyond_the_limit_is_quarantined(home, monkeypatch):
    base = make_delivery()
    days = days_of(base)

    market = refresh(monkeypatch, home, Repeating(scaled(base, "S03", days[-5], 1.5)))

    assert market.quarantined == ("S03",)
    far = [finding for finding in market.findings if finding.rule == "restated_far"]
    assert len(far) == 1
    assert str(days[-5]) in far[0].evidence


def test_rewritten_closes_of_many_names_stop_every_run_which_says_how_to_accept_them(home, monkeypatch):
    base = make_delivery()
    rewritten = scaled(base, "S03", days_of(base)[-5], 1.5)

    for _ in range(2):
        with pytest.raises(DataError, match=r"1 of 6 symbols .*restated_far 1") as error:
            refresh(monkeypatch, home, Repeating(rewritten), **{"data.quality.max_quarantined_frac": 0.1})
        assert "move data/lake away" in error.value.remedy


def test_a_bar_that_was_set_aside_is_stored_when_corrected(tmp_path, monkeypatch):
    base = make_delivery(symbols=30)
    days = days_of(base)
    refresh(monkeypatch, tmp_path, scaled(base, "S03", days[-2], 10.0), days[-2])

    market = refresh(monkeypatch, tmp_path, Repeating(base))

    assert market.restated_bars == 1
    panel = read_panel(market.snapshot, window=3)
    assert np.isfinite(panel.raw_close[:, 3]).all()
    assert any("1 arrived late" in finding.evidence for finding in market.findings)


def test_a_delivery_of_actions_alone_is_checked_without_bars():
    base = make_delivery()
    tables = conform(replace(Delivery(), actions=base.actions), through=FRIDAY, provider="served")
    days = sessions_between(date(2024, 1, 2), FRIDAY)

    batch = admit(tables, Known(), through=FRIDAY, trading_days=days, limits=make_settings().data.quality)

    assert batch.rows["actions"]["factor"].tolist() == [1.0, 2.0]
    assert batch.rows["findings"].empty


@pytest.mark.parametrize(("name", "times"), [("^VIX", 10.0), ("^VIX", 0.1), ("SPY", 10.0), ("SPY", 0.1)])
def test_issue_10_line_18_an_unusable_level_counts_as_missing_and_is_reported(name, times, home, monkeypatch):
    delivery = make_delivery()
    frame = delivery.levels.copy()
    wrong = (frame["name"] == name) & (frame["session"] == pd.Timestamp(FRIDAY))
    frame.loc[wrong, ["open", "high", "low", "close", "adj_close"]] *= times

    market = refresh(monkeypatch, home, replace(delivery, levels=frame))

    panel = read_panel(market.snapshot, window=2)
    series = panel.market if name == "SPY" else panel.volatility_index
    assert np.isfinite(series[0])
    assert np.isnan(series[1])
    (finding,) = [one for one in market.findings if one.rule == "unusable_level"]
    assert (finding.symbol, finding.severity) == (name, "note")
    assert market.quarantined == ()
