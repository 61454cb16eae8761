"""Bad data, as faults.md numbers it: set aside and reported, or refused with everything earlier left as it was."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.core.errors import DataError, StorageError
from tasks.core.sessions import session_on
from tasks.core.text import ascii_label
from tasks.data.gates.conform import DATED, conform
from tasks.data.intake.imports import import_folder
from tasks.data.lake.head import read_head
from tasks.data.lake.store import read_table
from tasks.data.panel.reader import read_panel
from tasks.data.providers.base import Delivery
from tasks.data.schema.columns import Table
from tasks.data.schema.records import Market
from tasks.data.schema.symbols import is_safe_symbol
from tasks.data.task import refresh_market
from tasks.data.upkeep.verify import verify_lake
from tests.builders import FRIDAY
from tests.deliveries import (
    Served,
    days_of,
    make_bars,
    make_delivery,
    refresh,
    scaled,
    small_run,
    typed,
    with_bars,
    with_one_price,
    without_bars,
)
from tests.unit.data.folders import write_folder

THURSDAY, MONDAY = date(2024, 6, 13), date(2024, 6, 17)
STRICT = {"data.quality.min_present_frac": 0.95, "data.quality.max_quarantined_frac": 0.05}


def bytes_below(folder: Path) -> dict[str, bytes]:
    return {str(p.relative_to(folder)): p.read_bytes() for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture(scope="module")
def thursday(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a home that holds the market through Thursday."""
    home = tmp_path_factory.mktemp("thursday")
    with pytest.MonkeyPatch.context() as patch:
        refresh(patch, home, make_delivery(), THURSDAY)
    return home


@pytest.fixture
def home(thursday: Path, tmp_path: Path) -> Path:
    """Return a copy of that home to play with."""
    return Path(shutil.copytree(thursday, tmp_path / "home"))


def assert_refused(
    patch: pytest.MonkeyPatch, home: Path, bad: Delivery | Served, reported: str, **overrides: object
) -> None:
    """Refreshing from the bad delivery must fail and leave every byte as it was."""
    before = bytes_below(home)

    with pytest.raises(DataError, match=reported) as caught:
        refresh(patch, home, bad, **overrides)

    assert caught.value.exit_code == 5
    assert caught.value.remedy
    assert bytes_below(home) == before


def rules(market: Market, symbol: str) -> list[str]:
    return [finding.rule for finding in market.findings if finding.symbol == symbol]


def column(market: Market, symbol: str, *, window: int = 5) -> np.ndarray:
    panel = read_panel(market.snapshot, window=window)
    return panel.raw_close[:, int(np.flatnonzero(panel.symbols == symbol)[0])]


@pytest.mark.parametrize("value", [np.nan, -3.0])
def test_fault_001_a_price_that_is_none_is_set_aside_and_reported(value, home, monkeypatch):
    bad = with_bars(make_delivery(), {("S02", FRIDAY): {"close": value}})

    market = refresh(monkeypatch, home, bad)

    assert market.quarantined == ("S02",)
    assert rules(market, "S02")[0] in {"missing_value", "price_not_positive"}
    assert np.isnan(column(market, "S02")[-1])
    assert market.new_bars == 5
    assert market.universe_size == 5


def test_fault_001_too_many_bad_prices_stop_the_run(home, monkeypatch):
    bad = with_bars(make_delivery(), {(f"S0{i}", FRIDAY): {"close": np.nan} for i in range(4)})

    assert_refused(
        monkeypatch, home, bad, rf"4 of 6 symbols are in quarantine .*findings: .* 4, on {FRIDAY}\)"
    )


def test_fault_001_a_name_in_quarantine_comes_back_after_its_sessions(tmp_path, monkeypatch):
    delivery = make_delivery()
    days = days_of(delivery)
    delivery = with_bars(delivery, {("S02", days[-8]): {"close": np.nan}})

    panel = read_panel(refresh(monkeypatch, tmp_path, delivery).snapshot, window=9)

    assert panel.is_member[:, 2].tolist() == [True] + [False] * 6 + [True] * 2


