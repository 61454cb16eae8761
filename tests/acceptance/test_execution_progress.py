"""Whole executions, step by step, at a broker that misbehaves as scripted.

The scripted broker counts orders in the sequence in which they are first sent: the sales are 1 and 2, the buys 3 and 4.
"""

from collections import Counter
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tasks.execution.brokers.base import Quote
from tasks.execution.checks import Admission, Verdict
from tasks.execution.desk import Outcome
from tasks.execution.execution import Stage
from tasks.execution.journal import FencedError, start_run, store_execution
from tasks.execution.order_ids import order_id
from tasks.execution.progress import advance, run_until
from tasks.execution.schema import State
from tasks.ledger.database import opened
from tests.brokers.scripted import Behavior
from tests.execution_days import (
    CLEAR,
    CLOSES,
    EVENING,
    HELD,
    LINES,
    OPENS,
    RULES,
    SESSION,
    OpenGates,
    make_day,
    make_execution,
    make_line,
    tripped,
)

FILLED = {"AAA": "filled", "BBB": "filled", "CCC": "filled", "DDD": "filled"}


def submits(day):
    """Return how many orders really stand at the broker under each id."""
    return Counter(real.order_id for real in day.truth().orders if real.row >= 0 and real.is_here)


def assert_once(day):
    assert set(submits(day).values()) <= {1}
    day.assert_books_agree()
    truth = day.truth()
    assert truth.cash_cents >= 0
    assert min(truth.shares.values()) >= 0


def test_sales_are_followed_by_buys_with_the_cash_that_came_in(tmp_path):
    day = make_day(tmp_path)

    progress = day.steps()

    assert progress.outcome is Outcome.ENDED
    assert progress.execution.stage is Stage.FINISHED
    assert day.states() == FILLED
    assert_once(day)
    sent = [request.order_id for request in day.truth().requests]
    sides = {tracked.order.order_id: tracked.order.side for tracked in day.orders()}
    assert [sides[name] for name in sent] == ["SELL", "SELL", "BUY", "BUY"]


def test_nothing_is_sent_before_the_first_intent_is_stored(tmp_path):
    day = make_day(tmp_path, takes_from=OPENS, at=EVENING)

    progress = day.step()

    assert {tracked.state for tracked in progress.orders} == {State.INTENDED}
    assert day.truth().requests == []
    assert progress.execution.first_intent_at == EVENING


def test_fault_125_orders_wait_for_their_window_through_restarts_and_die_with_the_session(tmp_path):
    window = OPENS - timedelta(hours=13)
    day = make_day(tmp_path, takes_from=window, at=EVENING)

    first = day.step()
    again = day.step()
    day.clock.wait_until(window)
    day.steps(until=window)

    assert first.until == again.until == window
    assert len(day.truth().requests) == 2
    assert day.steps().execution.stage is Stage.FINISHED
    assert_once(day)


def test_an_execution_without_an_intent_lapses_with_its_approval(tmp_path):
    day = make_day(tmp_path, at=OPENS)

    progress = day.step()

    assert progress.execution.stage is Stage.LAPSED
    assert progress.execution.begins_before is None
    assert (
        progress.why
        == "no order was stored before Mon 2024-06-17 09:30 New York time, so the approval lapsed"
    )
    assert day.orders() == ()
    assert day.truth().requests == []


def test_an_intent_before_the_expiry_is_executed_after_it(tmp_path):
    day = make_day(tmp_path, takes_from=OPENS + timedelta(minutes=1))

    day.step()
    progress = day.steps()

    assert progress.execution.stage is Stage.FINISHED
    assert day.states() == FILLED


def test_what_is_unsent_at_the_end_of_the_session_is_void(tmp_path):
    day = make_day(tmp_path, takes_from=CLOSES + timedelta(hours=1))

    day.step()
    day.clock.wait_until(CLOSES)
    progress = day.steps()

    assert progress.execution.stage is Stage.FINISHED
    assert set(day.states().values()) == {"void"}
    assert day.truth().requests == []


