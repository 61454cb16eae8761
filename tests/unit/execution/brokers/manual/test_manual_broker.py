"""Tickets of the manual broker, what a person enters for them, exports, statements, and the printed ticket."""

from datetime import UTC, datetime
from decimal import Decimal
from html.parser import HTMLParser

import pytest

from tasks.core.errors import ConfigError, SafetyError
from tasks.core.homes.home import Home
from tasks.execution.brokers.base import Quote, Status, UnansweredError
from tasks.execution.brokers.manual import store
from tasks.execution.brokers.manual.broker import ManualBroker, begin_manual_account
from tasks.execution.brokers.manual.entries import Entered, Ticket, notional_cents
from tasks.execution.brokers.manual.export import read_export
from tasks.execution.brokers.manual.filling import enter_export, enter_fill
from tasks.execution.brokers.manual.printed import ticket_page, ticket_text
from tasks.execution.brokers.manual.store import Signed
from tasks.execution.schema import Order
from tasks.ledger.database import opened, transaction
from tests.builders import make_settings
from tests.homes import blank
from tests.unit.execution.brokers.paper.markets import NEXT, D, F

AT = datetime(2024, 3, 14, 22, 0, tzinfo=UTC)
COLUMNS = make_settings().execution.export
HEADER = "Symbol,Side,Quantity,Price\n"


class Person:
    """A manual account with 100 shares of A and 10,000.00 USD, in which A is quoted at 20 and B at 10 USD."""

    def __init__(self, folder):
        self.home = Home(blank(folder))
        begin_manual_account(self.home, {"A": Decimal(100)}, 1_000_000, session=D, at=AT)
        self.broker = ManualBroker(self.home, self.quotes, lambda: AT, account="U1", mode="live")

    def quotes(self, symbols):
        known = {"A": Decimal(20), "B": Decimal(10)}
        return {symbol: Quote(symbol, known[symbol], AT) for symbol in symbols if symbol in known}

    def submit(self, symbol="A", side="SELL", shares=40, *, limit=None, name=None):
        timing = "market" if limit is None else "limit"
        price = None if limit is None else Decimal(limit)
        name = name or f"{symbol}-{side}"
        return self.broker.submit(Order(name, D, 0, 0, symbol, side, shares, timing, price))

    def add(self, symbol, shares, price, reason="", *, fee=0, final=False):
        with opened(self.home) as connection:
            return enter_fill(
                connection,
                D,
                symbol,
                Entered(shares, Decimal(price), fee, final),
                band_frac=0.1,
                signed=Signed("Jane Doe", reason, AT),
            )

    def load(self, text, reason="", *, complete=False, columns=COLUMNS):
        rows = read_export(text, columns, path="fills.csv")
        with opened(self.home) as connection:
            return enter_export(
                connection,
                D,
                rows,
                is_complete=complete,
                band_frac=0.1,
                signed=Signed("Jane Doe", reason, AT),
            )

    def shares(self):
        return {symbol: int(line.shares) for symbol, line in self.broker.positions().items()}

    @property
    def cash(self):
        return self.broker.account().cash_cents


@pytest.fixture
def person(tmp_path):
    return Person(tmp_path)


def test_a_fill_is_entered_in_parts_and_rounded_once(person):
    person.submit()
    person.add("A", 15, "20.003", fee=35)
    part = person.broker.order("A-SELL")
    assert (part.status, part.filled_shares, part.filled_cents, part.fee_cents) == (
        Status.OPEN,
        15,
        30_004,
        35,
    )

    person.add("A", 25, "20.0035")
    whole = person.broker.order("A-SELL")
    assert (whole.status, whole.filled_shares) == (Status.FILLED, 40)
    assert whole.filled_cents == notional_cents([(15, Decimal("20.003")), (25, Decimal("20.0035"))]) == 80_013
    assert person.shares() == {"A": 60}
    assert person.cash == 1_000_000 + 80_013 - 35


@pytest.mark.parametrize(
    ("side", "limit", "shares", "price", "final", "says"),
    [
        ("SELL", None, 40, "22.01", False, "10.0% from 20"),
        ("SELL", None, 40, "17.99", False, "10.0% from 20"),
        ("SELL", "19.5", 40, "19.49", False, "beyond the limit of 19.5"),
        ("BUY", "20.5", 40, "20.51", False, "beyond the limit of 20.5"),
        ("SELL", None, 41, "20", False, "41 shares in total, the ticket has 40"),
        ("SELL", None, 39, "20", True, "it is closed with 39 of 40 shares"),
        ("SELL", None, 0, "0", False, "it is closed with 0 of 40 shares"),
    ],
)
def test_every_deviation_needs_a_reason(person, side, limit, shares, price, final, says):
    person.submit("A", side, limit=limit)
    before = person.shares(), person.cash

    with pytest.raises(ConfigError, match=says):
        person.add("A", shares, price, "  ", final=final)
    assert (person.shares(), person.cash) == before
    assert person.broker.order(f"A-{side}").status == Status.OPEN

    assert len(person.add("A", shares, price, "as the desk reported", final=final).deviations) == 1