def test_fault_005_a_wrong_level_of_many_names_that_persists_stops_the_next_session_too(
    tmp_path, monkeypatch
):
    delivery, limit = make_delivery(symbols=12), {"data.quality.max_quarantined_frac": 0.1}
    for symbol, day in product(("S01", "S02"), (THURSDAY, FRIDAY)):
        delivery = scaled(delivery, symbol, day, 10.0)

    with pytest.raises(DataError, match="2 of 12 symbols are in quarantine on 2024-06-14"):
        refresh(monkeypatch, tmp_path, delivery, FRIDAY, **limit)


TENTH = {"data.quality.max_quarantined_frac": 0.1}


def test_a_session_that_the_provider_lost_stops_its_own_run_and_not_the_next_one(tmp_path, monkeypatch):
    delivery = with_one_price(make_delivery(symbols=20), 9, THURSDAY)

    with pytest.raises(DataError, match=r"9 of 20 symbols are in quarantine on 2024-06-13 .*flat_bar 9"):
        refresh(monkeypatch, tmp_path, delivery, THURSDAY, **TENTH)
    market = refresh(monkeypatch, tmp_path, delivery, FRIDAY, **TENTH)

    assert market.quarantined == ()
    assert {
        (one.symbol, one.session, one.action)
        for one in verify_lake(small_run(tmp_path, **TENTH)).findings
        if one.severity == "stop"
    } == {
        (f"S{name}", THURSDAY, "stored as delivered; the session is not traded on") for name in range(11, 20)
    }
    with pytest.raises(DataError, match="9 of 20 symbols are in quarantine on 2024-06-13"):
        refresh(monkeypatch, tmp_path, delivery, THURSDAY, **TENTH)


def test_a_stop_for_a_bar_on_a_holiday_names_the_limit_and_the_rows_to_delete(tmp_path, monkeypatch):
    full = make_delivery(symbols=6)
    wrong = replace(full, bars=pd.concat([full.bars, make_bars(("S03", date(2024, 5, 27), 40))]))

    with pytest.raises(
        DataError, match=r"1 of 6 symbols .* 10\.0% \(data\.quality\..* Delete the rows of the days"
    ):
        refresh(monkeypatch, tmp_path, wrong, date(2024, 5, 28), **TENTH)


def test_a_lost_session_stops_its_run_even_if_bars_are_missing_too(tmp_path, monkeypatch):
    """The ten bars are over a quarter of those delivered, but not of those expected."""
    lost, limit = (
        with_one_price(make_delivery(symbols=40), 10, THURSDAY),
        {"data.quality.max_quarantined_frac": 0.25},
    )
    is_absent = (lost.bars["session"] == pd.Timestamp(THURSDAY)) & (lost.bars["symbol"] == "S03")

    with pytest.raises(DataError, match=r"10 of 39 symbols are in quarantine .* run the next one"):
        refresh(monkeypatch, tmp_path, without_bars(lost, ~is_absent), THURSDAY, **limit)


def test_one_delivery_read_with_different_limits_gives_different_snapshots(tmp_path, monkeypatch):
    """The severity depends on the limit, and so do the names that may be bought."""
    lost = with_one_price(make_delivery(symbols=20), 9, THURSDAY)

    free, kept = (
        refresh(monkeypatch, tmp_path / name, lost, **{"data.quality.max_quarantined_frac": limit})
        for name, limit in (("free", 0.1), ("kept", 0.5))
    )

    assert (len(free.quarantined), len(kept.quarantined)) == (0, 9)
    assert free.snapshot.id != kept.snapshot.id


def test_a_lost_session_of_few_names_or_at_another_level_stops_the_next_run_too(tmp_path, monkeypatch):
    full = make_delivery(symbols=20)
    for folder, delivery in (
        ("few", with_one_price(full, 7, THURSDAY)),
        ("level", with_one_price(full, 9, THURSDAY, times=1.05)),
    ):
        with pytest.raises(DataError, match=r"of 20 symbols are in quarantine on 2024-06-14 .*on 2024-06-13"):
            refresh(monkeypatch, tmp_path / folder, delivery, FRIDAY, **TENTH)


def test_fault_002_a_provider_that_ends_a_session_early_is_refused_with_both_dates(home, monkeypatch):
    full = make_delivery()
    bad = replace(full, bars=full.bars[full.bars["session"] < pd.Timestamp(FRIDAY)])

    assert_refused(monkeypatch, home, bad, "2024-06-13, not for 2024-06-14")


