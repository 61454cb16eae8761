"""The commands `fills show`, `fills add` and `fills import`."""

import json
from decimal import Decimal

import pytest

from tasks.core.homes.home import Home
from tasks.execution.brokers.manual.broker import ManualBroker, begin_manual_account
from tasks.execution.schema import Order
from tasks.safety.audit import read_intact
from tests.homes import afterclose, configure
from tests.unit.execution.brokers.manual.test_manual_broker import AT
from tests.unit.execution.brokers.paper.markets import D

BY = ("--by", "Jane Doe")


@pytest.fixture
def home(tmp_path):
    folder = configure(tmp_path, {"execution": {"broker": "manual"}})
    begin_manual_account(Home(folder), {"A": Decimal(100)}, 1_000_000, session=D, at=AT)
    broker = broker_of(folder)
    broker.submit(Order("id-a", D, 0, 0, "A", "SELL", 40, "limit", Decimal("19.50")))
    broker.submit(Order("id-b", D, 1, 0, "B", "BUY", 30, "market", None))
    return folder


def broker_of(folder):
    return ManualBroker(Home(folder), lambda _: {}, lambda: AT, account="U1", mode="paper")


def test_the_open_tickets_are_shown_and_printed(home, tmp_path):
    ended = afterclose("fills", "show", "--page", str(tmp_path / "ticket.html"), home=home)

    assert ended.returncode == 0, ended.stderr
    assert "SELL  A" in ended.stdout
    assert "limit 19.50" in ended.stdout
    assert "<td>id-b</td>" in (tmp_path / "ticket.html").read_text()
    listed = json.loads(afterclose("fills", "show", str(D), "--json", home=home).stdout)
    assert [ticket["symbol"] for ticket in listed["tickets"]] == ["A", "B"]
    assert listed["tickets"][0]["limit_price"] == "19.50"


def test_a_fill_is_entered_and_logged(home):
    ended = afterclose("fills", "add", str(D), "A", "40", "19.75", "--fee", "0.35", *BY, home=home)

    assert ended.returncode == 0, ended.stderr
    assert broker_of(home).account().cash_cents == 1_000_000 + 79_000 - 35
    row = read_intact(Home(home), {})[-1]
    assert row.event == "fill_entered"
    assert "40 A at 19.75" in row.detail
    assert "No ticket" not in afterclose("fills", "show", home=home).stdout
    assert afterclose("fills", "add", str(D), "id-b", "30", "10", *BY, home=home).returncode == 0
    assert "No ticket is open." in afterclose("fills", "show", home=home).stdout


def test_a_deviation_without_a_reason_is_refused_and_not_logged(home):
    ended = afterclose("fills", "add", str(D), "A", "40", "19.49", *BY, home=home)
    assert ended.returncode == 2
    assert "beyond the limit" in ended.stderr
    assert broker_of(home).positions()["A"].shares == 100
    assert not Home(home).audit_log.exists()

    again = afterclose(
        "fills", "add", str(D), "A", "39", "19.5", "--final", "--reason", "thin", *BY, home=home
    )
    assert again.returncode == 0, again.stderr
    assert "Deviates from the ticket: it is closed with 39 of 40 shares." in again.stdout
    assert "thin" in read_intact(Home(home), {})[-1].detail


def test_an_export_is_imported(home, tmp_path):
    file = tmp_path / "export.csv"
    file.write_text("Symbol,Side,Quantity,Price\nA,SELL,40,19.75\nB,BUY,30,10\n")

    ended = afterclose("fills", "import", str(file), "--complete", *BY, home=home)

    assert ended.returncode == 0, ended.stderr
    assert broker_of(home).open_orders() == ()
    assert "2 fills" in read_intact(Home(home), {})[-1].detail
    again = afterclose("fills", "import", str(file), "--date", str(D), *BY, home=home)
    assert "2 lines had been entered before" in again.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("add", str(D), "A", "40", "x", *BY), "is not an amount"),
        (("add", str(D), "A", "40", "20", "--fee", "0.001", *BY), "not in whole cents"),
        (("add", str(D), "A", "40", "20", "--by", " "), "requires a name"),
        (("add", str(D), "C", "40", "20", *BY), "no open ticket for 'C'"),
        (("add", "2024-13-01", "A", "40", "20", *BY), "not a valid date"),
        (("import", "/nowhere.csv", *BY), "cannot be read"),
    ],
)
def test_what_cannot_be_entered_is_a_usage_error(home, arguments, says):
    ended = afterclose("fills", *arguments, home=home)
    assert ended.returncode == 2
    assert says in ended.stderr


def test_another_broker_reports_its_fills_itself(tmp_path):
    ended = afterclose("fills", "show", home=configure(tmp_path))
    assert ended.returncode == 2
    assert "it reports its fills itself" in ended.stderr
