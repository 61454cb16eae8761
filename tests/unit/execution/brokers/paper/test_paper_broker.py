"""What the paper broker does with orders, events, faults and the clock."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tasks.core.errors import BrokerError, ConfigError, DataError, SafetyError
from tasks.core.homes.home import Home
from tasks.core.sessions import session_on
from tasks.execution.brokers.base import Activity, RefusedError, Status, UnansweredError
from tasks.execution.brokers.paper.account import begin_paper_account
from tasks.execution.brokers.paper.broker import PaperBroker
from tasks.execution.brokers.paper.faults import Faults
from tasks.execution.brokers.paper.market import Bar, DividendEvent, NightEvents
from tasks.execution.schema import Order
from tests.homes import blank
from tests.unit.execution.brokers.paper.markets import NEXT, Clock, D, F, LiteralMarket, account_at

FLAT = Bar(1_000, 1_100, 900, 1_050)
COST = 7


def order(symbol="A", side="BUY", shares=10, *, timing="market", limit=None, name=None, session=D):
    price = None if limit is None else Decimal(limit)
    name = name or f"{symbol}-{side}-{timing}"
    return Order(name, session, 0, 0, symbol, side, shares, timing, price)


class Bench:
    """A paper account in a market of D, F and NEXT: A and B cost 10.00 at the open and 10.50 at the close."""

    def __init__(self, folder, shares=None, cash_cents=1_000_000, **market):
        days = {session: {"A": FLAT, "B": FLAT} for session in (D, F, NEXT)}
        self.market = LiteralMarket(**{"bars": days, "cost": COST, **market})
        self.home = account_at(folder / "home", shares or {}, cash_cents)
        self.clock = Clock()
        self.clock.before_open(F)

    def broker(self, **given):
        return PaperBroker(self.home, self.market, self.clock, **given)


@pytest.fixture
def bench(tmp_path):
    return Bench(tmp_path, {"A": 100})


@pytest.mark.parametrize(
    ("timing", "side", "limit", "at_open", "at_close"),
    [
        ("market", "BUY", None, 1_000, 1_000),
        ("at_open", "SELL", None, 1_000, 1_000),
        ("at_close", "BUY", None, None, 1_050),
        ("limit", "BUY", "10.00", 1_000, 1_000),
        ("limit", "BUY", "9.99", None, 999),
        ("limit", "BUY", "9.00", None, 900),
        ("limit", "BUY", "8.99", None, None),
        ("limit", "BUY", "10.409", 1_000, 1_000),
        ("limit", "BUY", "9.009", None, 900),  # whole cents, never above the limit
        ("limit", "SELL", "10.00", 1_000, 1_000),
        ("limit", "SELL", "10.01", None, 1_001),
        ("limit", "SELL", "10.991", None, 1_100),
        ("limit", "SELL", "11.01", None, None),
    ],
)
def test_an_order_fills_at_its_price_and_moment(bench, timing, side, limit, at_open, at_close):
    broker, asked = bench.broker(), order(side=side, timing=timing, limit=limit)
    broker.submit(asked)
    for move, price in ((bench.clock.after_open, at_open), (bench.clock.after_close, at_close)):
        move(F)
        found = broker.order(asked.order_id)
        assert found.filled_cents == (0 if price is None else 10 * price)
        assert found.fee_cents == (0 if price is None else COST)
    assert found.status == (Status.EXPIRED if at_close is None else Status.FILLED)
    sign = 1 if side == "SELL" else -1
    moved = 0 if at_close is None else sign * 10 * at_close - COST
    assert broker.account().cash_cents == 1_000_000 + moved


def test_an_order_waits_until_the_bar_of_its_session_is_stored(bench):
    bench.market.stored = D
    broker = bench.broker()
    broker.submit(order(side="SELL"))

    bench.clock.after_close(F)
    assert broker.open_orders()
    assert broker.positions()["A"].shares == 100

    bench.market.stored = F
    assert broker.order("A-SELL-market").status == Status.FILLED


def test_a_stored_bar_is_not_known_before_its_open(bench):
    broker = bench.broker()
    broker.submit(order(side="SELL"))

    assert broker.open_orders()
    assert broker.quotes(["A"])["A"].price == Decimal("10.5")  # the last close


def test_a_session_opens_and_closes_at_its_very_instant(bench):
    broker, times = bench.broker(), session_on(F)
    broker.submit(order(side="SELL"))
    broker.submit(order("B", timing="at_close"))

    bench.clock.at = times.opens_at
    assert broker.order("A-SELL-market").status == Status.FILLED
    bench.clock.at = times.closes_at
    assert broker.order("B-BUY-at_close").status == Status.FILLED


@pytest.mark.parametrize("moment", ["after_open", "after_close"])
def test_a_purchase_after_the_sales_still_fills_at_the_open(bench, moment):
    getattr(bench.clock, moment)(F)
    broker = bench.broker(fill_session=F)

    sent = broker.submit(order("B", shares=10))

    assert sent.status == Status.FILLED
    assert sent.filled_cents == 10_000
    assert broker.quotes(["B"])["B"].price == Decimal(10)


def test_quotes_are_the_last_closes_for_the_next_session(bench):
    bench.clock.before_open(NEXT)

    assert bench.broker(fill_session=NEXT).quotes(["A"])["A"].price == Decimal("10.5")
    assert bench.broker(fill_session=F).quotes(["A"])["A"].price == Decimal(10)


def test_what_can_no_longer_fill_after_the_close_expires_at_once(bench):
    bench.clock.after_close(F)

    sent = bench.broker().submit(order(timing="limit", limit="5"))

    assert sent.status == Status.EXPIRED


def test_an_order_is_refused_once_the_session_after_its_own_has_opened(bench):
    bench.clock.after_open(NEXT)

    with pytest.raises(RefusedError, match="is over"):
        bench.broker().submit(order())


def test_the_next_open_counts_by_the_clock_where_bars_come_late(bench):
    bench.market.stored = D
    bench.clock.after_open(NEXT)

    with pytest.raises(RefusedError, match="is over"):
        bench.broker().submit(order())


def test_an_order_of_a_later_session_waits_for_it(bench):
    broker = bench.broker()
    broker.submit(order(session=F))
    bench.clock.after_close(F)
    assert broker.open_orders()

    bench.clock.after_open(NEXT)
    assert broker.order("A-BUY-market").status == Status.FILLED


def test_a_sale_beyond_the_holdings_is_refused(bench):
    broker = bench.broker()
    broker.submit(order(side="SELL", shares=60))

    with pytest.raises(RefusedError, match="100 shares are held, of which 60 are in open sell orders"):
        broker.submit(order(side="SELL", shares=41, name="more"))
    broker.submit(order(side="SELL", shares=40, name="rest"))
    bench.clock.after_open(F)
    assert broker.positions() == {}


def test_a_sale_of_shares_sold_by_hand_meanwhile_is_rejected_and_never_short(bench):
    broker = bench.broker()
    broker.submit(order(side="SELL", shares=60))
    broker.post(Activity("hand", "fill", "A", Decimal(-50), 50_000, D))

    bench.clock.after_open(F)

    assert broker.order("A-SELL-market").status == Status.REJECTED
    assert broker.positions()["A"].shares == 50


def test_a_purchase_beyond_the_cash_is_rejected(tmp_path):
    bench = Bench(tmp_path, cash_cents=10_000 + COST)
    broker = bench.broker()
    broker.submit(order(shares=10))
    broker.submit(order("B", shares=1))

    bench.clock.after_open(F)

    assert broker.order("A-BUY-market").status == Status.FILLED
    assert broker.account().cash_cents == 0
    rejected = broker.order("B-BUY-market")
    assert (rejected.status, rejected.reason) == (Status.REJECTED, "the account has less cash")


def test_sales_fill_before_purchases_whatever_their_order(tmp_path):
    bench = Bench(tmp_path, {"A": 100}, cash_cents=0)
    broker = bench.broker()
    broker.submit(order("B", shares=90))
    broker.submit(order("A", "SELL", 100))

    bench.clock.after_open(F)

    assert {symbol: line.shares for symbol, line in broker.positions().items()} == {"B": 90}


def test_a_sale_that_does_not_pay_its_cost_is_rejected_without_cash(tmp_path):
    bench = Bench(tmp_path, {"A": 1}, cash_cents=0, cost=2_000)
    broker = bench.broker()
    broker.submit(order(side="SELL", shares=1))

    bench.clock.after_open(F)

    assert broker.order("A-SELL-market").status == Status.REJECTED


def test_an_order_without_a_bar_expires_and_one_of_an_ended_listing_is_rejected(bench):
    bench.market.bars[F] = {"B": FLAT}
    bench.market.ended[F] = {"B"}
    broker = bench.broker()
    broker.submit(order("A", "SELL"))
    broker.submit(order("B"))

    bench.clock.after_open(F)
    assert broker.order("A-SELL-market").status == Status.OPEN
    assert not broker.assets(["B"])["B"].is_tradable
    bench.clock.after_close(F)

    assert broker.order("A-SELL-market").status == Status.EXPIRED
    assert broker.order("B-BUY-market").status == Status.REJECTED


@pytest.mark.parametrize(
    ("shares", "limit", "timing", "symbol"),
    [(0, None, "market", "A"), (1, "10", "market", "A"), (1, None, "limit", "A"), (1, None, "market", "X")],
)
def test_an_order_that_makes_no_sense_is_refused(bench, shares, limit, timing, symbol):
    with pytest.raises(RefusedError):
        bench.broker().submit(order(symbol, shares=shares, limit=limit, timing=timing))
    assert bench.broker().open_orders() == ()


def test_a_split_voids_the_orders_that_rest_over_it(bench):
    bench.market.nights[F] = NightEvents(F, last_cents={"A": 1_050}, splits={"A": 1.5})
    broker = bench.broker()
    broker.submit(order("A", "SELL", 25))
    broker.submit(order("B"))

    bench.clock.after_open(F)

    void = broker.order("A-SELL-market")
    assert void.status == Status.CANCELED
    assert "split" in void.reason
    assert broker.order("B-BUY-market").status == Status.FILLED
    assert broker.submit(order("A", "SELL", 150, name="again")).status == Status.FILLED


def test_a_symbol_change_moves_the_position_and_voids_the_order(bench):
    bench.market.nights[F] = NightEvents(F, renames={"A": "B"})
    broker = bench.broker()
    broker.submit(order("A", "SELL", 25))

    bench.clock.after_open(F)

    assert broker.order("A-SELL-market").status == Status.CANCELED
    assert {symbol: line.shares for symbol, line in broker.positions().items()} == {"B": 100}
    moved = [(activity.kind, activity.symbol, activity.shares) for activity in broker.activities(F)]
    assert moved == [("rename", "A", -100), ("rename", "B", 100)]


def test_a_dividend_is_due_on_its_ex_date_and_paid_sessions_later(bench):
    bench.market.nights[F] = NightEvents(F, dividends={"A": DividendEvent(0.255, 1)})
    broker = bench.broker()

    bench.clock.after_open(F)
    (due,) = broker.activities(D)
    assert (due.kind, due.symbol, due.cash_cents, due.receivable_cents, due.session) == (
        *("dividend_due", "A", 0, 2_550),
        F,
    )
    assert broker.account().cash_cents == 1_000_000

    bench.clock.after_open(NEXT)
    _, paid = broker.activities(D)
    assert (paid.kind, paid.cash_cents, paid.receivable_cents, paid.session) == (
        "dividend",
        2_550,
        -2_550,
        NEXT,
    )
    assert broker.account().cash_cents == 1_002_550


def test_an_ended_listing_pays_its_holders(bench):
    bench.market.nights[F] = NightEvents(F, closings={"A": 12.34})
    broker = bench.broker()

    bench.clock.after_open(F)

    (paid,) = broker.activities(F)
    assert (paid.kind, paid.shares, paid.cash_cents) == ("merger", -100, 123_400)
    assert broker.positions() == {}


def test_a_split_and_the_end_of_a_listing_in_one_night_pay_both_parts(tmp_path):
    bench = Bench(tmp_path, {"A": 25})
    bench.market.nights[F] = NightEvents(F, last_cents={"A": 1_000}, splits={"A": 0.1}, closings={"A": None})
    broker = bench.broker()

    bench.clock.after_open(F)

    split, in_lieu, merger = broker.activities(F)
    assert (split.shares, in_lieu.cash_cents) == (-23, 5_000)
    assert (merger.shares, merger.cash_cents) == (-2, 20_000)


def test_proceeds_settle_in_the_next_session(bench):
    broker = bench.broker()
    broker.submit(order(side="SELL", shares=100))
    bench.clock.after_open(F)

    account = broker.account()
    assert account.cash_cents == 1_100_000 - COST
    assert account.settled_cash_cents == 1_000_000

    broker.submit(order("B", shares=105))
    assert broker.account().settled_cash_cents == 1_000_000 - 105_000 - COST
    bench.clock.before_open(NEXT)
    settled = broker.account()
    assert settled.settled_cash_cents == settled.cash_cents


def test_equity_is_at_the_open_and_then_at_the_close(bench):
    broker = bench.broker()
    assert broker.account().equity_cents == 1_000_000 + 105_000
    bench.clock.after_open(F)
    assert broker.account().equity_cents == 1_000_000 + 100_000
    bench.clock.after_close(F)
    assert broker.account().equity_cents == 1_000_000 + 105_000


def test_what_happens_by_hand_is_an_activity_and_never_a_debt(bench):
    broker = bench.broker()
    broker.post(Activity("in", "deposit", "", Decimal(0), 5_000, D))
    with pytest.raises(BrokerError):
        broker.post(Activity("in", "deposit", "", Decimal(0), 5_000, D))
    with pytest.raises(BrokerError, match=r"Only \$10,050\.00 is available.*not \$20,000\.00"):
        broker.post(Activity("out", "withdrawal", "", Decimal(0), -2_000_000, D))
    with pytest.raises(BrokerError):
        broker.post(Activity("short", "fill", "A", Decimal(-101), 1_000, D))

    assert broker.account().cash_cents == 1_005_000
    assert [activity.activity_id for activity in broker.activities(D)] == ["in"]


def test_a_market_that_cannot_be_read_is_an_unanswered_question(bench):
    broker = bench.broker()
    broker.submit(order())

    def night(*_):
        raise DataError("The lake is damaged.", remedy="Restore it.")

    bench.market.night = night
    bench.clock.after_open(F)
    with pytest.raises(UnansweredError, match="damaged"):
        broker.positions()
    del bench.market.night
    assert broker.order("A-BUY-market").status == Status.FILLED


def test_a_lost_database_is_never_empty(bench):
    broker = bench.broker()
    bench.home.paper_account.unlink()

    with pytest.raises(UnansweredError):
        broker.positions()
    with pytest.raises(SafetyError, match="is missing, though this home has a paper account"):
        bench.broker()
    with pytest.raises(SafetyError, match="is missing"):
        begin_paper_account(bench.home, {}, 5, session=D, name="PAPER")
    assert not bench.home.paper_account.exists()


def test_another_account_in_its_place_is_refused(bench, tmp_path):
    other = account_at(tmp_path / "other", {"A": 100}, 999)
    bench.home.paper_account.write_bytes(other.paper_account.read_bytes())
    with pytest.raises(SafetyError, match="not the account that this home opened"):
        bench.broker()
    bench.home.paper_account.write_bytes(b"not a database, but as long as a header would be" * 100)
    with pytest.raises(SafetyError, match="cannot be read"):
        bench.broker()


def test_an_account_begins_once_and_only_as_declared(tmp_path):
    home = Home(blank(tmp_path))
    with pytest.raises(SafetyError, match="no paper account yet"):
        PaperBroker(home, LiteralMarket({}), Clock())
    for shares, cash in (({"A": Decimal("1.5")}, 0), ({"A": Decimal(-1)}, 0), ({}, -1)):
        with pytest.raises(ConfigError) as refused:
            begin_paper_account(home, shares, cash, session=D, name="PAPER")
        assert "`afterclose positions import FILE" in refused.value.remedy  # the positions file is derived
    assert begin_paper_account(home, {"A": Decimal("1.0")}, 0, session=D, name="PAPER")
    assert not begin_paper_account(home, {"B": Decimal(5)}, 7, session=F, name="PAPER")


def test_a_killed_beginning_is_completed_and_a_foreign_file_is_not_adopted(tmp_path):
    done = account_at(tmp_path / "done", {"A": 1}, 5)
    for cash, adopts in ((5, True), (6, False)):
        home = Home(blank(tmp_path / str(cash)))
        home.paper_account.write_bytes(done.paper_account.read_bytes())
        if adopts:
            assert begin_paper_account(home, {"A": Decimal(1)}, cash, session=D, name="PAPER")
        else:
            with pytest.raises(SafetyError, match="another home's account"):
                begin_paper_account(home, {"A": Decimal(1)}, cash, session=D, name="PAPER")


SURE = 1.0


def test_faults_are_off_unless_switched_on(bench):
    broker = bench.broker(faults=Faults(seed=5))
    broker.submit(order())
    bench.clock.after_open(F)
    assert broker.order("A-BUY-market").status == Status.FILLED


def test_a_refusal_is_at_once_and_a_rejection_comes_later(bench):
    with pytest.raises(RefusedError, match="a fault is switched on"):
        bench.broker(faults=Faults(refuses=SURE)).submit(order())

    broker = bench.broker(faults=Faults(rejects=SURE))
    assert broker.submit(order()).status == Status.OPEN
    bench.clock.after_open(F)
    assert broker.order("A-BUY-market").status == Status.REJECTED


def test_a_partial_fill_stays_open_until_the_close(bench):
    broker = bench.broker(faults=Faults(partial=SURE))
    broker.submit(order(shares=100))

    bench.clock.after_open(F)
    part = broker.order("A-BUY-market")
    assert part.status == Status.OPEN
    assert 0 < part.filled_shares < 100
    assert part.filled_cents == part.filled_shares * 1_000

    bench.clock.after_close(F)
    assert broker.order("A-BUY-market") == replace(
        part, status=Status.EXPIRED, reason=f"unfilled at the close of {F}"
    )


def test_a_delayed_fill_comes_at_the_close_for_the_price_of_the_open(bench):
    broker = bench.broker(faults=Faults(delays=SURE))
    broker.submit(order())
    bench.clock.after_open(F)
    assert broker.order("A-BUY-market").status == Status.OPEN

    bench.clock.after_close(F)
    assert broker.order("A-BUY-market").filled_cents == 10_000


def test_a_halted_symbol_does_not_trade(bench):
    broker = bench.broker(faults=Faults(halts=SURE))
    broker.submit(order())
    bench.clock.after_open(F)

    assert broker.assets(["A"])["A"].is_halted
    bench.clock.after_close(F)
    assert broker.order("A-BUY-market").status == Status.EXPIRED


def test_faults_depend_on_their_seed_alone(bench):
    first, again, other = (
        [Faults(seed, rejects=0.5).reject(f"order-{n}") for n in range(200)] for seed in (1, 1, 2)
    )
    assert first == again != other
    assert 60 < sum(first) < 140


def test_two_objects_process_a_session_once(bench):
    one, two = bench.broker(), bench.broker()
    one.submit(order(side="SELL", shares=30))
    bench.clock.after_close(NEXT)

    assert one.positions() == two.positions()
    assert two.positions()["A"].shares == 70
    assert one.account().cash_cents == 1_030_000 - COST


def test_the_clock_of_the_broker_is_the_one_given(bench):
    bench.clock.at += timedelta(seconds=1)
    assert bench.broker().now() == bench.clock.at