def test_fault_002_bars_of_yesterday_dated_today_are_refused(home, monkeypatch):
    full = make_delivery()
    today, yesterday = (full.bars["session"] == pd.Timestamp(day) for day in (FRIDAY, THURSDAY))
    bars = full.bars.copy()
    figures = ["open", "high", "low", "close", "volume"]
    bars.loc[today, figures] = bars.loc[yesterday, figures].to_numpy()

    assert_refused(monkeypatch, home, replace(full, bars=bars), "6 of 6 bars of 2024-06-14 repeat")


def test_fault_002_one_bar_that_repeats_the_day_before_is_reported(home, monkeypatch):
    full = make_delivery()
    yesterday = full.bars[
        (full.bars["session"] == pd.Timestamp(THURSDAY)) & (full.bars["symbol"] == "S03")
    ].iloc[0]
    figures = {name: yesterday[name] for name in ("open", "high", "low", "close", "volume")}

    market = refresh(monkeypatch, home, with_bars(full, {("S03", FRIDAY): figures}))

    assert rules(market, "S03") == ["repeated_bar"]
    assert market.quarantined == ("S03",)


def test_a_session_whose_bars_are_all_set_aside_is_refused_with_the_findings(home, monkeypatch):
    full = make_delivery()
    names = sorted(full.bars["symbol"].unique())
    bad = with_bars(full, {(name, FRIDAY): {"high": 1.0} for name in names})

    reported = r"delivered 6 bars for 2024-06-14, and none can be used \(findings: inconsistent_bar 6\)"
    assert_refused(monkeypatch, home, bad, reported)


def test_a_membership_that_ends_most_of_the_index_is_refused_and_one_for_fewer_is_not(tmp_path, monkeypatch):
    full = make_delivery(symbols=20)
    refresh(monkeypatch, tmp_path, full, THURSDAY)

    def ended(count: int) -> Delivery:
        ends = full.members["end"].where(full.members.index >= count, pd.Timestamp(FRIDAY))
        return replace(full, members=full.members.assign(end=ends))

    assert_refused(monkeypatch, tmp_path, ended(11), r"11 of 20 members left the index .*S00")
    assert refresh(monkeypatch, tmp_path, ended(10)).universe_size == 10


def test_sectors_that_change_for_many_names_at_once_are_refused_and_fewer_are_not(tmp_path, monkeypatch):
    full = make_delivery(symbols=40)
    refresh(monkeypatch, tmp_path, full, THURSDAY)

    def moved(count: int) -> Delivery:
        sector = full.listings["sector"].where(full.listings.index >= count, "Utilities")
        return replace(full, listings=full.listings.assign(sector=sector))

    assert_refused(
        monkeypatch, tmp_path, moved(11), r"the sectors of 11 of 40 names changed .*S00: .* → Utilities"
    )
    assert refresh(monkeypatch, tmp_path, moved(10)).universe_size == 40


def test_few_names_may_all_change_their_sector(tmp_path, monkeypatch):
    full = make_delivery(symbols=7)
    refresh(monkeypatch, tmp_path, full, THURSDAY)

    market = refresh(monkeypatch, tmp_path, replace(full, listings=full.listings.assign(sector="Utilities")))

    assert market.universe_size == 7


def test_a_table_that_is_no_longer_offered_is_named(tmp_path, monkeypatch):
    class Less(Served):
        capabilities = frozenset[Table]({"bars", "levels"})

    refresh(monkeypatch, tmp_path, make_delivery(), THURSDAY)

    (reason,) = refresh(monkeypatch, tmp_path, Less(make_delivery())).failovers

    assert reason.startswith(
        "No provider offers actions, members, listings, fundamentals, riskfree any more."
    )


def test_fault_003_a_session_with_too_few_names_is_refused(tmp_path, monkeypatch):
    full = make_delivery(symbols=20)
    missing = (full.bars["session"] == pd.Timestamp(FRIDAY)) & full.bars["symbol"].isin(["S04", "S05"])
    refresh(monkeypatch, tmp_path, full, THURSDAY)
    before = bytes_below(tmp_path)

    with pytest.raises(DataError, match=r"Only 18 of 20 expected symbols .*S04, S05"):
        refresh(monkeypatch, tmp_path, replace(full, bars=full.bars[~missing]), **STRICT)

    assert bytes_below(tmp_path) == before


