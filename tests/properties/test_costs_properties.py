from datetime import date

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.costs.model import Conditions, estimate, multiplier_of, whole_cents
from tests.builders import make_settings

COSTS = make_settings(**{"costs.commission_per_share_usd": 0.005, "costs.min_commission_usd": 1.0}).costs
any_number = st.floats(allow_nan=True, allow_infinity=True)
order_types = st.sampled_from(["market", "limit", "twap", "vwap", "moo", "moc"])
half_hours = st.integers(0, 12)
days = st.dates(date(1996, 1, 1), date(2028, 12, 31))
lines = st.lists(
    st.tuples(
        st.integers(0, 10**7), st.floats(0.01, 1e5), st.booleans(), st.floats(0, 0.5) | any_number, any_number
    ),
    max_size=20,
)
known = {
    "price": st.floats(1, 1000),
    "volatility": st.floats(0.001, 0.1),
    "adv": st.floats(1e3, 1e8),
    "multiplier": st.floats(0.5, 3),
}


def cost(shares, price, sells, volatility, adv, day, *, index_multiplier=1.0, **given):
    shares = np.asarray(shares, dtype=float)
    price, volatility, adv = (
        np.broadcast_to(each, shares.shape).astype(float) for each in (price, volatility, adv)
    )
    is_sale = np.broadcast_to(sells, shares.shape).astype(bool)
    conditions = Conditions(price, volatility, adv, day, index_multiplier)
    return estimate(shares, is_sale, conditions, costs=COSTS, **given)


@given(lines, order_types, half_hours, days)
@settings(max_examples=60)
def test_costs_are_never_negative_and_never_missing_whatever_is_unknown(trades, order_type, half_hour, day):
    shares, price, sells, volatility, volume = (np.array(column) for column in _columns(trades))

    costs = cost(shares, price, sells, volatility, volume, day, order_type=order_type, half_hour=half_hour)

    assert np.isfinite(costs.commission_usd).all()
    assert (costs.commission_usd >= 0).all()
    assert not np.isnan(costs.slippage_usd).any()
    assert (costs.slippage_usd >= 0).all()
    idle = shares == 0
    assert not costs.commission_usd[idle].any()
    assert not costs.slippage_usd[idle].any()


@given(st.integers(1, 10**6), st.integers(1, 10**6), order_types, st.booleans(), st.fixed_dictionaries(known))
@settings(max_examples=100)
def test_a_larger_trade_costs_more_and_its_slippage_per_share_is_no_less(one, other, order_type, sells, name):
    small, large = sorted((one, other))

    costs = cost(
        [small, large],
        name["price"],
        sells,
        name["volatility"],
        name["adv"],
        date(2026, 5, 4),
        order_type=order_type,
        index_multiplier=name["multiplier"],
    )
    per_share = costs.slippage_usd / [small, large]

    assert costs.commission_usd[0] <= costs.commission_usd[1]
    assert costs.slippage_usd[0] <= costs.slippage_usd[1]
    assert per_share[0] <= per_share[1] * (1 + 1e-12)


@given(st.integers(1, 10**6), order_types, days, st.fixed_dictionaries(known))
@settings(max_examples=60)
def test_a_sale_costs_what_a_buy_costs_plus_its_fees(shares, order_type, day, name):
    bought, sold = (
        cost([shares], name["price"], sells, name["volatility"], name["adv"], day, order_type=order_type)
        for sells in (False, True)
    )

    assert sold.slippage_usd == bought.slippage_usd
    assert sold.broker_usd == bought.broker_usd
    assert bought.sec_fee_usd == bought.taf_usd == 0
    assert sold.sec_fee_usd >= 0
    assert sold.taf_usd >= 0


@given(st.floats(1.0, 4.0), st.integers(1, 10**6), order_types, half_hours, st.fixed_dictionaries(known))
@settings(max_examples=60)
def test_no_volume_makes_a_trade_cheaper_by_being_smaller_and_no_volatility_by_being_higher(
    times, shares, order_type, half_hour, name
):
    given = {"order_type": order_type, "half_hour": half_hour}
    day, price, volatility, adv = date(2026, 5, 4), name["price"], name["volatility"], name["adv"]

    base = cost([shares], price, False, volatility, adv, day, **given).slippage_usd

    assert cost([shares], price, False, volatility * times, adv, day, **given).slippage_usd >= base
    assert cost([shares], price, False, volatility, adv / times, day, **given).slippage_usd >= base


@given(lines, days)
@settings(max_examples=40)
def test_a_trade_costs_the_same_alone_as_among_others(trades, day):
    shares, price, sells, volatility, volume = (np.array(column) for column in _columns(trades))

    together = cost(shares, price, sells, volatility, volume, day)

    for row, trade in enumerate(trades):
        alone = cost([trade[0]], *trade[1:], day)
        assert alone.commission_usd[0] == together.commission_usd[row]
        assert alone.slippage_usd[0] == together.slippage_usd[row]


@given(st.lists(st.floats(0, 1e9), max_size=20))
def test_cents_are_whole_and_never_below_the_amount(amounts):
    usd = np.array(amounts)

    cents = whole_cents(usd)

    assert cents.dtype == np.int64
    assert (cents >= usd * 100 - 1e-5).all()
    assert (cents < usd * 100 + 1).all()


@given(st.lists(any_number, max_size=80))
def test_the_multiplier_stays_within_its_bounds(levels):
    index = COSTS.volatility_index

    assert index.min_multiplier <= multiplier_of(np.array(levels), index=index) <= index.max_multiplier


def _columns(rows):
    return zip(*rows, strict=True) if rows else ([], [], [], [], [])
