"""Entries are booked once, in order, and a ledger that is missing, shortened, swapped or edited is refused."""

import os
import sqlite3
from contextlib import closing, suppress
from datetime import timedelta
from decimal import Decimal

import pytest

from tasks.core.errors import ConfigError, SafetyError, StorageError
from tasks.core.homes.home import Home
from tasks.core.homes.setup import note_in_marker
from tasks.ledger.anchor import Anchor, is_begun, read_anchor, write_anchor
from tasks.ledger.database import connect, ensure_tables, opened, refuse_damaged, transaction
from tasks.ledger.store import append, end_of_ledger, entries
from tests.ledgers import AT, DAY, begun_home, book, booked, entry, new_home, tamper

REST = "kind, session, at, symbol, shares, 0, 0, 0, order_id, person, reason, hash"
FILL = entry("order:10:5000", symbol="AAA", shares=10, cash_cents=-5_000, order_id="order")


def test_entries_come_back_as_they_were_booked(tmp_path):
    home = begun_home(tmp_path)
    wanted = [FILL, entry("d", "dividend", cash_cents=7, receivable_cents=-7, symbol="AAA", reason="é, \n")]

    assert book(home, *wanted) == 2

    assert list(booked(home))[1:] == wanted


def test_the_same_event_is_booked_once_whenever_it_is_reported(tmp_path):
    home = begun_home(tmp_path)
    book(home, FILL)

    later = entry(
        "order:10:5000",
        symbol="AAA",
        shares="10.0",
        cash_cents=-5_000,
        order_id="order",
        at=AT + timedelta(1),
    )
    assert book(home, later, later) == 0

    assert booked(home)[1:] == (FILL,)


def test_the_same_source_with_other_content_is_refused_and_nothing_is_appended(tmp_path):
    home = begun_home(tmp_path)
    book(home, FILL)

    other = entry("order:10:5000", symbol="AAA", shares=11, cash_cents=-5_000, order_id="order")
    refused = pytest.raises(SafetyError, match="different content")
    with opened(home) as connection, transaction(connection), refused:
        append(connection, [entry("new"), other])

    assert booked(home)[1:] == (FILL,)


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        (entry(""), "no source"),
        (entry("a", "gift"), "not a kind"),
        (entry("a", shares="NaN", symbol="AAA"), "not a number of shares"),
        (entry("a", shares="1e13", symbol="AAA"), "not a number of shares"),
        (entry("a", shares=10**12 + 1, symbol="AAA"), "not a number of shares"),
        (entry("a", shares="1e-19", symbol="AAA"), "too many decimals"),
        (entry("a", shares=1), "no symbol"),
        (entry("a", cash_cents=1.0), "whole number of cents"),
        (entry("a", cash_cents=True), "whole number of cents"),
        (entry("a", fee_cents=10**15 + 1), "whole number of cents"),
        (entry("a", at=AT.replace(tzinfo=None)), "no time zone"),
        (entry("a", "correction", by="Ann"), "no reason"),
        (entry("a", "correction", reason="typing error"), "no person"),
        (entry("a", "manual_trade"), "no reason"),
        (entry("a", "deposit", cash_cents=-1, reason="r"), "wrong sign"),
        (entry("a", "withdrawal", cash_cents=1, reason="r"), "wrong sign"),
        (entry("a", "deposit", cash_cents=0, reason="r"), "wrong sign"),
    ],
)
def test_an_impossible_entry_is_refused_and_nothing_is_booked(tmp_path, wrong, why):
    home = begun_home(tmp_path)

    with pytest.raises(SafetyError, match=why):
        book(home, FILL, wrong)

    assert booked(home)[1:] == ()


def test_entries_through_a_session_leave_out_later_ones(tmp_path):
    home = begun_home(tmp_path)
    later = entry("later", symbol="AAA", shares=1, session=DAY + timedelta(3))
    book(home, later, FILL)

    with opened(home) as connection:
        assert entries(connection, through=DAY)[1:] == (FILL,)
        assert entries(connection, through=later.session)[1:] == (later, FILL)


