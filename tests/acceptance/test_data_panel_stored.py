"""The panel of a filled lake: returns without jumps, money as printed, facts from the day they were public."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from tasks.data.panel.reader import read_panel
from tasks.data.schema.records import Panel
from tests.builders import FRIDAY
from tests.deliveries import days_of, make_delivery, refresh, typed


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Panel:
    with pytest.MonkeyPatch.context() as patch:
        market = refresh(patch, tmp_path_factory.mktemp("home"), make_delivery())
    return read_panel(market.snapshot, window=None)


def column(panel: Panel, symbol: str) -> int:
    return int(np.flatnonzero(panel.symbols == symbol)[0])


def test_a_split_changes_neither_returns_nor_the_value_of_what_is_held(panel):
    c, day = column(panel, "S01"), 30

    assert panel.raw_close[day, c] / panel.raw_close[day - 1, c] == pytest.approx(0.5, abs=0.1)
    assert panel.close[day, c] / panel.close[day - 1, c] == pytest.approx(1.0, abs=0.1)
    assert panel.close[day, c] == 2 * panel.raw_close[day, c]
    assert panel.close[day - 1, c] == panel.raw_close[day - 1, c]
    assert panel.volume[day, c] * 2 * panel.raw_close[day, c] == pytest.approx(panel.dollar_volume[day, c])


def test_a_dividend_is_put_back_in_from_the_ex_date_on(panel):
    c, day = column(panel, "S00"), 20
    before = panel.raw_close[day - 1, c]

    held = panel.close[day, c] / panel.close[day - 1, c]

    assert held == pytest.approx((panel.raw_close[day, c] + 0.5) / before)
    assert (panel.volume[:, c] * panel.raw_close[:, c] == panel.dollar_volume[:, c]).all()


def test_figures_of_a_company_show_from_the_day_they_were_public(panel):
    earnings = panel.fundamentals["eps"][:, column(panel, "S02")]

    assert np.isnan(earnings[:20]).all()
    assert (earnings[20:30] == 1.5).all()
    assert (earnings[30:] == 1.7).all()
    assert np.isnan(panel.fundamentals["eps"][:, column(panel, "S03")]).all()


# issue 10, part 2
def test_the_benchmarks_dividends_count_in_its_growth(tmp_path, monkeypatch):
    delivery = make_delivery()
    ex_date = days_of(delivery)[25]
    levels = delivery.levels.copy()
    earlier = (levels["name"] == "SPY") & (levels["session"] < pd.Timestamp(ex_date))
    levels.loc[earlier, "adj_close"] *= 0.98

    plain, paying = (
        read_panel(refresh(monkeypatch, tmp_path / name, each).snapshot, window=None).market
        for name, each in (("plain", delivery), ("paying", replace(delivery, levels=levels)))
    )

    assert paying[24] / paying[0] == pytest.approx(plain[24] / plain[0])
    assert paying[25] / paying[24] == pytest.approx(plain[25] / plain[24] / 0.98)
    assert paying[-1] / paying[25] == pytest.approx(plain[-1] / plain[25])


def test_market_volatility_and_yield_are_next_to_the_names(panel):
    assert panel.market[-1] / panel.market[0] == pytest.approx(
        panel.volatility_index[-1] / panel.volatility_index[0]
    )
    assert panel.risk_free[:2] == pytest.approx([0.0400, 0.0401])
    assert set(panel.sector) == {"Energy"}
    assert set(panel.cap_class) == {"large"}
    assert panel.name[0] == "Company S00"


def test_a_late_figure_of_an_older_quarter_does_not_replace_a_newer_one(tmp_path, monkeypatch):
    base = make_delivery()
    days = days_of(base)
    rows = [("S02", days[10], days[20], 5.0), ("S02", days[0], days[30], 1.0)]
    frame = typed("fundamentals", pd.DataFrame(rows, columns=["symbol", "end_date", "available_date", "eps"]))
    market = refresh(monkeypatch, tmp_path, replace(base, fundamentals=frame))

    panel = read_panel(market.snapshot, window=5)

    assert (panel.fundamentals["eps"][:, 2] == 5.0).all()


def test_items_without_a_new_filing_for_fifteen_months_are_missing(tmp_path, monkeypatch):
    base = make_delivery()
    days = days_of(base)
    filed = [("S02", days[30] - pd.Timedelta(days=456)), ("S03", days[30] - pd.Timedelta(days=455))]
    rows = [(symbol, day - pd.Timedelta(days=40), day, 5.0) for symbol, day in filed]
    frame = typed("fundamentals", pd.DataFrame(rows, columns=["symbol", "end_date", "available_date", "eps"]))
    market = refresh(monkeypatch, tmp_path, replace(base, fundamentals=frame))

    panel = read_panel(market.snapshot, window=None)

    known = np.isfinite(panel.fundamentals["eps"])
    assert known[:31, 2].all()
    assert not known[31:, 2].any()
    assert known[31, 3] == (days[31] - days[30] == pd.Timedelta(days=1))


def test_a_renamed_company_is_one_column_with_its_actions_members_and_listing(tmp_path, monkeypatch):
    base = make_delivery()
    days = days_of(base)
    late = base.bars["session"] >= pd.Timestamp(days[40])
    bars = base.bars.assign(symbol=base.bars["symbol"].where(~(late & (base.bars["symbol"] == "S01")), "NEW"))
    spells = [("S01", days[0], days[40]), ("NEW", days[40], None), ("S00", days[0], None)]
    delivery = replace(
        base,
        bars=bars,
        renames=typed("renames", pd.DataFrame([("S01", "NEW", days[40])], columns=["old", "new", "session"])),
        members=typed("members", pd.DataFrame(spells, columns=["symbol", "start", "end"])),
    )

    market = refresh(monkeypatch, tmp_path, delivery)
    panel = read_panel(market.snapshot, window=None)

    assert panel.symbols.tolist() == ["S00", "NEW", "S02", "S03", "S04", "S05"]  # in the order of company ids
    new = column(panel, "NEW")
    assert np.isfinite(panel.close[:, new]).all()
    assert panel.close[45, new] == 2 * panel.raw_close[45, new]  # the split under the old symbol
    assert panel.is_member[12:, new].all()
    assert panel.name[new] == "Company S01"
    assert not any(finding.rule == "no_bar" for finding in market.findings)

    earlier = refresh(monkeypatch, tmp_path, delivery, days[39])
    assert "S01" in read_panel(earlier.snapshot, window=None).symbols


def test_a_delisted_name_keeps_its_past_and_leaves_the_universe(tmp_path, monkeypatch):
    base = make_delivery()
    days = days_of(base)
    gone = (base.bars["symbol"] == "S03") & (base.bars["session"] > pd.Timestamp(days[50]))
    row = [("S03", days[50], "merger", 12.0)]
    columns = ["symbol", "session", "kind", "last_price"]
    delivery = replace(
        base, bars=base.bars[~gone], delistings=typed("delistings", pd.DataFrame(row, columns=columns))
    )

    panel = read_panel(refresh(monkeypatch, tmp_path, delivery).snapshot, window=None)

    c = column(panel, "S03")
    assert np.isfinite(panel.close[:51, c]).all()
    assert np.isnan(panel.close[51:, c]).all()
    assert panel.is_member[50, c]
    assert not panel.is_member[51:, c].any()
    assert "S03" not in read_panel(refresh(monkeypatch, tmp_path, delivery).snapshot, window=5).symbols


def test_the_lake_without_optional_tables_makes_a_panel(tmp_path, monkeypatch):
    from tasks.data.providers.base import Delivery

    market = refresh(monkeypatch, tmp_path, Delivery(bars=make_delivery().bars), FRIDAY)
    panel = read_panel(market.snapshot, window=10)

    assert np.isnan(panel.market).all()
    assert (panel.risk_free == 0).all()
    assert set(panel.sector) == {"Unknown"}
    assert panel.fundamentals == {}
    assert panel.is_member[-1].all()


def test_universe_gains_and_losses_are_reported(tmp_path, monkeypatch):
    base = make_delivery()
    days = days_of(base)
    spells = [("S00", days[0], FRIDAY), ("S01", FRIDAY, None), ("S02", days[0], None)]
    delivery = replace(
        base, members=typed("members", pd.DataFrame(spells, columns=["symbol", "start", "end"]))
    )

    market = refresh(monkeypatch, tmp_path, delivery)

    assert (market.universe_gained, market.universe_lost, market.universe_size) == (("S01",), ("S00",), 2)
    assert isinstance(market.snapshot.session, date)


def test_a_filing_that_becomes_known_late_does_not_enter_the_sessions_before(tmp_path, monkeypatch):
    base = make_delivery()
    days = days_of(base)
    columns = ["symbol", "end_date", "available_date", "eps"]
    in_time = [("S02", days[0], days[20], 5.0)]
    late = [*in_time, ("S02", days[10], days[30], 9.0)]
    first = replace(base, fundamentals=typed("fundamentals", pd.DataFrame(in_time, columns=columns)))
    then = replace(base, fundamentals=typed("fundamentals", pd.DataFrame(late, columns=columns)))
    refresh(monkeypatch, tmp_path, first, days[50])

    panel = read_panel(refresh(monkeypatch, tmp_path, then, days[55]).snapshot, window=None)

    shown = panel.fundamentals["eps"][:, column(panel, "S02")]
    assert (shown[20:55] == 5.0).all()  # dated session 30, but nobody had it before session 55
    assert shown[55] == 9.0


def test_the_benchmark_earns_its_distributions(tmp_path, monkeypatch):
    base = make_delivery()
    days = days_of(base)
    is_spy = (base.levels["name"] == "SPY").to_numpy()
    paid = is_spy & (base.levels["session"] >= pd.Timestamp(days[30])).to_numpy()
    total = base.levels["close"].where(~paid, base.levels["close"] * 1.02)  # 2% were paid on that day
    market = refresh(monkeypatch, tmp_path, replace(base, levels=base.levels.assign(adj_close=total)))

    panel = read_panel(market.snapshot, window=None)

    close = base.levels.loc[is_spy, "close"].to_numpy()
    assert panel.market[-1] / panel.market[0] == pytest.approx(1.02 * close[-1] / close[0])
    assert panel.market[29] / panel.market[0] == pytest.approx(close[29] / close[0])


def test_a_split_and_a_dividend_of_the_same_day_both_count(tmp_path, monkeypatch):
    base = make_delivery()
    days = days_of(base)
    rows = [("S01", days[30], 0.4, 1.0), ("S01", days[30], 0.0, 2.0)]
    acts = typed("actions", pd.DataFrame(rows, columns=["symbol", "session", "dividend", "split"]))
    market = refresh(monkeypatch, tmp_path, replace(base, actions=acts))

    panel = read_panel(market.snapshot, window=None)

    c = column(panel, "S01")
    got = 2 * (panel.raw_close[30, c] + 0.4) / panel.raw_close[29, c]
    assert panel.close[30, c] / panel.close[29, c] == pytest.approx(got)
    assert panel.volume[30, c] * 2 * panel.raw_close[30, c] == pytest.approx(panel.dollar_volume[30, c])
