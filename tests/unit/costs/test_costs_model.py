from datetime import date

import numpy as np
import pytest

from tasks.costs.model import Conditions, estimate, multiplier_of, whole_cents
from tests.builders import make_settings
from tests.unit.costs.cost_settings import fees, make_costs

HUNDRED, FIFTY_USD = np.array([100.0]), np.array([50.0])


def cost(costs, *, shares=HUNDRED, price=FIFTY_USD, sells=False, order_type=None, half_hour=None, **met):
    shares = np.asarray(shares, dtype=float)
    conditions = Conditions(
        price=np.broadcast_to(np.asarray(price, dtype=float), shares.shape),
        daily_volatility=np.full(shares.shape, met.pop("volatility", 0.02)),
        adv_shares=np.full(shares.shape, met.pop("adv", 1e6)),
        trade_date=met.pop("session", date(2024, 6, 17)),
        **met,
    )
    is_sale = np.full(shares.shape, sells)
    return estimate(shares, is_sale, conditions, costs=costs, order_type=order_type, half_hour=half_hour)


def test_buys_pay_no_sec_fee_and_no_taf():
    costs = make_costs(**fees(sec_rate=0.00003, taf_usd=0.0002))

    assert cost(costs).commission_usd.tolist() == [0.0]


def test_sales_pay_the_sec_fee_on_their_notional_and_the_taf_on_their_shares():
    costs = make_costs(**fees(sec_rate=0.00003, taf_usd=0.0002))

    sale = cost(costs, sells=True)

    assert sale.sec_fee_usd == pytest.approx([5000 * 0.00003])
    assert sale.taf_usd == pytest.approx([0.02])
    assert sale.commission_usd == pytest.approx([5000 * 0.00003 + 0.02])


def test_the_taf_of_one_sale_is_capped():
    costs = make_costs(**fees(taf_usd=0.0002, taf_max_usd=8.30))

    assert cost(costs, shares=[1e6], sells=True).commission_usd == pytest.approx([8.30])


@pytest.mark.parametrize(
    ("session", "sec_usd", "taf_usd"),
    [
        (date(2025, 5, 13), 27.80, 1.66),
        (date(2025, 5, 14), 0.0, 1.66),
        (date(2026, 4, 2), 0.0, 1.95),
        (date(2026, 4, 6), 20.60, 1.95),
        (date(2026, 9, 30), 20.60, 1.95),
        (date(2026, 10, 1), 20.60, 0.0),
        (date(2027, 1, 4), 20.60, 1.95),
    ],
)
def test_a_sale_pays_the_fees_of_its_trade_date(session, sec_usd, taf_usd):
    shipped = make_settings().costs

    sale = cost(shipped, shares=[10_000.0], price=[100.0], sells=True, session=session)

    assert sale.sec_fee_usd == pytest.approx([sec_usd])
    assert sale.taf_usd == pytest.approx([taf_usd])


def test_a_small_order_pays_the_minimum_commission():
    costs = make_costs(commission_per_share_usd=0.005, min_commission_usd=1.0)

    assert cost(costs, shares=[10.0, 1000.0]).commission_usd == pytest.approx([1.0, 5.0])


def test_a_single_share_pays_its_commission():
    assert cost(make_costs(min_commission_usd=1.0), shares=[1.0]).commission_usd.tolist() == [1.0]


def test_nothing_traded_costs_nothing():
    shipped = make_settings(**{"costs.min_commission_usd": 1.0}).costs

    nothing = cost(shipped, shares=[0.0, 0.0], price=[50.0, 0.0], sells=True)

    assert nothing.total_usd == 0
    assert nothing.slippage_usd.tolist() == [0.0, 0.0]


def test_no_trades_give_empty_estimates():
    empty = cost(make_costs(), shares=[], price=[])

    assert empty.commission_usd.size == empty.slippage_usd.size == empty.participation.size == 0
    assert empty.total_usd == 0


def test_the_half_spread_is_paid_on_the_notional():
    costs = make_costs(**{"spread.benchmark_half_bps": 2.0})

    benchmark = cost(costs, price=[40.0])  # a million shares of 40 USD at 2% a day

    assert benchmark.spread_usd == pytest.approx([4000 * 0.0002])
    assert benchmark.slippage_usd == pytest.approx(benchmark.spread_usd)


def test_a_quoted_half_spread_replaces_the_estimate_where_it_is_known():
    costs = make_costs(**{"spread.benchmark_half_bps": 2.0})
    quoted = np.array([0.0010, np.nan, 0.0])

    given = cost(costs, shares=[100.0] * 3, price=[40.0] * 3, quoted_half_spread=quoted)

    assert given.spread_usd == pytest.approx([4.0, 0.8, 0.0])


def test_square_root_impact_grows_with_the_root_of_the_share_of_volume():
    costs = make_costs(**{"impact.square_root": 0.5})

    lost = cost(costs, shares=[100.0, 400.0], adv=10_000.0).impact_usd

    assert lost == pytest.approx([5000 * 0.5 * 0.02 * 0.1, 20_000 * 0.5 * 0.02 * 0.2])


