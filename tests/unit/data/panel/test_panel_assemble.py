"""What the panel shows of tables as they are stored: bars, actions, spells, findings, listings, levels, figures."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tasks.data.panel.assemble import (
    BY_SESSION,
    BY_SESSION_AND_SYMBOL,
    amended_bars,
    assemble,
    last_sessions,
    read_only,
    sessions_of,
)
from tasks.data.panel.companies import company_index
from tasks.data.panel.fundamentals import with_fundamentals
from tasks.data.panel.grid import row_index
from tasks.data.schema.bar_columns import BarColumns
from tasks.data.schema.columns import ALWAYS
from tasks.data.schema.records import PanelRules
from tasks.data.schema.tables import OHLCV, empty_table

DAYS = np.arange("2024-01-01", "2024-03-01", dtype="datetime64[D]")  # 60 of them; any days may be sessions
RULES = PanelRules("SPY", "VIX", 5.0, 100.0, 1, 2)
NAMES = ("A", "B", "C", "D")
TABLES = (
    *("amendments", "renames", "actions", "members"),
    *("findings", "listings", "levels", "riskfree", "fundamentals"),
)


def table(name, *rows):
    """Return rows of a stored table, days given as places in DAYS."""
    frame = empty_table(name)
    if not rows:
        return frame
    return pd.DataFrame(
        {
            column: pd.Series([row.get(column) for row in rows]).astype(frame[column].dtype)
            if not str(frame[column].dtype).startswith("datetime")
            else pd.to_datetime(
                [None if row.get(column) is None else DAYS[row[column]] for row in rows]
            ).astype(frame[column].dtype)
            for column in frame.columns
        }
    )


def bars(closes, *, volume=100.0):
    """Return the bars of closes by symbol and place in DAYS: high and low a dollar from it."""
    rows = [(name, day, close) for name, column in closes.items() for day, close in column.items()]
    names = sorted(closes)
    close = np.array([row[2] for row in rows], dtype=float)
    return BarColumns(
        np.array(names),
        np.array([names.index(row[0]) for row in rows]),
        DAYS[[row[1] for row in rows]],
        {
            "open": close,
            "high": close + 1,
            "low": close - 1,
            "close": close,
            "volume": np.full(len(rows), volume),
        },
    )


def assembled(closes=None, *, start=30, lookback=0, lives=None, rules=RULES, **tables):
    closes = closes or {name: dict.fromkeys(range(60), 10.0) for name in NAMES}
    stored = {name: table(name) for name in TABLES} | tables
    firsts = lives or [{"symbol": name, "first": min(days)} for name, days in closes.items()]
    stored["lives"] = table("lives", *firsts)
    panel = assemble(bars(closes), stored, DAYS, start=start, lookback=lookback, rules=rules)
    return with_fundamentals(panel, stored["fundamentals"], company_index(stored["lives"], stored["renames"]))


def test_bars_lie_on_their_sessions_amended_ones_over_them_and_nothing_else_is_there():
    closes = {"B": {3: 30.0, 40: 40.0, 41: 50.0}, "A": {31: 10.0}, "OLD": {29: 1.0}, "E": {30: 5.0}}
    amended = table("amendments", {"symbol": "B", "session": 41, **dict.fromkeys(OHLCV, 7.0)})

    panel = assembled(closes, amendments=amended)

    assert panel.symbols.tolist() == ["B", "E", "A"]  # by first session; no bar in the window, no column
    assert panel.sessions.tolist() == DAYS[30:].tolist()
    expected = np.full((30, 3), np.nan)
    expected[1, 2], expected[10, 0], expected[11, 0] = 10.0, 40.0, 7.0
    expected[0, 1] = 5.0
    np.testing.assert_array_equal(panel.raw_close, expected)
    np.testing.assert_array_equal(panel.close, expected)
    np.testing.assert_array_equal(panel.high, np.where(expected == 7.0, 7.0, expected + 1))
    np.testing.assert_array_equal(panel.dollar_volume, np.where(expected == 7.0, 49.0, expected * 100))


def test_the_first_row_that_is_read_takes_its_amendment_and_a_bar_before_it_has_no_row():
    closes = {"A": dict.fromkeys(range(30, 60), 10.0), "B": {3: 30.0, 40: 40.0}}
    amended = table("amendments", {"symbol": "A", "session": 30, **dict.fromkeys(OHLCV, 7.0)})

    panel = assembled(closes, amendments=amended, lookback=30)

    assert panel.raw_close[:2, 1].tolist() == [7.0, 10.0]
    assert np.flatnonzero(np.isfinite(panel.raw_close[:, 0])).tolist() == [10]


def test_a_bar_of_a_symbol_without_a_company_is_in_no_column():
    closes = {"A": {40: 10.0}, "B": {40: 20.0}, "STRANGER": {41: 1.0}}

    panel = assembled(closes, lives=[{"symbol": "A", "first": 40}, {"symbol": "B", "first": 40}])

    assert panel.symbols.tolist() == ["A", "B"]
    assert np.flatnonzero(np.isfinite(panel.raw_close).any(axis=1)).tolist() == [10]


def test_a_rename_moves_no_column():
    closes = {"B": dict.fromkeys(range(60), 20.0), "C": dict.fromkeys(range(60), 30.0)}
    before = assembled({"A": dict.fromkeys(range(60), 10.0)} | closes)

    after = assembled(
        {"A": dict.fromkeys(range(45), 10.0), "Z": dict.fromkeys(range(45, 60), 10.0)} | closes,
        renames=table("renames", {"old": "A", "new": "Z", "session": 45}),
    )

    assert before.symbols.tolist() == ["A", "B", "C"]
    assert after.symbols.tolist() == ["Z", "B", "C"]
    assert after.company.tolist() == before.company.tolist() == sorted(after.company)
    np.testing.assert_array_equal(after.raw_close, before.raw_close)


def test_prices_carry_what_was_paid_out_and_volumes_what_was_split_from_the_day_on():
    actions = table(
        "actions",
        {"symbol": "A", "session": 40, "dividend": 1.0, "split": 1.0, "factor": 1.1},
        {"symbol": "A", "session": 45, "dividend": 0.0, "split": 2.0, "factor": 2.0},
        {"symbol": "A", "session": 10, "dividend": 0.0, "split": 3.0, "factor": 3.0},  # before the window
        {
            "symbol": "B",
            "session": 0,
            "dividend": 0.0,
            "split": 5.0,
            "factor": 5.0,
        },  # on the day of its listing
        {"symbol": "NONE", "session": 40, "dividend": 0.0, "split": 5.0, "factor": 5.0},
    )

    whole, late = assembled(actions=actions), assembled(actions=actions, lookback=30)

    for panel in (whole, late):
        total = np.repeat([3.0, 3.0 * 1.1, 3.0 * 1.1 * 2.0], [10, 5, 15])
        assert panel.close[:, 0] == pytest.approx(10 * total)
        assert panel.low[:, 0] == pytest.approx(9 * total)
        assert panel.volume[:, 0] == pytest.approx(100 / np.repeat([3.0, 3.0, 6.0], [10, 5, 15]))
        assert (panel.close[:, 1:] == 10).all()
        assert (panel.volume[:, 1:] == 100).all()
        assert (panel.raw_close == 10).all()
    np.testing.assert_array_equal(whole.close, late.close)


def test_who_is_in_the_index_is_a_member_from_the_start_of_a_spell_until_its_end():
    spells = table(
        "members",
        {"symbol": "A", "start": 35, "end": None},
        {"symbol": "B", "start": 36, "end": 40},
        {"symbol": "B", "start": 50, "end": 52},
        {"symbol": "STRANGER", "start": 35, "end": None},
    )

    panel = assembled(members=spells)

    day = np.arange(30, 60)
    assert panel.is_member[:, 0].all()  # before the first spell of anyone everyone is
    assert panel.is_member[:, 1].tolist() == list(
        (day < 35) | ((day >= 36) & (day < 40)) | ((day >= 50) & (day < 52))
    )
    assert panel.is_member[:, 2].tolist() == list(day < 35)


def test_without_any_spell_everyone_is_in_the_index():
    assert assembled().is_member.all()


def test_a_membership_belongs_to_the_company_with_the_symbol_at_the_time():
    lives = [{"symbol": "A", "first": 0}, {"symbol": "A", "first": 32}, {"symbol": "B", "first": 0}]
    spells = table(
        "members", {"symbol": "A", "start": 30, "end": 50}, {"symbol": "B", "start": 30, "end": None}
    )

    panel = assembled(
        {"A": dict.fromkeys(range(60), 10.0), "B": dict.fromkeys(range(60), 10.0)},
        lives=lives,
        members=spells,
    )

    column = {name: place for place, name in enumerate(panel.symbols)}
    (former,) = (name for name in column if name.startswith("A~"))
    day = np.arange(30, 60)
    assert panel.is_member[:, column[former]].tolist() == list(day < 32)
    assert panel.is_member[:, column["A"]].tolist() == list(
        (day >= 42) & (day < 50)
    )  # eleven sessions of volume must be known
    assert np.isnan(panel.close[:2, column["A"]]).all()
    assert np.isnan(panel.close[2:, column[former]]).all()


def test_of_three_companies_with_one_symbol_each_is_a_member_in_its_own_time():
    lives = [{"symbol": "A", "first": 0}, {"symbol": "A", "first": 15}, {"symbol": "A", "first": 45}]
    spells = table("members", {"symbol": "A", "start": 0, "end": None})

    panel = assembled({"A": dict.fromkeys(range(60), 10.0)}, lives=lives, members=spells)

    days = sorted((np.flatnonzero(column) + 30).tolist() for column in panel.is_member.T if column.any())
    assert [(day[0], day[-1]) for day in days] == [
        (30, 44),
        (55, 59),
    ]  # eleven sessions of volume are missing


@pytest.mark.parametrize(
    ("severity", "out"), [("quarantine", range(40, 43)), ("stop", range(40, 41)), ("note", range(0))]
)
def test_a_serious_finding_keeps_a_name_out_on_its_session_and_the_ones_after(severity, out):
    found = table(
        "findings", {"symbol": "B", "session": 40, "severity": severity}, {"symbol": "X", "session": 40}
    )

    panel = assembled(findings=found)

    assert np.flatnonzero(~panel.is_member[:, 1]).tolist() == [day - 30 for day in out]
    assert panel.is_member[:, [0, 2, 3]].all()


def test_a_finding_on_the_first_name_keeps_it_out_and_an_old_one_keeps_nobody_out():
    found = table(
        "findings",
        {"symbol": "A", "session": 40, "severity": "quarantine"},
        {"symbol": "B", "session": 10, "severity": "quarantine"},
        {"symbol": "OLD", "session": 50, "severity": "quarantine"},  # it has no column
    )
    closes = {name: dict.fromkeys(range(60), 10.0) for name in NAMES} | {"OLD": {1: 1.0}}

    panel = assembled(closes, findings=found, lookback=30)

    lively = assembled(lookback=30).is_member
    assert np.flatnonzero(lively[:, 0] & ~panel.is_member[:, 0]).tolist() == [10, 11, 12]
    assert (panel.is_member[:, 1:] == lively[:, 1:]).all()


def test_a_finding_before_the_rows_that_are_read_still_counts_its_sessions():
    found = table("findings", {"symbol": "B", "session": 28, "severity": "quarantine"})

    panel = assembled(findings=found, rules=replace(RULES, quarantine_sessions=15), lookback=30)

    out = ~panel.is_member[:, 1] & panel.is_member[:, 0]
    assert np.flatnonzero(out).tolist() == list(
        range(10, 14)
    )  # until then nobody's volume is known for long enough


def test_a_listing_is_what_was_last_published_and_an_empty_field_changes_nothing():
    rows = [
        {"symbol": "A", "available_date": 10, "sector": "Energy", "cap_class": "mid", "name": "Old"},
        {"symbol": "A", "available_date": 20, "sector": "", "cap_class": "large", "name": "New"},
        {"symbol": "X", "available_date": 20, "sector": "Energy", "cap_class": "large", "name": "X"},
    ]

    panel = assembled(listings=table("listings", *reversed(rows)))

    assert panel.sector.tolist() == ["Energy", "Unknown", "Unknown", "Unknown"]
    assert panel.cap_class.tolist() == ["large", "", "", ""]
    assert panel.name.tolist() == ["New", "", "", ""]


def test_a_listing_belongs_to_the_company_with_the_symbol_on_its_day_and_to_all_if_older():
    lives = [{"symbol": "A", "first": 5}, {"symbol": "A", "first": 45}]
    rows = [
        {"symbol": "A", "available_date": 1, "sector": "Energy", "cap_class": "", "name": "Both"},
        {"symbol": "A", "available_date": 45, "sector": "Utilities", "cap_class": "", "name": ""},
    ]

    panel = assembled(
        {"A": dict.fromkeys(range(5, 60), 10.0)}, lives=lives, listings=table("listings", *rows)
    )

    sector = dict(zip(panel.symbols, panel.sector, strict=True))
    assert sector.pop("A") == "Utilities"
    assert list(sector.values()) == ["Energy"]
    assert set(panel.name) == {"Both"}


def test_a_member_under_its_old_symbol_is_the_company_that_has_its_prices():
    members = table(
        "members", {"symbol": "OLD", "start": 35, "end": 45}, {"symbol": "B", "start": 31, "end": None}
    )
    renames = table("renames", {"old": "OLD", "new": "A", "session": 45})

    member = assembled(members=members, renames=renames).is_member

    assert member[5:15, 0].all()
    assert not member[1:5, 0].any()
    assert not member[15:, 0].any()


def listing_in(sector, day, symbol="A"):
    return {"symbol": symbol, "available_date": day, "sector": sector, "cap_class": "", "name": ""}


def test_a_session_has_the_sector_that_was_published_by_then():
    rows = [
        listing_in("Utilities", 50),
        listing_in("Energy", 40),
        listing_in("Energy", 45, "B"),
        listing_in("", 55),
    ]

    sector_at = assembled(listings=table("listings", *rows)).sector_at

    assert (sector_at[:10, 0] == -1).all()
    assert (sector_at[15:20, 0] == sector_at[15:20, 1]).all()
    assert (sector_at[20:, 0] != sector_at[20:, 1]).all()
    assert (sector_at[20:, 0] == sector_at[-1, 0]).all()
    assert (sector_at[:, 2:] == -1).all()


def test_an_undated_sector_is_of_no_past_session():
    undated = table("listings", listing_in("Energy", 0)).assign(available_date=ALWAYS)

    panel = assembled(listings=undated)

    assert panel.sector.tolist()[0] == "Energy"
    assert (panel.sector_at == -1).all()


def test_sectors_by_session_do_not_depend_on_where_the_window_begins_or_on_later_listings():
    rows = [listing_in("Energy", 10), listing_in("Utilities", 40), listing_in("Health Care", 20, "C")]
    whole = assembled(start=0, listings=table("listings", *rows, listing_in("Financials", 58, "D")))
    part = assembled(start=35, lookback=30, listings=table("listings", *rows))

    same = whole.sector_at[35:58, None, :] == whole.sector_at[35:58, :, None]
    np.testing.assert_array_equal(part.sector_at[:23, None, :] == part.sector_at[:23, :, None], same[:, :, :])


def test_levels_and_yields_stand_on_their_sessions():
    levels = table(
        "levels",
        {"name": "SPY", "session": 29, "close": 400.0, "growth": 9.0},
        {"name": "SPY", "session": 31, "close": 404.0, "growth": 1.02},
        {"name": "SPY", "session": 30, "close": 402.0, "growth": 1.01},
        {"name": "VIX", "session": 31, "close": 15.0, "growth": 1.0},
    )
    yields = table(
        "riskfree",
        {"session": 33, "yield_pct": 4.0},
        {"session": 31, "yield_pct": 5.0},
        {"session": 32, "yield_pct": None},
    )

    panel = assembled(levels=levels, riskfree=yields)

    assert panel.market[:2] == pytest.approx([404.0, 404.0 * 1.02])  # counted from the first level's close
    assert np.isnan(panel.market[2:]).all()
    assert panel.volatility_index[1] == 15
    assert np.isnan(np.delete(panel.volatility_index, 1)).all()
    assert panel.risk_free[:5].tolist() == [0.0, 0.05, 0.05, 0.04, 0.04]


def test_without_levels_or_yields_both_are_unknown_and_a_yield_is_nothing():
    panel = assembled()

    assert np.isnan(panel.market).all()
    assert panel.market.shape == panel.volatility_index.shape == (30,)
    assert (panel.risk_free == 0).all()


def test_a_panel_has_no_figures_until_the_filings_are_read():
    closes = {"A": dict.fromkeys(range(60), 10.0)}
    stored = {name: table(name) for name in TABLES} | {"lives": table("lives", {"symbol": "A", "first": 0})}

    prices = assemble(bars(closes), stored, DAYS, start=30, lookback=0, rules=RULES)

    assert prices.fundamentals == sessions_of(prices, slice(5)).fundamentals == {}


def test_fundamentals_of_unknown_companies_are_ignored():
    filed = table("fundamentals", {"symbol": "X", "end_date": 20, "available_date": 31, "known": 31})

    panel = assembled(
        fundamentals=filed.assign(eps=1.0)[["symbol", "end_date", "available_date", "known", "eps"]]
    )

    assert panel.fundamentals["eps"].shape == (30, 4)
    assert np.isnan(panel.fundamentals["eps"]).all()


def test_a_figure_is_known_when_it_is_public_and_here_and_the_newest_period_counts():
    rows = [
        {"symbol": "A", "end_date": 20, "available_date": 31, "known": 33, "eps": 1.0, "debt": 5.0},
        {"symbol": "A", "end_date": 25, "available_date": 35, "known": 32, "eps": 2.0, "debt": np.nan},
        {"symbol": "A", "end_date": 10, "available_date": 36, "known": 36, "eps": 9.0, "debt": 9.0},
        {"symbol": "B", "end_date": 10, "available_date": 36, "known": 36, "eps": 4.0, "debt": np.nan},
        {"symbol": "D", "end_date": 10, "available_date": 40, "known": 40, "eps": 7.0, "debt": np.nan},
    ]
    filed = table("fundamentals", *rows).assign(
        eps=[row["eps"] for row in rows], debt=[row["debt"] for row in rows]
    )

    panel = assembled(fundamentals=filed[["symbol", "end_date", "available_date", "known", "eps", "debt"]])

    day = np.arange(30, 60)
    eps, debt = panel.fundamentals["eps"], panel.fundamentals["debt"]
    np.testing.assert_array_equal(eps[:, 0], np.where(day < 33, np.nan, np.where(day < 35, 1.0, 2.0)))
    np.testing.assert_array_equal(
        debt[:, 0], np.where(day < 33, np.nan, 5.0)
    )  # what is not filed anew stands
    np.testing.assert_array_equal(eps[:, 1], np.where(day < 36, np.nan, 4.0))
    np.testing.assert_array_equal(eps[:, 3], np.where(day < 40, np.nan, 7.0))  # the last of the names
    assert np.isnan(eps[:, 2]).all()


def test_a_name_is_a_member_from_its_session_of_least_history_on():
    rules = replace(RULES, min_history_sessions=40)
    closes = {"A": dict.fromkeys(range(60), 10.0), "B": dict.fromkeys(range(10, 60), 10.0)}

    for lookback in (0, 8):
        panel = assembled(closes, rules=rules, lookback=lookback)

        assert np.flatnonzero(panel.is_member[:, 0])[0] == 39 - 30
        assert np.flatnonzero(panel.is_member[:, 1])[0] == 49 - 30


def test_the_last_sessions_of_a_panel_leave_out_who_has_no_bar_in_them():
    panel = assembled({"A": dict.fromkeys(range(60), 10.0), "B": {31: 5.0}})

    few = last_sessions(panel, 5)
    all_of_them = last_sessions(panel, 99)

    assert few.symbols.tolist() == ["A"]
    assert few.close.shape == few.is_member.shape == (5, 1)
    assert few.sessions.tolist() == DAYS[-5:].tolist()
    assert len(few.market) == len(few.risk_free) == 5
    assert len(few.sector) == len(few.name) == 1
    assert all_of_them.close.shape == panel.close.shape


def test_days_that_are_no_sessions_have_no_row():
    sessions = DAYS[[2, 3, 5]]

    assert row_index(sessions, DAYS[:8]).tolist() == [-1, -1, 0, 1, -1, 2, -1, -1]
    assert row_index(sessions[:0], DAYS[:2]).tolist() == [-1, -1]
    assert row_index(sessions[:1], DAYS[1:4]).tolist() == [-1, 0, -1]
    assert row_index(sessions, DAYS[:2]).dtype == np.int64


def test_a_panel_that_is_handed_out_cannot_be_changed():
    panel = read_only(assembled())

    for field in ("close", "is_member", "symbols", "market", "sessions"):
        with pytest.raises(ValueError, match="read-only"):
            getattr(panel, field)[0] = getattr(panel, field)[0]


def test_some_sessions_of_a_panel_have_every_company_and_every_figure_of_these_sessions():
    filed = table("fundamentals", {"symbol": "A", "end_date": 20, "available_date": 31, "known": 31})
    panel = assembled(
        {"A": dict.fromkeys(range(60), 10.0), "B": {31: 5.0}},
        fundamentals=filed.assign(eps=1.0)[["symbol", "end_date", "available_date", "known", "eps"]],
    )

    few = sessions_of(panel, slice(5, 8))

    assert few.symbols.tolist() == panel.symbols.tolist() == ["A", "B"]
    assert few.sessions.tolist() == DAYS[35:38].tolist()
    for name in (*BY_SESSION_AND_SYMBOL, *BY_SESSION):
        np.testing.assert_array_equal(getattr(few, name), getattr(panel, name)[5:8], err_msg=name)
    np.testing.assert_array_equal(few.fundamentals["eps"], panel.fundamentals["eps"][5:8])


def test_amendments_are_read_with_their_symbols_from_a_day_on():
    rows = [("B", 10, 1.0), ("B", 20, 2.0), ("A", 25, 3.0), ("B", 30, 4.0)]
    frame = table(
        "amendments", *({"symbol": name, "session": day, **dict.fromkeys(OHLCV, v)} for name, day, v in rows)
    )

    found = amended_bars(frame, since=DAYS[20])

    assert found.symbols[found.code].tolist() == ["B", "A", "B"]
    assert found.day.tolist() == DAYS[[20, 25, 30]].tolist()
    assert found.ohlcv["close"].tolist() == [2.0, 3.0, 4.0]
