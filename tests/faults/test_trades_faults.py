"""Faults 35–41 and 9 of the trades: dropped and listed, cut and marked, or refused by name."""

import numpy as np
import pandas as pd
import pytest

from tasks.core.errors import SafetyError
from tasks.trades.check import check_trades
from tests.builders import make_settings
from tests.unit.trades.trades_worlds import make_book, make_target, proposed

SETTINGS = make_settings()


def make_trade(**given):
    row = {
        "symbol": "A",
        "side": "SELL",
        "shares": 10,
        "price": 50.0,
        "notional": 500.0,
        "weight_change": -0.005,
        "commission_est": 0.0,
        "slippage_est": 0.1,
        "action": "REDUCE",
        "reason": "",
        "liquidity_warning": "",
        "algorithm": "MARKET",
    }
    return {**row, **given}


def check(*rows, book=None, adv_usd=1e9):
    frame = pd.DataFrame(list(rows))
    volumes = pd.Series(dict.fromkeys(frame["symbol"], adv_usd), dtype=float)
    check_trades(frame, book or make_book(95_000.0, A=100), volumes, settings=SETTINGS)


def propose(book, target, settings=SETTINGS):
    return proposed(book, target, settings=settings)


def test_a_list_that_is_right_is_let_through():
    check(make_trade(), make_trade(symbol="B", side="BUY"))


def test_fault_009_a_delisted_holding_is_left_and_never_bought():
    gone = {"has_quote": False, "adv_usd": 0.0}

    frame, _, _ = propose(make_book(90_000.0, A=100), make_target(A={"weight": 0.0, **gone}))

    assert frame.loc["A", ["side", "action"]].tolist() == ["SELL", "CLOSE"]
    assert "no quote on the session" in frame["liquidity_warning"]["A"]


@pytest.mark.parametrize("weight", [0.0004, 0.0009])
def test_fault_035_a_desired_change_of_less_than_a_share_is_dropped_and_listed(weight):
    frame, dropped, _ = propose(make_book(), make_target(A={"weight": weight, "price": 100.0}))

    assert frame.empty
    assert dropped["A"].reason == "less than one share"
    assert dropped["A"].notional_usd == pytest.approx(100_000 * weight)


def test_fault_035_dust_is_dropped_and_listed():
    frame, dropped, _ = propose(make_book(99_950.0, A=1), make_target(A={"weight": 0.0013, "price": 50.0}))

    assert frame.empty
    assert dropped["A"].reason == "close enough to its target to stay unchanged"


def test_fault_035_dust_that_a_cut_leaves_is_dropped_and_listed():
    thin = {"weight": 0.05, "adv_usd": 1_000.0, "price": 25.0}

    frame, dropped, _ = propose(make_book(), make_target(A=thin))

    assert frame.empty
    assert dropped["A"].reason == "worth less than 100 USD"


def test_fault_035_dust_may_always_leave():
    frame, _, _ = propose(
        make_book(99_999.0, A=1, prices={"A": 1.0}), make_target(A={"weight": 0.0, "price": 1.0})
    )

    assert frame["action"].to_dict() == {"A": "CLOSE"}


@pytest.mark.parametrize("shares", [0, -5, 2.5, float("nan")])
def test_fault_035_an_order_of_no_whole_shares_is_refused(shares):
    with pytest.raises(SafetyError, match="only whole shares"):
        check(make_trade(shares=shares, notional=shares * 50.0))


def test_fault_036_selling_more_than_is_held_is_refused():
    with pytest.raises(SafetyError, match="101 shares would be sold, but only 100 are held"):
        check(make_trade(shares=101, notional=5_050.0))


def test_fault_036_selling_what_is_not_held_is_refused():
    with pytest.raises(SafetyError, match="0 are held"):
        check(make_trade(symbol="B"))


def test_fault_036_selling_short_is_refused():
    with pytest.raises(SafetyError, match="SELL_SHORT, but must be SELL or BUY"):
        check(make_trade(side="SELL_SHORT"))


def test_fault_037_both_sides_of_one_symbol_are_refused():
    with pytest.raises(SafetyError, match="A is listed twice"):
        check(make_trade(), make_trade(side="BUY"))


@pytest.mark.parametrize("price", [50.001, 0.0, -1.0, float("nan"), float("inf")])
def test_fault_038_a_price_that_is_not_in_whole_cents_is_refused(price):
    with pytest.raises(SafetyError, match="a price is positive and in whole cents"):
        check(make_trade(price=price, notional=10 * price))


def test_fault_038_a_price_below_one_cent_is_listed_and_not_traded():
    worthless = {"weight": 0.0, "price": 0.0}

    frame, dropped, after = propose(make_book(90_000.0, prices={"A": 0.0}, A=100), make_target(A=worthless))

    assert frame.empty
    assert dropped["A"].reason == "its price is below one cent"
    assert after["shares"]["A"] == 100