def test_fault_003_names_that_were_delisted_are_not_expected(tmp_path, monkeypatch):
    full = make_delivery(symbols=20)
    gone = (full.bars["session"] == pd.Timestamp(FRIDAY)) & full.bars["symbol"].isin(["S04", "S05"])
    rows = [(symbol, THURSDAY, "merger", 10.0) for symbol in ("S04", "S05")]
    delistings = typed("delistings", pd.DataFrame(rows, columns=["symbol", "session", "kind", "last_price"]))

    market = refresh(
        monkeypatch, tmp_path, replace(full, bars=full.bars[~gone], delistings=delistings), **STRICT
    )

    assert market.new_bars == 18


def test_fault_004_a_duplicate_bar_is_quarantined_and_an_equal_one_stored_once(home, monkeypatch):
    full = make_delivery()
    today = full.bars[full.bars["session"] == pd.Timestamp(FRIDAY)]
    equal, other = today[today["symbol"] == "S00"], today[today["symbol"] == "S01"].assign(volume=1.0)

    market = refresh(monkeypatch, home, replace(full, bars=pd.concat([full.bars, equal, other])))

    assert rules(market, "S00") == ["repeated_row"]
    assert rules(market, "S01") == ["conflicting_duplicate"]
    assert market.quarantined == ("S01",)
    assert market.new_bars == 5


@pytest.mark.parametrize("factor", [10.0, 0.1, 100.0])
def test_fault_005_a_unit_error_is_set_aside_for_the_day_and_named(factor, tmp_path, monkeypatch):
    delivery = scaled(make_delivery(symbols=30), "S03", THURSDAY, factor)

    market = refresh(monkeypatch, tmp_path, delivery)

    assert rules(market, "S03") == ["unit_error"]
    assert market.quarantined == ("S03",)
    assert np.isnan(column(market, "S03")).tolist() == [False, False, False, True, False]


def test_fault_006_a_split_that_is_not_announced_is_quarantined_and_named(tmp_path, monkeypatch):
    base = make_delivery(symbols=30)
    delivery = replace(base, actions=base.actions[base.actions["split"] == 1.0])
    split_day = days_of(base)[30]

    market = refresh(monkeypatch, tmp_path, delivery, split_day)

    assert rules(market, "S01") == ["unannounced_split"]
    assert "2-for-1" in market.findings[0].evidence
    assert "S01" in market.quarantined


def test_fault_006_a_late_split_corrects_the_series_from_then_on_only(tmp_path, monkeypatch):
    base = make_delivery(symbols=30)
    provider = Served(replace(base, actions=base.actions[base.actions["split"] == 1.0]))
    pinned = refresh(monkeypatch, tmp_path, provider, THURSDAY)

    class Late(Served):
        def fetch(self, *, after: date | None, through: date) -> Delivery:
            return replace(super().fetch(after=after, through=through), actions=base.actions)

    market = refresh(monkeypatch, tmp_path, Late(base))

    after, before = (read_panel(one.snapshot, window=None).close[:, 1] for one in (market, pinned))
    assert abs(before[31] / before[28] - 1) > 0.3
    assert abs(after[31] / after[28] - 1) < 0.2
    assert refresh(monkeypatch, tmp_path, provider, THURSDAY).snapshot.id == pinned.snapshot.id


def test_fault_008_a_symbol_that_another_company_takes_over_is_noted_and_kept_separate(tmp_path, monkeypatch):
    full = make_delivery()
    day = days_of(full)[-10]
    row = [("S04", day, "merger", 10.0)]
    delistings = typed("delistings", pd.DataFrame(row, columns=["symbol", "session", "kind", "last_price"]))

    market = refresh(monkeypatch, tmp_path, replace(full, delistings=delistings), days_of(full)[-9])

    (finding,) = [one for one in market.findings if one.symbol == "S04"]
    assert (finding.rule, finding.session) == ("reused_symbol", days_of(full)[-9])
    assert str(days_of(full)[0]) in finding.evidence
    panel = read_panel(market.snapshot, window=None)
    assert np.isfinite(panel.close[:, panel.symbols == "S04"]).sum() == 1


