"""Rewritten history of every table is reported with counts and examples; withdrawn rows stay (issue 10, line 19)."""

import shutil
from dataclasses import replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tasks.core.homes.home import Home
from tasks.core.homes.run import Run
from tasks.core.sessions import session_on
from tasks.data.gates.revisions import rewritten
from tasks.data.intake.imports import Imported, import_folder
from tasks.data.lake.head import read_head
from tasks.data.lake.store import read_table
from tasks.data.panel.reader import read_panel
from tasks.data.providers.base import Delivery
from tasks.data.task import refresh_market
from tests.builders import FRIDAY, make_settings
from tests.deliveries import SMALL, days_of, make_delivery
from tests.unit.data.folders import write_folder

WHOLE = make_delivery(sessions=40)
DAYS = days_of(WHOLE)
THURSDAY = DAYS[-2]


def run_of(home: Path, folder: Path, day: date = FRIDAY) -> Run:
    session = session_on(day)
    assert session.closes_at is not None
    files = {"data.provider": "files", "data.files.path": folder}
    return Run(Home(home), session, session.closes_at, make_settings(**SMALL, **files))


def imported(tmp_path: Path, delivery: Delivery, day: date = FRIDAY) -> Imported:
    folder = tmp_path / "folder"
    folder.mkdir(exist_ok=True)
    write_folder(folder, delivery)
    return import_folder(run_of(tmp_path / "home", folder, day), folder)


@pytest.fixture(scope="module")
def thursday_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of files, and a home that imported them on Thursday. Read-only: tests use `thursday`."""
    folder = tmp_path_factory.mktemp("thursday")
    imported(folder, WHOLE, THURSDAY)
    return folder


@pytest.fixture
def thursday(thursday_template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(thursday_template, tmp_path, dirs_exist_ok=True))


def scaled_levels(delivery: Delivery, rows: int, factor: float) -> Delivery:
    levels = delivery.levels.reset_index(drop=True)
    chosen = levels.index[(levels["name"] == "SPY").to_numpy()][:rows]
    levels.loc[chosen, ["open", "high", "low", "close", "adj_close"]] *= factor
    return replace(delivery, levels=levels)


def test_changed_dividends_and_levels_and_removed_bars_are_counted_with_examples(thursday):
    actions = WHOLE.actions.assign(dividend=WHOLE.actions["dividend"] * 1.5)
    gone = (WHOLE.bars["symbol"] == "S05") & (WHOLE.bars["session"] < pd.Timestamp(DAYS[10]))
    rewriting = replace(scaled_levels(WHOLE, 7, 1.2), actions=actions, bars=WHOLE.bars[~gone])

    reported = imported(thursday, rewriting).rewritten

    paid = WHOLE.actions["session"].min().date()
    assert reported == (
        f"1 row of actions changed: S00 {paid} dividend 0.5 → 0.75",
        *(line for line in reported if line.startswith("7 rows of levels changed: SPY")),
        f"10 rows of bars withdrawn by the source: S05 {DAYS[0]}; S05 {DAYS[1]}; S05 {DAYS[2]}; …",
    )
    assert len(reported) == 3


def test_the_market_of_the_session_reports_what_was_rewritten_on_every_later_read(thursday):
    reported = imported(thursday, replace(WHOLE, actions=WHOLE.actions.iloc[:1])).rewritten
    run = run_of(thursday / "home", thursday / "folder")

    markets = [refresh_market(run) for _ in range(2)]

    assert reported[0].startswith("1 row of actions withdrawn by the source")
    assert [market.rewritten for market in markets] == [reported, reported]
    assert rewritten(markets[0].findings, FRIDAY) == reported


def test_withdrawn_rows_stay_and_importing_again_writes_nothing(tmp_path):
    imported(tmp_path, WHOLE)
    lake = tmp_path / "home" / "data" / "lake"
    run = run_of(tmp_path / "home", tmp_path / "folder")
    before = read_panel(refresh_market(run).snapshot, window=None)
    gone = WHOLE.bars["symbol"] == "S05"
    gone &= WHOLE.bars["session"] < pd.Timestamp(FRIDAY)

    imported(tmp_path, replace(WHOLE, bars=WHOLE.bars[~gone], actions=WHOLE.actions.iloc[:1]))

    head = read_head(lake)
    assert imported(tmp_path, replace(WHOLE, bars=WHOLE.bars[~gone], actions=WHOLE.actions.iloc[:1]))
    assert read_head(lake) == head
    after = read_panel(refresh_market(run).snapshot, window=None)
    np.testing.assert_array_equal(after.close, before.close)
    assert head is not None
    assert len(read_table(lake, head.versions, "actions")) == 2


@pytest.mark.parametrize("table", ["members", "listings", "fundamentals", "riskfree"])
def test_changes_of_every_other_table_are_reported_too(table, thursday):
    frame = WHOLE.table(table).copy()
    column = {"members": "start", "listings": "name", "fundamentals": "eps", "riskfree": "yield_pct"}[table]
    frame.loc[0, column] = (
        pd.Timestamp(DAYS[3]) if table == "members" else "Other" if table == "listings" else 9.5
    )

    reported = imported(thursday, replace(WHOLE, **{table: frame})).rewritten

    assert reported
    assert all(f"1 row of {table}" in line for line in reported)


def test_news_of_the_day_is_not_a_revision(thursday):
    assert imported(thursday, WHOLE).rewritten == ()


def test_a_refresh_reports_bars_and_levels_missing_in_its_overlap(thursday):
    day = pd.Timestamp(DAYS[-5])
    bars = WHOLE.bars[~((WHOLE.bars["symbol"] == "S03") & (WHOLE.bars["session"] == day))]
    levels = WHOLE.levels[~((WHOLE.levels["name"] == "SPY") & (WHOLE.levels["session"] == day))]
    write_folder(thursday / "folder", replace(WHOLE, bars=bars, levels=levels))

    market = refresh_market(run_of(thursday / "home", thursday / "folder"))

    assert market.rewritten == (
        f"1 row of bars withdrawn by the source: S03 {day.date()}",
        f"1 row of levels withdrawn by the source: SPY {day.date()}",
    )