@pytest.mark.parametrize(
    "reply",
    [
        "accept and hang",
        "accept, resend, duplicate",
        "accept, resend, refused",
        "lose",
        "deliver late",
        "throttle",
    ],
)
@pytest.mark.parametrize("number", [1, 2, 3, 4])
def test_faults_066_067_068_070_074_an_order_without_a_clear_answer_is_placed_once(tmp_path, reply, number):
    day = make_day(tmp_path, behaviors={number: Behavior(replies=(reply,))})

    progress = day.steps()

    assert progress.execution.stage is Stage.FINISHED
    assert day.states() == FILLED
    assert_once(day)


@pytest.mark.parametrize("reply", ["lose", "deliver late"])
def test_fault_070_without_unique_ids_nothing_is_sent_again(tmp_path, reply):
    day = make_day(tmp_path, behaviors={1: Behavior(replies=(reply,) * 9)}, unique=False)

    day.steps()

    names = [request.order_id for request in day.truth().requests if request.kind == "submit"]
    assert len(names) == len(set(names))
    assert day.states()["AAA"] == ("absent" if reply == "lose" else "filled")
    assert_once(day)


def test_fault_070_an_order_that_never_arrives_is_unknown_until_the_session_is_over(tmp_path):
    day = make_day(tmp_path, behaviors={1: Behavior(replies=("lose",) * 9)})

    before = day.steps(until=CLOSES)
    after = day.steps()

    assert {one.order.symbol: one.state for one in before.orders}["AAA"] is State.UNKNOWN
    assert {one.order.symbol: one.state for one in after.orders}["AAA"] is State.ABSENT
    assert day.clock() >= CLOSES + timedelta(minutes=10)
    assert_once(day)


def test_fault_071_buys_shrink_to_the_cash_that_came_in(tmp_path):
    day = make_day(tmp_path, behaviors={1: Behavior(fill_frac=Decimal("0.5"))}, cash=0)

    day.steps()

    bought = {one.order.symbol: one.order.shares for one in day.orders() if one.state is State.FILLED}
    assert day.states() == {"AAA": "canceled", "BBB": "filled", "CCC": "filled", "DDD": "filled"}
    assert bought["CCC"] * 50 + bought["DDD"] * 25 <= 50 * 10 + 20 * 20
    assert bought["CCC"] == 30 * 900_00 // 2000_00
    assert_once(day)


def test_faults_072_126_buys_that_depend_on_a_refused_sale_are_withheld(tmp_path):
    refused, later = Behavior(replies=("refuse",)), Behavior(reject_after_s=120, fill_after_s=9999)
    day = make_day(tmp_path, behaviors={1: refused, 2: later}, cash=0)

    progress = day.steps()

    assert day.states() == {"AAA": "rejected", "BBB": "rejected", "CCC": "void", "DDD": "void"}
    assert progress.execution.stage is Stage.FINISHED
    assert_once(day)


@pytest.mark.parametrize(
    "on_cancel",
    [
        *(pytest.param(how, marks=pytest.mark.slice) for how in ("cancel", "fill", "expire")),
        "cancel, then fill",
    ],
)
def test_faults_073_080_a_fill_after_the_cancel_is_booked(tmp_path, on_cancel):
    stuck = Behavior(fill_frac=Decimal("0.3"), on_cancel=on_cancel)
    day = make_day(tmp_path, behaviors={1: stuck, 3: stuck})

    progress = day.steps()

    assert progress.execution.stage is Stage.FINISHED
    assert_once(day)


def test_fault_082_stale_and_flapping_reads_change_nothing(tmp_path):
    flapping = Behavior(stale_reads=4, flaps=True, fill_frac=Decimal("0.5"), rest_after_s=30)
    day = make_day(tmp_path, behaviors={0: flapping}, stale_books=3)

    day.steps()

    assert day.states() == FILLED
    assert_once(day)


def test_fault_127_an_order_whose_state_cannot_be_read_is_asked_again(tmp_path):
    day = make_day(tmp_path, behaviors={0: Behavior(unreadable_reads=3)})

    day.steps()

    assert day.states() == FILLED
    assert_once(day)


def test_fault_076_without_authorization_the_execution_stops_and_states_the_remainder(tmp_path):
    day = make_day(
        tmp_path, behaviors={2: Behavior(replies=("unauthorized",))}, at=OPENS - timedelta(hours=1)
    )

    progress = day.step()
    stopped = day.step()

    assert stopped.outcome is Outcome.STOPPED
    assert [one.order.symbol for one in stopped.remainder] == ["AAA", "BBB"]
    assert progress is not None
    assert {one.order.symbol: one.state for one in stopped.orders}["BBB"] is State.INTENDED


