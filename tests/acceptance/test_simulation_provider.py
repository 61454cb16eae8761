from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from tasks.core.sessions import sessions_between
from tasks.data.schema.columns import COLUMNS
from tasks.simulation.naming import SECTORS
from tasks.simulation.parameters import Parameters
from tasks.simulation.provider import SimulatedProvider, make
from tasks.simulation.truth import simulate
from tests.builders import make_run

FIRST, LAST = date(2019, 1, 2), date(2022, 12, 30)
PARAMETERS = Parameters(seed=3, symbols=150, first_session=FIRST, information_coefficient=0.03)


@pytest.fixture(scope="module", params=[1, 2])
def simulation(request):
    return simulate(replace(PARAMETERS, version=request.param), LAST)


@pytest.fixture(scope="module")
def market(simulation):
    return simulation.delivery


def wide(bars, column):
    return bars.pivot_table(index="session", columns="symbol", values=column)


def fetch(*, after=None, through=LAST, **changed):
    fields = {**vars(PARAMETERS), "symbols": 40, **changed}
    return SimulatedProvider(Parameters(**fields)).fetch(after=after, through=through)


def test_every_table_has_its_columns_and_types(market):
    kinds = {"text": "str", "day": "datetime64", "number": "float64"}

    for table, columns in COLUMNS.items():
        frame = market.table(table)
        assert len(frame), table
        for column, kind in columns.items():
            assert str(frame[column].dtype).startswith(kinds[kind]), (table, column)


def test_bars_stand_on_the_exchange_sessions_and_no_others(market):
    assert np.array_equal(
        np.unique(market.bars["session"].to_numpy()).astype("datetime64[D]"), sessions_between(FIRST, LAST)
    )


def test_a_symbol_has_one_bar_a_session(market):
    assert not market.bars.duplicated(["symbol", "session"]).any()


def test_low_is_lowest_and_high_is_highest_in_cents_above_zero(market):
    bars = market.bars
    prices = bars[["open", "high", "low", "close"]]

    assert (prices.min(axis=1) == bars["low"]).all()
    assert (prices.max(axis=1) == bars["high"]).all()
    assert (bars["low"] >= 0.01).all()
    assert np.array_equal(prices.round(2), prices)
    assert (bars["volume"] >= 0).all()


def test_about_as_many_companies_are_listed_as_were_asked_for(market):
    listed = market.bars.groupby("session").size()

    assert listed.mean() == pytest.approx(150, rel=0.02)
    assert listed.min() >= 0.95 * 150


def test_new_companies_come_as_old_ones_go(market):
    first_bar = market.bars.groupby("symbol")["session"].min()
    renamed = set(market.renames["new"])
    born = [symbol for symbol, day in first_bar.items() if day.date() > FIRST and symbol not in renamed]

    assert len(born) > 5
    assert len(market.delistings) > 5


def test_tape_and_actions_give_back_the_true_returns(simulation):
    """Splits and dividends explain every move of the tape: nothing else happens overnight."""
    close = wide(simulation.delivery.bars, "close")
    actions = simulation.delivery.actions
    dividend = wide(actions, "dividend").reindex_like(close).fillna(0.0)
    split = wide(actions, "split").reindex_like(close).fillna(1.0)

    seen = (close * split + dividend * split) / close.shift(1)
    true = np.exp(simulation.truth.returns.reindex_like(close))

    is_dear = (close.shift(1) > 20) & (close > 20) & seen.notna()
    assert is_dear.sum().sum() > 50_000
    assert np.abs(seen - true)[is_dear].max().max() < 0.002  # what rounding to cents can do


def test_both_kinds_of_split_happen():
    splits = fetch(seed=1, symbols=300).actions["split"]

    assert {0.1, 2.0} <= set(splits.unique()) <= {0.1, 1.0, 1.5, 2.0, 3.0}


def test_a_split_restates_the_items_per_share(market):
    splits = market.actions[market.actions["split"] != 1.0]
    filings = market.fundamentals

    for split in splits.itertuples():
        own = filings[filings["symbol"] == split.symbol]
        before = own[own["available_date"] < split.session].iloc[-1]
        on_the_day = own[own["available_date"] == split.session].iloc[-1]
        assert on_the_day["shares"] == pytest.approx(before["shares"] * split.split)
    assert len(splits)


def test_an_acquired_company_jumps_then_hardly_moves_until_its_delisting(simulation):
    mergers = simulation.delivery.delistings.query("kind == 'merger'")
    returns = simulation.truth.returns

    for merger in mergers.itertuples():
        last_year = returns[merger.symbol].dropna().tail(120)
        jump = last_year.idxmax()
        assert last_year.max() > 0.13
        assert last_year[last_year.index > jump].abs().max() < 0.02
    assert len(mergers) > 3


def test_a_failing_company_slides_to_a_fraction_and_has_left_the_index(simulation):
    delivery = simulation.delivery
    failures = delivery.delistings.query("kind == 'bankruptcy'")
    close = wide(delivery.bars, "close")

    for failure in failures.itertuples():
        assert failure.last_price < 0.25 * close[failure.symbol].max()
        spells = delivery.members[delivery.members["symbol"] == failure.symbol]
        assert (spells["end"] < failure.session).all()
    assert len(failures) > 0


