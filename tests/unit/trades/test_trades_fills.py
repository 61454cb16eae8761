import numpy as np
import pytest

from tasks.trades.fills import Orders, carry_orders, fill_orders


def ints(*values):
    return np.array(values, dtype=np.int64)


def make_orders(*, sells=(0, 0), buys=(0, 0), at=(100_00, 100_00)):
    return Orders(ints(*sells), ints(*buys), ints(*buys) * ints(*at))


def fill(orders, *, held=(0, 0), cash=10**9, price=(100_00, 100_00), ended=(False, False), per_order=0):
    def costs(shares, *, is_sale):
        return np.where(shares > 0, per_order, 0)

    return fill_orders(
        orders,
        held=ints(*held),
        cash_cents=cash,
        price_cents=ints(*price),
        has_ended=np.array(ended),
        costs=costs,
    )


def test_orders_at_the_price_of_the_decision_are_filled_in_full():
    fills, again = fill(make_orders(sells=[3, 0], buys=[0, 7]), held=[5, 0])

    assert (fills.sells.tolist(), fills.buys.tolist()) == ([3, 0], [0, 7])
    assert not again.lines.any()


@pytest.mark.parametrize(("price", "filled"), [(100_01, 99), (110_00, 90), (10_001_00, 0), (50_00, 100)])
def test_a_dearer_buy_shrinks_to_the_approved_money_and_a_cheaper_one_does_not_grow(price, filled):
    fills, _ = fill(make_orders(buys=[100, 0]), price=[price, 100_00])

    assert fills.buys.tolist() == [filled, 0]


def test_sales_are_filled_whatever_the_price_but_never_beyond_what_is_held():
    fills, _ = fill(make_orders(sells=[10, 10]), held=[10, 4], price=[1, 200_00])

    assert fills.sells.tolist() == [10, 4]


def test_buys_are_scaled_together_to_the_cash_left_after_sales_and_costs():
    fills, again = fill(
        make_orders(sells=[10, 0, 0], buys=[0, 20, 10], at=[100_00] * 3),
        held=[10, 0, 0],
        cash=2_000_00,
        price=[90_00, 100_00, 100_00],
        ended=[False] * 3,
        per_order=1_00,
    )

    assert fills.buys.tolist() == [0, 19, 9]  # 2,897 USD are left: 3,000 are scaled by 0.9657
    assert fills.cost_cents.tolist() == [1_00, 1_00, 1_00]
    assert not again.lines.any()  # what shrank is not asked again


@pytest.mark.parametrize(("cash", "bought"), [(500_00, 5), (1_000_00, 10)])
def test_sales_cost_what_selling_costs_and_buys_what_buying_costs(cash, bought):
    fills, _ = fill_orders(
        make_orders(sells=[1, 0], buys=[0, 10]),
        held=ints(1, 0),
        cash_cents=cash,
        price_cents=ints(100_00, 100_00),
        has_ended=np.array([False, False]),
        costs=lambda shares, *, is_sale: np.where(shares > 0, 9 if is_sale else 2, 0),
    )

    assert (fills.buys.tolist(), fills.cost_cents.tolist()) == ([0, bought], [9, 2])


def test_what_selling_costs_is_not_spent_on_buys():
    fills, _ = fill(
        make_orders(sells=[10, 0], buys=[0, 10]), held=[10, 0], cash=0, price=[100_00, 99_85], per_order=1_00
    )

    assert fills.buys.tolist() == [0, 9]  # 998.00 USD are left, 10 shares are 998.50


def test_without_cash_nothing_is_bought_and_nothing_is_paid():
    fills, _ = fill(make_orders(buys=[5, 5]), cash=-100, per_order=1)

    assert (fills.buys.tolist(), fills.cost_cents.tolist()) == ([0, 0], [0, 0])


def test_a_line_without_a_price_is_asked_again_with_its_ceiling():
    orders = make_orders(sells=[4, 0], buys=[0, 3])

    fills, again = fill(orders, held=[4, 0], price=[0, 0])
    later, _ = fill(again, held=[4, 0], price=[90_00, 150_00])

    assert not fills.sells.any()
    assert not fills.buys.any()
    assert (again.sells.tolist(), again.buys.tolist()) == ([4, 0], [0, 3])
    assert (later.sells.tolist(), later.buys.tolist()) == ([4, 0], [0, 2])


def test_only_the_lines_without_a_price_are_asked_again():
    orders = make_orders(sells=[4, 6, 0], buys=[0, 0, 3], at=[100_00] * 3)

    fills, again = fill(orders, held=[4, 6, 0], price=[0, 0, 1], ended=[False, True, False])

    assert fills.buys.tolist() == [0, 0, 3]
    assert (again.sells.tolist(), again.buys.tolist()) == ([4, 0, 0], [0, 0, 0])


# O3: an order after the delisting is refused
def test_o3_an_order_in_a_listing_that_has_ended_is_refused_and_not_asked_again():
    fills, again = fill(
        make_orders(sells=[4, 0], buys=[0, 3]), held=[4, 0], price=[0, 100_00], ended=[True, True]
    )

    assert not fills.sells.any()
    assert not fills.buys.any()
    assert not again.lines.any()


def test_an_order_is_carried_through_a_split_and_an_exit_stays_one():
    orders = make_orders(sells=[7, 0], buys=[0, 7])

    carried = carry_orders(orders, [(0, 1.5), (1, 0.333333)])

    assert (carried.sells.tolist(), carried.buys.tolist()) == ([10, 0], [0, 2])
    assert carried.ceiling_cents.tolist() == orders.ceiling_cents.tolist()
