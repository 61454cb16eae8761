from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from tasks.core.errors import SafetyError
from tasks.data.panel.companies import company_index
from tasks.ledger.balance import NameCash
from tasks.portfolio.holdings.book import is_priced, value_book
from tasks.portfolio.holdings.events import events_of
from tasks.portfolio.holdings.positions import Position, Positions
from tasks.portfolio.quotes import quotes
from tests.builders import FRIDAY, make_panel

THURSDAY, LONG_AGO = date(2024, 6, 13), date(2023, 1, 3)


def make_events(*, splits=(), renames=(), lives=(("S000", LONG_AGO), ("S001", LONG_AGO), ("S002", LONG_AGO))):
    def frame(rows, columns, day):
        made = pd.DataFrame(list(rows), columns=columns)
        return made.assign(**{day: pd.to_datetime(made[day])})

    actions = frame(splits, ["symbol", "session", "split"], "session").assign(dividend=0.0)
    companies = company_index(
        frame(lives, ["symbol", "first"], "first"), frame(renames, ["old", "new", "session"], "session")
    )
    return events_of(actions, companies)


def make_assets(*, panel=None, events=None, quarantined=()):
    panel = panel or make_panel(symbols=3)
    return quotes(panel, quarantined=quarantined, splits=(events or make_events()).splits)


def without_last_bars(panel, symbol, count):
    """Return the panel in which a symbol stopped trading."""
    gone = {}
    for field in ("open", "high", "low", "close", "raw_close", "volume", "dollar_volume"):
        values = getattr(panel, field).copy()
        values[-count:, panel.symbols == symbol] = np.nan
        gone[field] = values
    return replace(panel, **gone)


def test_equity_is_cash_and_holdings_at_the_last_raw_close_in_cents():
    assets = make_assets()
    price = float(assets["price"]["S001"])

    book = value_book(
        Positions((Position("S001", 10),), 500.129), assets, session=FRIDAY, events=make_events()
    )

    assert book.session == FRIDAY
    assert book.cash_usd == 500.12
    assert book.holdings[0].has_quote
    assert book.equity_usd == pytest.approx(500.12 + 10 * price, abs=1e-9)
    assert round(price, 2) == price


def test_a_split_changes_neither_value_nor_weight():
    panel = make_panel(symbols=3)
    events = make_events(splits=[("S001", FRIDAY, 4.0)])
    raw = panel.raw_close.copy()
    raw[-1, 1] = raw[-2, 1] / 4
    after = quotes(replace(panel, raw_close=raw), quarantined=(), splits=events.splits)

    held = Positions((Position("S001", 10, THURSDAY),), 0.0)
    book = value_book(held, after, session=FRIDAY, events=events)

    assert book.holdings[0].shares == 40
    assert book.equity_usd == pytest.approx(10 * raw[-2, 1], abs=0.25)
    assert book.notes == ("S001: 10 shares became 40 through a split.",)


def test_a_symbol_change_carries_the_position():
    events = make_events(
        lives=[("OLD", LONG_AGO), ("S001", date(2024, 6, 14))], renames=[("OLD", "S001", FRIDAY)]
    )

    book = value_book(
        Positions((Position("OLD", 10, THURSDAY),), 1.0), make_assets(), session=FRIDAY, events=events
    )

    assert book.holdings[0].symbol == "S001"
    assert book.notes == ("OLD is now S001.",)


def test_two_symbol_changes_of_one_session_carry_what_each_name_brought():
    events = make_events(
        lives=[("S001", LONG_AGO), ("OLD", LONG_AGO), ("S001", FRIDAY), ("S002", FRIDAY)],
        renames=[("OLD", "S001", FRIDAY), ("S001", "S002", FRIDAY)],
    )
    held = Positions(
        (Position("OLD", 10, THURSDAY), Position("S001", 5, THURSDAY)),
        1.0,
        names=NameCash({"OLD": -1_000, "S001": -500}),
    )

    book = value_book(held, make_assets(), session=FRIDAY, events=events)

    assert [holding.symbol for holding in book.holdings] == ["S001", "S002"]
    assert book.names == NameCash(
        {"S001": -1_000, "S002": -500}, ((FRIDAY, "OLD", "S001"), (FRIDAY, "S001", "S002"))
    )


