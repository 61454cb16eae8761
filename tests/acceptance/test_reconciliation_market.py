"""What a reconciliation reads from the lake and of our own orders."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from fractions import Fraction

import pandas as pd
import pytest

from tasks.core.homes.home import Home
from tasks.data.schema.columns import COLUMNS
from tasks.execution.brokers.base import Quote, Status, UnansweredError
from tasks.execution.journal import prepare
from tasks.execution.reconciliation.market import read_market
from tasks.execution.reconciliation.own_orders import all_order_ids, recent_orders
from tasks.execution.reconciliation.schema import Market, Rename
from tasks.execution.schema import State
from tasks.ledger.database import opened
from tests.builders import FRIDAY, make_settings
from tests.deliveries import make_delivery, refresh, typed
from tests.ledgers import entry, new_home
from tests.reconciling import broker_order

SETTINGS = make_settings()
WHOLE = make_delivery()
SPLIT_DAY, DIVIDEND_DAY = (
    WHOLE.actions.set_index("symbol")["session"][name].date() for name in ("S01", "S00")
)
RENAMES = typed("renames", pd.DataFrame([("S05", "S5X", FRIDAY)], columns=list(COLUMNS["renames"])))
NAMES = {"S00", "S01", "S02", "S05"}


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    root = tmp_path_factory.mktemp("market") / "home"
    with pytest.MonkeyPatch.context() as patch:
        refresh(patch, root, replace(WHOLE, renames=RENAMES))
    return Home(root)


def read(home, **changes):
    asked = {"since": date(2020, 1, 1), "today": FRIDAY, "quotes": {}, "symbols": NAMES, **changes}
    symbols = asked.pop("symbols")
    return read_market(home, SETTINGS, symbols, **asked)


def close_of(symbol, day):
    bars = WHOLE.bars
    own = bars[(bars["symbol"] == symbol) & (bars["session"] == pd.Timestamp(day))]
    return Decimal(repr(float(own["close"].iloc[0])))


def test_a_dividend_is_exact_and_a_split_has_the_raw_prices_around_it(home):
    dividend, split = read(home).actions

    days = sorted(set(WHOLE.bars["session"].dt.date))
    before = days[days.index(SPLIT_DAY) - 1]
    assert (dividend.symbol, dividend.ex_date, dividend.dividend_usd) == ("S00", DIVIDEND_DAY, Decimal("0.5"))
    assert (split.symbol, split.ex_date, split.split) == ("S01", SPLIT_DAY, Fraction(2))
    assert (split.price_before, split.price_after) == (close_of("S01", before), close_of("S01", SPLIT_DAY))


def test_a_symbol_change_is_read(home):
    assert read(home).renames == (Rename("S05", "S5X", FRIDAY),)


@pytest.mark.parametrize(
    ("changes", "found"),
    [
        ({"since": SPLIT_DAY + timedelta(days=1)}, []),
        ({"today": SPLIT_DAY - timedelta(days=1)}, ["S00"]),
        ({"symbols": {"S01"}}, ["S01"]),
    ],
)
def test_only_the_days_and_names_that_are_asked_for(home, changes, found):
    assert [action.symbol for action in read(home, **changes).actions] == found


def test_before_the_lake_has_the_close_a_quote_of_the_day_is_the_price_after(home):
    late = FRIDAY + timedelta(days=3)
    ahead = replace(WHOLE, actions=WHOLE.actions.assign(session=pd.Timestamp(late)))

    for at, expected in ((late, Decimal(21)), (FRIDAY, None)):
        quote = Quote("S01", Decimal(21), datetime(at.year, at.month, at.day, 15, tzinfo=UTC))
        found = _with_actions(home, ahead, today=late, quotes={"S01": quote})
        assert found.actions[1].price_after == expected
        assert found.prices == {"S01": Decimal(21)}


def _with_actions(home, delivery, **changes):
    """Read as if the lake had these actions: a refresh refuses those of sessions to come."""
    from tasks.execution.reconciliation import market

    real = market.read_tables
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(market, "read_tables", lambda *a, **k: {**real(*a, **k), "actions": delivery.actions})
        return read(home, **changes)


def test_a_home_without_a_lake_knows_of_nothing(tmp_path):
    assert read(new_home(tmp_path / "home")) == Market()


class Asked:
    """A broker that answers for orders only, and not for one of them."""

    def order(self, order_id):
        if order_id == "silent":
            raise UnansweredError("No answer.", remedy="Ask again.")
        return broker_order(order_id, status=Status.OPEN)


TODAY = date(2024, 6, 20)


def test_orders_at_the_broker_are_asked_whatever_their_age_and_final_ones_for_some_days(tmp_path):
    home = new_home(tmp_path / "home")
    old, new = "2023-01-03T15:00:00+00:00", "2024-06-19T15:00:00+00:00"
    orders = [
        ("working", "AAPL", "SELL", "working", 1, old),
        ("silent", "AAPL", "BUY", "unknown", 1, old),
        ("filled", "MSFT", "BUY", "filled", 1, new),
        ("long ago", "MSFT", "BUY", "filled", 1, old),
        ("never sent", "MSFT", "BUY", "void", 0, new),
    ]
    with opened(home) as connection:
        assert (recent_orders(connection, Asked(), (), today=TODAY), all_order_ids(connection)) == (
            (),
            frozenset(),
        )
        prepare(connection)
        connection.execute("PRAGMA foreign_keys = OFF")
        for row, (name, symbol, side, state, sends, at) in enumerate(orders):
            connection.execute(
                "INSERT INTO orders (order_id, session, row, part, symbol, side, shares, timing, state, sends, reason, "
                "changed_at) VALUES (?, '2024-06-18', ?, 0, ?, ?, 10, 'market', ?, ?, '', ?)",
                (name, row, symbol, side, state, sends, at),
            )
        part = entry(
            "working:3", order_id="working", symbol="AAPL", shares=-3, cash_cents=59_990, fee_cents=10
        )
        found = {each.order_id: each for each in recent_orders(connection, Asked(), [part], today=TODAY)}

        assert found.keys() == {"working", "silent", "filled"}
        assert len(all_order_ids(connection)) == 5
    working = found["working"]
    assert (working.booked_shares, working.booked_cents, working.booked_fee_cents) == (3, 60_000, 10)
    assert (working.is_sale, working.shares, working.state) == (True, 10, State.WORKING)
    assert (working.at_broker.order_id, found["silent"].at_broker) == ("working", None)
