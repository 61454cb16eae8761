"""A person changes sizes of a plan: only these lines, whole shares, and costs that match them."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.trades.desired_changes import set_by_hand
from tasks.trades.plan import cash_after_cents, plan_trades, shares_after
from tasks.trades.resize import resized
from tasks.trades.rules import trade_rules_of
from tests.builders import flat_fees, make_settings
from tests.unit.trades.trades_worlds import lines_of, make_book, make_target

RULES = trade_rules_of(make_settings())
LINES = lines_of(make_book(60_000.0, A=200, B=200), make_target(A=0.1, B=0.0, C=0.06, D=0.05))
PLAN = plan_trades(LINES, rules=RULES)


def test_a_struck_line_leaves_its_money_and_its_costs():
    buys = np.flatnonzero(PLAN.buys)
    struck = int(buys[0])

    plan = resized(PLAN, LINES, {struck: 0}, RULES)

    others = np.arange(len(PLAN.buys)) != struck
    assert plan.buys[struck] == plan.commission_cents[struck] == plan.slippage_cents[struck] == 0
    assert (plan.buys[others] == PLAN.buys[others]).all()
    assert (plan.sells == PLAN.sells).all()
    saved = int(PLAN.buys[struck] * LINES.price_cents[struck]) + PLAN.cost_cents - plan.cost_cents
    assert cash_after_cents(LINES, plan) == cash_after_cents(LINES, PLAN) + saved
    assert plan.cost_cents < PLAN.cost_cents


def test_commissions_are_those_of_the_new_sizes():
    rules = trade_rules_of(make_settings(**{"costs.commission_per_share_usd": 0.01, **flat_fees()}))
    plan = plan_trades(LINES, rules=rules)
    sold, bought = int(np.flatnonzero(plan.sells)[0]), int(np.flatnonzero(plan.buys)[0])

    changed = resized(plan, LINES, {sold: -70, bought: 90}, rules)

    assert changed.commission_cents[[sold, bought]].tolist() == [70, 90]


def test_a_plan_with_its_own_sizes_stays_the_same():
    same = {line: int(PLAN.buys[line] - PLAN.sells[line]) for line in range(len(PLAN.buys))}

    plan = resized(PLAN, LINES, same, RULES)

    assert (plan.buys == PLAN.buys).all()
    assert (plan.sells == PLAN.sells).all()
    assert (plan.commission_cents == PLAN.commission_cents).all()
    assert (plan.slippage_cents == PLAN.slippage_cents).all()


@given(st.dictionaries(st.integers(0, len(PLAN.buys) - 1), st.integers(-200, 200)))
def test_every_line_moves_by_what_was_asked(changes):
    plan = resized(PLAN, LINES, changes, RULES)

    moved = shares_after(LINES, plan) - LINES.held
    wanted = PLAN.buys - PLAN.sells
    for line, shares in changes.items():
        wanted = np.where(np.arange(len(wanted)) == line, shares, wanted)
    assert (moved == wanted).all()
    assert not ((plan.buys > 0) & (plan.sells > 0)).any()
    traded = plan.buys + plan.sells > 0
    assert (plan.slippage_cents[~traded] == 0).all()


@given(st.dictionaries(st.integers(0, len(PLAN.buys) - 1), st.integers(-200, 200)))
def test_what_a_person_set_is_cut_to_the_target_and_the_cash_while_others_are_planned(changes):
    plan = plan_trades(LINES, rules=RULES, by_hand=changes)

    moved = (plan.buys - plan.sells).astype(int)
    beyond = LINES.held + moved - LINES.weight * LINES.equity_cents / LINES.price_cents
    for line, shares in changes.items():
        assert abs(moved[line]) <= abs(shares)
        assert moved[line] * shares >= 0
        assert moved[line] == 0 or beyond[line] * np.sign(shares) <= 1
    assert cash_after_cents(LINES, plan) >= 0
    assert (plan.sells <= LINES.held).all()


def test_what_a_person_sets_goes_at_most_a_share_beyond_the_target():
    """The equity is $100,000 and a share $50: the targets are 200 and 40 shares, of which 100 are held of each."""
    lines = lines_of(make_book(90_000.0, A=100, B=100), make_target(A=0.1, B=0.02))
    wanted = np.zeros(2, dtype=np.int64)

    def set_to(a, b):
        return set_by_hand(wanted, lines, {0: a, 1: b}).tolist()

    assert set_to(90, -50) == [90, -50]
    assert set_to(500, -500) == [101, -61]
    assert set_to(-500, 500) == [0, 0]
    assert set_to(1, -1) == [1, -1]
    assert set_to(-1, 1) == [0, 0]


def test_what_a_person_sets_of_a_share_of_one_cent_goes_to_its_target_too():
    lines = lines_of(make_book(), make_target(A={"weight": 0.1, "price": 0.01}))

    assert set_by_hand(np.zeros(1, dtype=np.int64), lines, {0: 5_000_000}).tolist() == [1_000_001]
