"""Import of twenty years of real data: faults are reported, and past sessions read the same afterwards."""

import os
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tasks.data.intake.imports import import_folder
from tasks.data.panel.grid import row_index
from tasks.data.panel.reader import read_panel
from tasks.data.providers.filings import last_four_quarters
from tasks.data.task import refresh_market
from tasks.data.upkeep.verify import verify_lake
from tests.builders import make_run

REAL_DATA = Path(os.environ.get("AFTERCLOSE_REAL_DATA", Path(__file__).parents[3] / "shared" / "data"))
LAST = date(2021, 4, 21)
SETTINGS = {"data.provider": "files", "data.files.path": REAL_DATA}

pytestmark = [
    pytest.mark.prove,
    pytest.mark.real_data,
    pytest.mark.skipif(not (REAL_DATA / "prices.parquet").is_file(), reason="the real data is not there"),
]


@pytest.fixture(scope="module")
def imported(tmp_path_factory):
    """A home with the whole directory imported, and the result of the import."""
    home = tmp_path_factory.mktemp("long")
    return home, import_folder(make_run(home, date(2024, 6, 14), **SETTINGS), REAL_DATA)


@pytest.fixture(scope="module")
def verified(imported):
    return verify_lake(make_run(imported[0], LAST, **SETTINGS))


def test_a_day_of_the_crash_reads_the_same_from_a_lake_that_ends_there_and_one_that_goes_on(
    imported, tmp_path
):
    crash = date(2020, 3, 16)
    home, reported = imported
    refresh_market(make_run(tmp_path, date(2020, 3, 13), **SETTINGS))

    ends_there = refresh_market(make_run(tmp_path, crash, **SETTINGS))
    goes_on = refresh_market(make_run(home, crash, **SETTINGS))

    assert reported.bars + reported.set_aside == 2_402_891
    assert goes_on.snapshot.id == ends_there.snapshot.id
    assert goes_on.findings == ends_there.findings
    assert goes_on.universe_size > 400
    assert 0 < len(goes_on.quarantined) < 15


def test_verifying_what_is_stored_finds_what_was_found_on_arrival(imported, verified):
    assert verified.by_rule == imported[1].findings


@pytest.mark.parametrize(
    ("rule", "at_least"),
    [
        ("repeated_bar", 350),  # one session of 2003 repeats the one before for most names
        ("flat_bar", 300),
        ("stray_price", 60),
        ("no_bar", 27),
        ("large_dividend", 60),
        ("odd_split", 20),
        ("unconfirmed_action", 10),
        ("double_counted_action", 8),
        ("incomplete_action", 4),
        ("unannounced_split", 5),
        ("thin_volume", 150),
    ],
)
def test_each_kind_of_error_that_is_in_the_data_is_named(rule, at_least, verified):
    assert verified.by_rule[rule] >= at_least


@pytest.mark.parametrize(
    ("symbol", "day", "rule"),
    [
        ("ABT", date(2013, 1, 2), "large_dividend"),  # AbbVie
        ("EBAY", date(2015, 7, 20), "large_dividend"),  # PayPal
        ("MO", date(2008, 3, 31), "large_dividend"),  # Philip Morris International
        ("DOV", date(2018, 5, 9), "odd_split"),  # Apergy
        ("PNR", date(2018, 5, 1), "odd_split"),  # nVent
        (
            "RTX",
            date(2020, 4, 3),
            "double_counted_action",
        ),  # Carrier and Otis, once as a split and once as cash
        ("MET", date(2017, 8, 7), "double_counted_action"),  # Brighthouse, likewise
        ("MSI", date(2011, 1, 4), "incomplete_action"),  # a reverse split, and Motorola Mobility left out
        ("KSU", date(2000, 7, 13), "impossible_dividend"),  # Stilwell, and the reverse split left out
    ],
)
def test_well_known_spin_offs_are_named_on_their_day(symbol, day, rule, verified):
    assert rule in {one.rule for one in verified.findings if (one.symbol, one.session) == (symbol, day)}


def test_few_symbol_days_are_kept_from_being_bought(imported, verified):
    serious = {(one.symbol, one.session) for one in verified.findings if one.severity != "note"}

    share = len(serious) / imported[1].bars
    print(f"{len(serious):,} of {imported[1].bars:,} symbol-days in quarantine: {share:.4%}")  # noqa: T201 - the figure is wanted
    assert share < 0.001