def test_fault_090_a_run_that_was_thought_dead_cannot_go_on(tmp_path):
    day = make_day(tmp_path)
    with day.desk() as desk:
        old = start_run(desk.connection, SESSION, day.clock())
        start_run(desk.connection, SESSION, day.clock())

        with pytest.raises(FencedError, match="taken over"):
            advance(desk, SESSION, old)

    assert day.truth().requests == []


def test_fault_042_the_switch_between_any_two_orders_stops_everything(tmp_path):
    for sent in range(1, 5):
        day = make_day(tmp_path / str(sent), behaviors={0: Behavior(fill_after_s=8 if sent > 2 else 9999)})
        asked = count_requests(day, sent)

        progress = day.steps(most=400, until=CLOSES)

        orders = [request for request in day.truth().requests if request.kind == "submit"]
        assert len(orders) == sent, asked
        assert not [real for real in day.truth().orders if real.is_open]
        assert progress.outcome is Outcome.HALTED
        assert_once(day)


def count_requests(day, most):
    """Trip the switch once so many orders have left."""

    def switch():
        sent = sum(request.kind == "submit" for request in day.truth().requests)
        return tripped() if sent >= most else CLEAR

    day.switch = switch
    return most


def test_a_halt_of_new_risk_lets_sales_through_and_cancels_buys(tmp_path):
    day = make_day(tmp_path)
    day.switch = lambda: tripped("volatility")

    day.steps(until=CLOSES - timedelta(minutes=1))

    assert day.states() == {"AAA": "filled", "BBB": "filled"}
    assert_once(day)


def test_after_a_reset_the_execution_goes_on(tmp_path):
    day = make_day(tmp_path, at=OPENS - timedelta(minutes=5))
    day.step()
    day.switch = tripped
    halted = day.steps(most=20, until=OPENS)
    day.switch = lambda: CLEAR

    day.steps()

    assert halted.outcome in {Outcome.HALTED, Outcome.WAITING}
    assert day.states()["CCC"] == "filled"
    assert_once(day)


def test_a_withdrawn_approval_cancels_what_is_open(tmp_path):
    day = make_day(tmp_path, behaviors={0: Behavior(fill_after_s=9999)})
    day.step()
    day.step()
    day.objection = lambda execution: "the day was rejected by Ann"

    progress = day.steps(most=50, until=CLOSES)

    assert progress.outcome is Outcome.HALTED
    assert "rejected by Ann" in progress.why
    assert not [real for real in day.truth().orders if real.is_open]


def test_another_account_gets_no_order(tmp_path):
    day = make_day(tmp_path)
    with opened(day.home) as connection:
        store_execution(connection, make_execution(session=OPENS.date(), account="A2"))
    with day.desk() as desk:
        run = start_run(desk.connection, OPENS.date(), day.clock())
        progress = advance(desk, OPENS.date(), run)

    assert "approved for A2" in progress.why
    assert day.truth().requests == []


def test_a_line_whose_price_left_its_band_is_void_and_the_rest_is_not(tmp_path):
    day = make_day(tmp_path)
    day.prices["BBB"], day.prices["CCC"] = Decimal("22.01"), Decimal("44.99")

    day.steps()

    assert day.states() == {"AAA": "filled", "BBB": "void", "CCC": "void", "DDD": "filled"}
    assert_once(day)


def test_a_line_that_would_shrink_too_far_is_void(tmp_path):
    lines = (LINES[0], make_line("CCC", "BUY", 30, least=25))
    day = make_day(tmp_path, lines, cash=100_00)

    day.steps()

    assert day.states() == {"AAA": "filled", "CCC": "void"}


def test_an_order_that_another_part_replaced_before_it_was_sent_is_not_counted_as_void(tmp_path):
    buy = make_line("CCC", "BUY", 30)
    day = make_day(tmp_path, (buy,), cash=100_000_00, at=OPENS - timedelta(hours=1))
    day.takes_from = OPENS
    day.steps(until=OPENS - timedelta(minutes=1))  # the order is stored
    day.prices["CCC"] = Decimal(54)

    progress = day.steps()

    assert [str(one.state) for one in day.orders()] == ["void", "filled"]
    assert progress.why == "1 filled"


