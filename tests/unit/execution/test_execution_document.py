"""execution.json has every order with its figures, and the overrides that hold (A3)."""

from datetime import date
from decimal import Decimal

from tasks.execution.bookings import Booked
from tasks.execution.progress import Outcome, Progress
from tasks.execution.publication.document import execution_document
from tasks.execution.schema import State, Tracked
from tasks.reporting.execution.page import render_execution
from tests.execution_days import OPENS, make_execution
from tests.execution_facts import make_override
from tests.orders import make_order


def document_with(*overrides):
    progress = Progress(Outcome.ENDED, "", None, make_execution(), ())
    return execution_document(progress, {}, (), None, broker="paper", overrides=overrides)


def test_the_overrides_that_hold_are_in_document_and_report():
    document = document_with(make_override("do_not_buy"))

    assert document["overrides"] == [
        {
            "number": 1,
            "what": "do_not_buy, symbol C",
            "until": str(date(2024, 6, 17)),
            "by": "Ada",
            "reason": "a reason",
        }
    ]
    page = render_execution(document, title="T", is_simulated=False).decode()
    assert "Overrides in effect" in page
    assert "do_not_buy, symbol C" in page


def test_without_overrides_there_is_no_such_section():
    assert "Overrides" not in render_execution(document_with(), title="T", is_simulated=False).decode()


def test_each_order_has_its_figures_and_the_totals_are_their_sums():
    sale, buy = (
        make_order(0, "AAA", "SELL", 100),
        make_order(1, "CCC", "BUY", 30, timing="limit", limit_price="50.5"),
    )
    idle = make_order(2, "DDD", "BUY", 20)
    booked = {
        sale.order_id: Booked(Decimal(3), 100_000, 15),
        buy.order_id: Booked(Decimal(30), 150_001, 7),
        idle.order_id: Booked(),
    }
    orders = (
        Tracked(sale, State.CANCELED, 1, "late", OPENS),
        Tracked(buy, State.FILLED, 2, "", OPENS),
        Tracked(idle, State.VOID, 0, "outside its band", OPENS),
    )
    progress = Progress(Outcome.ENDED, "", None, make_execution(), orders)
    document = execution_document(progress, booked, (), None, broker="paper")

    figures = ("filled_shares", "filled_usd", "average_price", "fees_usd", "limit_price", "requests", "state")
    assert [tuple(one[name] for name in figures) for one in document["orders"]] == [
        ("3", "1000.00", "333.3333", "0.15", None, 1, "canceled"),
        ("30", "1500.01", "50.0003", "0.07", "50.5", 2, "filled"),
        ("0", "0.00", None, "0.00", None, 0, "void"),
    ]
    assert (document["sold_usd"], document["bought_usd"], document["fees_usd"]) == (
        "1000.00",
        "1500.01",
        "0.22",
    )
    assert document["orders"][0]["changed_at"] == "2024-06-17T13:30:00+00:00"
