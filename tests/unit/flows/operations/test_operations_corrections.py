"""A declaration over a ledger books what it showed, and nothing else (issue 16)."""

import json
from datetime import date

import pandas as pd
import pytest

from flows.operations.trading import positions as operation
from tasks.core.homes.home import Home
from tasks.data.panel.companies import company_index
from tasks.ledger.balance import balance_of
from tasks.ledger.positions_file import position_dates
from tasks.portfolio.holdings.events import events_of
from tasks.portfolio.holdings.known_symbols import KnownSymbols
from tasks.portfolio.holdings.positions import Position
from tests.homes import afterclose, tree_bytes
from tests.ledgers import begun_home, book, booked, entry

FIRST, BEFORE, SPLIT, LATER = date(2024, 1, 2), date(2024, 5, 31), date(2024, 6, 5), date(2024, 6, 12)
LAST = date(2024, 6, 14)
RENAMED = date(2024, 6, 7)


@pytest.fixture
def market(monkeypatch) -> KnownSymbols:
    """Return a market in which AAA was split 2:1 and OLD became NEW after the ledger had begun."""
    firsts = [FIRST, FIRST, FIRST, RENAMED]
    lives = pd.DataFrame({"symbol": ["AAA", "BBB", "OLD", "NEW"], "first": pd.to_datetime(firsts)})
    lives["last"] = pd.to_datetime([LAST, LAST, LATER, LAST])
    renames = pd.DataFrame({"session": pd.to_datetime([RENAMED]), "old": ["OLD"], "new": ["NEW"]})
    actions = pd.DataFrame({"symbol": ["AAA"], "session": pd.to_datetime([SPLIT]), "split": [2.0]})
    companies = company_index(lives, renames)
    known = KnownSymbols(events_of(actions, companies), FIRST, LAST)
    monkeypatch.setattr(operation, "read_known_symbols", lambda *_: known)
    monkeypatch.setattr(operation, "last_closes", lambda *_: {})
    return known


@pytest.fixture
def home(tmp_path) -> Home:
    return begun_home(tmp_path / "home", ("AAA", 10), ("BBB", 7), ("OLD", 5), session=BEFORE)


def declare(home, lines, *options):
    file = home.root.parent / "held.csv"
    file.write_text("\n".join(["symbol,shares,session", *lines]) + "\n")
    said = ("--by", "Ann", "--reason", "moved", "--json", *options)
    ended = afterclose("positions", "import", str(file), *said, home=home.root)
    return ended.returncode, json.loads(ended.stdout)


def held_today(home, market):
    """Return the shares of the ledger after the splits, under today's symbols."""
    dates, shares = position_dates(booked(home)), balance_of(booked(home)).shares
    lines = [Position(symbol, float(count), dates[symbol]) for symbol, count in shares.items()]
    return {line.symbol: line.shares for line in market.carried(lines, LAST)}


@pytest.mark.parametrize(
    "lines",
    [
        ["AAA,20,", "BBB,7,", "NEW,5,", "CASH,1000,"],  # what is held at the last close
        [f"AAA,10,{BEFORE}", f"BBB,7,{LATER}", f"OLD,5,{BEFORE}", "CASH,1000.00,"],
        [f"AAA,20,{SPLIT}", f"BBB,7,{FIRST}", "NEW,5,", "CASH,1000,", "CCC,0,"],
    ],
)
def test_what_is_held_already_books_nothing_whatever_the_close_it_is_stated_as_of(home, market, lines):
    before = booked(home)

    code, document = declare(home, lines)

    assert (code, document["positions_before"]) == (0, None)
    assert booked(home) == before


@pytest.mark.parametrize(
    "lines",
    [
        ["AAA,10,", "BBB,7,", "NEW,5,", "CASH,1000,"],  # half of it: the split is in neither number
        ["AAA,20,", "BBB,8,", "NEW,5,", "CASH,1000,"],
        ["AAA,20,", "BBB,7,", "NEW,6,", "CASH,1000,"],
        ["AAA,20,", "NEW,5,", "CASH,1000,"],
        [f"AAA,12,{BEFORE}", "BBB,7,", "NEW,5,", "CASH,999.99,"],
        ["AAA,20,", "BBB,7,", "OLD,5,", "CASH,0,"],
    ],
)
def test_what_is_booked_is_the_change_that_was_shown(home, market, lines):
    entries, before = booked(home), held_today(home, market)
    code, shown = declare(home, lines)
    assert (code, booked(home)) == (3, entries)

    assert declare(home, lines, "--replace")[0] == 0

    after, change = held_today(home, market), shown["change"]
    differs = {
        symbol: {"before": before.get(symbol, 0.0), "after": after.get(symbol, 0.0)}
        for symbol in before.keys() | after.keys()
        if before.get(symbol, 0.0) != after.get(symbol, 0.0)
    }
    assert differs == change["shares"]
    assert balance_of(booked(home)).cash_cents == round(100 * change["cash_usd"]["after"])
    corrected = {entry.symbol for entry in booked(home)[len(entries) :]} - {""}
    assert {"NEW" if symbol == "OLD" else symbol for symbol in corrected} == change["shares"].keys()


def test_cash_that_was_overdrawn_before_cannot_be_declared_again_and_no_undo_is_promised(home, market):
    book(home, entry("fee", "fee", cash_cents=-200_000, session=LATER))
    file = home.root.parent / "held.csv"
    file.write_text("symbol,shares\nCASH,5\n")
    command = ("positions", "import", str(file), "--by", "Ann", "--reason", "moved")

    for options, code in ((), 3), (("--replace",), 0):
        ended = afterclose(*command, *options, home=home.root)
        assert ended.returncode == code
        assert "Their cash is negative, so that file cannot be imported as it is." in ended.stdout
        assert "ndo" not in ended.stdout


def test_shares_dated_before_the_market_data_begin_are_refused_with_their_line(home, market):
    before = booked(home)

    code, document = declare(home, ["BBB,7,", "AAA,10,2023-12-29", "CASH,1000,"], "--replace")

    assert code == 3
    assert (
        "line 3, AAA is held as of 2023-12-29, which is before the first session of the market data, 2024-01-02: "
        "splits in between are unknown." in document["what"]
    )
    assert document["fields"]["line"] == 3
    assert booked(home) == before


def test_of_many_unknown_symbols_the_first_ten_are_named_and_all_are_counted(home, market, monkeypatch):
    hints = []
    monkeypatch.setattr(KnownSymbols, "closest", lambda _, symbol: hints.append(symbol) or "")
    unknown = [f"X{letter}" for letter in "ABCDEFGHIJKL"]

    code, document = declare(home, [*(f"{symbol},1," for symbol in unknown), "CASH,1000,"])

    assert code == 3
    assert "line 11, XJ is not a symbol of the market data; and 2 more." in document["what"]
    assert (hints, document["fields"]["symbols"]) == (unknown[:10], unknown)


def test_shares_dated_before_splits_that_are_booked_are_refused_before_anything_is_written(home, market):
    before = tree_bytes(home.root)

    code, document = declare(home, [f"AAA,99,{FIRST}", "BBB,7,", "NEW,5,", "CASH,1000,"], "--replace")

    assert (code, "AAA is declared as of 2024-01-02" in document["what"]) == (3, True)
    written = {path for path, content in tree_bytes(home.root).items() if before.get(path) != content}
    assert [path for path in written if "audit" in str(path) or "positions-" in str(path)] == []
