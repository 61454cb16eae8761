"""Fills of approved orders at any later price stay within what was approved, what is held and the cash."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from tasks.trades.fills import Orders, fill_orders

NAMES = 4


def by_name(strategy):
    return st.lists(strategy, min_size=NAMES, max_size=NAMES).map(np.array)


cents = st.integers(1, 10**7)


@given(
    sells=by_name(st.integers(0, 10**5)),
    buys=by_name(st.integers(0, 10**5)),
    at=by_name(cents),
    price=by_name(st.one_of(cents, st.just(0))),
    ended=by_name(st.booleans()),
    held=by_name(st.integers(0, 10**5)),
    cash=st.integers(0, 10**12),
    rates=st.tuples(st.sampled_from([0, 3, 500]), st.integers(0, 10**4)),
)
def test_a_fill_never_exceeds_what_was_approved_what_is_held_or_the_cash(
    sells, buys, at, price, ended, held, cash, rates
):
    (rate, fixed), orders = rates, Orders(sells, buys, buys * at)

    def costs(shares, *, is_sale):
        return np.where(shares > 0, fixed + shares * price * rate // (10_000 + 5_000 * is_sale), 0)

    fills, again = fill_orders(
        orders, held=held, cash_cents=cash, price_cents=price, has_ended=ended, costs=costs
    )

    proceeds = fills.sells * price
    spent = fills.buys * price
    assert (fills.sells <= np.minimum(sells, held)).all()
    assert (fills.buys <= buys).all()
    assert (spent <= buys * at).all()
    after = cash + int(proceeds.sum()) - int(spent.sum()) - int(fills.cost_cents.sum())
    assert after >= 0 or not fills.buys.any()
    assert not ((fills.sells + fills.buys > 0) & again.lines).any()
    assert (fills.sells[price == 0] == 0).all()
    assert (again.lines == (orders.lines & (price == 0) & ~ended)).all()
