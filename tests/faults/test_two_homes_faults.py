"""Two homes that trade one account: a home restored from a backup, and the old one.

Under different approvals, and for orders that are resized, their order ids differ, so that no broker refuses those of
the second home. Each home shows one order before it looks for those of others again: of two homes that begin in the
same instant, at most one sends more than that order.
"""

import shutil
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tasks.core.homes.home import Home
from tasks.execution.brokers.paper.broker import PaperBroker
from tasks.execution.brokers.paper.market import Bar
from tasks.execution.checks import Verdict
from tasks.execution.desk import Outcome
from tasks.execution.journal import start_run, store_execution
from tasks.execution.progress import advance
from tasks.execution.schema import State
from tasks.ledger.database import opened
from tests.alpaca_days import alpaca_day
from tests.brokers.scripted import Behavior
from tests.execution_days import (
    CASH,
    CLOSES,
    EVENING,
    FILLS,
    HELD,
    LINES,
    MORNING,
    OPENS,
    PRICES,
    SESSION,
    Day,
    OpenGates,
    make_day,
    make_execution,
    make_line,
)
from tests.servers.alpaca import KEYS
from tests.unit.execution.brokers.paper.markets import LiteralMarket, account_at


@pytest.fixture(autouse=True)
def _keys(monkeypatch):
    for name, value in KEYS.items():
        monkeypatch.setenv(name, value)


class NotNow(OpenGates):
    """Gates that let one symbol wait."""

    def __init__(self, symbol):
        self.symbol = symbol

    def check(self, order, line, facts):
        return Verdict("wait", "price", "no price") if order.symbol == self.symbol else Verdict("pass")


MOST_STEPS = 12
TIMES = ("expires_at", "opens_at", "closes_at", "ends_at")
REQUESTS = 30  # of a home until it waits for the market
SOME = [(at, steps) for at in (1, 7, 8, 9, 16, 24) for steps in (1, MOST_STEPS)]
TOGETHER = [
    pytest.param(at, steps, marks=() if (at, steps) in SOME else pytest.mark.slice)
    for at in range(1, REQUESTS)
    for steps in (1, 2, MOST_STEPS)
]
FILLS_AT_ONCE, RESTS = OPENS + timedelta(minutes=1), MORNING


@dataclass
class Interrupted:
    """A connection to the broker. Just before the request with this number, something happens."""

    broker: Any
    at: int
    happens: Callable[[], object]
    made: int = 0

    def __getattr__(self, name: str) -> Any:
        found = getattr(self.broker, name)
        if name in {"name", "has_unique_ids", "takes"}:
            return found

        def request(*args: Any) -> Any:
            self.made += 1
            if self.made == self.at:
                self.happens()
            return found(*args)

        return request


def second_home(first: Any, root: Any) -> Any:
    """Return a second home like the first one, at its account, with an approval of its own."""
    return replace(first, home=Home(make_day(root, terms=terms("b")).home.root))


def terms(approval: str) -> dict[str, object]:
    """Return an approval under which an execution may begin until the close."""
    return {"approval_sha256": approval * 64, "expires_at": CLOSES}


def steps_now(day: Any, most: int = MOST_STEPS, **desk: Any) -> Outcome:
    """Take steps for as long as each asks for another at once."""
    for _ in range(most):
        outcome = day.step(**desk).outcome
        if outcome is not Outcome.AGAIN:
            break
    return outcome


def interrupt(first: Any, *, at: int, happens: Callable[[], object]) -> None:
    """Let the first home take steps; just before its request with this number, something happens."""
    interrupted = Interrupted(None, at, happens)

    def wrapped(broker: Any) -> Interrupted:
        interrupted.broker = broker
        return interrupted

    steps_now(first, wrap=wrapped)


def begin_at_once(first: Any, second: Any, *, at: int, steps: int) -> list[Outcome]:
    """Let the second home take steps just before a request of the first one, then both go on; return how they stand."""
    interrupt(first, at=at, happens=lambda: steps_now(second, steps))
    ended = steps_now(second)
    return [steps_now(first), ended]


def orders_sent(day: Any) -> int:
    return sum(one.sends > 0 for one in day.orders())


def assert_only_one_went_on(first: Any, second: Any, outcomes: list[Outcome]) -> None:
    sent = sorted((orders_sent(first), orders_sent(second)))
    assert sent[0] <= 1, sent
    assert Outcome.BLOCKED in outcomes


def at_scripted(root: Any, at: Any, **day: Any) -> tuple[Day, Day]:
    """Return two homes at one scripted broker, which fills at once while the exchange is open."""
    first = make_day(root / "1", at=at, terms=terms("a"), behaviors={0: Behavior(fill_after_s=0)}, **day)
    return first, second_home(first, root / "2")


