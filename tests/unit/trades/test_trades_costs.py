"""The costs of a plan are those of the cost model for each trade, with sales fees, in cents rounded up."""

import math
from datetime import date

import numpy as np
import pytest

from tasks.costs.model import Conditions, estimate
from tasks.trades.cuts import Drop
from tasks.trades.plan import cash_after_cents, plan_trades
from tasks.trades.rules import trade_rules_of
from tests.builders import flat_fees, make_settings
from tests.unit.trades.trades_worlds import lines_of, make_book, make_target

MONDAY = date(2024, 6, 17)  # the session after that of the portfolio
DEAR = {
    "costs.commission_per_share_usd": 0.0123,
    "costs.min_commission_usd": 0.37,
    **flat_fees(sec_rate=0.0031, taf_usd=0.0071, taf_max_usd=8.30),
}


def planned(book, target, *, index_multiplier=1.0, **overrides):
    settings = make_settings(**overrides)
    lines = lines_of(book, target, settings=settings, index_multiplier=index_multiplier)
    return lines, plan_trades(lines, rules=trade_rules_of(settings)), settings.costs


# issue 10, part 2
def test_every_line_costs_what_the_model_asks_and_never_a_cent_less():
    book = make_book(40_000.0, GONE=137, LESS=900, prices={"GONE": 33.33, "LESS": 20.01})
    target = make_target(
        GONE={"weight": 0.0, "price": 33.33},
        LESS={"weight": 0.10, "price": 20.01, "adv_usd": 3e6},
        MORE={"weight": 0.09, "price": 41.17, "daily_volatility": 0.03},
    )

    lines, plan, costs = planned(book, target, index_multiplier=1.5, **DEAR)

    assert set(np.sign(plan.sells - plan.buys).tolist()) == {1, -1}
    for line in range(len(lines.held)):
        shares = np.array([float(plan.sells[line] + plan.buys[line])])
        price = np.array([lines.price_cents[line] / 100])
        expected = estimate(
            shares,
            np.array([plan.sells[line] > 0]),
            Conditions(
                price, lines.volatility[[line]], lines.adv_shares[[line]], MONDAY, index_multiplier=1.5
            ),
            costs=costs,
        )
        assert plan.commission_cents[line] == math.ceil(100 * expected.commission_usd[0] - 1e-6)
        assert plan.slippage_cents[line] == math.ceil(100 * expected.slippage_usd[0] - 1e-6)
    assert plan.cost_cents == plan.commission_cents.sum() + plan.slippage_cents.sum()


@pytest.mark.parametrize("fee", [0.0, 0.01, 0.05])
def test_the_fees_of_sales_are_paid_before_anything_is_bought(fee):
    names = {f"NEW{number}": 0.10 for number in range(10)}
    overrides = {**flat_fees(sec_rate=fee), "safety.max_trade_frac": 1.0, "safety.max_buys_frac": 1.0}

    lines, plan, _ = planned(make_book(0.0, OLD=2_000), make_target(OLD=0.0, **names), **overrides)

    assert plan.sells.sum() == 2_000
    assert plan.buys.sum() > 0
    assert cash_after_cents(lines, plan) >= 0


def test_a_sale_whose_fee_takes_all_that_it_brings_is_left_out_and_reported():
    cheap = {"weight": 0.0, "price": 0.05}
    book = make_book(99_000.0, DUST=2_000, prices={"DUST": 0.05})

    sold, left = (
        planned(
            book,
            make_target(DUST=cheap),
            **flat_fees(taf_usd=fee),
        )[1]
        for fee in (0.04, 0.05)
    )

    assert sold.sells.tolist() == [2_000]
    assert left.sells.tolist() == [0]
    assert left.cut_log.dropped[0] == Drop.WORTHLESS


@pytest.mark.parametrize(
    ("weight", "is_traded"), [(0.0525, False), (0.0531, True), (0.0475, False), (0.0468, True)]
)
def test_the_band_is_a_share_and_the_least_change_of_weight(weight, is_traded):
    """100 shares of 50 USD in 100,000 USD: one share is 0.0005, the least change 0.0025 of the portfolio."""
    no_drift = {"trades.min_drift_frac": 0.0}
    _, plan, _ = planned(make_book(95_000.0, A=100), make_target(A=weight), **no_drift)

    assert bool(plan.sells.sum() + plan.buys.sum()) is is_traded


def test_where_the_least_change_is_small_the_least_notional_is_the_band():
    changed = {"trades.min_weight_change_frac": 0.0, "trades.min_notional_usd": 400.0}

    _, near, _ = planned(make_book(95_000.0, A=100), make_target(A=0.0543), **changed)
    _, far, _ = planned(make_book(95_000.0, A=100), make_target(A=0.0547), **changed)

    assert near.buys.tolist() == [0]
    assert far.buys.tolist() == [9]


def test_a_trade_of_exactly_what_is_allowed_is_not_called_cut():
    book, target = make_book(50_000.0, A=1_000), make_target(A={"weight": 0.0, "adv_usd": 1_000_000.0})

    lines, plan, _ = planned(book, target, **{"safety.max_trade_frac": 1.0})

    assert lines.adv_shares[0] * 0.05 == plan.sells[0] == 1_000
    assert not plan.cut_log.cut.any()
    assert plan.cut_log.before_volume.tolist() == [0]


def test_a_sale_of_one_share_has_costs_and_one_that_is_dropped_has_none():
    book = make_book(90_000.0, A=1, B=199)

    _, both, _ = planned(book, make_target(A=0.0, B=0.0), **DEAR)
    _, larger, _ = planned(book, make_target(A=0.0, B=0.0), **DEAR, **{"trades.max_trades": 1})

    assert (both.sells.tolist(), larger.sells.tolist()) == ([1, 199], [0, 199])
    assert (both.commission_cents > 0).tolist() == (both.slippage_cents > 0).tolist() == [True, True]
    assert larger.commission_cents[0] == larger.slippage_cents[0] == 0
    assert larger.cost_cents == both.commission_cents[1] + both.slippage_cents[1]