def test_buys_never_exceed_the_approved_amount_of_money(tmp_path):
    day = make_day(tmp_path, cash=100_000_00)
    day.prices["CCC"] = Decimal(54)

    day.steps()

    bought = {one.order.symbol: one.order.shares for one in day.orders() if one.state is State.FILLED}
    assert bought["CCC"] == 30 * 50 // 54
    assert bought["DDD"] == 20


def test_a_sale_is_cut_to_what_is_held(tmp_path):
    day = make_day(tmp_path, held={"AAA": 30, "BBB": 0})

    day.steps()

    assert day.states()["BBB"] == "void"
    assert [(one.order.part, one.order.shares) for one in day.orders() if one.order.symbol == "AAA"] == [
        (0, 30)
    ]
    assert_once(day)


def test_fault_134_what_is_left_of_a_sale_is_canceled_once_somebody_else_sold(tmp_path):
    slow = Behavior(fill_after_s=9999)
    day = make_day(tmp_path, behaviors={1: slow})
    day.steps(until=OPENS + timedelta(minutes=1))
    broker = day.broker()
    broker.trade_by_hand("AAA", -60)
    broker.close()

    day.steps(until=OPENS + timedelta(minutes=5))

    assert day.states()["AAA"] == "canceled"
    assert day.truth().shares["AAA"] == 40


def test_fault_130_ours_waits_for_an_opposite_order_of_somebody_else(tmp_path):
    day = make_day(tmp_path)
    broker = day.broker()
    broker.order_by_hand("theirs", "AAA", "BUY", 5)
    broker.close()

    day.steps(until=OPENS + timedelta(minutes=10))

    assert day.states()["AAA"] == "intended"
    assert "AAA" not in {real.symbol for real in day.truth().orders if real.row >= 0}


def test_an_open_order_of_another_home_at_the_account_stops_this_one_with_its_reason(tmp_path):
    """Its id has our form, but our ledger does not have it: both homes would trade the same approval."""
    day = make_day(tmp_path)
    broker = day.broker()
    other = order_id("A1", SESSION, "b" * 64, row=0, part=0)
    broker.order_by_hand(other, "FFF", "BUY", 5)
    broker.close()

    progress = day.step()

    assert progress.outcome is Outcome.BLOCKED
    assert f"another home trades this account: this ledger did not send its order {other}" in progress.why
    assert day.truth().requests == []


def test_a_name_that_is_held_as_booked_may_be_bought(tmp_path):
    """Only shares beyond those that are booked say that somebody else bought."""
    day = make_day(tmp_path, lines=(make_line("AAA", "BUY", 5),))

    day.steps()

    assert day.truth().shares["AAA"] == HELD["AAA"] + 5


class ListOfNone:
    """A broker whose list of a session's orders is empty."""

    def __init__(self, broker):
        self.broker = broker

    def __getattr__(self, name):
        return getattr(self.broker, name)

    def order_ids(self, since):
        return frozenset()


def test_an_open_order_of_another_home_stops_this_one_even_if_no_list_shows_it(tmp_path):
    day = make_day(tmp_path)
    broker = day.broker()
    broker.order_by_hand(order_id("A1", SESSION, "b" * 64, row=0, part=0), "FFF", "BUY", 5)
    broker.close()

    assert day.step(wrap=ListOfNone).outcome is Outcome.BLOCKED


def test_a_stop_ends_the_run_after_the_step_in_progress_and_the_next_run_goes_on(tmp_path):
    day = make_day(tmp_path)
    asked = iter([False, True])
    with day.desk() as desk:
        stopped = run_until(
            desk, SESSION, longest_wait=timedelta(hours=9), sleep=pytest.fail, is_stopped=lambda: next(asked)
        )
    assert (stopped.outcome, stopped.remainder != ()) == (Outcome.WAITING, True)
    assert (stopped.was_stopped, stopped.execution.begins_before) == (True, None)

    day.steps()

    assert day.states() == FILLED
    assert_once(day)


