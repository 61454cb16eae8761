"""A ledger is the exact sum of what was booked, once each, and any damage to its file is found (issue 15)."""

import os
import shutil
import signal
import subprocess
import sys
from datetime import timedelta
from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.core.errors import AftercloseError
from tasks.core.homes.home import Home
from tasks.core.sessions import sessions_ending
from tasks.ledger.anchor import read_anchor
from tasks.ledger.balance import balance_of, equity_cents, net_flows_cents
from tasks.ledger.database import opened, transaction
from tasks.ledger.entries import Entry
from tasks.ledger.positions_file import positions_bytes, rebuild_positions
from tasks.ledger.store import append, entries
from tasks.portfolio.holdings.positions import carry, parse_positions
from tests.ledgers import DAY, begun_home, book, booked, entry
from tests.time_weighted import time_weighted_return

cents = st.integers(-(10**12), 10**12)
shares = st.decimals(-(10**6), 10**6, places=9, allow_nan=False, allow_infinity=False)


@st.composite
def lists_of_entries(draw) -> list[Entry]:
    amounts = draw(
        st.lists(
            st.tuples(st.sampled_from(["AAA", "BBB", "CCC"]), shares, cents, cents, st.integers(0, 9)),
            max_size=12,
        )
    )
    return [
        entry(
            f"e{number}",
            "fill",
            symbol=symbol,
            shares=count,
            cash_cents=cash,
            receivable_cents=due,
            session=DAY + timedelta(later),
        )
        for number, (symbol, count, cash, due, later) in enumerate(amounts)
    ]


@pytest.fixture(scope="module")
def template(tmp_path_factory) -> Home:
    """Return a home with a ledger of a few entries, whose database is one file."""
    home = begun_home(tmp_path_factory.mktemp("ledger") / "home", ("AAA", 100), ("BBB", 7))
    book(
        home,
        *[entry(f"f{number}", symbol="AAA", shares=number, cash_cents=-number) for number in range(1, 6)],
    )
    return home


def copy_of(home: Home, folder: str) -> Home:
    return Home(Path(shutil.copytree(home.root, Path(folder) / "home")))


@given(lists_of_entries())
def test_a_balance_is_the_sum_whatever_the_order(listed):
    balance = balance_of(listed)

    for symbol in ("AAA", "BBB", "CCC"):
        wanted = sum((Fraction(one.shares) for one in listed if one.symbol == symbol), Fraction(0))
        assert Fraction(balance.shares.get(symbol, Decimal(0))) == wanted
    assert balance.cash_cents == sum(one.cash_cents for one in listed)
    assert balance.receivable_cents == sum(one.receivable_cents for one in listed)
    assert balance_of(listed[::-1]) == balance


@given(lists_of_entries(), st.data())
def test_booking_again_in_any_pieces_changes_nothing(listed, data):
    cut = data.draw(st.integers(0, len(listed)))
    with TemporaryDirectory() as folder:
        home = begun_home(folder)
        opening = booked(home)

        assert book(home, *listed[:cut]) == cut
        assert book(home, *listed) == len(listed) - cut
        once = booked(home)
        assert book(home, *data.draw(st.permutations(listed))) == 0

        assert booked(home) == once == (*opening, *listed)
        assert read_anchor(home).entries == len(once)


@given(lists_of_entries())
def test_a_rebuilt_file_is_what_the_entries_derive_and_parses_to_the_balance(listed):
    positive = [entry(f"p{symbol}", symbol=symbol, shares=10**8) for symbol in ("AAA", "BBB", "CCC")]
    with TemporaryDirectory() as folder:
        home = begun_home(folder)
        book(home, *positive, *listed)

        content = rebuild_positions(home)

        assert content == home.positions_file.read_bytes() == positions_bytes(booked(home))
        parsed = parse_positions(content.decode(), path="x")
        balance = balance_of(booked(home))
        assert {line.symbol: line.shares for line in parsed.positions} == {
            symbol: float(count) for symbol, count in balance.shares.items()
        }
        assert parsed.cash_usd == balance.cash_cents / 100


events = st.sampled_from(["fill", "split", "reverse split", "book", "nothing"])