@pytest.mark.parametrize("instant", [RESTS, FILLS_AT_ONCE])
@pytest.mark.parametrize(("at", "steps"), TOGETHER)
def test_two_homes_that_begin_in_the_same_instant_do_not_both_go_on(tmp_path, at, steps, instant):
    first, second = at_scripted(tmp_path, instant)

    outcomes = begin_at_once(first, second, at=at, steps=steps)

    assert_only_one_went_on(first, second, outcomes)


@pytest.mark.parametrize(("at", "steps"), SOME)
def test_two_homes_at_alpaca_do_not_both_go_on(tmp_path, at, steps):
    with alpaca_day(tmp_path / "1", at=FILLS_AT_ONCE, terms=terms("a")) as first:
        second = second_home(first, tmp_path / "2")

        outcomes = begin_at_once(first, second, at=at, steps=steps)

        assert_only_one_went_on(first, second, outcomes)
        assert all(shares > 0 for shares in first.server.account.positions.values())


@dataclass
class PaperDay(Day):
    """One execution at a paper account that another home may use, too."""

    account: Home | None = None

    def broker(self) -> Any:
        bars = {
            name: Bar(int(price * 100), int(price * 100), int(price * 100), int(price * 100))
            for name, price in PRICES.items()
        }
        broker = PaperBroker(self.account, LiteralMarket({SESSION: bars}), self.clock, fill_session=FILLS)
        broker.close = lambda: None
        return broker


@pytest.mark.parametrize(("at", "steps"), SOME)
def test_two_homes_at_a_paper_account_do_not_both_go_on(tmp_path, at, steps):
    plain = make_day(tmp_path / "1", terms=terms("a"))
    account = account_at(tmp_path / "account", HELD, CASH, session=SESSION, name="A1")
    first = PaperDay(plain.home, plain.broker_file, plain.script, plain.clock, account=account)
    second = second_home(first, tmp_path / "2")

    outcomes = begin_at_once(first, second, at=at, steps=steps)

    assert_only_one_went_on(first, second, outcomes)


def restored(day: Any, folder: Any) -> Any:
    """Return the home as it is now, for a machine on which this backup is restored later."""
    return replace(day, home=Home(shutil.copytree(day.home.root, folder)))


def test_a_home_that_was_restored_from_before_its_orders_were_stored_is_blocked(tmp_path):
    """Its ledger lacks fills of its own: a person reconciles first."""
    first, _ = at_scripted(tmp_path, FILLS_AT_ONCE)
    backup = restored(first, tmp_path / "backup")
    first.step()

    assert backup.step().outcome is Outcome.BLOCKED
    assert orders_sent(backup) == 0


def test_a_home_that_was_restored_with_all_that_it_sent_goes_on_and_no_order_is_sent_twice(tmp_path):
    first, _ = at_scripted(tmp_path, FILLS_AT_ONCE)
    first.step()
    backup = restored(first, tmp_path / "backup")

    progress = backup.steps()

    assert progress.outcome is Outcome.ENDED
    assert [request.reply for request in backup.truth().requests].count("accept") == len(LINES)
    assert backup.truth().shares == {"AAA": 0, "BBB": 30, "CCC": 30, "DDD": 20}


def test_a_home_that_was_restored_from_before_its_last_order_left_is_blocked(tmp_path):
    """It stored that order and never sent it: for its ledger, another home did."""
    first, _ = at_scripted(tmp_path, FILLS_AT_ONCE)
    first.step()
    backup = restored(first, tmp_path / "backup")
    assert first.step().outcome is Outcome.AGAIN  # the lost home sent another order after the backup

    progress = backup.step()

    assert progress.outcome is Outcome.BLOCKED
    assert "this ledger did not send its order" in progress.why
    assert len(backup.truth().orders) == 2


def test_a_backup_with_stored_sales_does_not_sell_again_when_the_price_has_moved(tmp_path):
    """A limit follows the price: the new part of the line has an id that no broker refuses."""
    held = {"AAA": 1000, "BBB": 500}
    lines = (make_line("AAA", "SELL", 100), make_line("BBB", "SELL", 50))
    first, _ = at_scripted(tmp_path, EVENING, lines=lines, held=held, takes_from=OPENS)
    first.rules = replace(first.rules, timing="limit", collar_frac=Decimal("0.01"))
    first.step()
    assert set(first.states().values()) == {State.INTENDED}
    backup = restored(first, tmp_path / "backup")
    assert first.steps().outcome is Outcome.ENDED
    sold = {"AAA": 900, "BBB": 450}
    assert first.truth().shares == sold
    first.clock.at = OPENS + timedelta(minutes=20)
    backup.prices = {name: price + Decimal("0.10") for name, price in PRICES.items()}

    progress = backup.step()

    assert progress.outcome is Outcome.BLOCKED
    assert backup.truth().shares == sold