def test_fault_039_a_trade_above_its_share_of_the_volume_is_cut_and_marked():
    thin = {"weight": 0.08, "adv_usd": 100_000.0}

    frame, _, _ = propose(make_book(), make_target(A=thin))

    assert frame["notional"]["A"] == 5_000
    assert frame["liquidity_warning"]["A"] == "cut from 159 to 100 shares, 5% of the average daily volume"


def test_fault_039_an_exit_above_its_share_of_the_volume_is_cut_too():
    thin = {"weight": 0.0, "adv_usd": 40_000.0}

    frame, _, after = propose(make_book(90_000.0, A=100), make_target(A=thin))

    assert frame["notional"]["A"] == 2_000
    assert frame["action"]["A"] == "REDUCE"
    assert after["shares"]["A"] == 60


def test_fault_039_a_trade_above_its_share_of_the_volume_is_refused():
    with pytest.raises(SafetyError, match=r"the trade in \S+ is \S+ of its average daily volume"):
        check(make_trade(), adv_usd=9_000.0)


def test_fault_039_a_trade_above_its_share_of_the_portfolio_is_refused():
    with pytest.raises(SafetyError, match=r"the trade in \S+ is \S+ of the portfolio"):
        check(make_trade(symbol="B", side="BUY", shares=201, notional=10_050.0))


def test_fault_039_more_buys_than_a_day_may_have_are_refused():
    buys = [make_trade(symbol=f"B{i}", side="BUY", shares=180, notional=9_000.0) for i in range(5)]

    with pytest.raises(SafetyError, match=r"buys are 45\.0% of the portfolio"):
        check(*buys)


def test_fault_039_more_trades_than_a_day_may_have_are_refused():
    buys = [make_trade(symbol=f"B{i}", side="BUY", shares=2, notional=100.0) for i in range(51)]

    with pytest.raises(SafetyError, match="51 trades exceed the limit of 50 per day"):
        check(*buys)


def test_fault_040_buys_beyond_the_cash_after_sells_are_refused():
    book = make_book(100.0, A=2_000)

    with pytest.raises(SafetyError, match=r"exceed the cash after sells by 400\.20 USD"):
        check(make_trade(), make_trade(symbol="B", side="BUY", shares=20, notional=1_000.0), book=book)


def test_fault_040_buys_wait_for_sells_that_had_to_be_cut():
    book = make_book(0.0, A=1_000, B=1_000)
    target = make_target(A={"weight": 0.0, "adv_usd": 40_000.0}, B=0.15, C=0.15, D=0.15)

    frame, _, after = propose(book, target)

    assert after["shares"]["CASH"] >= 0
    assert "the cash available after sells and costs" in frame["reason"]["C"]


def test_fault_040_costs_come_out_of_what_cut_sells_bring():
    dear = make_settings(**{"costs.commission_per_share_usd": 0.10})
    thin = {"weight": 0.0, "adv_usd": 400_000.0}
    cheap = {"weight": 0.15, "price": 1.0}

    frame, _, after = propose(make_book(0.0, A=2_000), make_target(A=thin, B=cheap, C=cheap), settings=dear)

    assert frame["side"].tolist() == ["SELL", "BUY", "BUY"]
    assert "the cash available after sells and costs" in frame["reason"]["B"]
    assert 0 <= after["shares"]["CASH"] < 500


def test_fault_040_the_last_cent_of_costs_is_in_the_cash():
    book = make_book(10_000.01, prices={"A": 0.01})
    target = make_target(A={"weight": 0.10, "price": 0.01}, B={"weight": 0.10, "price": 0.03})

    frame, _, after = propose(book, target)

    spent = frame["notional"].sum() + frame["commission_est"].sum() + frame["slippage_est"].sum()
    assert after["shares"]["CASH"] == pytest.approx(10_000.01 - spent, abs=1e-9)


def test_fault_041_a_target_that_is_held_needs_no_trades():
    book = make_book(40_000.0, **dict.fromkeys("ABCDEF", 200))
    target = make_target(**dict.fromkeys("ABCDEF", 0.10))

    frame, dropped, _ = propose(book, target)

    assert frame.empty
    assert dropped == {}


def test_notional_that_is_not_shares_times_price_is_refused():
    with pytest.raises(SafetyError, match="is not"):
        check(make_trade(notional=501.0))


def test_unknown_volatility_and_volume_do_not_stop_an_exit():
    unknown = {"weight": 0.0, "adv_usd": np.nan, "daily_volatility": np.nan}

    frame, _, _ = propose(make_book(90_000.0, A=100), make_target(A=unknown))

    assert frame["action"]["A"] == "CLOSE"
    assert np.isfinite(frame["slippage_est"]["A"])
