"""The lines of trades.csv and their bands."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.approval.lines import approved_lines
from tasks.core.errors import SafetyError
from tests.approval_days import trades_csv

AAPL = "AAPL,SELL,100,200.0000,20000.00,-0.02,0.00,1.50,REDUCE,why,,MARKET"
MSFT = "MSFT,BUY,7,450.0000,3150.00,0.01,0.00,1.20,OPEN,why,,MARKET"


def lines(*rows, price=0.1, size=1.0):
    return approved_lines(trades_csv(*rows), price_band_frac=price, size_band_frac=size)


def test_lines_keep_the_order_and_the_text_of_the_file():
    first, second = lines(AAPL, MSFT)

    assert (first.symbol, first.side, first.shares, first.price) == ("AAPL", "SELL", "100", "200.0000")
    assert second.symbol == "MSFT"


def test_a_band_is_a_fraction_of_price_and_size_rounded_to_the_inside():
    (line,) = lines(MSFT, price=0.000111, size=0.5)

    assert (line.lowest_price, line.highest_price) == ("449.9501", "450.0499")
    assert line.least_shares == "4"  # of 7


def test_without_bands_every_price_and_every_smaller_size_is_allowed():
    (line,) = lines(MSFT, price=1.0, size=1.0)

    assert (line.lowest_price, line.highest_price, line.least_shares) == ("0.0000", "900.0000", "0")


def test_bands_of_zero_allow_the_approved_price_and_size_only():
    (line,) = lines(MSFT, price=0.0, size=0.0)

    assert (line.lowest_price, line.highest_price, line.least_shares) == ("450.0000", "450.0000", "7")


@given(
    price=st.decimals("0.0001", "99999", places=4),
    shares=st.integers(1, 10**6),
    price_band=st.floats(0, 1),
    size_band=st.floats(0, 1),
)
def test_a_band_contains_what_was_approved_and_never_more_than_its_fraction(
    price, shares, price_band, size_band
):
    row = f"MSFT,BUY,{shares},{price},1.00,0.01,0.00,1.20,OPEN,why,,MARKET"

    (line,) = lines(row, price=price_band, size=size_band)

    low, high, least = Decimal(line.lowest_price), Decimal(line.highest_price), Decimal(line.least_shares)
    exact_price, exact_size = Decimal(str(price_band)), Decimal(str(size_band))
    assert low <= price <= high
    assert low >= price * (1 - exact_price)
    assert high <= price * (1 + exact_price)
    assert shares * (1 - exact_size) <= least <= shares
    assert least == int(least)


def test_a_file_without_trades_has_no_lines():
    assert lines() == ()


def test_fault_037_a_symbol_on_both_sides_is_refused():
    with pytest.raises(SafetyError, match="AAPL is in it twice"):
        lines(AAPL, AAPL.replace("SELL", "BUY"))


@pytest.mark.parametrize(
    "row",
    [
        AAPL.replace("AAPL", "../x"),
        AAPL.replace("AAPL", "=A1"),
        AAPL.replace("AAPL", "CASH"),
        AAPL.replace("SELL", "sell"),
        AAPL.replace("SELL", "HOLD"),
        *(AAPL.replace(",100,", f",{bad},") for bad in ("-1", "0", "1e3", "nan", "", " 1", "1.1234567", "٣")),
        *(AAPL.replace("200.0000", bad) for bad in ("-1", "0", "0.0000", "inf", "", "2_0")),
        AAPL.replace(",why", ""),
        AAPL + ",more",
        '"' + AAPL,
    ],
)
def test_fault_112_a_row_that_no_day_publishes_is_refused(row):
    with pytest.raises(SafetyError) as caught:
        lines(row)

    assert caught.value.fields["reason"] == "trades"


@pytest.mark.parametrize("content", [b"", b"symbol,side\n", b"\xff\xfe", b"\x00"])
def test_a_file_with_other_columns_is_refused(content):
    with pytest.raises(SafetyError) as caught:
        approved_lines(content, price_band_frac=0.1, size_band_frac=1.0)

    assert caught.value.fields["reason"] == "trades"
