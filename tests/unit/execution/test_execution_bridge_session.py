"""The bridge of a session from its ledger: what is in an order's total counts once, and nothing else is left out."""

from datetime import timedelta
from decimal import Decimal

import pytest

from tasks.execution.bookings import booked_total
from tasks.execution.bridge.session import session_bridge
from tasks.execution.schema import State, Tracked
from tasks.ledger.balance import balance_of, equity_cents
from tasks.ledger.entries import Entry
from tests.execution_days import CLOSES, FILLS, OPENS, SESSION, make_execution, make_line, no_costs
from tests.orders import make_order

OPEN_CENTS = {"AAA": 1_000, "BBB": 2_000, "CCC": 5_000}
CLOSE_CENTS = {"AAA": 1_100, "BBB": 1_900, "CCC": 5_200}
SALE, BUY = make_order(0, "AAA", "SELL", 100), make_order(1, "CCC", "BUY", 30)
EXECUTION = make_execution((make_line("AAA", "SELL", 100), make_line("CCC", "BUY", 30)))
OPENING = (
    Entry("opening", "opening:AAA", SESSION, OPENS, "AAA", Decimal(100)),
    Entry("opening", "opening:BBB", SESSION, OPENS, "BBB", Decimal(5)),
    Entry("opening", "opening:CASH", SESSION, OPENS, cash_cents=100_000),
)
SOLD = Entry("fill", "s", FILLS, OPENS, "AAA", Decimal(-100), 100_000, order_id=SALE.order_id)
BOUGHT = Entry("fill", "b", FILLS, OPENS, "CCC", Decimal(30), -150_000, order_id=BUY.order_id)


class Bars:
    def open_cents(self, session, symbol):
        return OPEN_CENTS[symbol]

    def last_cents(self, session, symbol):
        return CLOSE_CENTS[symbol]


def steps_of(*others, at_broker_cents=0, published=None):
    """Return the steps in cents by stage and cause, with these entries beside the two fills."""
    entries = (*OPENING, SOLD, BOUGHT, *others)
    orders = (
        Tracked(SALE, State.FILLED, 1, "", CLOSES),
        Tracked(BUY, State.FILLED, 1, "", CLOSES),
    )
    booked = {
        order.order_id: booked_total(
            order,
            [
                (one.source, one.shares, one.cash_cents, one.fee_cents)
                for one in entries
                if one.order_id == order.order_id
            ],
        )
        for order in (SALE, BUY)
    }
    closes = {symbol: Decimal(cents) / 100 for symbol, cents in CLOSE_CENTS.items()}
    steps = session_bridge(
        EXECUTION,
        orders,
        booked,
        entries,
        Bars(),
        no_costs,
        broker_equity_cents=equity_cents(balance_of(entries), closes) + at_broker_cents,
        published=published,
    )
    assert steps[-1].cents == sum(step.cents for step in steps[:-1])
    return {(step.stage, step.cause): step.cents for step in steps[1:-1] if step.cents}


def test_a_session_filled_as_assumed_has_no_step():
    assert steps_of() == {}


@pytest.mark.parametrize(
    ("entry", "step"),
    [
        (  # the broker restated the amount of a fill
            Entry("restatement", "r", FILLS, CLOSES, "AAA", cash_cents=-500, order_id=SALE.order_id),
            {("price", "paid less current price"): -500},
        ),
        (  # and busted one share of it: it gained 1 USD from the open to the close, and is sold no more
            Entry("restatement", "r", FILLS, CLOSES, "AAA", Decimal(1), -1_000, order_id=SALE.order_id),
            {("filled", "still open"): 100},
        ),
        (
            Entry("fee", "f", FILLS, CLOSES, "AAA", cash_cents=-30, fee_cents=30, order_id=SALE.order_id),
            {("costs", "fees less assumed costs"): -30},
        ),
        (  # of no order
            Entry("fee", "f", FILLS, CLOSES, cash_cents=-30),
            {("account", "fee"): -30},
        ),
        (  # an order of an earlier execution: sold at 20, worth 19 at the close
            Entry("fill", "x", FILLS, OPENS, "BBB", Decimal(-5), 10_000, order_id="earlier"),
            {("account", "fill of another execution"): 500},
        ),
        (
            Entry("fee", "x", FILLS, CLOSES, "BBB", cash_cents=-7, fee_cents=7, order_id="earlier"),
            {("account", "fee"): -7},
        ),
        (
            Entry("deposit", "d", FILLS, CLOSES, cash_cents=2_500, reason="savings"),
            {("account", "deposit"): 2_500},
        ),
        (
            Entry("deposit", "d", FILLS + timedelta(1), CLOSES, cash_cents=2_500),
            {("broker", "unexplained"): 2_500},
        ),
    ],
)
def test_each_entry_is_one_step(entry, step):
    assert steps_of(entry) == step


def test_a_split_and_another_symbol_are_in_the_targets_equity_and_no_steps():
    entries = (
        Entry("split", "sp", FILLS, OPENS, "BBB", Decimal(5)),
        Entry("rename", "from", FILLS, OPENS, "BBB", Decimal(-5)),
        Entry("rename", "to", FILLS, OPENS, "CCC", Decimal(5)),
    )

    assert steps_of(*entries) == {}


# fault 122: a paper account that ignores splits and dividends, which the ledger carries
@pytest.mark.parametrize("session", [SESSION, FILLS])
def test_what_a_paper_account_ignores_is_not_part_of_the_bridge(session):
    split = Entry("split", "split:BBB", session, OPENS, "BBB", Decimal(5))
    mark = Entry("split", "carried:split:BBB", session, OPENS, "BBB")
    paid = Entry("dividend", "carried:v", session, OPENS, "BBB", cash_cents=70)

    assert steps_of(split, mark, at_broker_cents=-5 * CLOSE_CENTS["BBB"]) == {}
    assert steps_of(paid, at_broker_cents=-70) == {}
    assert steps_of(paid, Entry("dividend", "applied:carried:v", FILLS, CLOSES, "BBB")) == {}


def test_what_a_person_struck_halved_or_added_is_a_step_of_its_own():
    struck = make_line("BBB", "SELL", 5)  # sold at 20 in the target; kept, each share lost 1 USD
    halved = make_line("CCC", "BUY", 40)  # the open is 50, the close 52
    kept = make_line("AAA", "SELL", 100)

    assert steps_of(published=(kept, struck, halved)) == {
        ("approved", "struck"): -500,
        ("approved", "changed by the approver"): -10 * 200,
    }
    assert steps_of(published=(kept,)) == {("approved", "changed by the approver"): 30 * 200}