def test_linear_impact_grows_with_the_participation_in_the_window_of_the_order():
    costs = make_costs(**{"impact.linear": 0.2})

    at_close = cost(costs, shares=[100.0, 400.0], adv=10_000.0, order_type="moc")

    assert at_close.participation == pytest.approx([0.01 / 0.08, 0.04 / 0.08])
    assert at_close.impact_usd == pytest.approx([5000 * 0.2 * 0.02 * 0.125, 20_000 * 0.2 * 0.02 * 0.5])


def test_the_index_multiplier_scales_volatility_in_impact_and_spread():
    impact = make_costs(**{"impact.square_root": 0.5, "impact.linear": 0.2})
    spread = make_costs(**{"spread.benchmark_half_bps": 2.0})

    for costs in (impact, spread):
        stressed = cost(costs, index_multiplier=3.0, volatility=0.01).slippage_usd
        assert stressed == pytest.approx(cost(costs, volatility=0.03).slippage_usd)
        assert (stressed > cost(costs, volatility=0.01).slippage_usd).all()


@pytest.mark.parametrize("unknown", [np.nan, 0.0, -1.0])
def test_an_unknown_volume_is_priced_as_a_whole_day_of_it(unknown):
    costs = make_costs(**{"impact.square_root": 0.5, "spread.benchmark_half_bps": 2.0})

    assert cost(costs, adv=unknown).slippage_usd == pytest.approx(cost(costs, adv=100.0).slippage_usd)


@pytest.mark.parametrize(
    ("volatility", "counted"), [(0.0, 0.0), (0.03, 0.03), (-0.01, 0.05), (np.nan, 0.05), (np.inf, 0.05)]
)
def test_impact_is_in_proportion_to_a_known_volatility_and_to_five_percent_otherwise(volatility, counted):
    costs = make_costs(**{"impact.square_root": 0.5})

    lost = cost(costs, volatility=volatility, adv=1e4)

    assert lost.impact_usd == pytest.approx([5000 * 0.5 * counted * 0.1])


def test_a_volatility_that_cannot_be_makes_a_trade_infinitely_dear_without_a_warning():
    costs = make_costs(**{"impact.square_root": 10.0, "spread.benchmark_half_bps": 2.0})

    assert cost(costs, volatility=1e308, adv=1.0).slippage_usd.tolist() == [np.inf]


def test_order_type_and_half_hour_are_those_of_the_settings_unless_given():
    costs = make_costs(**{"spread.benchmark_half_bps": 2.0, "orders.type": "market", "orders.half_hour": 5})

    chosen = cost(costs)

    assert chosen.spread_usd == pytest.approx(cost(costs, order_type="market", half_hour=5).spread_usd)
    assert (chosen.spread_usd < cost(costs, half_hour=0).spread_usd).all()
    assert chosen.spread_usd != pytest.approx(cost(costs, order_type="vwap").spread_usd)


INDEX = make_settings().costs.volatility_index


@pytest.mark.parametrize(
    ("levels", "multiplier"),
    [
        ([20.0] * 63, 1.0),
        ([99.0] * 100 + [20.0] * 62 + [30.0], 30 / (62 * 20 / 63 + 30 / 63)),
        ([10.0] * 62 + [80.0], 3.0),
        ([40.0] * 62 + [10.0], 0.5),
        ([20.0, np.nan, 25.0], 25 / 22.5),
        ([0.8, 1.0], 1 / 0.9),
        ([20.0, 30.0, np.nan], 1.0),
        ([20.0, 0.0], 1.0),
        ([], 1.0),
    ],
)
def test_the_multiplier_is_the_last_level_over_the_mean_within_bounds(levels, multiplier):
    assert multiplier_of(np.array(levels), index=INDEX) == pytest.approx(multiplier)


def test_cents_are_rounded_up_but_not_for_the_noise_of_floating_point():
    assert whole_cents(np.array([0.0, 0.001, 0.01, 0.07 * 3, 1.2301])).tolist() == [0, 1, 1, 21, 124]


def test_the_multiple_scales_every_part_of_every_cost():
    rates = {"commission_per_share_usd": 0.005, "min_commission_usd": 1.0, "impact.linear": 0.1}
    rates |= {"spread.benchmark_half_bps": 2.0, **fees(sec_rate=0.00003, taf_usd=0.0002)}

    once, twice, free = (
        cost(make_costs(**rates, multiple=multiple), sells=True) for multiple in (1.0, 2.0, 0.0)
    )

    for part in ("broker_usd", "sec_fee_usd", "taf_usd", "spread_usd", "impact_usd"):
        assert getattr(once, part)[0] > 0
        assert getattr(twice, part)[0] == 2 * getattr(once, part)[0]
    assert free.total_usd == 0
