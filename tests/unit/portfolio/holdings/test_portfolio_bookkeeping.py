"""The ledger begins with the positions file; later the file is derived from it, and another one is refused."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tasks.core.errors import ConfigError, SafetyError
from tasks.ledger.anchor import is_begun
from tasks.ledger.balance import Balance, NameCash, balance_of
from tasks.ledger.positions_file import position_dates, rebuild_positions
from tasks.portfolio.holdings.bookkeeping import (
    Declaration,
    cents_of,
    declare_correction,
    declare_flow,
    start_ledger,
    usd,
)
from tasks.portfolio.holdings.positions import Position, Positions, parse_positions
from tasks.portfolio.holdings.record import positions_of
from tests.ledgers import AT, DAY, book, booked, entry, new_home

DECLARED = Declaration("Ann", "a reason", DAY, AT)
MONDAY = DAY - timedelta(4)
NEXT = DAY + timedelta(3)
FILE = f"symbol,shares,session\nAAA,100,{MONDAY}\nBBB,0.5,\nCASH,5000.125,\n"


def home_with(folder, text=FILE):
    home = new_home(folder)
    home.positions_file.parent.mkdir(exist_ok=True)
    home.positions_file.write_text(text)
    start_ledger(home, initial_cash_usd=0.0, declared=DECLARED)
    return home


def held(home):
    return positions_of(home, initial_cash_usd=0.0)


def test_the_ledger_begins_with_what_the_file_holds_and_leaves_its_bytes(tmp_path):
    home = home_with(tmp_path)

    assert home.positions_file.read_text() == FILE
    assert balance_of(booked(home)) == Balance({"AAA": Decimal(100), "BBB": Decimal("0.5")}, 500_012, 0)
    assert position_dates(booked(home)) == {"AAA": MONDAY, "BBB": DAY}
    assert held(home).positions == (Position("AAA", 100.0, MONDAY), Position("BBB", 0.5))
    assert held(home).names == NameCash(opened=DAY)


def test_the_ledger_begins_once(tmp_path):
    home = home_with(tmp_path)

    assert not start_ledger(home, initial_cash_usd=9.0, declared=DECLARED)

    assert len(booked(home)) == 3


def test_a_new_home_begins_with_the_initial_cash(tmp_path):
    home = new_home(tmp_path)

    assert start_ledger(home, initial_cash_usd=1e6, declared=DECLARED)

    assert balance_of(booked(home)) == Balance({}, 100_000_000, 0)
    assert held(home).cash_usd == 1e6


def test_the_flows_of_an_earlier_ledger_are_stated_and_are_in_the_cash_already(tmp_path):
    home = new_home(tmp_path)

    start_ledger(home, initial_cash_usd=1e6, declared=DECLARED, net_flows_usd=1500.25)

    assert (held(home).cash_usd, held(home).net_flows_usd) == (1e6, 1500.25)


@pytest.mark.parametrize(
    "edited",
    [FILE.replace("100", "200"), FILE.replace("5000", "6000"), FILE.replace(f"{MONDAY}", f"{DAY}"), ""],
)
def test_an_edited_file_is_refused_with_the_remedy(tmp_path, edited):
    home = home_with(tmp_path)
    home.positions_file.write_text(edited)

    with pytest.raises(SafetyError, match="differs from the ledger") as caught:
        held(home)

    assert caught.value.exit_code == 3
    assert "positions rebuild" in caught.value.remedy
    assert "positions import FILE" in caught.value.remedy


def test_a_missing_file_is_refused_and_written_again_from_the_ledger(tmp_path):
    home = home_with(tmp_path)
    home.positions_file.unlink()

    with pytest.raises(SafetyError, match=r"is missing.*the ledger has booked"):
        held(home)

    rebuild_positions(home)
    assert held(home).positions == (Position("AAA", 100.0, MONDAY), Position("BBB", 0.5, DAY))
    assert held(home).cash_usd == 5000.12


def test_a_file_that_does_not_follow_the_ledger_is_refused_until_it_is_rebuilt(tmp_path):
    home = home_with(tmp_path)
    book(home, entry("f", symbol="AAA", shares=5, cash_cents=-500))

    with pytest.raises(SafetyError, match="or a run was interrupted"):
        held(home)

    rebuild_positions(home)
    assert held(home).cash_usd == 4995.12


def test_the_file_that_approvals_bind_keeps_its_bytes_until_something_is_booked(tmp_path):
    home = home_with(tmp_path)

    assert rebuild_positions(home) == FILE.encode() == home.positions_file.read_bytes()

    book(home, entry("d", "dividend", symbol="AAA", cash_cents=1))
    assert rebuild_positions(home) == home.positions_file.read_bytes() != FILE.encode()


def test_a_file_that_cannot_be_read_is_refused(tmp_path):
    home = home_with(tmp_path)
    home.positions_file.unlink()
    home.positions_file.mkdir()

    with pytest.raises(SafetyError, match="cannot be read"):
        held(home)


def test_rebuilding_needs_a_ledger(tmp_path):
    with pytest.raises(SafetyError, match="no ledger yet"):
        rebuild_positions(new_home(tmp_path))


def test_a_fill_dates_its_symbol_and_a_dividend_does_not(tmp_path):
    home = home_with(tmp_path)
    fill = entry("f", symbol="AAA", shares=5, cash_cents=-500, session=DAY)
    dividend = entry("d", "dividend", symbol="AAA", cash_cents=5, session=NEXT)
    sold = entry("s", symbol="BBB", shares="-0.5", cash_cents=7, session=DAY)
    book(home, fill, dividend, sold)

    assert rebuild_positions(home).decode() == f"symbol,shares,session\nAAA,105,{DAY}\nCASH,4995.24,\n"


def test_a_short_position_is_never_written(tmp_path):
    home = home_with(tmp_path)
    book(home, entry("f", symbol="AAA", shares=-201))

    with pytest.raises(SafetyError, match="short position: -101 shares of AAA"):
        rebuild_positions(home)

    assert home.positions_file.read_text() == FILE


def declare(home, text):
    return declare_correction(home, parse_positions(text, path="x"), DECLARED._replace(session=NEXT))


def test_a_declaration_is_booked_as_what_differs_with_person_and_reason(tmp_path):
    home = home_with(tmp_path)

    assert declare(home, f"symbol,shares,session\nAAA,100,{MONDAY}\nCCC,3,\nCASH,5000.12,\n") == 2

    found = {one.symbol: one for one in booked(home) if one.kind == "correction"}
    assert {symbol: one.shares for symbol, one in found.items()} == {
        "BBB": Decimal("-0.5"),
        "CCC": Decimal(3),
    }
    assert {(one.by, one.reason) for one in found.values()} == {("Ann", "a reason")}
    assert held(home).positions == (Position("AAA", 100.0, MONDAY), Position("CCC", 3.0, NEXT))


def test_a_second_import_of_the_same_file_books_nothing(tmp_path):
    home = home_with(tmp_path)
    text = "symbol,shares\nAAA,7\nCASH,1\n"

    assert declare(home, text) == 3
    assert declare(home, text) == 0

    assert declare(home, text.replace("7", "8")) == 1
    assert declare(home, text) == 1


def test_every_change_of_the_cash_is_booked(tmp_path):
    home = home_with(tmp_path)

    changes = [declare(home, FILE.replace("5000.125", cash)) for cash in ("1", "2.5", "1", "1")]

    assert changes == [2, 1, 1, 0]
    assert held(home).cash_usd == 1.0


def test_shares_declared_as_of_a_later_close_are_dated_by_it_even_if_their_number_is_right(tmp_path):
    home = home_with(tmp_path)

    declare(home, FILE.replace(str(MONDAY), str(DAY)).replace("5000.125", "5000.12"))

    assert position_dates(booked(home)) == {"AAA": DAY, "BBB": NEXT}
    assert balance_of(booked(home)).shares == {"AAA": 100, "BBB": Decimal("0.5")}


def test_shares_declared_as_of_a_close_before_booked_splits_are_refused(tmp_path):
    home = home_with(tmp_path)
    book(home, entry("x", "split", symbol="AAA", shares=100, session=DAY))
    before = booked(home)

    with pytest.raises(
        SafetyError, match=f"AAA is declared as of {MONDAY}, but the ledger has booked .* {DAY}"
    ):
        declare(home, FILE)

    assert booked(home) == before


def test_a_flow_changes_cash_and_net_flows_alone(tmp_path):
    home = home_with(tmp_path)

    declare_flow(home, "deposit", 250_000, DECLARED, reference="")
    declare_flow(home, "withdrawal", 50_000, DECLARED, reference="")

    assert held(home).cash_usd == 7000.12
    assert held(home).net_flows_usd == 2000.0
    assert held(home).positions == (Position("AAA", 100.0, MONDAY), Position("BBB", 0.5, DAY))
    assert {(one.by, one.reason) for one in booked(home)[-2:]} == {("Ann", "a reason")}


@pytest.mark.parametrize("has_account", [True, False])
def test_a_flow_that_entered_the_account_is_named_as_its_statement_would_name_it(tmp_path, has_account):
    home = home_with(tmp_path)
    flow = {"reference": "", "stated_as": "statement:1", "post": lambda: has_account}

    declare_flow(home, "deposit", 100, DECLARED, **flow)

    assert (booked(home)[-1].source == "statement:1") is has_account
    with pytest.raises(ConfigError, match="already booked"):
        declare_flow(home, "deposit", 100, DECLARED, **flow)


def test_an_equal_flow_needs_a_reference_of_its_own(tmp_path):
    home = home_with(tmp_path)
    declare_flow(home, "deposit", 100, DECLARED, reference="")

    with pytest.raises(ConfigError, match=r"A deposit of \$1.00 on 2024-06-14 is already booked"):
        declare_flow(home, "deposit", 100, DECLARED._replace(reason="another"), reference="")
    declare_flow(home, "deposit", 100, DECLARED, reference="second")

    assert held(home).net_flows_usd == 2.0


def test_a_flow_of_another_session_kind_or_amount_needs_no_reference(tmp_path):
    home = home_with(tmp_path)

    declare_flow(home, "deposit", 500, DECLARED, reference="")
    declare_flow(home, "deposit", 500, DECLARED._replace(session=NEXT), reference="")
    declare_flow(home, "withdrawal", 500, DECLARED, reference="")
    declare_flow(home, "deposit", 250, DECLARED, reference="")

    assert held(home).net_flows_usd == 7.5


def test_a_dividend_due_reaches_the_portfolio_as_a_receivable(tmp_path):
    home = home_with(tmp_path)
    book(home, entry("d", "dividend_due", symbol="AAA", receivable_cents=1234))
    rebuild_positions(home)

    assert (held(home).receivable_usd, held(home).cash_usd) == (12.34, 5000.12)


def test_a_home_without_a_ledger_is_read_as_before(tmp_path):
    home = new_home(tmp_path)

    assert held(home) == Positions((), 0.0, held(home).sha256, names=NameCash())
    assert not is_begun(home)


@pytest.mark.parametrize(("text", "names"), [(FILE, None), ("symbol,shares\nCASH,5\n", NameCash())])
def test_what_each_name_earned_is_unknown_for_shares_that_no_ledger_booked(tmp_path, text, names):
    home = new_home(tmp_path)
    home.positions_file.parent.mkdir(exist_ok=True)
    home.positions_file.write_text(text)

    assert held(home).names == names


@pytest.mark.parametrize(
    ("amount", "cents"), [(0.005, 0), (0.015, 2), (1e6, 10**8), (-0.1, -10), (1234.567, 123457)]
)
def test_cash_is_rounded_half_to_even_as_it_is_written(amount, cents):
    assert cents_of(amount) == cents


def test_amounts_are_printed_to_the_cent():
    assert [usd(5), usd(-123_456_789)] == ["$0.05", "\N{MINUS SIGN}$1,234,567.89"]
