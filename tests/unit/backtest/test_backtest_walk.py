from dataclasses import fields

import numpy as np
import pytest

from tasks.backtest.accounting.account import Account
from tasks.backtest.walk import Walk, WalkRules, walk
from tasks.backtest.world import until, window_at
from tasks.core.errors import ConfigError, SafetyError
from tasks.trades.fills import Orders
from tests.unit.backtest.stored import flat, world


def free(_world, _row, shares, _price, *, is_sale):
    return np.zeros_like(shares)


def cent_a_share(_world, _row, shares, _price, *, is_sale):
    return shares


def nothing(made, _row, account):
    zero = np.zeros(len(made.company), dtype=np.int64)
    return Orders(zero, zero, zero)


def ordering(*, buys=None, sells=None, on=0):
    """Return a decision that orders once, on one row."""

    def decide(made, row, account):
        if row != on:
            return nothing(made, row, account)
        zero = np.zeros(len(made.company), dtype=np.int64)
        bought, sold = np.array(buys or zero), np.array(sells or zero)
        return Orders(sold, bought, bought * made.price_cents[row])

    return decide


def equal_weight(made, row, account):
    """Return the orders that bring all companies to one weight, in whole shares."""
    price = made.price_cents[row]
    equity = account.cash_cents + account.receivable_cents + int((account.shares * price).sum())
    wanted = equity // len(price) // np.maximum(price, 1) * (price > 0) * ~made.has_ended[row]
    buys = np.maximum(wanted - account.shares, 0)
    return Orders(np.maximum(account.shares - wanted, 0), buys, buys * price)


def run(made, decide, *, shares=None, cash=100_000_00, costs=free, first=0, last=None, **rules):
    held = np.array(shares if shares is not None else np.zeros(len(made.company)), dtype=np.int64)
    end = len(made.sessions) - 1 if last is None else last
    return walk(made, Account(held, cash), decide, costs, first=first, last=end, rules=WalkRules(**rules))


# O5: zipline's TestDailyEquityAutoClose; its prices in cents here
def test_o5_cash_and_positions_of_listings_that_end():
    last_rows = {"A": 2, "B": 4, "C": 6}
    made = world(
        {
            name: {day: (10 + 10 * place + day) / 100 for day in range(last + 1)}
            for place, (name, last) in enumerate(last_rows.items())
        },
        sessions=7,
        delistings=[
            {"symbol": name, "session": last, "kind": "", "last_price": None}
            for name, last in last_rows.items()
        ],
    )

    course = run(made, ordering(buys=[10, 10, 10]), cash=100_000, fill_at="next_close", costs=free)

    assert course.buys[1].tolist() == [9, 9, 9]  # the closes are dearer than those of the decision
    free_ceiling = run(made, unlimited([10, 10, 10]), cash=100_000, fill_at="next_close")
    assert free_ceiling.cash.tolist() == [100000, 99370, 99370, 99370, 99490, 99490, 99730]
    assert np.count_nonzero(free_ceiling.shares, axis=1).tolist() == [0, 3, 3, 3, 2, 2, 1]


def unlimited(buys):
    """Return a decision to buy on row 0 at any price."""

    def decide(made, row, account):
        if row:
            return nothing(made, row, account)
        bought = np.array(buys)
        return Orders(np.zeros_like(bought), bought, np.full_like(bought, 10**12))

    return decide


# O10: bt, PR 570
def test_o10_after_a_split_equal_weights_need_no_trade():
    made = world(
        {"A": {0: 100.0, 1: 50.0, 2: 50.0}, "B": dict.fromkeys(range(3), 100.0)},
        sessions=3,
        actions=[{"symbol": "A", "session": 1, "dividend": 0.0, "split": 2.0, "factor": 2.0}],
    )

    course = run(made, equal_weight, shares=[10, 10], cash=0)

    assert course.shares.tolist() == [[10, 10], [20, 10], [20, 10]]
    assert not course.buys.any()
    assert not course.sells.any()


# O15, through the walk
def test_o15_no_loss_on_the_ex_date():
    made = world(
        {"A": {0: 50.0, 1: 49.0, 2: 49.0, 3: 49.0, 4: 49.0}},
        sessions=5,
        actions=[{"symbol": "A", "session": 1, "dividend": 1.0, "split": 1.0, "factor": 50 / 49}],
        pays_in=2,
    )

    course = run(made, nothing, shares=[1000], cash=0)

    assert course.equity.tolist() == [50_000_00] * 5
    assert course.receivable.tolist() == [0, 1_000_00, 1_000_00, 0, 0]
    assert course.cash.tolist() == [0, 0, 0, 1_000_00, 1_000_00]


@pytest.mark.parametrize(
    ("fill_at", "price", "bought"), [("next_open", 11_00, 90), ("next_close", 8_00, 100)]
)
def test_a_decision_is_filled_in_the_next_session_at_the_chosen_price(fill_at, price, bought):
    made = world({"A": {0: 10.0, 1: 8.0, 2: 8.0}}, sessions=3, opens={("A", 1): 11.0})

    course = run(made, ordering(buys=[100]), costs=cent_a_share, fill_at=fill_at)

    assert course.buys[:, 0].tolist() == [0, bought, 0]
    assert course.fill_price[1, 0] == price
    assert course.costs[:, 0].tolist() == [0, bought, 0]
    assert course.cash.tolist() == [100_000_00, *[100_000_00 - bought * price - bought] * 2]


