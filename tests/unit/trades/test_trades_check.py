"""Each rule of the last look at proposed trades holds to the cent: at the limit a list passes, beyond it none does."""

from dataclasses import replace

import pandas as pd
import pytest

from tasks.core.errors import SafetyError
from tasks.trades.check import check_trades
from tests.builders import make_settings
from tests.unit.trades.trades_worlds import make_book

SETTINGS = make_settings(
    **{
        "safety.max_trade_frac": 0.10,
        "safety.max_buys_frac": 0.40,
        "safety.max_entry_buys_frac": 0.75,
        "trades.max_adv_frac": 0.05,
        "trades.max_trades": 3,
    }
)
BOOK = make_book(95_000.0, HELD=100)  # worth 100,000 USD


def trade(symbol="NEW", side="BUY", shares=10.0, price=50.0, costs=0.0, **changed):
    row = {"symbol": symbol, "side": side, "shares": shares, "price": price, "notional": shares * price}
    return {**row, "commission_est": costs / 4, "slippage_est": costs * 3 / 4, **changed}


def check(*rows, book=BOOK, adv_usd=1e9):
    frame = pd.DataFrame(list(rows))
    check_trades(frame, book, pd.Series(adv_usd, frame["symbol"].unique(), dtype=float), settings=SETTINGS)


def refused(*rows, match, **world):
    with pytest.raises(SafetyError, match=match):
        check(*rows, **world)


def test_no_trades_break_no_rule():
    check_trades(pd.DataFrame([trade()]).iloc[:0], BOOK, pd.Series(dtype=float), settings=SETTINGS)


def test_all_that_is_held_may_be_sold_and_no_share_more():
    check(trade("HELD", "SELL", 100.0))
    refused(trade("HELD", "SELL", 101.0), match="101 shares would be sold, but only 100 are held")


def test_what_is_not_held_cannot_be_sold_not_even_one_share():
    refused(trade("NEW", "SELL", 1.0), match="0 are held")


def test_one_share_is_the_least():
    check(trade(shares=1.0))
    refused(trade(shares=0.0), match="only whole shares")
    refused(trade(shares=1.5), match="only whole shares")


@pytest.mark.parametrize("price", [0.0, -1.0, 50.001, float("nan"), float("inf")])
def test_a_price_is_positive_and_in_whole_cents(price):
    refused(trade(price=price), match="a price is positive and in whole cents")


@pytest.mark.parametrize("price", [0.01, 0.07, 1.15, 50.29, 9_999.99])
def test_any_whole_cents_are_a_price(price):
    check(trade(shares=1.0, price=price))


def test_shares_times_price_is_the_notional_to_half_a_cent():
    check(trade(notional=500.004))
    refused(trade(notional=500.006), match="is not 500.006")
    refused(trade(notional=499.994), match="is not 499.994")


def test_one_trade_is_at_most_its_share_of_the_portfolio():
    check(trade(shares=1000.0, price=10.0))
    check(trade(shares=1000.0, price=10.0, notional=10_000.004))
    refused(trade(shares=1001.0, price=10.0), match=r"the trade in \S+ is 10\.0% of the portfolio")


def test_one_trade_is_at_most_its_share_of_the_volume():
    check(trade(shares=100.0), adv_usd=100_000.0)
    refused(
        trade(shares=101.0),
        match=r"the trade in \S+ is 5\.\d% of its average daily volume",
        adv_usd=100_000.0,
    )


def test_a_day_has_at_most_so_many_trades():
    names = ("A", "B", "C", "D")

    check(*(trade(name) for name in names[:3]))
    refused(*(trade(name) for name in names), match="4 trades exceed the limit of 3 per day")


def test_buys_and_costs_are_paid_from_cash_and_sells_to_half_a_cent():
    poor = make_book(1_000.0, HELD=1_000)
    sell = trade("HELD", "SELL", 20.0)

    check(trade(shares=40.0, costs=0.0), sell, book=poor)
    check(trade(shares=39.0, costs=50.0), sell, book=poor)
    check(trade(shares=39.0, costs=50.004), sell, book=poor)
    refused(trade(shares=39.0, costs=50.01), sell, match=r"by 0\.01 USD", book=poor)
    refused(
        trade(shares=39.0, costs=50.02), sell, match=r"exceed the cash after sells by 0\.02 USD", book=poor
    )
    refused(trade(shares=40.0), trade("HELD", "SELL", 19.0), match=r"by 50\.00 USD", book=poor)


# issue 10, part 2
def test_the_costs_of_selling_are_paid_before_anything_is_bought():
    poor = make_book(1_000.0, HELD=1_000)

    check(trade(shares=40.0), trade("HELD", "SELL", 21.0, costs=50.0), book=poor)
    refused(
        trade(shares=40.0),
        trade("HELD", "SELL", 21.0, costs=50.02),
        match=r"exceed the cash after sells by 0\.02",
        book=poor,
    )


def test_a_list_of_sells_may_leave_the_cash_below_nothing():
    indebted = replace(make_book(0.0, HELD=1_000), cash_usd=-1_000.0)

    check(trade("HELD", "SELL", 10.0, costs=5.0), book=indebted)
    refused(trade("HELD", "SELL", 10.0), trade(shares=1.0), match="exceed the cash", book=indebted)


def test_buys_of_a_day_are_at_most_their_share_of_the_portfolio():
    def buys(last):
        return [trade(name, shares=shares, price=10.0) for name, shares in zip("ABC", last, strict=True)]

    rich = make_book(100_000.0, HELD=2_000)  # worth 200,000 USD: 80,000 may be bought, 20,000 in one trade

    wide = make_settings(**{"trades.max_trades": 3, "safety.max_trade_frac": 0.5})
    for shares, passes in (([4000.0, 2000.0, 2000.0], True), ([4000.0, 2000.0, 2001.0], False)):
        frame = pd.DataFrame(buys(shares))
        volumes = pd.Series(1e9, frame["symbol"])
        if passes:
            check_trades(frame, rich, volumes, settings=wide)
        else:
            with pytest.raises(SafetyError, match=r"buys are 40\.0% of the portfolio"):
                check_trades(frame, rich, volumes, settings=wide)


@pytest.mark.parametrize(("shares", "passes"), [(2500.0, True), (2501.0, False)])
def test_an_empty_portfolio_may_buy_more_in_a_day_and_that_has_its_limit_too(shares, passes):
    wide = make_settings(
        **{"trades.max_trades": 3, "safety.max_trade_frac": 0.5, "safety.max_entry_buys_frac": 0.75}
    )
    frame = pd.DataFrame(
        [
            trade("A", shares=2500.0, price=10.0),
            trade("B", shares=2500.0, price=10.0),
            trade("C", shares=shares, price=10.0),
        ]
    )
    volumes = pd.Series(1e9, frame["symbol"])

    if passes:
        check_trades(frame, make_book(100_000.0), volumes, settings=wide)
    else:
        with pytest.raises(SafetyError, match=r"buys are 75\.0% of the portfolio"):
            check_trades(frame, make_book(100_000.0), volumes, settings=wide)


def test_a_name_without_a_known_volume_can_only_be_left():
    frame = pd.DataFrame([trade("HELD", "SELL", 100.0)])

    check_trades(frame, BOOK, pd.Series(dtype=float), settings=SETTINGS)
