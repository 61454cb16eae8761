"""Single decisions, where a whole day at a broker would show them only by chance."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tasks.execution.brokers.base import BrokerAccount, BrokerOrder, BrokerPosition, Quote, Status
from tasks.execution.checks import Admission, Facts
from tasks.execution.deciding.actions import Cancel, Finish, Intend, Resize, Send, Skip, View, Void, Wait
from tasks.execution.deciding.buys import CONFIRMATION, LAST_DOUBT
from tasks.execution.deciding.next_actions import next_actions
from tasks.execution.deciding.pausing import LATE_FILLS
from tasks.execution.deciding.reductions import Reduction
from tasks.execution.deciding.shape import MOST_SENDS
from tasks.execution.execution import Stage
from tasks.execution.order_ids import order_id
from tasks.execution.schema import Order, State, Tracked
from tests.execution_days import (
    CLOSES,
    LINES,
    MORNING,
    OPENS,
    PRICES,
    RULES,
    SESSION,
    make_execution,
    no_costs,
)

AT = OPENS + timedelta(minutes=5)
ACCOUNT = BrokerAccount(
    "A1", "paper", 1_000_00, 1_000_00, 5_000_00, only_closing=False, is_blocked=False, is_preliminary=False
)


def tracked(row, state, *, part=0, shares=None, sends=1, changed_at=OPENS, timing="market", limit=None):
    line = LINES[row]
    order = Order(
        order_id("A1", SESSION, "a" * 64, row=row, part=part),
        SESSION,
        row,
        part,
        line.symbol,
        line.side,
        int(line.shares) if shares is None else shares,
        timing,
        limit,
    )
    return Tracked(order, state, 0 if state in {State.INTENDED, State.VOID} else sends, "", changed_at)


def make_view(*orders, at=AT, rules=RULES, admits="everything", must_cancel=False, **changes):
    """Return a view a few minutes after the open; `changes` are those of account, facts and execution."""
    account = replace(
        ACCOUNT, **{name: changes.pop(name) for name in list(changes) if hasattr(ACCOUNT, name)}
    )
    facts = Facts(
        at=at,
        account=account,
        positions={"AAA": BrokerPosition("AAA", Decimal(100)), "BBB": BrokerPosition("BBB", Decimal(50))},
        open_orders=changes.pop("open_orders", ()),
        quotes={name: Quote(name, price, changes.get("quoted_at", at)) for name, price in PRICES.items()},
        assets={},
        ledger_cash_cents=changes.pop("ledger", 1_000_00),
    )
    changes.pop("quoted_at", None)
    return View(
        execution=make_execution(first_intent_at=MORNING, **changes.pop("execution", {})),
        orders=orders,
        filled=changes.pop("filled", {}),
        stated=changes.pop("stated", {}),
        facts=facts,
        rules=rules,
        admission=Admission(admits, "gate", "why"),
        must_cancel=must_cancel,
        takes=changes.pop("takes", lambda order, at: at),
        costs=no_costs,
        reductions=changes.pop("reductions", {}),
    )


SOLD = (tracked(0, State.FILLED), tracked(1, State.FILLED))


def test_all_sales_are_intended_before_any_buy():
    actions = next_actions(make_view(at=MORNING))

    assert [type(action) for action in actions] == [Intend, Intend]
    assert [action.order.symbol for action in actions] == ["AAA", "BBB"]


def test_buys_are_intended_at_the_size_that_the_cash_pays_for():
    actions = next_actions(make_view(*SOLD))

    assert [(type(action), action.order.symbol, action.order.shares) for action in actions] == [
        (Intend, "CCC", 15),
        (Intend, "DDD", 10),
    ]


def test_a_buy_that_was_never_sent_follows_the_price_and_the_cash():
    actions = next_actions(
        make_view(*SOLD, tracked(2, State.INTENDED), tracked(3, State.INTENDED, shares=10))
    )

    assert [type(action) for action in actions] == [Resize, Send]
    assert (actions[0].order.part, actions[0].order.shares) == (1, 15)
    assert actions[0].order.order_id != actions[0].order_id


def test_once_one_buy_was_sent_the_others_keep_their_size_while_the_cash_suffices():
    view = make_view(*SOLD, tracked(2, State.FILLED), tracked(3, State.INTENDED, shares=7))

    assert [type(action) for action in next_actions(view)] == [Send]


def test_once_one_buy_was_sent_the_others_shrink_if_the_cash_does_not_suffice():
    view = make_view(*SOLD, tracked(2, State.FILLED), tracked(3, State.INTENDED), cash_cents=200_00)

    (resized,) = next_actions(view)

    assert isinstance(resized, Resize)
    assert resized.order.shares == 8


@pytest.mark.parametrize(
    ("at", "quoted_at", "from_bars", "is_sent"),
    [
        (AT, AT, False, True),
        (OPENS, MORNING, False, True),  # whether the quote is recent is a gate
        (OPENS - timedelta(seconds=1), MORNING, False, False),
        (AT, MORNING, True, False),  # the quote is the close before
        (AT, OPENS, True, True),
    ],
)
def test_a_market_buy_waits_for_the_open(at, quoted_at, from_bars, is_sent):
    view = make_view(
        *SOLD,
        tracked(2, State.INTENDED, shares=15),
        tracked(3, State.INTENDED, shares=10),
        at=at,
        quoted_at=quoted_at,
        rules=replace(RULES, fills_from_bars=from_bars),
    )

    assert any(isinstance(action, Send) for action in next_actions(view)) is is_sent


def test_buys_wait_until_the_account_shows_the_proceeds():
    orders = (*SOLD, tracked(2, State.INTENDED, shares=15), tracked(3, State.INTENDED, shares=10))
    waiting = next_actions(make_view(*orders, at=OPENS + CONFIRMATION / 2, ledger=1_000_01))
    sent = next_actions(make_view(*orders, at=OPENS + CONFIRMATION, ledger=1_000_01))

    assert [type(action) for action in waiting] == [Wait]
    assert [type(action) for action in sent] == [Send, Send]


@pytest.mark.parametrize(
    ("state", "at", "cash_cents", "types"),
    [
        (State.UNKNOWN, AT, 500_00, [Wait]),
        (State.WORKING, AT, 500_00, [Wait]),  # filled between the look-up and the account
        (State.CANCELED, AT, 400_00, [Resize]),  # somebody else spent it
        (State.UNKNOWN, CLOSES - LAST_DOUBT - timedelta(seconds=1), 500_00, [Wait]),
        (State.UNKNOWN, CLOSES - LAST_DOUBT, 500_00, [Void]),
        (State.UNKNOWN, AT, 1_000_00, [Send]),  # enough even if the other one is still to be paid
    ],
)
def test_no_buy_shrinks_while_the_account_may_have_paid_for_another_that_is_not_booked(
    state, at, cash_cents, types
):
    buying = tracked(2, state, shares=10)
    view = make_view(*SOLD, buying, tracked(3, State.INTENDED), at=at, cash_cents=cash_cents, ledger=1_000_01)

    assert [type(action) for action in next_actions(view)] == types


@pytest.mark.parametrize(
    ("changes", "types"),
    [
        ({"at": OPENS + timedelta(minutes=60)}, [Cancel, Wait]),
        ({"at": OPENS + timedelta(minutes=59)}, [Wait]),
        ({"at": CLOSES}, [Cancel, Skip, Skip]),
        ({"at": OPENS + timedelta(minutes=60), "rules": replace(RULES, deadline=timedelta(0))}, [Wait]),
        ({"at": OPENS + timedelta(minutes=60), "rules": replace(RULES, fills_from_bars=True)}, [Wait]),
    ],
)
def test_sales_are_waited_for_until_the_deadline(changes, types):
    view = make_view(tracked(0, State.WORKING), tracked(1, State.FILLED), **changes)

    assert [type(action) for action in next_actions(view)] == types


def test_fault_088_a_cancellation_is_asked_for_again_while_the_order_is_simply_open():
    order = tracked(0, State.CANCELING)
    stated = BrokerOrder(
        order.order.order_id, "AAA", "SELL", Decimal(100), Status.OPEN, Decimal(0), 0, 0, OPENS
    )

    def types(status):
        view = make_view(
            order, tracked(1, State.FILLED), stated={order.order.order_id: replace(stated, status=status)}
        )
        return [type(action) for action in next_actions(view)]

    assert types(Status.OPEN) == [Cancel, Wait]
    assert types(Status.CANCELING) == [Wait]


def test_after_the_deadline_buys_wait_a_moment_for_canceled_sales_and_no_longer():
    orders = (tracked(0, State.UNKNOWN), tracked(1, State.FILLED))
    deadline = OPENS + RULES.deadline
    before = next_actions(make_view(*orders, at=deadline + CONFIRMATION - timedelta(seconds=1)))
    after = next_actions(make_view(*orders, at=deadline + CONFIRMATION))

    assert [type(action) for action in before] == [Wait]
    assert [type(action) for action in after] == [Intend, Intend]


@pytest.mark.parametrize(
    ("order", "changes", "is_sent"),
    [
        (tracked(0, State.UNKNOWN), {}, True),
        (tracked(0, State.UNKNOWN, sends=MOST_SENDS), {}, False),
        (tracked(0, State.UNKNOWN, sends=2, changed_at=AT - timedelta(seconds=19)), {}, False),
        (tracked(0, State.UNKNOWN, sends=2, changed_at=AT - timedelta(seconds=20)), {}, True),
        (tracked(0, State.UNKNOWN), {"rules": replace(RULES, has_unique_ids=False)}, False),
        (tracked(0, State.UNKNOWN), {"stated": {}}, False),
        (tracked(0, State.UNKNOWN), {"at": CLOSES - timedelta(seconds=59)}, False),
        (tracked(0, State.UNKNOWN), {"takes": lambda order, at: CLOSES}, False),
        (tracked(0, State.UNKNOWN), {"is_preliminary": True}, False),
    ],
)
def test_fault_070_an_order_is_sent_again_only_where_its_id_prevents_a_second_one(order, changes, is_sent):
    changes = {"stated": {order.order.order_id: None}, **changes}

    actions = next_actions(make_view(order, tracked(1, State.FILLED), **changes))

    assert (Send(order.order.order_id) in actions) is is_sent


def test_fault_129_an_account_that_may_only_close_buys_nothing():
    orders = (tracked(0, State.INTENDED), tracked(1, State.FILLED))
    buys = (*SOLD, tracked(2, State.INTENDED, shares=15), tracked(3, State.INTENDED, shares=10))

    assert [type(one) for one in next_actions(make_view(*orders, only_closing=True))] == [Send]
    assert [type(one) for one in next_actions(make_view(*buys, only_closing=True))] == [Wait]


@pytest.mark.parametrize(
    ("admits", "must_cancel", "types"),
    [
        ("everything", False, [Wait]),
        ("reductions", True, [Cancel, Wait]),
        ("nothing", True, [Cancel, Cancel, Wait]),
        ("nothing", False, [Wait]),
        ("reductions", False, [Wait]),
    ],
)
def test_fault_042_what_is_not_admitted_is_held_back_and_under_a_halt_canceled(admits, must_cancel, types):
    view = make_view(
        tracked(0, State.WORKING),
        tracked(1, State.FILLED),
        tracked(2, State.WORKING),
        tracked(3, State.FILLED),
        admits=admits,
        must_cancel=must_cancel,
    )

    assert [type(action) for action in next_actions(view)] == types


def test_what_has_ended_here_and_is_open_at_the_broker_is_canceled():
    void = tracked(0, State.VOID)
    stray = BrokerOrder(
        void.order.order_id, "AAA", "SELL", Decimal(100), Status.OPEN, Decimal(0), 0, 0, OPENS
    )
    view = make_view(
        void, *SOLD[1:], tracked(2, State.FILLED), tracked(3, State.FILLED), open_orders=(stray,)
    )

    assert next_actions(view)[0] == Cancel(
        void.order.order_id, "the order has ended here, and is open at the broker"
    )


def test_after_a_cancellation_late_fills_are_waited_for():
    orders = (*SOLD, tracked(2, State.CANCELED, changed_at=AT), tracked(3, State.FILLED))

    assert next_actions(make_view(*orders)) == (Wait(AT + LATE_FILLS, "late fills"),)
    (finish,) = next_actions(make_view(*orders, at=AT + LATE_FILLS))
    assert finish == Finish(Stage.FINISHED, "3 filled, 1 canceled")


def test_a_pause_counts_what_is_open_at_the_broker_and_what_is_not_sent_yet():
    (wait,) = next_actions(make_view(tracked(0, State.WORKING), tracked(1, State.WORKING)))

    assert wait.why == "2 orders open at the broker (working), 2 not sent yet"


def test_without_trades_there_is_nothing_to_do():
    assert next_actions(make_view(execution={"lines": ()})) == (
        Finish(Stage.FINISHED, "there were no trades"),
    )


def test_in_the_closing_auction_buys_do_not_wait_for_sales():
    rules = replace(RULES, timing="at_close")
    sells = (tracked(0, State.WORKING, timing="at_close"), tracked(1, State.WORKING, timing="at_close"))

    actions = next_actions(make_view(*sells, rules=rules, at=OPENS + timedelta(hours=2)))

    assert [(type(action), action.order.timing) for action in actions] == [(Intend, "at_close")] * 2
    assert sum(action.order.shares * PRICES[action.order.symbol] for action in actions) <= 1_000


def test_after_the_open_a_buy_for_the_open_is_a_market_order():
    actions = next_actions(make_view(*SOLD, rules=replace(RULES, timing="at_open")))

    assert {action.order.timing for action in actions} == {"market"}


def test_a_buy_that_the_cash_does_not_pay_for_is_void():
    orders = (*SOLD, tracked(2, State.INTENDED), tracked(3, State.INTENDED))

    actions = next_actions(make_view(*orders, cash_cents=10_00))

    assert [type(action) for action in actions] == [Void, Void]


def test_nobody_waits_overnight_in_short_steps():
    resting = (tracked(0, State.WORKING, changed_at=MORNING), tracked(1, State.WORKING, changed_at=MORNING))
    lost = (tracked(0, State.UNKNOWN, sends=MOST_SENDS, changed_at=MORNING), resting[1])
    at = MORNING + timedelta(minutes=10)

    (rests,) = next_actions(make_view(*resting, at=at))
    (asks,) = next_actions(make_view(*lost, at=at))

    assert rests.until == OPENS
    assert asks.until == at + timedelta(minutes=15)


def test_buys_that_a_gate_finds_too_large_shrink_and_are_sent_once_it_passes_them():
    orders = (*SOLD, tracked(2, State.INTENDED), tracked(3, State.INTENDED, shares=10))

    held = next_actions(make_view(*orders, admits="reductions"))
    halted = next_actions(make_view(*orders, admits="reductions", must_cancel=True))

    assert [type(action) for action in held] == [Resize]
    assert [type(action) for action in halted] == [Wait]


WHY = "override 1 by Ada (do_not_trade, all): lawsuit"


def test_a_line_that_an_override_forbids_gets_a_void_order_with_the_override_as_its_reason():
    forbidden = {row: Reduction(0, WHY) for row in (0, 2)}

    sells = next_actions(make_view(at=MORNING, reductions=forbidden))
    buys = next_actions(make_view(*SOLD, reductions=forbidden))

    assert [(type(one), one.order.symbol, one.order.shares) for one in sells] == [
        (Skip, "AAA", 100),
        (Intend, "BBB", 20),
    ]
    assert [(type(one), one.order.symbol) for one in buys] == [(Skip, "CCC"), (Intend, "DDD")]
    assert sells[0].why == buys[0].why == WHY


def test_a_buy_is_intended_at_its_permitted_part_and_the_others_share_the_cash_that_it_leaves():
    actions = next_actions(make_view(*SOLD, reductions={2: Reduction(6, WHY)}))

    assert [(one.order.symbol, one.order.shares) for one in actions] == [("CCC", 6), ("DDD", 20)]
    assert actions[0].why.startswith(WHY)
    assert actions[1].why == "approved"


def test_an_override_added_later_shrinks_or_voids_what_was_never_sent():
    intended = (*SOLD, tracked(2, State.INTENDED, shares=15), tracked(3, State.INTENDED, shares=10))

    actions = next_actions(make_view(*intended, reductions={2: Reduction(6, WHY), 3: Reduction(0, WHY)}))

    voided = next(one for one in actions if isinstance(one, Void))
    resized = next(one for one in actions if isinstance(one, Resize))
    assert (voided.order_id, voided.why) == (intended[3].order.order_id, WHY)
    assert resized.order.shares == 6
    assert resized.why.startswith(WHY)


def test_after_a_first_buy_was_sent_a_later_override_still_shrinks_the_others():
    view = make_view(
        *SOLD,
        tracked(2, State.FILLED),
        tracked(3, State.INTENDED, shares=7),
        reductions={3: Reduction(4, WHY)},
    )

    (resized,) = next_actions(view)

    assert (type(resized), resized.order.shares) == (Resize, 4)


def test_an_override_added_later_leaves_what_is_at_the_broker():
    view = make_view(tracked(0, State.WORKING), tracked(1, State.FILLED), reductions={0: Reduction(0, WHY)})

    assert not [one for one in next_actions(view) if isinstance(one, Cancel)]


def test_a_buy_states_which_of_its_bounds_it_has_reached():
    """30 CCC were approved at 50 and 20 DDD at 25; the approved amount is a bound as well as the shares."""
    at_higher_price = {"CCC": Quote("CCC", Decimal("50.10"), AT)}

    def whys(**changes):
        view = make_view(*SOLD, **changes)
        facts = replace(view.facts, quotes={**view.facts.quotes, **at_higher_price})
        return {one.order.symbol: one.why for one in next_actions(replace(view, facts=facts))}

    assert whys(cash_cents=9_000_00, ledger=9_000_00) == {
        "CCC": "the approved amount of $1,500.00 pays for 29 of 30 shares at $50.10",
        "DDD": "approved",
    }
    assert whys(cash_cents=1_000_00)["CCC"].startswith("the cash pays for ")


def test_a_buy_of_which_the_approved_amount_pays_for_too_few_is_void_for_that_reason():
    view = make_view(
        *SOLD, tracked(2, State.INTENDED), tracked(3, State.FILLED), cash_cents=9_000_00, ledger=9_000_00
    )
    line = view.execution.lines[2].model_copy(update={"least_shares": "30"})
    lines = (*view.execution.lines[:2], line, view.execution.lines[3])
    quotes = {**view.facts.quotes, "CCC": Quote("CCC", Decimal("50.10"), AT)}

    (void,) = next_actions(
        replace(
            view, execution=replace(view.execution, lines=lines), facts=replace(view.facts, quotes=quotes)
        )
    )

    assert (type(void), void.why) == (
        Void,
        "the approved amount of $1,500.00 pays for 29 of 30 shares at $50.10",
    )


def test_a_stored_order_of_the_same_shares_at_another_price_does_not_state_a_bound():
    stored = tracked(3, State.INTENDED, shares=7, timing="limit", limit=Decimal(26))
    view = make_view(*SOLD, tracked(2, State.FILLED), stored)

    (resized,) = next_actions(view)

    assert (type(resized), resized.order.shares, resized.why) == (
        Resize,
        7,
        "the same shares at the current price",
    )