def test_an_order_without_an_open_is_asked_again_in_new_shares_after_a_split():
    made = world(
        {"A": {0: 10.0, 3: 5.0}, "B": flat()},
        sessions=5,
        actions=[{"symbol": "A", "session": 2, "dividend": 0.0, "split": 2.0, "factor": 2.0}],
    )

    course = run(made, ordering(buys=[100, 0]), every_sessions=99)

    assert course.buys[:, 0].tolist() == [0, 0, 0, 200, 0]


def test_a_new_decision_replaces_the_orders_that_were_asked_again():
    made = world({"A": {0: 10.0, 3: 5.0}, "B": flat()}, sessions=5)

    course = run(made, ordering(buys=[100, 0]), every_sessions=1)

    assert not course.buys.any()


def test_decisions_are_taken_every_so_many_sessions():
    rows = []

    def decide(made, row, account):
        rows.append(row)
        return nothing(made, row, account)

    run(world({"A": flat()}, sessions=12), decide, first=3, every_sessions=4)

    assert rows == [3, 7, 11]


def test_cash_earns_the_yield_known_the_session_before():
    made = world({"A": flat()}, sessions=4, riskfree=[{"session": 1, "yield_pct": 3.6}])

    course = run(made, nothing, cash=1_000_000_00)

    assert course.interest.tolist() == [0, 0, 100_00, 100_01]
    assert course.equity[-1] == 1_000_200_01


def test_a_walk_from_what_is_held_values_it_at_the_first_close():
    course = run(world({"A": flat()}), nothing, shares=[7], cash=5, first=4, last=6)

    assert course.equity.tolist() == [70_05] * 3
    assert len(course.sessions) == 3


@pytest.mark.parametrize(("first", "last"), [(3, 2), (-1, 5), (0, 30)])
def test_rows_outside_the_world_are_refused(first, last):
    with pytest.raises(ConfigError, match="30 sessions cannot run"):
        run(world({"A": flat()}), nothing, first=first, last=last)


def test_the_orders_of_each_decision_are_recorded_until_they_are_filled():
    course = run(
        world({"A": {0: 10.0, 2: 10.0}, "B": flat()}, sessions=4), ordering(buys=[3, 0]), every_sessions=9
    )

    assert course.ordered_buys[:, 0].tolist() == [3, 3, 0, 0]
    assert course.buys[:, 0].tolist() == [0, 0, 3, 0]


def test_fault_033_a_portfolio_that_is_worth_nothing_ends_the_backtest():
    made = world(
        {"A": flat(last=9), "B": flat()},
        delistings=[{"symbol": "A", "session": 9, "kind": "bankruptcy", "last_price": 0.0}],
    )

    with pytest.raises(SafetyError, match=r"worth 0\.00 USD on 2024-01-12"):
        run(made, nothing, shares=[5, 0], cash=0)


# issue 13, done when 4
@pytest.mark.parametrize("row", [1, 5, 11, 20])
def test_a_walk_to_a_session_is_the_same_when_nothing_later_exists(row):
    rng = np.random.default_rng(4)
    closes = {name: dict(enumerate(np.round(rng.uniform(8, 30, 30), 2))) for name in ("A", "B", "C")}
    closes["D"] = {day: price for day, price in closes["C"].items() if day > 8}
    made = world(
        closes,
        actions=[{"symbol": "B", "session": 12, "dividend": 0.3, "split": 2.0, "factor": 2.03}],
        delistings=[{"symbol": "A", "session": 29, "kind": "", "last_price": 1.0}],
        amendments=[
            {
                "symbol": "C",
                "session": 9,
                **dict.fromkeys(("open", "high", "low", "close"), 99.0),
                "known": 15,
            }
        ],
    )

    def trailing_winner(seen, at, account):
        window = window_at(seen, at, 5).close
        rise = np.where(np.isfinite(window[-1] + window[0]), window[-1] / window[0], 0)
        target = np.zeros(len(rise), dtype=np.int64)
        target[np.argmax(rise)] = 1000
        buys = np.maximum(target - account.shares, 0)
        return Orders(np.maximum(account.shares - target, 0), buys, buys * seen.price_cents[at])

    whole = run(made, trailing_winner, costs=cent_a_share)
    part = run(until(made, row), trailing_winner, costs=cent_a_share)

    companies = len(part.company)
    for field in fields(Walk):
        expected = getattr(whole, field.name)
        cut = expected[:companies] if field.name == "company" else expected[: row + 1]
        cut = cut[:, :companies] if cut.ndim == 2 else cut
        assert getattr(part, field.name).tobytes() == np.ascontiguousarray(cut).tobytes(), field.name
    assert whole.buys.any()