@pytest.mark.parametrize(("limit", "price"), [(None, "22"), (None, "18"), ("19.5", "19.5"), ("19.5", "20.1")])
def test_a_price_within_the_band_and_the_limit_needs_none(person, limit, price):
    person.submit(limit=limit)
    assert person.add("A", 40, price).deviations == ()


def test_shares_beyond_the_ticket_are_a_trade_of_their_own(person):
    person.submit(shares=40)
    person.add("A", 50, "20", "I sold ten more")

    order = person.broker.order("A-SELL")
    assert (order.status, order.filled_shares, order.filled_cents) == (Status.FILLED, 40, 80_000)
    (trade,) = person.broker.activities(D)
    assert (trade.kind, trade.symbol, trade.shares, trade.cash_cents) == ("fill", "A", -10, 20_000)
    assert (trade.session, trade.note) == (F, "I sold ten more")
    assert person.shares() == {"A": 50}
    assert person.cash == 1_100_000


def test_a_ticket_that_ends_short_keeps_what_was_filled(person):
    person.submit()
    person.add("A", 15, "20")
    person.add("A", 0, "0", "no buyer")

    order = person.broker.order("A-SELL")
    assert (order.status, order.filled_shares, order.reason) == (Status.EXPIRED, 15, "no buyer")
    assert person.broker.open_orders() == ()
    with pytest.raises(ConfigError, match="no open ticket"):
        person.add("A", 1, "20")


def test_a_cancellation_is_confirmed_without_a_reason_and_may_still_fill(person):
    person.submit()
    person.submit("B", "BUY", 10)
    for name in ("A-SELL", "B-BUY"):
        person.broker.cancel(name)
        assert person.broker.order(name).status == Status.CANCELING

    person.add("A", 0, "0")
    person.add("B", 10, "10")

    assert person.broker.order("A-SELL").status == Status.CANCELED
    assert person.broker.order("B-BUY").status == Status.FILLED


@pytest.mark.parametrize(
    ("shares", "price", "fee"), [(-1, "20", 0), (10, "0", 0), (10, "-1", 0), (10, "1e9", 0), (10, "20", -1)]
)
def test_impossible_numbers_are_refused_even_with_a_reason(person, shares, price, fee):
    person.submit()
    with pytest.raises(ConfigError, match="cannot be a fill"):
        person.add("A", shares, price, "really", fee=fee)


def test_an_export_fills_its_tickets_and_is_entered_once(person):
    person.submit()
    person.submit("B", "BUY", 30)
    text = HEADER + 'a,Sold,"40","$20.00"\nB,buy,10,10.05\nB,buy,10,10.05\n'

    assert person.load(text).entered == 3
    again = person.load(text + "B,buy,10,10.10\n")

    assert (again.entered, again.known, again.deviations) == (1, 3, ())
    assert person.broker.open_orders() == ()
    assert person.shares() == {"A": 60, "B": 30}
    assert person.cash == 1_000_000 + 80_000 - 10_050 - 10_050 - 10_100


def test_an_export_is_entered_whole_or_not_at_all(person):
    person.submit()
    with pytest.raises(ConfigError, match=r"no ticket of .* explains: BUY 5 C"):
        person.load(HEADER + "A,SELL,40,20\nC,BUY,5,7\n")
    assert person.shares() == {"A": 100}

    outcome = person.load(HEADER + "A,SELL,40,20\nC,BUY,5,7\n", "bought C by hand")
    assert outcome.entered == 2
    assert [activity.cash_cents for activity in person.broker.activities(D)] == [-3_500]
    assert person.load(HEADER + "C,BUY,5,7\n", "again").known == 1
    assert person.shares() == {"A": 60, "C": 5}


def test_a_missing_line_needs_a_reason_if_the_export_is_complete(person):
    person.submit()
    person.submit("B", "BUY", 30)
    text = HEADER + "A,SELL,40,20\n"
    with pytest.raises(ConfigError, match="BUY B deviates from its ticket: it is closed with 0 of 30"):
        person.load(text, complete=True)
    assert person.broker.order("A-SELL").status == Status.OPEN

    person.load(text, "B was not placed", complete=True)
    assert person.broker.order("B-BUY").status == Status.EXPIRED
    assert person.broker.order("A-SELL").status == Status.FILLED


