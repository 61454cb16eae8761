"""`afterclose reconcile` on a home with a paper account."""

import json
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from tasks.core.homes.home import Home
from tasks.core.homes.opening import settings_of
from tasks.execution.brokers.base import Activity
from tasks.execution.brokers.manual.broker import begin_manual_account
from tasks.execution.brokers.paper.account import begin_paper_account, head_of, opened
from tasks.execution.brokers.paper.broker import PaperBroker
from tasks.execution.brokers.registry import post_flow, stored_market
from tasks.execution.reconciliation.reconciling import reconcile
from tasks.ledger.balance import balance_of, net_flows_cents
from tasks.ledger.opening import Opening, begin_ledger
from tasks.portfolio.holdings.bookkeeping import flow_name
from tasks.safety.audit import read_intact
from tests.homes import LAST_SESSION, afterclose, configure
from tests.ledgers import AT, FILE_SHA256, booked

LEDGER_CENTS = 100_000


@pytest.fixture
def home(ready_home):
    made = Home(ready_home)
    begin_ledger(made, Opening((), LEDGER_CENTS, LAST_SESSION, FILE_SHA256), at=AT)
    return made


def open_account(home, cents):
    begin_paper_account(home, {}, cents, session=LAST_SESSION, name="paper-1")


def test_books_that_agree_exit_0_and_say_so(home):
    open_account(home, LEDGER_CENTS)
    ended = afterclose("reconcile", home=home.root)
    document = json.loads(afterclose("--json", "reconcile", home=home.root).stdout)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout.startswith("The ledger agrees with the broker.\n")
    assert "Equity of record (the broker's account): $1,000.00." in ended.stdout
    assert (document["differences"], document["locks"], document["equity_cents"]) == ([], [], LEDGER_CENTS)


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


def test_a_home_without_an_account_is_blocked_and_says_what_to_do(home):
    ended = afterclose("reconcile", home=home.root)

    assert ended.returncode == 3
    assert "no paper account yet" in ended.stderr


def test_a_home_without_a_ledger_is_blocked_and_says_what_to_do(tmp_path):
    home = Home(configure(tmp_path / "new"))
    open_account(home, LEDGER_CENTS)
    ended = afterclose("reconcile", home=home.root)

    assert ended.returncode == 3
    assert "no ledger yet" in ended.stderr


MOVED = ("--date", "2024-06-17", "--by", "Ada", "--reason", "savings")


def cash_cents(home):
    with opened(home.paper_account) as connection:
        return head_of(connection).cash_cents


def test_a_declared_deposit_or_withdrawal_reaches_the_account_that_the_home_keeps(home):
    open_account(home, LEDGER_CENTS)

    assert afterclose("positions", "deposit", "25.50", *MOVED, home=home.root).returncode == 0
    assert afterclose("positions", "withdraw", "5", *MOVED, home=home.root).returncode == 0
    again = afterclose("positions", "deposit", "25.50", *MOVED, home=home.root)
    too_much = afterclose("positions", "withdraw", "1020.51", *MOVED, home=home.root)

    assert (again.returncode, too_much.returncode) == (2, 7)
    assert cash_cents(home) == balance_of(booked(home)).cash_cents == LEDGER_CENTS + 2_050
    assert afterclose("reconcile", home=home.root).returncode == 0
    assert net_flows_cents(booked(home)) == 2_050  # nothing was booked a second time


@pytest.mark.parametrize("is_reconciled", [False, True])
def test_a_deposit_that_was_killed_before_it_was_booked_counts_once(home, is_reconciled):
    open_account(home, LEDGER_CENTS)
    cents, day = 2_550, date(2024, 6, 17)
    name = flow_name("deposit", cents, day, "")
    flow = Activity(name, "deposit", "", Decimal(0), cents, day, "savings")
    settings, evening = settings_of(home, None).settings, datetime(2024, 6, 17, 22, tzinfo=UTC)
    assert post_flow(home, settings, flow, evening)
    assert post_flow(home, settings, flow, evening)  # once

    if is_reconciled:
        broker = PaperBroker(home, stored_market(home, settings), lambda: evening)
        assert reconcile(home, settings, broker, evening).locks == ()
    repeated = afterclose("positions", "deposit", "25.50", *MOVED, home=home.root)

    assert repeated.returncode == (2 if is_reconciled else 0)
    assert cash_cents(home) == balance_of(booked(home)).cash_cents == LEDGER_CENTS + cents
    assert afterclose("reconcile", home=home.root).returncode == 0
    assert net_flows_cents(booked(home)) == cents


def test_a_flow_that_was_booked_before_the_account_began_does_not_reach_it(home):
    assert afterclose("positions", "deposit", "25.50", *MOVED, home=home.root).returncode == 0
    open_account(home, LEDGER_CENTS + 2_550)

    assert afterclose("positions", "deposit", "25.50", *MOVED, home=home.root).returncode == 2

    assert cash_cents(home) == LEDGER_CENTS + 2_550


def test_a_declared_deposit_reaches_the_account_of_broker_manual(home):
    with home.config_file.open("a") as config:
        config.write("\nexecution:\n  broker: manual\n")
    begin_manual_account(home, {}, LEDGER_CENTS, session=LAST_SESSION, at=AT)

    assert afterclose("positions", "deposit", "25.50", *MOVED, home=home.root).returncode == 0
    covered = ("--date", str(LAST_SESSION), *MOVED[2:])
    assert afterclose("positions", "deposit", "25.50", *covered, home=home.root).returncode == 7

    assert afterclose("reconcile", home=home.root).returncode == 0
    assert balance_of(booked(home)).cash_cents == LEDGER_CENTS + 2_550


def test_imported_positions_are_the_new_statement_of_the_account_of_broker_manual(home, tmp_path):
    with home.config_file.open("a") as config:
        config.write("\nexecution:\n  broker: manual\n")
    begin_manual_account(home, {}, LEDGER_CENTS, session=LAST_SESSION, at=AT)
    file = tmp_path / "held.csv"
    file.write_text("symbol,shares\nCASH,1012.34\n")  # a dividend that nobody else states

    imported = afterclose(
        "positions",
        "import",
        str(file),
        "--by",
        "Ada",
        "--reason",
        "my statement",
        "--replace",
        home=home.root,
    )

    assert imported.returncode == 0, imported.stderr
    assert afterclose("reconcile", home=home.root).returncode == 0
    assert balance_of(booked(home)).cash_cents == 101_234
