"""Who gives which table when several providers are asked."""

import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from config.settings import load_settings
from tasks.core.errors import ConfigError, DataError, StorageError, TransientError
from tasks.data.providers.base import Delivery
from tasks.data.providers.cascade import Cascade
from tasks.data.providers.files.provider import FilesProvider
from tasks.data.providers.http.keys import KEYS
from tasks.data.providers.registry import MODULES, make_provider
from tasks.data.schema.columns import empty
from tests.builders import FRIDAY, make_run
from tests.deliveries import Served, make_delivery

THURSDAY = FRIDAY - timedelta(days=1)
EVERYTHING = make_delivery(sessions=30)
LEVELS = ("SPY", "^VIX")
DOWN = TransientError("It is down.", remedy="Wait.")


class House(Served):
    """A provider that can give some tables, or fails."""

    def __init__(self, name, tables, *, fails=None, **changed):
        super().__init__(replace(EVERYTHING, **changed))
        self.name = name
        self.capabilities = frozenset(tables)
        self.fails = fails
        self.tables = None

    def fetch(self, *, after, through, tables):
        self.tables = tables
        if self.fails:
            raise self.fails
        return super().fetch(after=after, through=through, tables=tables)


def ask(*houses, after=None, through=FRIDAY):
    return Cascade(houses, levels=LEVELS).fetch(after=after, through=through)


def levels(*names):
    frame = EVERYTHING.levels
    return frame[frame["name"].isin(names)].reset_index(drop=True)


def test_each_table_comes_from_the_first_that_can_give_it():
    first = House("first", ["bars", "actions"])
    second = House("second", ["bars", "actions", "riskfree"])

    delivery = ask(first, second)

    assert second.tables == {"riskfree"}
    pd.testing.assert_frame_equal(delivery.riskfree, EVERYTHING.riskfree)
    assert len(delivery.bars) == len(EVERYTHING.bars)
    assert delivery.failovers == ()


def test_who_has_nothing_to_add_is_not_asked():
    second = House("second", ["bars"])

    ask(House("first", ["bars", "actions", "levels"]), second)

    assert second.tables is None


def test_who_fails_is_passed_over_for_all_it_was_asked_for():
    first = House("first", ["bars", "actions", "listings"], fails=DOWN)
    second = House("second", ["bars", "actions", "levels"])

    delivery = ask(first, second)

    assert delivery.failovers == (
        "first failed: It is down. Used instead: bars, actions from second; listings from no provider.",
    )
    assert delivery.listings.empty


def test_the_cascade_has_the_name_of_its_first_provider():
    cascade = Cascade([House("first", ["bars"]), House("second", ["levels"])], levels=LEVELS)

    assert cascade.name == "first"
    assert cascade.capabilities == {"bars", "levels"}


def test_levels_are_gathered_until_all_names_are_there():
    first = House("first", ["bars", "actions", "levels"], levels=levels("SPY"))
    second = House("second", ["levels"], levels=levels("SPY", "^VIX").assign(close=1.0))

    delivery = ask(first, second)

    closes = delivery.levels.groupby("name")["close"].max()
    assert closes["^VIX"] == 1.0
    assert closes["SPY"] != 1.0
    assert not delivery.levels.duplicated(["name", "session"]).any()


def test_a_series_without_the_session_is_replaced_by_one_that_has_it_and_kept_otherwise():
    stale = levels("SPY", "^VIX")
    stale = stale[(stale["name"] == "SPY") | (stale["session"] < pd.Timestamp(FRIDAY))]
    first = House("first", ["bars", "actions", "levels"], levels=stale)

    alone = ask(first)
    helped = ask(first, House("second", ["levels"], levels=levels("^VIX").assign(close=1.0)))

    assert set(alone.levels["name"]) == {"SPY", "^VIX"}
    assert helped.levels.loc[helped.levels["name"] == "^VIX", "close"].eq(1.0).all()


def test_who_steps_in_does_not_rewrite_what_the_first_one_gave_before():
    first = House("first", ["bars", "actions"], fails=DOWN)
    second = House("second", ["bars", "actions"])
    second.fetch = lambda **_: EVERYTHING  # as providers do, it repeats the last sessions

    delivery = ask(first, second, after=THURSDAY)

    assert set(delivery.bars["session"]) == {pd.Timestamp(FRIDAY)}
    assert delivery.actions.empty


