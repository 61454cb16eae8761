"""The step at the embedded paper broker, which knows a session only once its bar is stored."""

from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import numpy as np

from tasks.core.homes.setup import set_up
from tasks.core.sessions import session_on
from tasks.execution.brokers.paper.broker import PaperBroker
from tasks.execution.brokers.paper.market import Bar
from tasks.execution.desk import Desk, Outcome, no_reductions
from tasks.execution.journal import prepare, read_orders, start_run, store_execution
from tasks.execution.progress import advance
from tasks.ledger.balance import balance_of
from tasks.ledger.database import opened
from tasks.ledger.opening import Holding, Opening, begin_ledger
from tasks.ledger.store import entries
from tests.execution_days import RULES, OpenGates, is_clear, make_execution, make_line, no_guard, no_objection
from tests.unit.execution.brokers.paper.markets import NEXT, Clock, D, F, LiteralMarket, account_at

COST = 100  # cents of every fill
PRICE = 20_00


def bars(symbols, price):
    return {name: Bar(price, price, price, price) for name in symbols}


def costs(symbols, shares, price_cents, *, is_sale):
    return np.where(shares > 0, COST, 0)


class PaperDay:
    """Sells of S…, then buys of B…, at $20 each: 10 shares of each name."""

    def __init__(self, root, *, lines=6, cash=0, reductions=no_reductions):
        self.reductions = reductions
        self.sells = [f"S{number:02}" for number in range(lines // 2)]
        self.buys = [f"B{number:02}" for number in range(lines - lines // 2)]
        held = dict.fromkeys(self.sells, 10)
        self.home = account_at(root, held, cash)
        self.clock, self.market = (
            Clock(),
            LiteralMarket({D: bars([*self.sells, *self.buys], PRICE)}, stored=D),
        )
        set_up(self.home)
        holdings = tuple(Holding(name, Decimal(shares), D) for name, shares in held.items())
        begin_ledger(self.home, Opening(holdings, cash, D, "0" * 64), at=session_on(D).closes_at)
        lines = [make_line(name, "SELL", 10, price=20) for name in self.sells]
        lines += [make_line(name, "BUY", 10, price=20) for name in self.buys]
        fills, after = session_on(F), session_on(NEXT)
        with opened(self.home) as connection:
            prepare(connection)
            store_execution(
                connection,
                make_execution(
                    lines,
                    session=D,
                    account="PAPER",
                    expires_at=fills.opens_at,
                    fill_session=F,
                    opens_at=fills.opens_at,
                    closes_at=fills.closes_at,
                    ends_at=after.opens_at,
                ),
            )

    def store_bars(self, price):
        self.market.bars[F], self.market.stored = bars([*self.sells, *self.buys], price), F

    @contextmanager
    def desk(self):
        with opened(self.home) as connection:
            yield Desk(
                home=self.home,
                connection=connection,
                broker=PaperBroker(self.home, self.market, self.clock, fill_session=F),
                rules=replace(RULES, fills_from_bars=True),
                costs=costs,
                gates=OpenGates(),
                wire_guard=no_guard,
                switch=is_clear,
                objection=no_objection,
                clock=self.clock,
                reductions=self.reductions,
            )

    def steps(self):
        """Take steps for as long as each leads to another at once."""
        with self.desk() as desk:
            run = start_run(desk.connection, D, self.clock())
            while (progress := advance(desk, D, run)).outcome is Outcome.AGAIN:
                pass
        return progress

    def states(self):
        with opened(self.home) as connection:
            return [str(one.state) for one in read_orders(connection, D)]

    def balance(self):
        with opened(self.home) as connection:
            return balance_of(entries(connection))


def test_both_phases_trade_at_the_open_once_the_bar_is_stored(tmp_path):
    day = PaperDay(tmp_path)
    day.clock.before_open(F)

    evening = day.steps()
    day.clock.after_open(F)
    during = day.steps()
    day.clock.after_close(F)
    before_refresh = day.steps()
    day.store_bars(21_00)
    after_refresh = day.steps()

    assert evening.until == session_on(F).opens_at
    assert during.until == session_on(F).closes_at
    assert before_refresh.until == session_on(NEXT).opens_at
    assert after_refresh.outcome is Outcome.ENDED
    assert day.states() == ["filled"] * 6
    bought = dict.fromkeys(day.buys, 9)  # the approved amount of money at $21
    assert day.balance().shares == bought
    with day.desk() as desk:
        assert day.balance().cash_cents == desk.broker.account().cash_cents


def test_without_a_bar_until_the_next_open_everything_ends(tmp_path):
    day = PaperDay(tmp_path)
    day.clock.before_open(F)
    day.steps()
    day.clock.at = session_on(NEXT).opens_at

    for minutes in (1, 1, 1):  # asks for cancellations, sees them, has waited for late fills
        progress = day.steps()
        day.clock.at += timedelta(minutes=minutes)

    assert progress.outcome is Outcome.ENDED
    assert set(day.states()) <= {"canceled", "expired", "void"}
    assert day.balance().shares == dict.fromkeys(day.sells, 10)
