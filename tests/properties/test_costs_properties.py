import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.costs.model import estimate
from tests.builders import make_settings

COSTS = make_settings().costs
any_number = st.floats(allow_nan=True, allow_infinity=True)
lines = st.lists(
    st.tuples(
        st.integers(0, 10**7), st.floats(0.01, 1e5), st.booleans(), st.floats(0, 0.5) | any_number, any_number
    ),
    max_size=20,
)


@given(lines)
@settings(max_examples=60)
def test_costs_are_finite_and_never_negative_whatever_is_unknown(trades):
    shares, price, is_sale, volatility, volume = (np.array(column) for column in _columns(trades))

    costs = estimate(
        shares.astype(float),
        price.astype(float),
        is_sale.astype(bool),
        daily_volatility=volatility.astype(float),
        adv_shares=volume.astype(float),
        costs=COSTS,
    )

    assert np.isfinite(costs.commission_usd).all()
    assert (costs.commission_usd >= 0).all()
    assert not np.isnan(costs.slippage_usd).any()
    assert (costs.slippage_usd >= 0).all()


@given(st.integers(1, 10**6), st.integers(1, 10**6))
@settings(max_examples=60)
def test_a_larger_trade_never_costs_less_per_share(one, other):
    shares = np.array(sorted([float(one), float(other)]))

    costs = estimate(
        shares,
        np.array([50.0, 50.0]),
        np.array([False, False]),
        daily_volatility=np.array([0.02, 0.02]),
        adv_shares=np.array([1e6, 1e6]),
        costs=COSTS,
    )
    per_share = costs.slippage_usd / shares

    assert per_share[1] >= per_share[0]


def _columns(rows):
    return zip(*rows, strict=True) if rows else ([], [], [], [], [])