def test_fault_008_a_reused_symbol_never_gives_a_holding_a_strangers_price():
    events = make_events(lives=[("S001", LONG_AGO), ("S001", date(2024, 6, 3))])
    held = Positions((Position("S001", 10, date(2023, 3, 1)),), 1_000.0)

    assert not is_priced(held, make_assets(), session=FRIDAY, events=events)
    with pytest.raises(SafetyError, match="never had a price"):
        value_book(held, make_assets(), session=FRIDAY, events=events)


def test_a_holding_that_did_not_trade_keeps_its_last_known_price():
    panel = without_last_bars(make_panel(symbols=3), "S001", 5)

    book = value_book(
        Positions((Position("S001", 10),), 1.0),
        make_assets(panel=panel),
        session=FRIDAY,
        events=make_events(),
    )

    assert not book.holdings[0].has_quote
    assert book.holdings[0].price == pytest.approx(panel.raw_close[-6, 1], abs=0.005)


def test_a_halted_name_that_was_split_meanwhile_keeps_its_value():
    panel = without_last_bars(make_panel(symbols=3), "S001", 5)
    events = make_events(splits=[("S001", FRIDAY, 2.0)])

    book = value_book(
        Positions((Position("S001", 10, THURSDAY),), 1.0),
        make_assets(panel=panel, events=events),
        session=FRIDAY,
        events=events,
    )

    assert book.holdings[0].shares == 20
    assert book.holdings[0].value_usd == pytest.approx(10 * panel.raw_close[-6, 1], abs=0.2)


def test_positions_of_a_later_session_are_refused():
    held = Positions((Position("S001", 10, FRIDAY),), 1.0)

    with pytest.raises(SafetyError, match="held as of 2024-06-14, after the requested session 2024-06-13"):
        value_book(held, make_assets(), session=THURSDAY, events=make_events())


def test_two_lines_that_became_one_company_are_refused():
    events = make_events(
        lives=[("OLD", LONG_AGO), ("S001", date(2024, 6, 14))], renames=[("OLD", "S001", FRIDAY)]
    )
    held = Positions((Position("OLD", 1, THURSDAY), Position("S001", 1)), 1.0)

    with pytest.raises(SafetyError, match="Two lines"):
        value_book(held, make_assets(), session=FRIDAY, events=events)


def test_a_holding_of_nothing_is_not_a_holding():
    book = value_book(
        Positions((Position("GONE", 0.0),), 5.0), make_assets(), session=FRIDAY, events=make_events()
    )

    assert book.holdings == ()
    assert book.equity_usd == 5.0


def test_a_portfolio_states_what_the_ledger_says_beyond_its_positions():
    held = Positions((), 5.0, "a" * 64, net_flows_usd=1500.25, receivable_usd=12.34)

    book = value_book(held, make_assets(), session=FRIDAY, events=make_events())

    assert (book.equity_usd, book.positions_sha256) == (5.0, "a" * 64)
    assert (book.net_flows_usd, book.receivable_usd, book.names) == (1500.25, 12.34, None)


@pytest.mark.parametrize("shares", [0.5, 1.0])
def test_the_smallest_holding_needs_a_price(shares):
    def priced(symbol, shares):
        held = Positions((Position(symbol, shares),), 5.0)
        return is_priced(held, make_assets(), session=FRIDAY, events=make_events())

    assert priced("S001", shares)
    assert not priced("GONE", shares)
    assert priced("GONE", 0.0)


def test_a_portfolio_of_a_cent_is_valued_and_one_of_nothing_is_refused():
    cent = value_book(Positions((), 0.01), make_assets(), session=FRIDAY, events=make_events())

    assert cent.equity_usd == 0.01
    with pytest.raises(SafetyError, match=r"worth 0\.00 USD on 2024-06-14"):
        value_book(Positions((), 0.009), make_assets(), session=FRIDAY, events=make_events())


