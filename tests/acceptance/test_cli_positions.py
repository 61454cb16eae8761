"""A person sees, corrects and funds the portfolio through the ledger (X6, X14, X17)."""

import json
from contextlib import suppress

import pytest

from tasks.core.errors import SafetyError
from tasks.core.homes.home import Home
from tasks.core.homes.lock import exclusive
from tasks.data.upkeep.backup import back_up, restore
from tasks.ledger.anchor import is_begun
from tasks.ledger.balance import balance_of, net_flows_cents
from tasks.ledger.database import connect, opened
from tasks.ledger.store import append
from tests.homes import afterclose
from tests.ledgers import AT, book, booked, entry, new_home, tamper

SAID = ("--by", "Ann", "--reason", "from the broker")
DAY = "2024-06-14"
HELD = f"symbol,shares,session\nAAA,100,{DAY}\nCASH,5000\n"


@pytest.fixture
def home(tmp_path) -> Home:
    """Return a home whose ledger began with an import."""
    made = new_home(tmp_path / "home")
    assert declare(made, HELD).returncode == 0
    return made


def declare(home, text, *options):
    file = home.root.parent / "held.csv"
    file.write_text(text)
    return afterclose("positions", "import", str(file), *SAID, *options, home=home.root)


CORRECT = "--replace"


def test_the_first_import_begins_the_ledger_and_later_ones_are_corrections(home):
    assert is_begun(home)
    assert home.positions_file.read_text() == HELD

    ended = declare(home, HELD.replace("100", "90"), CORRECT)

    assert "Booked 1 correction in the ledger." in ended.stdout
    assert [one.kind for one in booked(home)] == ["opening", "opening", "correction"]
    assert home.positions_file.read_text() == f"symbol,shares,session\nAAA,90,{DAY}\nCASH,5000.00,\n"


def test_an_import_over_a_portfolio_is_only_shown_until_it_is_confirmed_and_can_be_undone(home):
    before = booked(home)
    shown = declare(home, "symbol,shares\nBBB,10\nCASH,100\n")

    assert shown.returncode == 3
    assert "removed  AAA" in shown.stdout
    assert "added    BBB" in shown.stdout
    assert "CASH: $5,000.00 → $100.00" in shown.stdout
    assert "Equity at the last closes" in shown.stdout
    assert "--replace" in shown.stdout
    assert booked(home) == before

    done = declare(home, "symbol,shares\nBBB,10\nCASH,100\n", CORRECT, "--json")
    kept = json.loads(done.stdout)["positions_before"]
    undone = afterclose("positions", "import", kept, *SAID, CORRECT, home=home.root)

    assert undone.returncode == 0, undone.stderr
    balance = balance_of(booked(home))
    assert ({s: int(n) for s, n in balance.shares.items() if n}, balance.cash_cents) == (
        {"AAA": 100},
        500_000,
    )


def test_a_correction_says_that_the_paper_account_does_not_get_it(home):
    assert (
        "paper" not in declare(home, HELD.replace("100", "90"), CORRECT).stdout
    )  # there is no such account yet
    home.paper_account.touch()

    corrected = declare(home, HELD.replace("100", "80"), CORRECT).stdout

    assert "The paper account is unchanged" in corrected


# X17: a correction of the ledger wants a second person where two are required
@pytest.mark.parametrize(("second", "code"), [("", 2), ("ann ", 2), ("Bob", 0)])
def test_where_two_persons_are_required_one_alone_corrects_nothing(home, second, code):
    home.config_file.write_text("approval:\n  persons: 2\n")

    assert declare(home, HELD.replace("100", "90"), CORRECT, "--second", second).returncode == code

    corrections = [one.by for one in booked(home) if one.kind == "correction"]
    assert corrections == (["Ann, Bob"] if code == 0 else [])


def test_an_edited_file_is_refused_and_written_again(home):
    home.positions_file.write_text(HELD.replace("5000", "6000"))

    refused = afterclose("positions", "show", home=home.root)
    assert refused.returncode == 3
    assert "positions rebuild" in refused.stderr

    assert afterclose("positions", "rebuild", home=home.root).returncode == 0
    assert "5,000.00" in afterclose("positions", "show", home=home.root).stdout


