"""`afterclose reconcile` on a home with a paper account."""

import json

import pytest

from tasks.core.homes.home import Home
from tasks.execution.brokers.paper.account import begin_paper_account
from tasks.ledger.opening import Opening, begin_ledger
from tasks.safety.audit import read_intact
from tests.homes import LAST_SESSION, afterclose, configure, copy_of
from tests.ledgers import AT, FILE_SHA256, booked

LEDGER_CENTS = 100_000


@pytest.fixture(scope="module")
def with_data(tmp_path_factory):
    root = configure(tmp_path_factory.mktemp("reconcile") / "home")
    refreshed = afterclose("refresh", "--date", str(LAST_SESSION), home=root)
    assert refreshed.returncode == 0, refreshed.stderr
    return root


@pytest.fixture
def home(with_data, tmp_path):
    made = Home(copy_of(with_data, tmp_path / "home"))
    begin_ledger(made, Opening((), LEDGER_CENTS, LAST_SESSION, FILE_SHA256), at=AT)
    return made


def open_account(home, cents):
    begin_paper_account(home, {}, cents, session=LAST_SESSION, name="paper-1")


def test_books_that_agree_exit_0_and_say_so(home):
    open_account(home, LEDGER_CENTS)
    ended = afterclose("reconcile", home=home.root)
    told = json.loads(afterclose("--json", "reconcile", home=home.root).stdout)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("The ledger agrees with the broker.\n")
    assert "Equity of record (the broker's account): $1,000.00." in ended.stdout
    assert (told["differences"], told["locks"], told["equity_cents"]) == ([], [], LEDGER_CENTS)


def test_unexplained_cash_exits_3_until_a_person_explains_it(home):
    open_account(home, LEDGER_CENTS + 500)
    found = afterclose("--json", "reconcile", home=home.root)
    shown = afterclose("reconcile", home=home.root)
    (difference,) = json.loads(found.stdout)["differences"]

    said = ("--explain", difference["id"], "--as", "deposit", "--by", "Ada", "--reason", "my own money")
    ended = afterclose("reconcile", *said, home=home.root)

    assert (found.returncode, shown.returncode, ended.returncode) == (3, 3, 0), ended.stderr
    assert difference["id"] in shown.stdout
    assert "+5.00" in shown.stdout
    assert "--explain ID" in shown.stdout
    assert [(entry.kind, entry.cash_cents, entry.by) for entry in booked(home)[1:]] == [
        ("deposit", 500, "Ada")
    ]
    assert "difference_explained" in " ".join(" ".join(map(str, row)) for row in read_intact(home))
    assert f"CASH,{LEDGER_CENTS // 100 + 5}" in home.positions_file.read_text()


@pytest.mark.parametrize(
    "arguments",
    [
        ("--as", "deposit"),
        ("--by", "Ada"),
        ("--explain", "abc", "--as", "gift", "--by", "Ada", "--reason", "x"),
        ("--explain", "abc", "--as", "deposit", "--by", "Ada", "--reason", "x"),
    ],
)
def test_an_explanation_that_cannot_be_is_a_usage_error(home, arguments):
    open_account(home, LEDGER_CENTS)

    assert afterclose("reconcile", *arguments, home=home.root).returncode == 2
    assert len(booked(home)) == 1


def test_a_home_without_an_account_is_blocked_and_told_what_to_do(home):
    ended = afterclose("reconcile", home=home.root)

    assert ended.returncode == 3
    assert "no paper account yet" in ended.stderr


def test_a_home_without_a_ledger_is_blocked_and_told_what_to_do(tmp_path):
    home = Home(configure(tmp_path / "new"))
    open_account(home, LEDGER_CENTS)
    ended = afterclose("reconcile", home=home.root)

    assert ended.returncode == 3
    assert "no ledger yet" in ended.stderr
