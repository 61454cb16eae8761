"""The account that a backtest starts with."""

from datetime import date

import numpy as np
import pytest

from tasks.backtest.build import known_companies
from tasks.backtest.start import account_of, columns_of
from tasks.core.errors import ConfigError
from tasks.portfolio.holdings.positions import Position, Positions
from tests.unit.backtest.stored import DAYS, flat, table, world

RENAME = {"old": "B", "new": "C", "session": 10}
MADE = world(
    {"A": flat(), "B": flat(20.0, last=9), "C": flat(20.0, first=10)},
    lives=[{"symbol": "A", "first": 0}, {"symbol": "B", "first": 0}, {"symbol": "C", "first": 10}],
    renames=[RENAME],
)
LIVES = [{"symbol": "A", "first": 0}, {"symbol": "B", "first": 0}, {"symbol": "C", "first": 10}]
COMPANIES = known_companies({"lives": table("lives", *LIVES), "renames": table("renames", RENAME)}, DAYS[:30])
START: date = DAYS[5].item()


def test_symbols_are_those_of_the_session_of_the_start():
    account = account_of(MADE, COMPANIES, Positions((Position("B", 30.0, START),), 1_000.005), START)

    assert MADE.company[np.flatnonzero(account.shares)].tolist() == ["20240101~B"]
    assert account.shares.sum() == 30
    assert account.cash_cents == 100_000

    later = columns_of(MADE, COMPANIES, ["C"], DAYS[12].item())
    assert MADE.company[later["C"]] == "20240101~B"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (Position("A", 1.5), "1.5 shares of A"),
        (Position("ZZZ", 2.0), "ZZZ is held at the start, but the lake has no price for it"),
        (Position("A", 2.0, DAYS[3].item()), "A is held as of 2024-01-04, but the backtest starts"),
    ],
)
def test_what_cannot_be_held_at_the_start_is_a_usage_error(line, said):
    with pytest.raises(ConfigError, match=said):
        account_of(MADE, COMPANIES, Positions((line,), 0.0), START)


def test_a_line_without_shares_is_ignored():
    account = account_of(MADE, COMPANIES, Positions((Position("ZZZ", 0.0),), 5.0), START)

    assert (account.shares.sum(), account.cash_cents) == (0, 500)