@pytest.mark.parametrize("missing", ["bars", "actions"])
def test_without_bars_or_actions_there_is_no_delivery(missing):
    rest = {"bars", "actions"} - {missing}

    with pytest.raises(TransientError, match="It is down"):
        ask(House("first", rest), House("second", [missing], fails=DOWN))


def test_when_several_fail_all_are_named_and_a_rerun_is_advised_where_it_may_help():
    wrong = DataError("It is wrong.", remedy="Fix.")

    with pytest.raises(
        TransientError, match=r"No provider delivered bars and actions\. It is wrong\. It is down\."
    ):
        ask(
            House("first", ["bars", "actions"], fails=wrong), House("second", ["bars", "actions"], fails=DOWN)
        )


def test_a_fault_of_our_own_is_not_a_reason_to_ask_somebody_else():
    full = StorageError("The disk is full.", remedy="Free space.")

    with pytest.raises(StorageError):
        ask(House("first", ["bars", "actions"], fails=full), House("second", ["bars", "actions"]))


def test_one_provider_is_not_wrapped_and_a_missing_key_of_the_second_is_reported_at_once(
    tmp_path, monkeypatch
):
    monkeypatch.setenv("APCA_API_KEY_ID", "planted")
    monkeypatch.setenv("APCA_API_SECRET_KEY", "planted")
    monkeypatch.delenv("TIINGO_API_KEY", raising=False)
    symbols = tmp_path / "symbols.txt"
    symbols.write_text("AAPL\n")

    assert make_provider(make_run(tmp_path, **{"data.provider": "alpaca"})).name == "alpaca"
    with pytest.raises(ConfigError, match="tiingo needs TIINGO_API_KEY"):
        make_provider(
            make_run(tmp_path, **{"data.provider": ("alpaca", "tiingo"), "data.symbols_file": symbols})
        )


def test_a_delivery_can_be_cut_to_some_tables():
    only = EVERYTHING.only(frozenset({"riskfree"}))

    assert only.bars.empty
    pd.testing.assert_frame_equal(only.riskfree, EVERYTHING.riskfree)
    assert Delivery().only(frozenset()).levels.equals(empty("levels"))


def test_who_gives_no_bars_cannot_be_first(tmp_path, monkeypatch):
    monkeypatch.setenv("FRED_API_KEY", "planted")

    with pytest.raises(ConfigError, match="fred is the first provider and does not deliver bars"):
        make_provider(make_run(tmp_path, **{"data.provider": "fred"}))


def test_a_folder_behind_another_provider_needs_no_prices(tmp_path, monkeypatch):
    monkeypatch.setenv("APCA_API_KEY_ID", "planted")
    monkeypatch.setenv("APCA_API_SECRET_KEY", "planted")
    (tmp_path / "sectors.csv").write_text("symbol,name,gics_sector\nS00,Company,Energy\n")
    folder = {"data.files.path": tmp_path}

    cascade = make_provider(make_run(tmp_path, **{"data.provider": ("alpaca", "files"), **folder}))

    assert "listings" in cascade.capabilities
    with pytest.raises(ConfigError, match=r"contains neither prices\.parquet nor prices\.csv"):
        make_provider(make_run(tmp_path, **{"data.provider": "files", **folder}))
    listings = FilesProvider(tmp_path, needs_prices=False).fetch(after=None, through=FRIDAY).listings
    assert listings["sector"].tolist() == ["Energy"]


PAGES = Path(__file__).parents[4] / "docs"


@pytest.mark.parametrize("page", ["providers.md", "first-run.md"])
def test_the_settings_that_the_pages_show_can_be_used(page, tmp_path):
    for block in re.findall(r"```yaml\n(.*?)```", (PAGES / page).read_text(), re.DOTALL):
        (tmp_path / "config.yaml").write_text(block)

        assert load_settings(home=tmp_path, profile=None, environ={}).settings.data.providers


def test_the_page_of_providers_has_a_row_for_each_with_its_keys():
    rows = [line for line in (PAGES / "providers.md").read_text().splitlines() if line.startswith("| `")]
    reported = {row.split("`")[1]: row for row in rows}

    assert set(reported) == set(MODULES)
    for provider, names in KEYS.items():
        assert all(name in reported[provider] for name in names), provider