def test_total_returns_on_days_of_actions_are_those_of_the_vendor(imported, verified):
    home, _ = imported
    panel = read_panel(refresh_market(make_run(home, LAST, **SETTINGS)).snapshot, window=None)
    prices = pd.read_parquet(REAL_DATA / "prices.parquet", columns=["symbol", "date", "adj_close"])
    prices = prices.sort_values(["symbol", "date"], ignore_index=True)
    prices["theirs"] = prices.groupby("symbol")["adj_close"].pct_change()
    acts = pd.read_parquet(REAL_DATA / "corporate_actions.parquet").merge(prices, on=["symbol", "date"])
    acts = acts[acts["theirs"].notna()]
    odd = {(one.symbol, one.session) for one in verified.findings}
    acts = acts[[key not in odd for key in zip(acts["symbol"], acts["date"], strict=True)]]

    row = row_index(panel.sessions, acts["date"].to_numpy().astype("datetime64[D]"))
    column = pd.Index(panel.symbols).get_indexer(acts["symbol"])
    ours = panel.close[row, column] / panel.close[row - 1, column] - 1
    agrees = np.abs(ours - acts["theirs"].to_numpy()) < 1e-4

    print(f"{agrees.mean():.4%} of {len(acts):,} symbol-days with an action and no finding agree within 1e-4")  # noqa: T201 - the figure is wanted
    print(acts.assign(ours=ours)[~agrees].to_string())  # noqa: T201 - the figure is wanted
    assert len(acts) > 27_000
    assert agrees.mean() >= 0.999


def test_bars_that_the_vendor_restated_the_next_day_are_named_and_the_day_before_keeps_what_it_saw(tmp_path):
    span = [("date", ">=", date(2016, 1, 4)), ("date", "<=", date(2017, 3, 31))]
    prices = pd.read_parquet(REAL_DATA / "prices.parquet", filters=span)
    revisions = pd.read_parquet(REAL_DATA / "price_revisions_2015_2017.parquet", filters=span)
    revised = revisions[revisions["symbol"].isin(prices["symbol"])]
    revised = revised[revised["volume_first"] != revised["volume_last"]]
    day = revised["date"].value_counts().idxmax()
    revised = revised[revised["date"] == day].set_index("symbol")
    days = sorted(prices.loc[prices["date"] >= day, "date"].unique())[:2]
    settings = {**SETTINGS, "data.files.path": tmp_path}

    markets = []
    for session, column in zip(days, ("volume_first", "volume_last"), strict=True):
        reported = prices["symbol"].map(revised[column]).where(prices["date"] == day)
        seen = prices.assign(volume=reported.fillna(prices["volume"]))
        seen[seen["date"] <= session].to_parquet(tmp_path / "prices.parquet", index=False)
        markets.append(refresh_market(make_run(tmp_path / "home", session, **settings)))
    again = refresh_market(make_run(tmp_path / "home", days[0], **settings))

    named = {one.symbol for one in markets[1].findings if one.rule == "restated"}
    print(f"{len(revised)} bars of {day} were restated by the vendor on {days[1]}")  # noqa: T201 - the figure is wanted
    assert len(revised) > 20
    assert named == {"*", *revised.index}
    assert markets[1].restated_bars == len(revised)
    assert again.snapshot.id == markets[0].snapshot.id


def test_the_last_four_quarters_are_those_that_companies_published():
    filings = pd.read_parquet(REAL_DATA / "fundamentals_pit_2015_2017.parquet")
    days = {name: pd.to_datetime(filings[name]) for name in ("end_date", "available_date")}

    figures = last_four_quarters(filings.assign(**days))

    apple = figures[(figures["symbol"] == "AAPL") & (figures["end_date"] == pd.Timestamp(2016, 12, 31))].iloc[
        0
    ]
    assert apple["earnings"] == pytest.approx(45.217e9)
    assert apple["revenue"] == pytest.approx(218.118e9)
    assert apple["shares"] == pytest.approx(5.3e9, rel=0.01)
    known = figures["earnings"].notna() & (figures["available_date"] >= pd.Timestamp(2016, 6, 1))
    assert known.sum() > 0.6 * (figures["available_date"] >= pd.Timestamp(2016, 6, 1)).sum()