def test_deposits_and_withdrawals_are_booked_logged_and_listed(home, tmp_path):
    assert afterclose("positions", "deposit", "2500.50", "--date", DAY, *SAID, home=home.root).returncode == 0
    taken = afterclose("positions", "withdraw", "100", "--date", DAY, *SAID, "--json", home=home.root)

    assert json.loads(taken.stdout)["cash_usd"] == "7400.50"
    log = home.audit_log.read_text()
    assert 'deposit_declared,Ann,"$2,500.50 on 2024-06-14: from the broker"' in log
    assert "withdrawal_declared,Ann,$100.00 on 2024-06-14: from the broker" in log

    table = tmp_path / "entries.csv"
    listed = afterclose("positions", "ledger", "--json", "--csv", str(table), home=home.root)
    kinds = [one["kind"] for one in json.loads(listed.stdout)["entries"]]
    assert kinds == ["opening", "opening", "deposit", "withdrawal"]
    assert table.read_text().splitlines()[-1].startswith(f"{DAY},withdrawal,,0,-100.00,0.00,0.00,Ann,")
    assert "no entries" in afterclose("positions", "ledger", "--to", "2024-06-13", home=home.root).stdout


def test_a_deposit_begins_the_ledger_of_a_new_home(tmp_path):
    home = new_home(tmp_path)

    assert afterclose("positions", "deposit", "1", "--date", DAY, *SAID, home=home.root).returncode == 0

    assert balance_of(booked(home)).cash_cents == 100_000_100


def test_a_repeated_deposit_is_refused_unless_it_is_another_one(home):
    command = ("positions", "deposit", "5", "--date", DAY, *SAID)
    assert afterclose(*command, home=home.root).returncode == 0

    again = afterclose(*command, home=home.root)
    assert again.returncode == 2
    assert "--reference" in again.stderr
    assert afterclose(*command, "--reference", "2", home=home.root).returncode == 0

    assert balance_of(booked(home)).cash_cents == 501_000


def test_a_withdrawal_of_more_than_the_cash_is_refused_and_says_what_is_available(home):
    before, log = booked(home), home.audit_log.read_bytes()

    refused = afterclose("positions", "withdraw", "5000.01", "--date", DAY, *SAID, home=home.root)

    assert refused.returncode == 7
    assert "only $5,000.00 is available in cash. Nothing was booked." in refused.stderr
    assert (booked(home), home.audit_log.read_bytes()) == (before, log)
    assert afterclose("positions", "withdraw", "5000", "--date", DAY, *SAID, home=home.root).returncode == 0


def test_a_withdrawal_of_more_than_the_initial_cash_begins_no_ledger(tmp_path):
    home = new_home(tmp_path)

    assert (
        afterclose("positions", "withdraw", "1000000.01", "--date", DAY, *SAID, home=home.root).returncode
        == 7
    )

    assert not is_begun(home)


@pytest.mark.parametrize(
    "command", [("positions", "deposit", "-500"), ("fills", "add", DAY, "AAA", "-40", "10")]
)
def test_a_negative_number_is_called_that_and_not_an_option(home, command):
    ended = afterclose(*command, "--by", "Ann", home=home.root)

    assert ended.returncode == 2
    assert "must be positive" in ended.stderr
    assert "No such option" not in ended.stderr


@pytest.mark.parametrize(
    "amount", ["0", "1.001", "1,000", "1e3", "nan", "inf", "١", "", "+5", "1000000000001", " 5"]
)
def test_an_amount_that_may_be_misread_is_a_usage_error(home, amount):
    assert afterclose("positions", "deposit", amount, *SAID, home=home.root).returncode == 2

    assert len(booked(home)) == 2


@pytest.mark.parametrize(
    "options",
    [("--date", "2024-06-15", *SAID), ("--date", "2999-01-04", *SAID), ("--by", " ", "--reason", "x")],
)
def test_a_flow_on_no_session_in_the_future_or_in_nobodys_name_is_refused(home, options):
    assert afterclose("positions", "deposit", "5", *options, home=home.root).returncode == 2

    assert len(booked(home)) == 2


