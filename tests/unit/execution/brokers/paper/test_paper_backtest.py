"""Orders of the backtest's decisions, executed at the paper broker, give the walk's shares and cents on every day."""

import numpy as np
import pytest

from tasks.backtest.accounting.account import Account
from tasks.backtest.session_decision import SessionDecision, Signals
from tasks.backtest.walk import WalkRules, steps
from tasks.execution.brokers.base import Status
from tasks.execution.brokers.paper.broker import PaperBroker
from tasks.execution.schema import Order
from tasks.trades.fills import Orders, carry_orders, fill_orders
from tests.builders import make_settings
from tests.unit.execution.brokers.paper.markets import (
    DAYS,
    Clock,
    account_at,
    traded_world,
    world_market,
)

NAMES = tuple("ABCDEFGHIJ")
SESSIONS = 120
FIRST, LAST = 70, 95
SETTINGS = make_settings(
    **{"risk.window_sessions": 60, "portfolio.max_positions": 6, "safety.max_entry_buys_frac": 1.0}
)
RENAMED = 84  # J is K from this session on
RENAMES = ({"old": "J", "new": "K", "session": RENAMED},)
ENDED = 79  # the last bar of E
ACTIONS = [
    {"symbol": symbol, "session": day, "dividend": dividend, "split": split, "factor": 1.0}
    for symbol, day, dividend, split in (
        ("A", 73, 0.0, 1.5),
        ("B", 74, 0.37, 1.0),
        ("C", 75, 0.11, 2.0),
        ("D", 77, 0.0, 1 / 3),
        ("F", 78, 1.23, 1.0),
        ("G", 82, 0.4, 1.0),
        ("H", 86, 0.0, 3.0),
        ("A", 88, 0.25, 1.0),
        ("I", 89, 0.0, 0.1),
    )
]


def make_closes():
    rng = np.random.default_rng(3)
    level = 50 * np.exp(np.cumsum(rng.normal(0, 0.015, (SESSIONS, len(NAMES))), axis=0))
    for action in ACTIONS:
        level[action["session"] :, NAMES.index(action["symbol"])] /= action["split"]
    closes = {name: dict(enumerate(np.round(level[:, place], 2))) for place, name in enumerate(NAMES)}
    closes["K"] = {day: closes["J"].pop(day) for day in range(RENAMED, SESSIONS)}
    for day in range(ENDED + 1, SESSIONS):
        del closes["E"][day]
    for day in (76, 81):  # a name that does not trade
        del closes["B"][day]
    return closes


@pytest.fixture(scope="module")
def closes():
    return make_closes()


@pytest.fixture(scope="module")
def made(closes):
    return make_world(closes)


def make_world(closes, sessions=SESSIONS):
    rng = np.random.default_rng(4)
    opens = {
        (name, day): round(close * (1 + rng.normal(0, 0.01)), 2)
        for name, column in closes.items()
        for day, close in column.items()
    }
    kept = {
        name: {day: at for day, at in column.items() if day < sessions} for name, column in closes.items()
    }
    return traded_world(
        {name: column for name, column in kept.items() if column},
        sessions=sessions,
        opens=opens,
        levels=[{"name": "VIX", "session": day, "close": 15.0, "growth": 1.0} for day in range(sessions)],
        listings=[
            {"symbol": name, "available_date": 0, "sector": ("Energy", "Health", "Tech", "Zinc")[place % 4]}
            for place, name in enumerate((*NAMES, "K"))
        ],
        actions=ACTIONS,
        renames=RENAMES,
        delistings=[{"symbol": "E", "session": ENDED, "kind": "merger", "last_price": 51.27}],
        riskfree=[{"session": 0, "yield_pct": 4.3}],
    )


def signals(made):
    sessions = len(made.sessions)
    return Signals(
        scores=np.random.default_rng(5).normal(size=made.close_cents.shape),
        exposure_cap=np.full(sessions, 0.9),
        allows_new_positions=np.ones(sessions, dtype=bool),
        size_multiplier=np.ones(sessions),
        max_buys_frac=np.ones(sessions),
        stop_loss_frac=np.zeros(sessions),
        ranks=True,
        score_to_return=np.ones(sessions),
        optimizer="min_volatility",
    )