def test_fault_009_a_name_that_falls_silent_is_noted_and_has_no_price(home, monkeypatch):
    full = make_delivery()
    silent = (full.bars["session"] == pd.Timestamp(FRIDAY)) & (full.bars["symbol"] == "S05")

    market = refresh(monkeypatch, home, replace(full, bars=full.bars[~silent]))

    assert rules(market, "S05") == ["no_bar"]
    assert market.findings[0].action == "no price: exit only"
    assert market.universe_lost == ("S05",)
    assert np.isnan(column(market, "S05")[-1])


class Prophet(Served):
    """Knows a row of the coming Monday."""

    table: Table = "bars"

    def fetch(self, *, after: date | None, through: date) -> Delivery:
        part = super().fetch(after=after, through=through)
        future = (
            self.everything.table(self.table)
            .tail(1)
            .assign(**{DATED[self.table]: np.datetime64(MONDAY, "s")})
        )
        return replace(part, **{self.table: pd.concat([part.table(self.table), future])})


def test_fault_010_rows_of_the_future_are_refused(home, monkeypatch):
    reported = "bars dated 2024-06-17, later than the session 2024-06-14"

    assert_refused(monkeypatch, home, Prophet(make_delivery()), reported)


@pytest.mark.parametrize("table", ["actions", "levels", "fundamentals", "riskfree", "listings", "members"])
def test_fault_010_no_table_may_hold_rows_of_the_future(table):
    prophet = Prophet(make_delivery())
    prophet.table = table

    with pytest.raises(DataError, match=f"{table} dated 2024-06-17"):
        conform(prophet.fetch(after=None, through=FRIDAY), through=FRIDAY, provider="prophet")


def test_fault_010_a_file_with_prices_dated_after_today_is_refused(tmp_path):
    full = make_delivery()
    bars = pd.concat([full.bars, make_bars(("S00", date(2035, 1, 2), 10))])

    with pytest.raises(DataError, match="1 row dated after today"):
        import_folder(
            small_run(tmp_path / "home"), write_folder(tmp_path / "folder", replace(full, bars=bars))
        )

    assert not (tmp_path / "home" / "data").exists()


DRIFTS: dict[str, tuple[Callable[[Delivery], Delivery], str]] = {
    "column gone": (
        lambda d: replace(d, bars=d.bars.drop(columns="volume")),
        "bars .*'volume': it is missing",
    ),
    "number as text": (
        lambda d: replace(d, bars=d.bars.astype({"close": "str"})),
        "bars .*'close': its type is str",
    ),
    "day as text": (
        lambda d: replace(d, bars=d.bars.astype({"session": "str"})),
        "bars .*'session': its type",
    ),
    "symbol as number": (
        lambda d: replace(d, bars=d.bars.assign(symbol=7)),
        "bars .*'symbol': its type is int64",
    ),
    "no symbol": (
        lambda d: replace(d, actions=d.actions.assign(symbol=pd.Series([None, "S01"], dtype="str"))),
        "actions .*'symbol': it has no value in some rows",
    ),
}


@pytest.mark.parametrize("drift", sorted(DRIFTS))
def test_fault_011_a_delivery_that_changed_shape_is_refused_by_column(drift):
    change, reported = DRIFTS[drift]

    with pytest.raises(DataError, match=reported):
        conform(change(make_delivery()), through=FRIDAY, provider="drifting")


def test_fault_011_an_item_that_is_no_longer_delivered_is_refused(home, monkeypatch):
    full = make_delivery()
    bad = replace(full, fundamentals=full.fundamentals.drop(columns="eps"))

    assert_refused(monkeypatch, home, bad, r"fundamentals .*'eps': it is missing, although earlier")


