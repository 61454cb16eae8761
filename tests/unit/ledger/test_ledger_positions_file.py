"""The bytes of the positions file that a ledger derives."""

from datetime import timedelta

import pytest

from tasks.core.errors import SafetyError
from tasks.ledger.positions_file import positions_bytes
from tests.ledgers import DAY, entry

LATER = DAY + timedelta(days=7)
BOUGHT = entry("a", symbol="AAA", shares=10, cash_cents=-5_000, session=DAY)


def test_the_file_has_every_share_the_session_of_its_last_change_and_the_cash_to_the_cent():
    booked = [
        entry("deposit", "deposit", cash_cents=100_000, by="Ann", reason="start"),
        BOUGHT,
        entry("b", symbol="BBB", shares="2.5", cash_cents=-1, session=DAY),
        entry("c", symbol="AAA", shares=-4, cash_cents=2_005, session=LATER),
        entry("d", "dividend", symbol="BBB", cash_cents=3, session=LATER),  # changes no shares
    ]

    assert (
        positions_bytes(booked)
        == f"symbol,shares,session\nAAA,6,{LATER}\nBBB,2.5,{DAY}\nCASH,970.07,\n".encode()
    )


def test_a_name_that_was_sold_is_not_listed_and_a_short_one_is_not_a_file():
    sold = entry("b", symbol="AAA", shares=-10, cash_cents=5_000)

    assert positions_bytes([BOUGHT, sold]) == b"symbol,shares,session\nCASH,0.00,\n"
    with pytest.raises(SafetyError, match="short position: -1 shares of AAA"):
        positions_bytes([BOUGHT, entry("b", symbol="AAA", shares=-11)])