def test_a_stop_before_the_first_step_sends_nothing(tmp_path):
    day = make_day(tmp_path)
    with day.desk() as desk:
        stopped = run_until(
            desk, SESSION, longest_wait=timedelta(hours=9), sleep=pytest.fail, is_stopped=lambda: True
        )

    assert (stopped.outcome, stopped.orders) == (Outcome.WAITING, ())
    assert (stopped.was_stopped, stopped.execution.begins_before) == (True, OPENS)
    assert day.truth().requests == []


def test_fault_130_a_refusal_for_an_opposite_order_is_not_a_rejection(tmp_path):
    day = make_day(tmp_path, behaviors={1: Behavior(replies=("refuse once",))})

    day.steps()

    assert day.states() == FILLED
    assert_once(day)


def test_fault_068_another_order_under_our_id_blocks_the_execution(tmp_path):
    day = make_day(tmp_path, behaviors={1: Behavior(replies=("lose",))})
    day.step()
    stolen = day.orders()[0].order
    assert day.states()["AAA"] == "unknown"
    broker = day.broker()
    broker.order_by_hand(stolen.order_id, "AAA", "SELL", 7)
    broker.close()

    progress = day.step()

    assert progress.outcome is Outcome.BLOCKED
    assert f"a different order under {stolen.order_id}: SELL 7 AAA, not SELL 100 AAA" in progress.why


def test_fault_088_buys_do_not_wait_for_ever_for_a_cancellation(tmp_path):
    stuck = Behavior(fill_frac=Decimal("0.5"), cancel_replies=("lose",) * 99)
    day = make_day(tmp_path, behaviors={1: stuck}, cash=0)

    day.steps(until=OPENS + timedelta(minutes=80))

    assert day.states()["AAA"] == "canceling"
    assert day.states()["CCC"] == "filled"
    assert_once(day)


def test_fault_138_an_order_that_expires_is_stated_and_not_taken_for_done(tmp_path):
    day = make_day(tmp_path, behaviors={3: Behavior(fill_after_s=999_999)})

    progress = day.steps()

    assert day.states()["CCC"] in {"expired", "canceled"}
    assert progress.execution.reason.startswith("3 filled, 1 ")


def test_fault_137_buys_wait_for_the_regular_open(tmp_path):
    day = make_day(tmp_path, (LINES[2],), cash=10_000_00, at=EVENING)

    evening = day.step()
    night = day.step()

    assert evening.until == night.until == OPENS
    assert day.truth().requests == []
    assert day.steps().execution.stage is Stage.FINISHED


def test_a_gate_holds_an_order_back_or_voids_it(tmp_path):
    class Gates(OpenGates):
        def check(self, order, line, facts):
            answers = {
                "AAA": Verdict("void", "no_penny_stocks", "3 cents"),
                "BBB": Verdict("wait", "halted", "news"),
            }
            return answers.get(order.symbol, Verdict("pass"))

    day = make_day(tmp_path, gates=Gates())

    day.steps(until=OPENS + timedelta(minutes=30))

    assert day.states()["AAA"] == "void"
    assert day.states()["BBB"] == "intended"
    assert "no_penny_stocks: 3 cents" in {one.reason for one in day.orders()}
    assert day.truth().requests == []


def test_what_the_wire_guard_refuses_never_leaves(tmp_path):
    day = make_day(tmp_path, guard=lambda order, line, facts: "too large" if order.symbol == "BBB" else "")

    day.steps()

    assert day.states() == {"AAA": "filled", "BBB": "void", "CCC": "filled", "DDD": "filled"}
    assert "BBB" not in {real.symbol for real in day.truth().orders}
    assert_once(day)


def test_a_wire_guard_that_fails_lets_nothing_pass(tmp_path):
    def guard(order, line, facts):
        raise ZeroDivisionError

    day = make_day(tmp_path, guard=guard)
    with pytest.raises(ZeroDivisionError):
        day.step()

    assert day.truth().requests == []
    assert {one.sends for one in day.orders()} == {0}


def test_until_the_books_are_reconciled_only_reductions_are_sent(tmp_path):
    class Gates(OpenGates):
        def admission(self, facts):
            return Admission("reductions", "start_up", "not reconciled yet")

    day = make_day(tmp_path, gates=Gates())

    progress = day.steps(until=OPENS + timedelta(minutes=20))

    assert day.states() == {"AAA": "filled", "BBB": "filled", "CCC": "intended", "DDD": "intended"}
    assert progress.why == "2 orders not sent yet, held back: not reconciled yet"


