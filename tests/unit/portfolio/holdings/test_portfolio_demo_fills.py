"""The demo's broker: what a day proposed is held afterwards, since that session."""

from datetime import timedelta

import pytest

from tasks.core.homes.home import Home
from tasks.portfolio.holdings.demo_fills import fill_as_proposed, is_filled
from tasks.portfolio.holdings.positions import parse_positions
from tests.builders import FRIDAY

WEIGHTS = """symbol,weight,current_weight,shares,price,sector,score
AAA,0.5,0.0,10.0,50.0,Energy,1
BBB,0.0,0.2,0.0,20.0,Energy,0
CASH,0.5,0.8,500.25,1.0,,
"""


@pytest.fixture
def home(tmp_path):
    home = Home(tmp_path)
    home.day_folder(FRIDAY).mkdir(parents=True)
    (home.day_folder(FRIDAY) / "portfolio_weights.csv").write_text(WEIGHTS)
    return home


def test_what_was_proposed_is_held_since_the_session(home):
    fill_as_proposed(home, FRIDAY)

    assert home.positions_file.read_text() == (
        f"symbol,shares,session\nAAA,10.0,{FRIDAY}\nCASH,500.25,{FRIDAY}\n"
    )
    held = parse_positions(home.positions_file.read_text(), path="file")
    assert held.cash_usd == 500.25
    assert [(line.symbol, line.shares, line.session) for line in held.positions] == [("AAA", 10.0, FRIDAY)]


def test_a_portfolio_without_cash_is_all_the_same_a_portfolio_with_a_cash_line(home):
    (home.day_folder(FRIDAY) / "portfolio_weights.csv").write_text(WEIGHTS.replace("500.25", "0.0"))

    fill_as_proposed(home, FRIDAY)

    assert f"CASH,0.0,{FRIDAY}" in home.positions_file.read_text()


def test_a_home_without_positions_is_not_filled(home):
    assert not is_filled(home, FRIDAY)


@pytest.mark.parametrize(("days", "expected"), [(-1, True), (0, True), (1, False)])
def test_a_session_is_filled_once_the_positions_are_of_it_or_later(home, days, expected):
    fill_as_proposed(home, FRIDAY)

    assert is_filled(home, FRIDAY + timedelta(days=days)) is expected