# the daily run applies the splits after the session that the file gives; the ledger books them when it learns of them
@given(st.lists(events, max_size=30))
def test_a_split_counts_once_whenever_it_is_booked(happened):
    days = [day.item() for day in sessions_ending(DAY, 31)]
    held, listed, pending, known = (
        120,
        [entry("o", "opening", symbol="AAA", shares=120, session=days[0])],
        [],
        [],
    )
    for day, event in zip(days[1:], happened, strict=False):
        if "split" in event and held % 2 == 0:
            ratio = 2.0 if event == "split" else 0.5
            change = round(held * (ratio - 1))
            held += change
            known.append(("AAA", pd.Timestamp(day), ratio))
            pending.append(entry(f"s{day}", "split", symbol="AAA", shares=change, session=day))
        if event in {"fill", "book"}:
            listed += pending
            pending = []
        if event == "fill":
            held += 6
            listed.append(entry(f"f{day}", symbol="AAA", shares=6, session=day))
        splits = pd.DataFrame(known, columns=["symbol", "session", "split"])

        (position,) = parse_positions(positions_bytes(listed).decode(), path="x").positions

        assert (
            carry(position, day, symbol="AAA", splits=splits.astype({"session": "datetime64[ns]"})).shares
            == held
        )


@given(st.data())
def test_an_edited_byte_is_found_or_changes_nothing_that_is_read(template, data):
    original = booked(template)
    with TemporaryDirectory() as folder:
        home = copy_of(template, folder)
        content = bytearray(home.ledger_file.read_bytes())
        place = data.draw(st.integers(0, len(content) - 1), label="byte")
        content[place] ^= data.draw(st.integers(1, 255), label="flip")
        home.ledger_file.write_bytes(bytes(content))

        try:
            found = booked(home)
        except AftercloseError:
            return
        assert found == original


@given(st.data())
def test_a_ledger_cut_short_is_found_or_lacks_nothing_that_is_read(template, data):
    original = booked(template)
    with TemporaryDirectory() as folder:
        home = copy_of(template, folder)
        size = home.ledger_file.stat().st_size
        os.truncate(home.ledger_file, data.draw(st.integers(0, size - 1)))

        try:
            found = booked(home)
        except AftercloseError:
            return
        assert found == original  # the page of an index that is not needed


@given(st.lists(st.tuples(st.integers(-900, 2000), st.integers(-50, 200)), min_size=1, max_size=20))
def test_a_time_weighted_return_does_not_depend_on_flows(steps):
    """The same relative gains, with and without flows: the fund's units tell the return independently."""
    equity, flows = [Fraction(1_000_000)], [Fraction(0)]
    units, price = Fraction(1_000_000), Fraction(1)
    for gain, flow in steps:
        price *= 1 + Fraction(gain, 10_000)
        units += Fraction(flow * 1000) / price
        equity.append(units * price)
        flows.append(Fraction(flow * 1000))

    assert time_weighted_return(equity, flows) == price - 1


@given(lists_of_entries(), st.integers(1, 10**9))
def test_equity_is_what_was_paid_in_plus_gains(listed, paid):
    deposit = entry("d", "deposit", cash_cents=paid, reason="r")
    prices = dict.fromkeys(("AAA", "BBB", "CCC"), Decimal("12.34"))

    before, after = (equity_cents(balance_of(some), prices) for some in (listed, [*listed, deposit]))

    assert after - before == net_flows_cents([*listed, deposit]) == paid


BOOK_FOREVER = """
import sys
from pathlib import Path
from tasks.core.homes.home import Home
from tests.ledgers import book, entry
home = Home(Path(sys.argv[1]))
print("ready", flush=True)
for number in range(10**6):
    book(home, entry(f"{number}a", symbol="AAA", shares=1, cash_cents=-7), entry(f"{number}b", cash_cents=-1))
"""


@pytest.mark.parametrize("delay_ms", [0, 3, 11, 29, 61])
def test_a_process_that_is_killed_while_it_books_leaves_whole_bookings_and_locks_nothing_out(
    tmp_path, delay_ms
):
    home = begun_home(tmp_path)
    with subprocess.Popen(
        [sys.executable, "-c", BOOK_FOREVER, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    ) as process:
        assert process.stdout.readline() == "ready\n"
        with pytest.raises(subprocess.TimeoutExpired):
            process.wait(timeout=delay_ms / 1000)
        process.send_signal(signal.SIGKILL)

    found = booked(home)[1:]
    assert len(found) % 2 == 0
    assert [one.source for one in found] == [
        f"{number}{part}" for number in range(len(found) // 2) for part in "ab"
    ]

    assert book(home, entry("after", cash_cents=1)) == 1
    assert read_anchor(home).entries == len(found) + 2


def test_two_processes_book_one_after_the_other(tmp_path):
    home = begun_home(tmp_path)
    with opened(home) as one, opened(home) as other:
        with transaction(one):
            append(one, [entry("a")])
        append(other, [entry("b")])

        assert [found.source for found in entries(one)][1:] == ["a", "b"]