def test_the_loop_ends_where_the_next_thing_to_do_is_far_away(tmp_path):
    day = make_day(tmp_path, takes_from=OPENS - timedelta(hours=1), at=EVENING)
    slept = []

    def sleep(seconds):
        slept.append(seconds)
        day.clock.wait_until(day.clock() + timedelta(seconds=seconds))

    with day.desk() as desk:
        evening = run_until(desk, SESSION, longest_wait=timedelta(minutes=5), sleep=sleep)
        day.clock.wait_until(OPENS - timedelta(minutes=3))
        finished = run_until(desk, SESSION, longest_wait=timedelta(minutes=5), sleep=sleep)

    assert evening.outcome is Outcome.WAITING
    assert finished.outcome is Outcome.ENDED
    assert max(slept) <= 300


def test_a_fill_after_the_end_is_booked_by_a_later_step(tmp_path):
    day = make_day(tmp_path)
    day.steps()
    order = day.orders()[0].order
    broker = day.broker()
    broker.restate(order.order_id, shares=0, cash_cents=7)
    broker.close()

    progress = day.step()

    assert progress.outcome is Outcome.ENDED
    day.assert_books_agree()


def test_limit_orders_stay_within_collar_and_band(tmp_path):
    rules = replace(RULES, timing="limit", collar_frac=Decimal("0.02"))
    day = make_day(tmp_path, rules=rules, cash=100_000_00)
    day.prices["CCC"] = Decimal("54.5")

    day.steps()

    limits = {one.order.symbol: one.order.limit_price for one in day.orders() if one.state is State.FILLED}
    assert limits == {
        "AAA": Decimal("9.80"),
        "BBB": Decimal("19.60"),
        "CCC": Decimal("55.00"),
        "DDD": Decimal("25.50"),
    }


@pytest.mark.parametrize(("cash", "shares"), [(10_000_00, (30, 20)), (100_00, (21, 14))])
def test_market_buys_leave_cash_for_prices_that_rise_until_the_fill(tmp_path, cash, shares):
    day = make_day(tmp_path, rules=replace(RULES, collar_frac=Decimal("0.05")), cash=cash)

    day.steps()

    bought = {one.order.symbol: one.order.shares for one in day.orders() if one.state is State.FILLED}
    assert (bought["CCC"], bought["DDD"]) == shares  # 1,500.00 of sales and the cash, less a twentieth
    assert (bought["CCC"] * 50 + bought["DDD"] * 25) * 105 <= cash + 1_500_00 or cash > 1_000_00


def test_a_symbol_without_a_quote_is_not_sent(tmp_path):
    day = make_day(tmp_path)

    class Quoteless:
        def __init__(self, broker):
            self.broker = broker

        def __getattr__(self, name):
            return getattr(self.broker, name)

        def quotes(self, symbols):
            return {name: quote for name, quote in self.broker.quotes(symbols).items() if name != "AAA"}

    day.steps(until=OPENS + timedelta(minutes=10), wrap=Quoteless)

    assert day.states()["AAA"] == "intended"
    assert isinstance(next(iter(day.broker().quotes(["AAA"]).values())), Quote)


def test_fault_124_an_order_that_rests_over_a_split_is_canceled_before_the_open(tmp_path):
    day = make_day(tmp_path)
    day.step()
    day.prices["AAA"] = Decimal(5)

    day.steps(until=OPENS - timedelta(minutes=1))

    assert day.states() == {"AAA": "canceled", "BBB": "working"}


def test_fault_130_an_opposed_order_holds_no_other_back_and_is_asked_again_after_a_pause(tmp_path):
    day = make_day(tmp_path, behaviors={1: Behavior(replies=("refuse once",) * 99)})

    progress = day.steps(until=OPENS + timedelta(minutes=10))

    assert day.states() == {"AAA": "intended", "BBB": "filled"}
    assert progress.why == "potential wash trade detected"
    asked = [request.at for request in day.truth().requests if request.reply == "refuse once"]
    assert len(asked) <= 70 * 60 / RULES.poll.total_seconds() + 2  # the first step and the last one