def test_a_transaction_that_fails_leaves_nothing(tmp_path):
    home = begun_home(tmp_path)

    with opened(home) as connection:
        with suppress(ZeroDivisionError), transaction(connection):
            append(connection, [FILL])
            raise ZeroDivisionError

        assert entries(connection)[1:] == ()
        assert not connection.in_transaction


def test_tables_of_others_are_committed_with_the_entries_and_created_once(tmp_path):
    home = begun_home(tmp_path)
    with opened(home) as connection:
        for _ in range(2):
            ensure_tables(connection, "orders", 1, ["CREATE TABLE orders (id TEXT PRIMARY KEY) STRICT"])
        with suppress(ZeroDivisionError), transaction(connection):
            connection.execute("INSERT INTO orders VALUES ('a')")
            append(connection, [FILL])
            raise ZeroDivisionError

        assert connection.execute("SELECT * FROM orders").fetchall() == []
        with pytest.raises(ConfigError, match="version 1"):
            ensure_tables(connection, "orders", 2, [])


def test_commits_reach_the_disk_before_they_are_confirmed(tmp_path):
    with opened(begun_home(tmp_path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)  # FULL
        assert connection.execute("PRAGMA foreign_keys").fetchone() == (1,)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET cash_cents = 1",
        "DELETE FROM entries",
        "INSERT OR REPLACE INTO entries SELECT * FROM entries WHERE id = 1",
        f"REPLACE INTO entries SELECT 2, source, {REST} FROM entries",  # noqa: S608
        f"INSERT INTO entries SELECT 9, 'x', {REST} FROM entries",  # noqa: S608
    ],
)
def test_the_database_refuses_to_change_what_is_booked(tmp_path, statement):
    home = begun_home(tmp_path)
    with opened(home) as connection, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET cash_cents = cash_cents + 1 WHERE id = 2",
        "UPDATE entries SET at = '2024-06-14T20:31:00+00:00' WHERE id = 1",
        "UPDATE entries SET hash = '' WHERE id = 3",
        "DELETE FROM entries WHERE id = 2",
        "DELETE FROM entries WHERE id = 1",
        "DELETE FROM entries WHERE id = 3",
        "DELETE FROM entries",
        "UPDATE entries SET id = 9 WHERE id = 3",
        f"INSERT INTO entries SELECT 4, 'x', {REST} FROM entries WHERE id = 3",  # noqa: S608
        "DROP TABLE parts",
    ],
)
def test_an_edited_ledger_is_refused_with_the_remedy(tmp_path, statement):
    home = begun_home(tmp_path)
    book(home, FILL, entry("b"))

    tamper(home, statement)

    with pytest.raises(SafetyError, match="not treated as an empty portfolio") as caught:
        booked(home)
    assert "data restore" in caught.value.remedy


@pytest.mark.parametrize("trigger", ["entries_no_update", "entries_no_delete", "entries_in_order"])
def test_a_ledger_without_its_guards_is_refused_before_anything_is_appended(tmp_path, trigger):
    home = begun_home(tmp_path)
    with closing(sqlite3.connect(home.ledger_file, isolation_level=None)) as connection:
        connection.execute(f"DROP TRIGGER {trigger}")

    with pytest.raises(SafetyError, match="its rules are not those of a ledger"):
        book(home, FILL)
    with pytest.raises(SafetyError, match="its rules are not those of a ledger"):
        booked(home)


def remove(home: Home) -> None:
    for end in ("", "-wal", "-shm"):
        home.ledger_file.with_name(home.ledger_file.name + end).unlink(missing_ok=True)


def empty(home: Home) -> None:
    remove(home)
    home.ledger_file.touch()


def start_over(home: Home) -> None:
    remove(home)
    with closing(sqlite3.connect(home.ledger_file)) as connection:
        connection.execute("CREATE TABLE parts (name TEXT PRIMARY KEY, version INTEGER NOT NULL) STRICT")