def test_a_home_without_a_ledger_has_no_entries_and_gets_none_by_looking(tmp_path):
    home = new_home(tmp_path)

    assert "no entries" in afterclose("positions", "ledger", home=home.root).stdout
    assert afterclose("positions", "rebuild", home=home.root).returncode == 3

    assert not home.ledger_file.exists()


def test_reversed_dates_are_refused(home):
    ended = afterclose("positions", "ledger", "--from", DAY, "--to", "2024-06-13", home=home.root)

    assert ended.returncode == 2


def test_a_lost_ledger_is_named_by_doctor_and_replaced_by_a_person_alone(home):
    tamper(home, "UPDATE entries SET cash_cents = 1 WHERE id = 1")

    examined = afterclose("doctor", "--json", home=home.root)
    checks = {check["check"]: check for check in json.loads(examined.stdout)["checks"]}
    assert checks["ledger"]["verdict"] == "fail"
    assert "ledger.sqlite" in checks["ledger"]["message"]
    assert declare(home, HELD).returncode == 3

    home.performance_file.write_text("date,equity,exposure,net_flows\n2024-06-13,7000,0.1,-150.00\n")

    assert declare(home, HELD, "--new-ledger").returncode == 0

    assert [one.kind for one in booked(home)] == ["opening", "withdrawal", "opening"]
    assert (balance_of(booked(home)).cash_cents, net_flows_cents(booked(home))) == (500_000, -15_000)
    assert "AAA" in afterclose("positions", "show", home=home.root).stdout
    assert list(home.ledger_file.parent.glob("ledger-*.sqlite"))


def test_an_intact_ledger_is_never_replaced(home):
    before = booked(home)

    ended = declare(home, HELD.replace("100", "90"), "--new-ledger")

    assert ended.returncode == 2
    assert "is intact" in ended.stderr
    assert booked(home) == before


def test_a_backup_has_the_ledger_of_one_moment_even_while_it_is_written(home, tmp_path):
    with opened(home) as connection:
        append(connection, [entry("f", symbol="AAA", shares=5, cash_cents=-100)])  # is in the write-ahead log
        backup = back_up(home, tmp_path, lake=home.lake, at=AT)
        names = {one.path for one in backup.listing.files}
        append(connection, [entry("g", symbol="AAA", shares=5, cash_cents=-100)])
    assert {"data/ledger.sqlite", "data/ledger_anchor.json"} <= names
    assert not any(name.endswith(("-wal", "-shm", ".lock")) for name in names)

    other = Home(tmp_path / "other")
    restore(other, backup.path, replace=False)

    assert [one.source for one in booked(other)][2:] == ["f"]


def test_a_restore_leaves_nothing_of_the_replaced_ledger_behind(home, tmp_path):
    backup = back_up(home, tmp_path, lake=home.lake, at=AT)
    connection = connect(home)  # a reader that is still there: its write-ahead log is not empty
    append(connection, [entry("f", symbol="AAA", shares=5, cash_cents=-100)])

    restore(home, backup.path, replace=True)
    with suppress(SafetyError):
        connection.close()

    assert len(booked(home)) == 2
    assert book(home, entry("h")) == 1


def test_a_backup_waits_for_whoever_books(home, tmp_path, monkeypatch):
    monkeypatch.setattr("tasks.data.upkeep.databases.WAIT_S", 0.05)

    with exclusive(home.portfolio_lock, doing="execute"), pytest.raises(Exception, match=r"portfolio\.lock"):
        back_up(home, tmp_path, lake=home.lake, at=AT)


def test_shares_are_written_alike_by_every_command(home):
    home.positions_file.unlink()
    file = home.root / "held.csv"
    file.write_text("symbol,shares\nAAA,2400\nBBB,0.5\nCASH,0\n")
    assert afterclose("positions", "import", str(file), *SAID, CORRECT, home=home.root).returncode == 0
    book(home, entry("fee", "fee", cash_cents=-18_000_000))

    rebuilt = afterclose("positions", "rebuild", home=home.root).stdout.splitlines()[1:]
    shown = afterclose("positions", "show", home=home.root).stdout.splitlines()

    assert [line.split() for line in rebuilt] == [line.split() for line in shown]
    assert ["AAA", "2,400"] in [line.split() for line in shown]
    assert ["CASH", "\N{MINUS SIGN}$180,000.00"] in [line.split() for line in shown]