class Desk:
    """Executes the orders of one decision as a flow does: sales before the open, then purchases with the real cash."""

    def __init__(self, made, closes, market, home):
        self.made, self.closes, self.market, self.home = made, closes, market, home
        self.clock = Clock()
        self.sold = self.bought = self.asked_again = 0

    def symbol(self, row, column):
        if self.made.symbol[column] == "K":
            return "K" if row >= RENAMED else "J"
        return str(self.made.symbol[column])

    def by_column(self, row, broker):
        shares = np.zeros(len(self.made.company), dtype=np.int64)
        held = broker.positions()
        for column in range(len(shares)):
            shares[column] = held[self.symbol(row, column)].shares if self.symbol(row, column) in held else 0
        assert shares.sum() == sum(position.shares for position in held.values())
        return shares

    def order(self, row, column, side, shares, part=0):
        session = DAYS[row].item()
        symbol = self.symbol(row + 1 if part or side == "BUY" else row, column)
        return Order(
            f"{session}-{side}-{column}-{part}",
            session,
            column,
            part,
            symbol,
            side,
            int(shares),
            "market",
            None,
        )

    def execute(self, row, orders: Orders, costs):
        """Execute the orders of the decision at `row` in the next session."""
        fill_row = row + 1
        session = DAYS[fill_row].item()
        broker = PaperBroker(self.home, self.market, self.clock, fill_session=session)
        self.clock.before_open(session)
        held = self.by_column(row, broker)
        for column in np.flatnonzero(orders.sells).tolist():
            sent = broker.submit(self.order(row, column, "SELL", min(orders.sells[column], held[column])))
            assert sent.status == Status.OPEN
        self.clock.after_open(session)
        carried = carry_orders(orders, self.made.nights[fill_row].splits)
        for column in np.flatnonzero(orders.sells).tolist():
            answer = broker.order(self.order(row, column, "SELL", 1).order_id)
            if answer.status == Status.CANCELED:  # void by a split or a symbol change: asked for again
                self.asked_again += 1
                answer = broker.submit(self.order(row, column, "SELL", carried.sells[column], part=1))
            self.sold += answer.status == Status.FILLED

        buys, _ = fill_orders(
            Orders(np.zeros_like(carried.sells), carried.buys, carried.ceiling_cents),
            held=self.by_column(fill_row, broker),
            cash_cents=broker.account().cash_cents,
            price_cents=self.quoted(fill_row, broker),
            has_ended=self.made.has_ended[fill_row],
            costs=costs,
        )
        for column in np.flatnonzero(buys.buys).tolist():
            answer = broker.submit(self.order(row, column, "BUY", buys.buys[column]))
            assert answer.status == Status.FILLED
            self.bought += 1
        self.clock.after_close(session)
        assert not broker.open_orders()
        return self.by_column(fill_row, broker), broker.account()

    def quoted(self, row, broker):
        symbols = [self.symbol(row, column) for column in range(len(self.made.company))]
        quotes = broker.quotes(symbols)
        return np.array([round(quotes[s].price * 100) if s in quotes else 0 for s in symbols], dtype=np.int64)


def test_paper_equals_the_backtest_in_shares_and_cents_on_every_day(tmp_path, made, closes):
    decision = SessionDecision(made, signals(made), SETTINGS)
    start = Account(np.zeros(len(made.company), dtype=np.int64), 1_000_000_00)
    home = account_at(tmp_path, {}, start.cash_cents, session=DAYS[FIRST].item())
    desk = Desk(made, closes, world_market(made, closes, SETTINGS, renames=RENAMES), home)
    orders, due = None, set()

    walked = steps(made, start, decision.orders, decision.costs, first=FIRST, last=LAST, rules=WalkRules())
    for row, step in enumerate(walked, start=FIRST):
        if orders is not None:

            def costs(shares, *, is_sale, row=row):
                return decision.costs(made, row, shares, made.open_cents[row], is_sale=is_sale)

            shares, account = desk.execute(row - 1, orders, costs)
            assert shares.tolist() == step.account.shares.tolist(), f"row {row}"
            assert account.cash_cents == step.account.cash_cents, f"row {row}"
            assert account.equity_cents == step.statement.equity_cents - step.statement.receivable_cents
            due.add(step.statement.receivable_cents)
        orders = step.orders

    assert desk.sold > 20
    assert desk.bought > 20
    assert desk.asked_again >= 1
    assert len(due) > 3
    kinds = {
        activity.kind for activity in PaperBroker(home, desk.market, desk.clock).activities(DAYS[0].item())
    }
    assert kinds >= {"interest", "split", "cash_in_lieu", "dividend_due", "dividend", "merger", "rename"}


def test_the_costs_of_the_next_session_are_known_before_its_bars_and_then_stay_the_same(made, closes):
    place = 84  # without a split, a symbol change or an end
    decided, fills = (DAYS[day].item() for day in (place, place + 1))
    names = ["A", "C", "F"]
    shares, prices = np.array([100, 7, 900]), np.array([51_20, 40_03, 77_77])
    later = world_market(made, closes, SETTINGS, renames=RENAMES)
    then = world_market(make_world(closes, place + 1), closes, SETTINGS, renames=RENAMES)

    for is_sale in (True, False):
        before = then.costs_after(decided, names, shares, prices, is_sale=is_sale)
        after = [
            later.cost_cents(fills, name, int(count), int(price), is_sale=is_sale)
            for name, count, price in zip(names, shares, prices, strict=True)
        ]
        assert before.tolist() == after
        assert min(after) > 0
