import pytest

from config.costs_section import HALF_HOURS
from tasks.costs.orders import terms_of
from tests.unit.costs.cost_settings import make_costs

FLAT = {
    "spread.by_half_hour": [1.0] * HALF_HOURS,
    "impact.volume_by_half_hour": [0.9 / HALF_HOURS] * HALF_HOURS,
    "impact.opening_auction_volume": 0.02,
    "impact.closing_auction_volume": 0.08,
}
PAID = {"market": 1.0, "limit": 0.4, "twap": 0.6, "vwap": 0.5, "moo": 0.0, "moc": 0.1}


def terms(order_type, *, half_hour=0, **changed):
    return terms_of(order_type, half_hour=half_hour, costs=make_costs(**FLAT | changed))


@pytest.mark.parametrize("order_type", list(PAID))
def test_each_order_type_pays_its_fraction_of_a_spread_that_does_not_change(order_type):
    changed = {"orders.spread_paid_frac": PAID}

    assert terms(order_type, **changed).spread_multiple == pytest.approx(PAID[order_type])


@pytest.mark.parametrize(
    ("order_type", "half_hour", "volume"),
    [
        ("market", 0, 0.9 / 13),
        ("market", 12, 0.9 / 13),
        ("limit", 0, 0.9),
        ("limit", 12, 0.9 / 13),
        ("twap", 0, 0.9),
        ("vwap", 0, 0.9),
        ("moo", 0, 0.02),
        ("moc", 0, 0.08),
    ],
)
def test_each_order_type_meets_the_volume_of_its_window(order_type, half_hour, volume):
    assert terms(order_type, half_hour=half_hour).window_volume_frac == pytest.approx(volume)


def test_the_spread_is_that_of_the_half_hour_relative_to_the_average_by_volume():
    wide = {
        "spread.by_half_hour": [3.0] + [1.0] * 12,
        "impact.volume_by_half_hour": [0.3] + [0.05] * 12,
    }
    average = (0.3 * 3 + 0.6) / 0.9

    assert terms("market", half_hour=0, **wide).spread_multiple == pytest.approx(3 / average)
    assert terms("limit", half_hour=0, **wide).spread_multiple == pytest.approx(3 / average)
    assert terms("limit", half_hour=4, **wide).spread_multiple == pytest.approx(1 / average)
    assert terms("vwap", **wide).spread_multiple == pytest.approx(1.0)
    assert terms("twap", **wide).spread_multiple == pytest.approx((3 + 12) / 13 / average)


def test_equal_parts_meet_less_volume_than_parts_in_proportion_to_it():
    uneven = {"impact.volume_by_half_hour": [0.3] + [0.05] * 12}
    participation = (1 / 0.3 + 12 / 0.05) / 13**2

    assert terms("twap", **uneven).window_volume_frac == pytest.approx(1 / participation)
    assert terms("twap", **uneven).window_volume_frac < terms("vwap", **uneven).window_volume_frac


def test_only_the_ratios_of_the_shape_count():
    doubled = {"spread.by_half_hour": [2.0] * HALF_HOURS}

    assert terms("market", **doubled) == terms("market")