@pytest.mark.parametrize(("at", "steps"), TOGETHER)
def test_copies_with_the_same_approval_buy_nothing_twice_when_their_prices_differ(tmp_path, at, steps):
    """Only the id of the first order is equal in both; sizes that follow the price have ids of their own."""
    lines = tuple(make_line(name, "BUY", 5) for name in ("BBB", "CCC", "DDD"))
    first, _ = at_scripted(tmp_path, FILLS_AT_ONCE, lines=lines)
    second = restored(first, tmp_path / "copy")
    second.prices = {name: price + Decimal("0.10") for name, price in PRICES.items()}

    outcomes = begin_at_once(first, second, at=at, steps=steps)

    bought = Counter()
    for order in first.truth().orders:
        bought[order.symbol] += order.shares
    assert max(bought.values()) <= 5, bought
    assert Outcome.BLOCKED in outcomes


@pytest.mark.parametrize("at", range(1, 9))  # the requests of the step that sends the rest
def test_of_a_home_and_its_copy_made_while_it_sends_at_most_one_goes_on(tmp_path, at):
    """The copy knows the first order already, so it shows one of its own before it sends more. Limits follow the price:
    no id is equal. It takes a step before the next request of the first home."""
    lines = tuple(make_line(name, "BUY", 5) for name in PRICES)
    first, _ = at_scripted(tmp_path, FILLS_AT_ONCE, lines=lines)
    first.rules = replace(first.rules, timing="limit", collar_frac=Decimal("0.01"))
    first.step()
    copies = []

    def copy() -> None:
        made = restored(first, tmp_path / "copy")
        made.prices = {name: price + Decimal("0.10") for name, price in PRICES.items()}
        copies.append((made, orders_sent(made)))
        made.step()

    interrupt(first, at=at, happens=copy)
    ((second, known),) = copies
    outcomes = [steps_now(second), steps_now(first)]

    assert min(orders_sent(home) - known for home in (first, second)) <= 1
    assert Outcome.BLOCKED in outcomes


def test_an_order_of_another_home_that_was_filled_already_blocks_this_one(tmp_path):
    first, second = at_scripted(tmp_path, FILLS_AT_ONCE)
    first.step()

    assert first.truth().shares["AAA"] == 0
    assert second.step().outcome is Outcome.BLOCKED
    assert orders_sent(second) == 0


class OldList:
    """A broker whose list of orders does not show the latest ones yet."""

    def __init__(self, broker: Any) -> None:
        self.broker = broker

    def __getattr__(self, name: str) -> Any:
        return getattr(self.broker, name)

    def order_ids(self, since: Any) -> frozenset[str]:
        return frozenset()


def test_no_second_order_leaves_until_the_broker_lists_the_first_one(tmp_path):
    first, _ = at_scripted(tmp_path, RESTS)

    steps_now(first, wrap=OldList)
    progress = first.step(wrap=OldList)

    assert orders_sent(first) == 1
    assert (progress.outcome, progress.why) == (
        Outcome.WAITING,
        "the broker's list of orders does not show ours yet",
    )
    steps_now(first)
    assert orders_sent(first) == 2


def test_an_order_that_is_held_back_does_not_keep_the_others_from_being_the_first(tmp_path):
    first, _ = at_scripted(tmp_path, RESTS, gates=NotNow("AAA"))

    steps_now(first)

    assert first.states() == {"AAA": State.INTENDED, "BBB": State.WORKING}


def test_the_next_session_of_a_home_that_met_another_one_is_not_blocked(tmp_path):
    """What was sent before the session of the decision closed is for reconciliation, which finds every share."""
    first, second = at_scripted(tmp_path, FILLS_AT_ONCE)
    first.step()
    assert second.step().outcome is Outcome.BLOCKED
    with opened(second.home) as connection:
        tomorrow = make_execution(
            session=FILLS,
            fill_session=date(2024, 6, 18),
            **{name: getattr(make_execution(), name) + timedelta(days=1) for name in TIMES},
        )
        store_execution(connection, tomorrow)
    second.clock.wait_until(OPENS + timedelta(hours=23))

    with second.desk() as desk:
        progress = advance(desk, FILLS, start_run(desk.connection, FILLS, second.clock()))

    assert progress.outcome is not Outcome.BLOCKED
