"""A symbol is known if a company with prices has it today; the answer to an unknown one names similar ones."""

from datetime import date

import pytest

from tasks.core.homes.home import Home
from tasks.portfolio.holdings.known_symbols import KnownSymbols, read_known_symbols
from tasks.portfolio.holdings.positions import Position
from tests.builders import FRIDAY, make_settings
from tests.deliveries import days_of, make_delivery, refresh
from tests.unit.portfolio.holdings.test_portfolio_book import LONG_AGO, THURSDAY, make_events

RENAMED, REUSED, SPLIT = date(2023, 6, 1), date(2024, 2, 1), date(2024, 3, 1)

# OLD became NEW; later another company got the symbol OLD, and NEW split 2:1. RST was reused as well.
EVENTS = make_events(
    lives=(
        ("OLD", LONG_AGO),
        ("NEW", RENAMED),
        ("OLD", REUSED),
        ("RST", LONG_AGO),
        ("RST", REUSED),
        ("AAAA", LONG_AGO),
        ("AAAB", LONG_AGO),
        ("AAAC", LONG_AGO),
        ("AAAD", LONG_AGO),
        ("GONE", LONG_AGO),
        ("HERE", RENAMED),
    ),
    renames=(("OLD", "NEW", RENAMED), ("GONE", "HERE", RENAMED)),
    splits=(("NEW", SPLIT, 2.0),),
)
KNOWN = KnownSymbols(EVENTS, LONG_AGO, FRIDAY)


@pytest.mark.parametrize(
    ("line", "current", "is_known"),
    [
        (Position("NEW", 1), "NEW", True),
        (Position("OLD", 1, LONG_AGO), "NEW", True),
        (Position("OLD", 1), "OLD", True),  # at the last session it is the other company's symbol
        (Position("GONE", 1), "HERE", True),
        (Position("XYZ", 1), "XYZ", False),
    ],
)
def test_a_position_belongs_to_the_company_that_had_its_symbol_on_its_session(line, current, is_known):
    assert (KNOWN.current(line), KNOWN.has(line)) == (current, is_known)


def test_a_former_symbol_is_not_current():
    assert KNOWN.is_current("HERE")
    assert not KNOWN.is_current("GONE")


def test_positions_are_carried_to_todays_symbols_and_through_splits_up_to_the_session():
    lines = [Position("OLD", 10.0, LONG_AGO), Position("OLD", 3.0), Position("NEW", 5.0, SPLIT)]

    assert KNOWN.carried(lines, THURSDAY) == (
        Position("NEW", 20.0, THURSDAY),
        Position("OLD", 3.0, THURSDAY),
        Position("NEW", 5.0, THURSDAY),
    )


@pytest.mark.parametrize(
    ("symbol", "hint"),
    [
        ("GONE", " (most similar: HERE, NEW)"),  # its symbol today comes first
        (" new ", " (most similar: NEW)"),
        ("AAAX", " (most similar: AAAD, AAAC, AAAB)"),  # three at most
        ("RST~2023", " (most similar: RST)"),  # not RST~20230103, which no one holds today
        ("QQQQ", ""),
    ],
)
def test_the_hint_names_todays_symbol_and_the_most_similar_ones(symbol, hint):
    assert KNOWN.closest(symbol) == hint


def test_the_symbols_of_a_lake_are_read_with_their_splits_and_the_span_of_its_sessions(tmp_path, monkeypatch):
    delivery = make_delivery()
    days = days_of(delivery)
    refresh(monkeypatch, tmp_path, delivery)

    known = read_known_symbols(Home(tmp_path), make_settings())

    assert (known.first_session, known.last_session) == (days[0], FRIDAY)
    assert [known.is_current(symbol) for symbol in ("S05", "S06")] == [True, False]
    assert known.carried([Position("S01", 10.0, days[0])], FRIDAY) == (Position("S01", 20.0, FRIDAY),)


def test_without_a_lake_or_with_one_that_cannot_be_read_no_symbols_are_known(tmp_path):
    home = Home(tmp_path)
    assert read_known_symbols(home, make_settings()) is None

    home.lake.mkdir(parents=True)
    (home.lake / "head.json").write_text("{")
    assert read_known_symbols(home, make_settings()) is None
