"""Any sequence of steps, waits, halts and troubles at the broker ends with every order once and the books equal."""

import tempfile
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tasks.execution.desk import Outcome
from tasks.execution.schema import State
from tests.brokers.scripted import Behavior
from tests.execution_days import CLEAR, CLOSES, RULES, make_day, tripped

REPLIES = (
    "accept",
    "accept and hang",
    "accept, resend, duplicate",
    "accept, resend, refused",
    "lose",
    "deliver late",
    "throttle",
    "refuse",
    "refuse once",
)
SECONDS = st.sampled_from([1, 5, 60, 900, 4000])
BEHAVIORS = st.builds(
    Behavior,
    replies=st.lists(st.sampled_from(REPLIES), max_size=3).map(tuple),
    fill_frac=st.sampled_from([Decimal(0), Decimal("0.3"), Decimal(1)]),
    fill_after_s=SECONDS,
    rest_after_s=st.none() | SECONDS,
    reject_after_s=st.none() | SECONDS,
    on_cancel=st.sampled_from(["cancel", "fill", "expire", "cancel, then fill"]),
    cancel_replies=st.lists(st.sampled_from(["accept", "lose", "throttle"]), max_size=2).map(tuple),
    stale_reads=st.integers(0, 2),
    flaps=st.booleans(),
    unreadable_reads=st.integers(0, 1),
    fee_cents=st.sampled_from([0, 35]),
)


class Execution(RuleBasedStateMachine):
    """The day may be stepped at any time, by any process; nothing may be lost, doubled or invented."""

    def __init__(self):
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.final = {}
        self.has_moved = False

    @initialize(
        behaviors=st.lists(BEHAVIORS, min_size=4, max_size=4),
        cash=st.sampled_from([0, 200_00, 50_000_00]),
        stale_books=st.integers(0, 2),
        unique=st.booleans(),
        timing=st.sampled_from(["market", "limit", "at_open", "at_close"]),
    )
    def begin(self, behaviors, cash, stale_books, unique, timing):
        self.day = make_day(
            Path(self.folder.name),
            behaviors=dict(enumerate(behaviors, start=1)),
            cash=cash,
            stale_books=stale_books,
            unique=unique,
            rules=replace(RULES, timing=timing),
        )

    @rule()
    def step(self):
        self.day.step()

    @rule()
    def start_again(self):
        self.day.start_again()

    @rule(minutes=st.sampled_from([1, 10, 45, 120]))
    def wait(self, minutes):
        self.day.clock.wait_until(min(self.day.clock() + timedelta(minutes=minutes), CLOSES))

    @rule(cause=st.sampled_from(["by_hand", "volatility"]))
    def halt(self, cause):
        self.day.switch = lambda: tripped(cause)

    @rule()
    def reset(self):
        self.day.switch = lambda: CLEAR

    @rule(symbol=st.sampled_from("ABCD"), factor=st.sampled_from(["0.95", "1.05", "1.2"]))
    def move(self, symbol, factor):
        name = symbol * 3
        self.has_moved = True
        self.day.prices[name] = (self.day.prices[name] * Decimal(factor)).quantize(Decimal("0.01"))

    @invariant()
    def nothing_is_doubled_or_overdrawn(self):
        truth = self.day.truth()
        here = Counter(real.order_id for real in truth.orders if real.is_here)
        assert set(here.values()) <= {1}
        assert truth.cash_cents >= -self.tolerance()
        assert min(truth.shares.values()) >= 0

    @invariant()
    def a_final_state_stays(self):
        states = {one.order.order_id: one.state for one in self.day.orders()}
        assert self.final.items() <= states.items()
        self.final |= {name: state for name, state in states.items() if state.is_final}

    def tolerance(self):
        """Fees, of which the costs of this day know nothing, and moves of the price between size and fill."""
        return 4 * 35 + (2_500_00 if self.has_moved else 0)

    def teardown(self):
        if hasattr(self, "day"):
            self.day.switch = lambda: CLEAR
            progress = self.day.steps(most=1500)
            assert progress.outcome is Outcome.ENDED
            assert all(one.state.is_final for one in self.day.orders())
            assert {one.order.row for one in self.day.orders()} <= set(range(4))
            assert_shares_agree(self.day)
            self.day.clock.wait_until(self.day.clock() + timedelta(hours=1))
            self.day.step()
            self.day.assert_books_agree()
        self.folder.cleanup()


def assert_shares_agree(day):
    """Nothing that is VOID, or refused outright, has reached the broker."""
    here = {real.order_id for real in day.truth().orders if real.is_here}
    void = {one.order.order_id for one in day.orders() if one.state in {State.VOID, State.ABSENT}}
    assert not here & void


TestExecution = Execution.TestCase
TestExecution.settings = settings(max_examples=6, stateful_step_count=14)


@pytest.mark.prove
class TestManyExecutions(Execution.TestCase):
    settings = settings(max_examples=60, stateful_step_count=20)