def swap(home: Home) -> None:
    other = begun_home(home.root.parent / "other", ("AAA", 10**6))
    book(other, FILL, entry("b"), entry("c"))
    for path in (home.ledger_file, home.ledger_anchor):
        path.write_bytes((other.root / path.relative_to(home.root)).read_bytes())


def lose_anchor(home: Home) -> None:
    home.ledger_anchor.unlink()


@pytest.mark.parametrize("lose", [remove, empty, start_over, swap, lose_anchor])
def test_fault_119_a_lost_ledger_is_never_read_as_an_empty_one(tmp_path, lose):
    home = begun_home(tmp_path / "home", ("AAA", 3))
    book(home, FILL)

    lose(home)

    for use in (booked, lambda home: book(home, entry("z"))):
        with pytest.raises(SafetyError, match="not treated as an empty portfolio"):
            use(home)


def test_a_file_that_is_not_a_database_is_an_error_of_storage(tmp_path):
    home = begun_home(tmp_path)
    remove(home)
    home.ledger_file.write_bytes(b"no database" * 1000)

    with pytest.raises(StorageError, match=r"ledger\.sqlite cannot be used"):
        booked(home)


@pytest.mark.parametrize(
    "record", ["", {}, [], {"entries": "1", "hash": "a"}, {"entries": True, "hash": "a"}]
)
def test_a_damaged_note_of_the_ledger_is_not_a_home_without_one(tmp_path, record):
    home = begun_home(tmp_path)
    note_in_marker(home, "ledger", record)

    with pytest.raises(SafetyError, match="its record of the ledger cannot be read"):
        is_begun(home)
    with pytest.raises(SafetyError):
        booked(home)


def test_a_damaged_anchor_is_refused(tmp_path):
    home = begun_home(tmp_path)
    home.ledger_anchor.write_text("{}")

    with pytest.raises(SafetyError, match=r"ledger_anchor\.json cannot be read"):
        booked(home)


def test_a_crash_between_commit_and_note_locks_nothing_out(tmp_path):
    home = begun_home(tmp_path)
    noted = read_anchor(home)
    book(home, FILL)
    write_anchor(home, noted)

    assert booked(home)[1:] == (FILL,)
    assert book(home, entry("b")) == 1

    assert read_anchor(home).entries == 3


def test_the_anchor_never_goes_back(tmp_path):
    home = begun_home(tmp_path)
    write_anchor(home, Anchor(7, "f" * 64))

    with pytest.raises(SafetyError, match="though 7 were booked"):
        book(home, FILL)

    assert read_anchor(home).entries == 7


def test_the_end_is_the_number_and_digest_of_the_last_entry(tmp_path):
    home = begun_home(tmp_path)
    book(home, FILL)

    with opened(home) as connection:
        assert end_of_ledger(connection) == read_anchor(home)
    assert read_anchor(home).entries == 2


def test_a_new_home_has_no_ledger_and_connecting_begins_none(tmp_path):
    home = new_home(tmp_path)

    connect(home).close()

    assert not is_begun(home)
    assert booked(home) == ()


def test_a_connection_of_another_origin_is_refused(tmp_path):
    with closing(sqlite3.connect(tmp_path / "x")) as connection, pytest.raises(TypeError):
        append(connection, [FILL])


def test_shares_are_exact_whatever_their_form(tmp_path):
    home = begun_home(tmp_path)
    book(
        home,
        *[
            entry(f"{n}", symbol="AAA", shares=text)
            for n, text in enumerate(["1E+3", "-0.0", "0.100", "33.333333333333336"])
        ],
    )

    assert [found.shares for found in booked(home)[1:]] == [
        Decimal(1000),
        0,
        Decimal("0.1"),
        Decimal("33.333333333333336"),
    ]


def test_damage_where_no_entry_is_is_found_by_a_full_check(tmp_path):
    home = begun_home(tmp_path)
    with opened(home) as connection:
        refuse_damaged(connection)
    os.truncate(home.ledger_file, home.ledger_file.stat().st_size - 1)

    with (
        opened(home) as connection,
        pytest.raises(StorageError, match=r"ledger\.sqlite (is damaged|cannot be used)"),
    ):
        refuse_damaged(connection)