def test_fault_012_a_truncated_file_of_the_provider_is_refused(tmp_path):
    folder = write_folder(tmp_path / "folder", make_delivery(), suffix="parquet")
    run = small_run(tmp_path / "home")
    import_folder(run, folder)
    before = bytes_below(tmp_path / "home")
    prices = folder / "prices.parquet"
    prices.write_bytes(prices.read_bytes()[:-100])

    with pytest.raises(DataError, match=r"prices\.parquet cannot be read"):
        import_folder(run, folder)

    assert bytes_below(tmp_path / "home") == before


def test_fault_012_a_truncated_file_of_the_lake_is_reported_and_the_head_stays(home, monkeypatch):
    market = refresh(monkeypatch, home, make_delivery(), THURSDAY)
    part = next((home / "data" / "lake" / "bars").rglob("*.parquet"))
    part.write_bytes(part.read_bytes()[: part.stat().st_size // 2])

    with pytest.raises(DataError, match=r"Table bars .* is damaged: .*[^.]\. Restore the lake"):
        read_panel(market.snapshot, window=None)
    assert_refused(monkeypatch, home, make_delivery(), r"Table bars .* is damaged")


@pytest.mark.parametrize("content", [None, "", "{", '{"schema_version": 2}', '{"schema_version": 1}', "\xff"])
def test_fault_012_a_head_that_is_lost_or_broken_never_costs_the_lake(content, home, monkeypatch):
    head = home / "data" / "lake" / "head.json"
    head.unlink() if content is None else head.write_text(content, encoding="latin-1")

    assert_refused(monkeypatch, home, make_delivery(), r"head\.json cannot be used")


def test_fault_014_rewritten_history_is_reported_and_the_pinned_snapshot_stays(tmp_path, monkeypatch):
    base = make_delivery()
    day = days_of(base)[40]
    pinned = refresh(monkeypatch, tmp_path, base, THURSDAY)
    before = column(pinned, "S04", window=30)
    rewritten = scaled(base, "S04", day, 1.02)

    class Rewriting(Served):
        def fetch(self, *, after: date | None, through: date) -> Delivery:
            part = super().fetch(after=after, through=through)
            old = self.everything.bars[self.everything.bars["session"] == pd.Timestamp(day)]
            return replace(part, bars=pd.concat([part.bars, old]))

    market = refresh(monkeypatch, tmp_path, Rewriting(rewritten))

    assert market.restated_bars == 1
    whole, own = [one for one in market.findings if one.rule == "restated"]
    assert (whole.symbol, own.symbol) == ("*", "S04")
    assert own.evidence.startswith(f"1 bar changed, none arrived late; the close of {day} ")
    assert "1 bar changed" in whole.evidence
    assert "2.00%" in whole.evidence
    assert f"S04 {day}" in whole.evidence
    np.testing.assert_array_equal(column(pinned, "S04", window=30), before)
    assert (column(market, "S04", window=30)[:-1] != before[1:]).sum() == 1
    again = refresh(monkeypatch, tmp_path, base, THURSDAY)
    assert again == replace(pinned, snapshot=replace(pinned.snapshot, versions=again.snapshot.versions))


def test_fault_015_a_bar_of_a_holiday_or_weekend_is_set_aside(tmp_path, monkeypatch):
    full = make_delivery()
    christmas, saturday = date(2023, 12, 25), date(2024, 6, 8)
    bars = pd.concat([full.bars, make_bars(("S00", saturday, 40), ("S01", christmas, 40))])

    market = refresh(monkeypatch, tmp_path, replace(full, bars=bars))

    assert not session_on(saturday).is_open
    assert "non_trading_day" in rules(market, "S00")
    assert market.new_bars == 6
    head = read_head(tmp_path / "data" / "lake")
    assert head is not None
    assert set(read_table(tmp_path / "data" / "lake", head.versions, "quarantine")["rule"]) == {
        "non_trading_day"
    }


@pytest.mark.parametrize(
    "day",
    [
        pytest.param(date(2023, 11, 24), id="fault_016_half_day"),
        pytest.param(date(2024, 3, 11), id="fault_017_clocks_forward"),
        pytest.param(date(2023, 11, 6), id="fault_017_clocks_back"),
    ],
)
def test_fault_016_and_017_a_half_day_and_a_change_of_clocks_are_sessions_like_any(
    day, tmp_path, monkeypatch
):
    market = refresh(monkeypatch, tmp_path, make_delivery(sessions=20, last=day), day)

    panel = read_panel(market.snapshot, window=3)
    assert panel.sessions[-1] == np.datetime64(day)
    assert np.isfinite(panel.close).all()


def test_fault_057_a_symlink_in_place_of_the_head_is_refused(home, tmp_path, monkeypatch):
    head, elsewhere = home / "data" / "lake" / "head.json", tmp_path / "elsewhere.json"
    head.rename(elsewhere)
    head.symlink_to(elsewhere)
    before = elsewhere.read_bytes()

    with pytest.raises(StorageError, match="symbolic link"):
        refresh(monkeypatch, home, make_delivery())

    assert elsewhere.read_bytes() == before


ON_A_FULL_DISK = """
import resource, signal, sys
from pathlib import Path
import pytest
from tasks.core.errors import StorageError
from tests.deliveries import make_delivery, refresh
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
with pytest.MonkeyPatch.context() as patch:
    try:
        refresh(patch, Path(sys.argv[1]), make_delivery())
    except StorageError as error:
        print("refused:", error)
"""


@pytest.mark.parametrize("limit", [300, pytest.param(1000, marks=pytest.mark.prove)])
def test_fault_051_a_full_disk_is_reported_and_the_next_refresh_continues(
    limit, home, thursday, tmp_path, monkeypatch
):
    head = (home / "data" / "lake" / "head.json").read_bytes()

    reported = subprocess.run(
        [sys.executable, "-c", ON_A_FULL_DISK, str(home), str(limit)],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=True,
    )

    assert "could not be written" in reported.stdout
    assert "is intact" in reported.stdout
    assert (home / "data" / "lake" / "head.json").read_bytes() == head
    undisturbed = refresh(monkeypatch, Path(shutil.copytree(thursday, tmp_path / "other")), make_delivery())
    assert refresh(monkeypatch, home, make_delivery()).snapshot.id == undisturbed.snapshot.id


HOSTILE = [
    "../X",
    "..",
    "A/B",
    "A\0",
    "CON",
    "NUL",
    "CON.X",
    "\u202eEVIL",
    "A" * 17,
    "",
    "a",
    "A B",
    "A\n",
    "CASH",
    "=1",
]


def test_fault_112_hostile_symbols_are_refused_with_a_finding_and_in_no_path(home, monkeypatch):
    full = make_delivery()
    bars = pd.concat([full.bars, make_bars(*((symbol, FRIDAY, 10) for symbol in HOSTILE))])
    listings = pd.concat(
        [full.listings, *(full.listings.head(1).assign(symbol=symbol) for symbol in HOSTILE)]
    )

    market = refresh(monkeypatch, home, replace(full, bars=bars, listings=listings))

    refused = [one for one in market.findings if one.rule == "unsafe_symbol"]
    assert len(refused) == len(HOSTILE)
    assert all(one.symbol.isascii() and one.symbol.isprintable() for one in refused)
    assert {one.action for one in refused} == {"refused, nothing stored"}
    assert market.new_bars == 6
    assert not [path for path in home.rglob("*") if any(mark in path.name for mark in ("EVIL", "CON", "\0"))]


@settings(max_examples=300)
@given(st.text(max_size=24))
def test_fault_112_what_is_let_in_is_short_printable_and_no_path(symbol):
    assert ascii_label(symbol).isascii()
    assert len(ascii_label(symbol)) <= 40
    if is_safe_symbol(symbol):
        assert 0 < len(symbol) <= 16
        assert not set(symbol) - set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-^=")
        assert not symbol.startswith((".", "-", "^", "="))


def test_a_refresh_after_a_refused_one_goes_on_as_if_nothing_had_been(tmp_path, monkeypatch):
    full = make_delivery()
    undisturbed = refresh(monkeypatch, tmp_path / "a", full)
    refresh(monkeypatch, tmp_path / "b", full, THURSDAY)
    with pytest.raises(DataError):
        refresh(monkeypatch, tmp_path / "b", replace(full, bars=full.bars.iloc[:-6]))

    assert refresh(monkeypatch, tmp_path / "b", full).snapshot.id == undisturbed.snapshot.id
    assert refresh_market(small_run(tmp_path / "b")).findings == undisturbed.findings
