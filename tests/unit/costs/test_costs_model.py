import numpy as np
import pytest

from config.sections import Costs
from tasks.costs.model import commission, estimate, slippage


def make_costs(**changed: float) -> Costs:
    nothing = {
        "commission_per_share_usd": 0.0,
        "min_commission_usd": 0.0,
        "sec_fee_rate": 0.0,
        "taf_per_share_usd": 0.0,
        "taf_max_usd": 8.30,
        "half_spread_bps": 0.0,
        "impact_coefficient": 0.0,
    }
    return Costs(**(nothing | changed))


BUY, SELL = np.array([False]), np.array([True])
HUNDRED, FIFTY_USD = np.array([100.0]), np.array([50.0])


def test_buys_pay_no_sec_fee_and_no_taf():
    costs = make_costs(sec_fee_rate=0.00003, taf_per_share_usd=0.0002)

    assert commission(HUNDRED, FIFTY_USD, BUY, costs=costs).tolist() == [0.0]


def test_sales_pay_the_sec_fee_on_their_notional_and_the_taf_on_their_shares():
    costs = make_costs(sec_fee_rate=0.00003, taf_per_share_usd=0.0002)

    assert commission(HUNDRED, FIFTY_USD, SELL, costs=costs) == pytest.approx([5000 * 0.00003 + 0.02])


def test_the_taf_of_one_sale_is_capped():
    costs = make_costs(taf_per_share_usd=0.0002)

    assert commission(np.array([1e6]), FIFTY_USD, SELL, costs=costs) == pytest.approx([8.30])


def test_a_small_order_pays_the_minimum_commission():
    costs = make_costs(commission_per_share_usd=0.005, min_commission_usd=1.0)

    charged = commission(
        np.array([10.0, 1000.0]), np.array([50.0, 50.0]), np.array([False, False]), costs=costs
    )

    assert charged == pytest.approx([1.0, 5.0])


def test_nothing_traded_costs_nothing():
    costs = make_costs(min_commission_usd=1.0, half_spread_bps=5)

    nothing = estimate(
        np.array([0.0]),
        FIFTY_USD,
        BUY,
        daily_volatility=np.array([0.02]),
        adv_shares=np.array([1e6]),
        costs=costs,
    )

    assert nothing.total_usd == 0


def test_half_the_spread_is_lost_on_every_trade():
    lost = slippage(
        HUNDRED,
        FIFTY_USD,
        daily_volatility=np.array([0.02]),
        adv_shares=np.array([1e6]),
        costs=make_costs(half_spread_bps=2),
    )

    assert lost == pytest.approx([5000 * 0.0002])


def test_impact_grows_with_the_square_root_of_the_share_of_volume():
    lost = slippage(
        np.array([100.0, 400.0]),
        np.array([50.0, 50.0]),
        daily_volatility=np.array([0.02, 0.02]),
        adv_shares=np.array([10_000.0, 10_000.0]),
        costs=make_costs(impact_coefficient=0.1),
    )

    assert lost == pytest.approx([5000 * 0.1 * 0.02 * 0.1, 20_000 * 0.1 * 0.02 * 0.2])


@pytest.mark.parametrize("unknown", [np.nan, 0.0, -1.0])
def test_an_unknown_volume_is_priced_as_a_whole_day_of_it(unknown):
    costs = make_costs(impact_coefficient=0.1)
    volatility = np.array([0.02])

    lost = slippage(
        HUNDRED, FIFTY_USD, daily_volatility=volatility, adv_shares=np.array([unknown]), costs=costs
    )

    assert lost == pytest.approx([5000 * 0.1 * 0.02])


def test_an_unknown_volatility_is_priced_as_a_high_one():
    costs = make_costs(impact_coefficient=0.1)
    volume = np.array([1e4])

    unknown = slippage(
        HUNDRED, FIFTY_USD, daily_volatility=np.array([np.nan]), adv_shares=volume, costs=costs
    )
    usual = slippage(HUNDRED, FIFTY_USD, daily_volatility=np.array([0.02]), adv_shares=volume, costs=costs)

    assert unknown[0] > usual[0]


def test_no_trades_give_empty_estimates():
    none = np.array([])

    costs = estimate(
        none, none, np.array([], dtype=bool), daily_volatility=none, adv_shares=none, costs=make_costs()
    )

    assert costs.commission_usd.size == costs.slippage_usd.size == 0
    assert costs.total_usd == 0


# issue 10, part 2: a calm name is known to be calm, an unknown one counts as wild
@pytest.mark.parametrize(
    ("volatility", "counted"), [(0.0, 0.0), (0.03, 0.03), (-0.01, 0.05), (np.nan, 0.05), (np.inf, 0.05)]
)
def test_impact_is_in_proportion_to_a_known_volatility_and_to_five_percent_otherwise(volatility, counted):
    lost = slippage(
        HUNDRED,
        FIFTY_USD,
        daily_volatility=np.array([volatility]),
        adv_shares=np.array([1e4]),
        costs=make_costs(impact_coefficient=0.1),
    )

    assert lost == pytest.approx([5000 * 0.1 * counted * 0.1])


def test_a_volatility_that_cannot_be_makes_a_trade_infinitely_dear_without_a_warning():
    lost = slippage(
        HUNDRED,
        FIFTY_USD,
        daily_volatility=np.array([1e308]),
        adv_shares=np.array([1.0]),
        costs=make_costs(impact_coefficient=0.1),
    )

    assert lost.tolist() == [np.inf]


def test_a_single_share_pays_its_commission():
    charged = commission(np.array([1.0]), FIFTY_USD, BUY, costs=make_costs(min_commission_usd=1.0))

    assert charged.tolist() == [1.0]