def test_quotes_count_a_missing_session_as_no_volume():
    panel = without_last_bars(make_panel(symbols=3), "S001", 7)

    assets = make_assets(panel=panel)

    assert assets["adv_usd"]["S001"] == pytest.approx(np.nansum(panel.dollar_volume[-21:, 1]) / 21)


def test_quotes_leave_out_names_that_never_had_a_price():
    panel = without_last_bars(make_panel(symbols=3), "S001", 300)

    assert "S001" not in make_assets(panel=panel).index


def test_quotes_mark_quarantine():
    assets = make_assets(quarantined=("S002",))

    assert assets["is_quarantined"].to_dict() == {"S000": False, "S001": False, "S002": True}


# issue 10, part 2: a reverse split reaches the holdings
@pytest.mark.parametrize(
    ("ratio", "before", "after"), [(0.1, 100, 10), (0.5, 30, 15), (1.5, 20, 30), (4.0, 10, 40)]
)
def test_a_split_in_either_direction_reaches_the_holding_and_keeps_its_value(ratio, before, after):
    panel = make_panel(symbols=3)
    events = make_events(splits=[("S001", FRIDAY, ratio)])
    raw = panel.raw_close.copy()
    raw[-1, 1] = raw[-2, 1] / ratio
    assets = quotes(replace(panel, raw_close=raw), quarantined=(), splits=events.splits)

    book = value_book(
        Positions((Position("S001", before, THURSDAY),), 0.0), assets, session=FRIDAY, events=events
    )

    assert book.holdings[0].shares == after
    assert book.equity_usd == pytest.approx(before * raw[-2, 1], abs=0.01 * after)


# issue 10, part 2: a split beside a dividend of the same session is not lost
@pytest.mark.parametrize("in_one_row", [True, False])
def test_a_split_and_a_dividend_of_the_same_session_reach_the_holding(in_one_row):
    rows = [(0.5, 2.0)] if in_one_row else [(0.5, 1.0), (0.0, 2.0)]
    actions = pd.DataFrame(rows, columns=["dividend", "split"]).assign(
        symbol="S001", session=pd.Timestamp(FRIDAY)
    )

    events = events_of(actions, make_events().companies)
    book = value_book(
        Positions((Position("S001", 10, THURSDAY),), 0.0), make_assets(), session=FRIDAY, events=events
    )

    assert book.holdings[0].shares == 20


def test_daily_volatility_is_the_deviation_of_log_returns_of_a_quarter():
    panel = make_panel(symbols=3)

    found = make_assets(panel=panel)["daily_volatility"]

    returns = np.diff(np.log(panel.close[-64:]), axis=0)
    assert found.to_numpy() == pytest.approx(returns.std(axis=0, ddof=1))


@pytest.mark.parametrize("count", [0, 1])
def test_a_name_has_a_quote_only_if_it_traded_on_the_last_session(count):
    panel = make_panel(symbols=3)
    if count:
        panel = without_last_bars(panel, "S001", count)

    assert make_assets(panel=panel)["has_quote"].to_dict() == {
        "S000": True,
        "S001": not count,
        "S002": True,
    }


@pytest.mark.parametrize(("session", "ratio"), [(THURSDAY, 1.0), (FRIDAY, 2.0)])
def test_a_split_counts_for_a_halted_name_only_after_its_last_bar(session, ratio):
    panel = without_last_bars(
        make_panel(symbols=3), "S001", 1
    )  # its last bar, of Thursday, is after the split

    assets = make_assets(panel=panel, events=make_events(splits=[("S001", session, 2.0)]))

    assert assets["price"]["S001"] == pytest.approx(panel.raw_close[-2, 1] / ratio, abs=0.005)


def test_every_split_since_its_last_bar_counts_for_a_halted_name():
    panel = without_last_bars(make_panel(symbols=3), "S001", 2)
    earlier = ("S001", panel.sessions[-10].item(), 5.0)  # is in the price of the last bar
    events = make_events(splits=[earlier, ("S001", THURSDAY, 2.0), ("S001", FRIDAY, 3.0)])

    assets = make_assets(panel=panel, events=events)

    assert assets["price"]["S001"] == pytest.approx(panel.raw_close[-3, 1] / 6, abs=0.005)