def test_other_columns_ids_and_signed_shares_are_mapped(person):
    person.submit()
    columns = COLUMNS.model_copy(
        update={"symbol": "Ticker", "side": "", "shares": "Qty", "price": "Px", "fee": "Comm", "id": "Exec"}
    )
    text = '\ufeffExec,Ticker,Qty,Px,Comm,Note\nx1,A,-15,20.10,-0.35,\nx2,A,-25,"20.10",0,=1+1\n'

    assert person.load(text, columns=columns).entered == 2
    assert person.load(text, columns=columns).known == 2
    order = person.broker.order("A-SELL")
    assert (order.status, order.filled_cents, order.fee_cents) == (Status.FILLED, 80_400, 35)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("Symbol,Side,Quantity\n", "no column named Price"),
        ("Symbol,Side,Quantity,Price,Price\n", "more than one column named Price"),
        (HEADER + "A,SELL,40\n", "number of cells differs"),
        (HEADER + "A,SELL,40,20,1\n", "number of cells differs"),
        (HEADER + "A,HOLD,40,20\n", "not a side"),
        (HEADER + "A,BUY,-40,20\n", "not a side"),
        (HEADER + "A,SELL,4.5,20\n", "not a whole number"),
        (HEADER + "A,SELL,0,20\n", "not a whole number"),
        (HEADER + "A,SELL,1e3,20\n", "not a plain number"),
        (HEADER + 'A,SELL,"1,0",20\n', "not a plain number"),
        (HEADER + "A,SELL,40,0\n", "its price is 0"),
        (HEADER + "A,SELL,40,٣\n", "not a plain number"),
        (HEADER + "=HYPERLINK(1),SELL,40,20\n", "not a valid symbol"),
        (HEADER + 'A,SELL,40,"20\n', "not CSV"),
    ],
)
def test_a_file_that_cannot_be_read_enters_nothing(person, text, says):
    person.submit()
    with pytest.raises(ConfigError, match=says):
        person.load(text, "really")
    assert person.shares() == {"A": 100}


def test_an_id_that_occurs_twice_is_refused(person):
    columns = COLUMNS.model_copy(update={"id": "Exec"})
    with pytest.raises(ConfigError, match="occurs twice"):
        person.load("Symbol,Side,Quantity,Price,Exec\nA,SELL,1,20,x\nA,SELL,1,20,x\n", columns=columns)


def test_a_statement_replaces_what_was_known_and_later_fills_add_to_it(person):
    person.submit()
    person.add("A", 40, "20", fee=100)
    with opened(person.home) as connection, transaction(connection):
        signed = Signed("Jane Doe", "statement", AT)
        store.declare(connection, {"A": Decimal(60), "Z": Decimal("0.5")}, 1_080_000, F, signed)

    assert {symbol: line.shares for symbol, line in person.broker.positions().items()} == {
        "A": 60,
        "Z": Decimal("0.5"),
    }
    assert person.cash == 1_080_000
    order = Order("later", F, 0, 0, "A", "SELL", 10, "market", None)
    person.broker.submit(order)
    with opened(person.home) as connection:
        enter_fill(connection, F, "A", Entered(10, Decimal(20)), band_frac=0.1, signed=Signed("J", "", AT))
    assert person.cash == 1_100_000
    assert person.broker.positions()["A"].shares == 50
    assert NEXT > F


def test_the_account_begins_once_and_must_have_begun(tmp_path):
    home = Home(blank(tmp_path))
    with pytest.raises(SafetyError, match="has not been declared"):
        ManualBroker(home, lambda _: {}, lambda: AT, account="U1", mode="paper")
    assert begin_manual_account(home, {}, 5, session=D, at=AT)
    assert not begin_manual_account(home, {}, 7, session=D, at=AT)


def test_a_database_that_cannot_be_read_is_an_unanswered_question(person):
    person.submit()
    person.home.ledger_file.write_bytes(b"not a database, but as long as a header would be" * 100)
    for suffix in ("-wal", "-shm"):
        person.home.ledger_file.with_name(f"{person.home.ledger_file.name}{suffix}").unlink(missing_ok=True)

    with pytest.raises(UnansweredError):
        person.broker.open_orders()


class Parsed(HTMLParser):
    def __init__(self, page):
        super().__init__()
        self.tags, self.text = set(), ""
        self.feed(page)

    def handle_starttag(self, tag, _attributes):
        self.tags.add(tag)

    def handle_data(self, data):
        self.text += data


def test_a_printed_ticket_lists_sales_first_and_escapes_what_is_hostile():
    tickets = [
        Ticket("id-1", D, "B", "BUY", 30, Decimal("9.90"), Decimal(10)),
        Ticket("<script>alert(1)</script>", D, "=A\u202e\x1b", "SELL", 40, None, None, 5, is_canceling=True),
    ]
    text = ticket_text(tickets, session=D, account="<b>@U1")
    page = ticket_page(tickets, session=D, account="<b>@U1")

    assert text.index("SELL (cancel)") < text.index("BUY")
    assert "limit 9.90" in text
    assert "'=A" in text
    assert "\x1b" not in text + page
    assert "\u202e" not in text + page
    parsed = Parsed(page)
    assert parsed.tags.isdisjoint({"script", "b", "a", "img", "link"})
    assert "<script>alert(1)</script>" in parsed.text