def test_nothing_trades_after_its_delisting_and_the_last_price_is_the_tapes(market):
    bars = market.bars.set_index(["symbol", "session"])["close"]
    last_bar = market.bars.groupby("symbol")["session"].max()

    for gone in market.delistings.itertuples():
        assert last_bar[gone.symbol] == gone.session
        assert bars[gone.symbol, gone.session] == gone.last_price


def test_a_renamed_company_trades_on_without_a_gap(market):
    session = market.bars.groupby("symbol")["session"]
    first, last = session.min(), session.max()
    days = np.unique(market.bars["session"].to_numpy())

    for renaming in market.renames.itertuples():
        assert first[renaming.new] == renaming.session
        assert days[np.searchsorted(days, last[renaming.old]) + 1] == renaming.session
    assert len(market.renames)


def test_membership_spells_of_a_symbol_do_not_overlap(market):
    ordered = market.members.sort_values(["symbol", "start"])
    same = ordered["symbol"] == ordered["symbol"].shift(-1)

    assert (ordered["end"][same] <= ordered["start"].shift(-1)[same]).all()
    assert (ordered["end"].isna() | (ordered["end"] > ordered["start"])).all()


def test_the_index_holds_the_larger_nine_tenths_with_some_change(market):
    day = pd.Timestamp(LAST)
    members = market.members
    now = members[(members["start"] <= day) & (members["end"].isna() | (members["end"] > day))]

    assert 0.85 * 150 <= len(now) <= 0.95 * 150
    assert members["end"].notna().sum() > 20


def test_figures_become_public_weeks_after_their_period(market):
    figures = market.fundamentals
    first = figures.drop_duplicates(["symbol", "end_date"])
    listed = market.bars.groupby("symbol")["session"].min().reindex(first["symbol"]).to_numpy()
    later = first[
        (first["available_date"].to_numpy() > listed) & (first["available_date"] > pd.Timestamp(FIRST))
    ]

    lag = (later["available_date"] - later["end_date"]).dt.days
    assert lag.between(20, 65).all()
    assert len(later) > 1_500


def test_every_company_has_sector_name_and_cap_class_before_its_first_bar(market):
    first_bar = market.bars.groupby("symbol")["session"].min()
    first_listing = market.listings.groupby("symbol")["available_date"].min()

    assert (first_listing.reindex(first_bar.index) <= first_bar).all()
    assert set(market.listings["sector"]) == set(SECTORS)
    assert set(market.listings["cap_class"]) == {"large", "mid", "small"}
    assert market.listings["name"].str.len().gt(5).all()


def test_volume_reacts_to_large_moves_and_wild_markets(simulation):
    volume = wide(simulation.delivery.bars, "volume")
    unusual = np.log(volume / volume.rolling(63).median())
    size = simulation.truth.returns.abs()
    is_wild = (simulation.truth.regime != "BULL").to_numpy()

    assert unusual[size > size.quantile(0.95)].mean().mean() > unusual.mean().mean() + 0.3
    assert simulation.truth.half_spread_bps[is_wild].median(axis=1).mean() > (
        simulation.truth.half_spread_bps[~is_wild].median(axis=1).mean()
    )


def test_a_later_fetch_hands_over_only_later_sessions():
    through, after = date(2019, 6, 28), date(2019, 6, 25)

    delivery = fetch(after=after, through=through)

    assert delivery.bars["session"].dt.date.unique().tolist() == [date(2019, 6, d) for d in (26, 27, 28)]
    for frame, column in (
        (delivery.levels, "session"),
        (delivery.riskfree, "session"),
        (delivery.actions, "session"),
        (delivery.fundamentals, "available_date"),
    ):
        assert frame[column].gt(pd.Timestamp(after)).all()


def test_a_fetch_through_a_weekend_ends_on_friday():
    assert fetch(through=date(2019, 6, 30)).bars["session"].max() == pd.Timestamp(2019, 6, 28)


def test_fault_010_nothing_is_dated_after_the_asked_day(market):
    for table in COLUMNS:
        for column in market.table(table).select_dtypes("datetime").columns:
            assert not market.table(table)[column].gt(pd.Timestamp(LAST)).any(), (table, column)


def test_before_the_first_session_there_is_nothing():
    delivery = fetch(through=date(2018, 12, 31))

    assert all(delivery.table(table).empty for table in COLUMNS)


def test_a_fetch_that_is_up_to_date_brings_no_bars():
    day = date(2019, 2, 1)

    assert fetch(after=day, through=day).bars.empty


def test_other_seeds_are_other_markets():
    assert not fetch(through=date(2019, 2, 1)).bars.equals(fetch(seed=4, through=date(2019, 2, 1)).bars)


def test_the_settings_name_the_market(tmp_path):
    run = make_run(tmp_path, **{"data.simulated.symbols": 33, "data.simulated.seed": 11})

    provider = make(run)

    assert provider.name == "simulated"
    assert provider.parameters == Parameters(
        11, 33, run.settings.data.simulated.first_session, run.settings.data.simulated.information_coefficient
    )
    assert provider.capabilities == set(COLUMNS)