def test_a_split_on_the_second_session_counts_for_a_name_that_traded_only_on_the_first():
    panel = make_panel(symbols=3)
    halted = without_last_bars(panel, "S001", len(panel.sessions) - 1)
    events = make_events(splits=[("S001", panel.sessions[1].item(), 2.0)])

    assets = make_assets(panel=halted, events=events)

    assert assets["price"]["S001"] == pytest.approx(panel.raw_close[0, 1] / 2, abs=0.005)


def test_a_split_of_a_name_that_the_panel_does_not_have_changes_no_price():
    events = make_events(splits=[("STRANGER", FRIDAY, 2.0)])

    assert make_assets(events=events)["price"].to_dict() == make_assets()["price"].to_dict()


def test_missing_sessions_leave_the_volatility_of_the_others():
    panel = without_last_bars(make_panel(symbols=3), "S001", 5)

    volatility = make_assets(panel=panel)["daily_volatility"]["S001"]

    returns = np.diff(np.log(panel.close[-64:-5, 1]))
    assert volatility == pytest.approx(returns.std(ddof=1))


def test_a_split_is_filed_under_the_symbol_that_its_company_has_today():
    events = make_events(
        lives=[("OLD", LONG_AGO), ("S001", FRIDAY), ("S002", LONG_AGO)],
        renames=[("OLD", "S001", FRIDAY)],
        splits=[("OLD", THURSDAY, 2.0), ("S002", THURSDAY, 3.0), ("STRANGER", THURSDAY, 4.0)],
    )

    assert events.splits.set_index("symbol")["split"].to_dict() == {"S001": 2.0, "S002": 3.0, "STRANGER": 4.0}


@pytest.mark.parametrize(
    ("last", "has_quote"), [(0.5, True), (0.0, False), (-1.0, False), (np.nan, False), (np.inf, False)]
)
def test_only_a_finite_price_above_nothing_is_a_quote(last, has_quote):
    panel = make_panel(symbols=3)
    raw = panel.raw_close.copy()
    raw[-1, 1] = last

    found = make_assets(panel=replace(panel, raw_close=raw)).loc["S001"]

    assert found["has_quote"] == has_quote
    assert found["price"] == pytest.approx(last if has_quote else raw[-2, 1], abs=0.005)


def test_a_missing_session_adds_not_a_dollar_to_the_volume():
    panel = make_panel(symbols=3)
    traded = np.full(panel.dollar_volume.shape, 21.0)
    traded[-7:, 1] = np.nan

    assert make_assets(panel=replace(panel, dollar_volume=traded))["adv_usd"].tolist() == [21.0, 14.0, 21.0]


def test_the_volume_of_a_name_is_unknown_where_every_session_is_missing():
    panel = without_last_bars(make_panel(symbols=3), "S001", 21)

    assert make_assets(panel=panel)["adv_usd"].isna().to_dict() == {
        "S000": False,
        "S001": True,
        "S002": False,
    }


@pytest.mark.parametrize(("closes", "is_known"), [(5, False), (6, True)])
def test_a_volatility_is_known_from_five_returns_on(closes, is_known):
    panel = make_panel(sessions=closes, symbols=3)

    assert make_assets(panel=panel)["daily_volatility"].notna().tolist() == [is_known] * 3


@pytest.mark.parametrize("ratio", [0.0, 1.0, np.nan, -2.0])
def test_an_action_without_a_split_is_not_a_split(ratio):
    assert make_events(splits=[("S001", FRIDAY, ratio)]).splits.empty


def test_whole_shares_stay_whole_after_a_split():
    events = make_events(splits=[("S001", THURSDAY, 0.7)])
    held = Positions((Position("S001", 42.857142857, date(2024, 6, 12)),), 0.0)

    book = value_book(held, make_assets(), session=FRIDAY, events=events)

    assert book.holdings[0].shares == 30
