from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tasks.backtest.metrics.attribution import PARTS, Holdings, attribute, parts_usd, sector_returns
from tasks.core.errors import DataError

DAYS = np.arange("2024-06-03", "2024-08-03", dtype="datetime64[D]")


def one_session(**changes) -> tuple[np.ndarray, Holdings]:
    """1,000 of equity: 400 of A (sector 0, +5 %), 200 of B (sector 1, −1 %), market +2 %, sectors +3 % and 0 %."""
    holdings = Holdings(
        value_usd=np.array([[400.0, 200.0], [420.0, 198.0]]),
        returns=np.array([[np.nan, np.nan], [0.05, -0.01]]),
        pnl_usd=np.array([[0.0, 0.0], [20.0, -2.0]]),
        sector=np.array([[0, 1], [0, 1]]),
        market=np.array([np.nan, 0.02]),
        sector_returns=np.array([[np.nan, np.nan], [0.03, 0.0]]),
        interest_usd=np.array([0.0, 0.04]),
        cost_usd=np.array([0.0, 1.5]),
    )
    holdings = replace(holdings, **changes)
    change = holdings.pnl_usd[1].sum() + holdings.interest_usd[1] - holdings.cost_usd[1]
    return np.array([1000.0, 1000.0 + change]), holdings


def test_one_session_worked_out_by_hand():
    equity, holdings = one_session()

    parts = attribute(DAYS[:2], equity, holdings)

    assert (parts.index.name, parts.index.tolist()) == ("session", [pd.Timestamp(DAYS[1])])
    assert parts.iloc[0].to_dict() == {
        "market": 1200,  # 600 × 2 %
        "timing": 0,  # exposure equals its mean
        "sector": 0,  # 400 × (3 − 2) % + 200 × (0 − 2) %
        "selection": 600,  # 400 × (5 − 3) % + 200 × (−1 − 0) %
        "trading": 0,
        "interest": 4,
        "cost": -150,
    }
    assert parts.to_numpy().sum() == round(100 * (equity[1] - equity[0]))


def test_shares_that_were_sold_at_the_open_are_trading_and_not_selection():
    equity, holdings = one_session(
        pnl_usd=np.array([[0.0, 0.0], [8.0, -2.0]])
    )  # A sold at +2 % instead of +5 %

    parts = attribute(DAYS[:2], equity, holdings).iloc[0]

    assert (parts["trading"], parts["selection"]) == (-1200, 600)


def test_more_exposure_than_usual_in_a_rising_session_is_timing():
    value = np.array([[200.0], [800.0], [0.0]])
    market = np.array([np.nan, 0.01, 0.10])
    pnl = np.array([[0.0], [2.0], [80.0]])
    equity = np.array([1000.0, 1002.0, 1082.0])
    holdings = Holdings(
        value_usd=value,
        returns=market[:, None],
        pnl_usd=pnl,
        sector=np.full((3, 1), -1),
        market=market,
        sector_returns=np.empty((3, 0)),
        interest_usd=np.zeros(3),
        cost_usd=np.zeros(3),
    )

    parts = attribute(DAYS[:3], equity, holdings)

    average = (0.2 + 800 / 1002) / 2
    assert parts["market"].tolist() == pytest.approx([100 * average * 10, 100 * average * 100.2], abs=0.5)
    assert parts["timing"].iloc[0] < 0 < parts["timing"].iloc[1]
    assert (parts["market"] + parts["timing"]).tolist() == [200, 8000]
    assert parts[["sector", "selection", "trading"]].abs().to_numpy().max() <= 1


def test_an_unknown_return_is_what_the_name_did_earn_and_an_unknown_sector_is_the_market():
    equity, holdings = one_session(
        returns=np.array([[np.nan, np.nan], [np.nan, -0.01]]), sector=np.array([[-1, 1], [-1, 1]])
    )

    parts = parts_usd(equity, holdings)

    assert parts["trading"].tolist() == pytest.approx([0.0])
    assert parts["sector"].tolist() == pytest.approx([200 * (0.0 - 0.02)])
    assert parts["selection"].tolist() == pytest.approx([20 - 400 * 0.02 - 2])


def test_the_profit_of_a_name_without_a_known_return_that_was_bought_in_the_session_is_trading():
    equity, holdings = one_session(
        value_usd=np.array([[0.0, 200.0], [420.0, 198.0]]), returns=np.array([[np.nan] * 2, [np.nan, -0.01]])
    )

    parts = parts_usd(equity, holdings)

    assert parts["trading"].tolist() == pytest.approx([20.0])
    assert parts["selection"].tolist() == pytest.approx([-2.0])


def test_a_name_that_moved_to_another_sector_is_compared_with_that_one():
    pnl = np.array([[0.0], [3.0], [-2.0]])
    holdings = Holdings(
        value_usd=np.full((3, 1), 100.0),
        returns=pnl / 100,
        pnl_usd=pnl,
        sector=np.array([[0], [1], [1]]),
        market=np.zeros(3),
        sector_returns=np.array([[np.nan, np.nan], [0.03, 0.5], [0.5, -0.02]]),
        interest_usd=np.zeros(3),
        cost_usd=np.zeros(3),
    )

    parts = parts_usd(np.array([100.0, 103.0, 101.0]), holdings)

    assert parts["sector"].tolist() == pytest.approx([3.0, -2.0])
    assert parts["selection"].tolist() == pytest.approx([0.0, 0.0])


def test_a_start_alone_has_nothing_to_attribute():
    equity, holdings = one_session()
    start = Holdings(**{name: values[:1] for name, values in vars(holdings).items()})

    assert attribute(DAYS[:1], equity[:1], start).shape == (0, len(PARTS))


def test_a_profit_that_no_part_explains_is_refused_and_not_called_selection():
    equity, holdings = one_session()

    with pytest.raises(DataError, match=r"2024-06-04 does not sum.*0\.10 USD"):
        attribute(DAYS[:2], equity + np.array([0.0, 0.10]), holdings)


@given(st.integers(0, 10_000), st.integers(1, 15), st.integers(1, 5))
def test_parts_sum_to_the_cent_to_the_change_of_equity(seed, sessions, names):
    rng = np.random.default_rng(seed)
    shape = (sessions + 1, names)
    returns = np.where(rng.random(shape) < 0.1, np.nan, rng.normal(0, 0.03, shape))
    pnl = np.round(rng.normal(0, 500, shape), 2)
    interest, cost = np.round(rng.random(len(pnl)) * 30, 2), np.round(rng.random(len(pnl)) * 50, 2)
    equity = np.concatenate([[1e5], 1e5 + np.cumsum(pnl[1:].sum(axis=1) + interest[1:] - cost[1:])])
    holdings = Holdings(
        value_usd=np.round(rng.random(shape) * 20_000 * (rng.random(shape) < 0.8), 2),
        returns=returns,
        pnl_usd=pnl,
        sector=rng.integers(-1, 3, shape),
        market=np.where(rng.random(len(pnl)) < 0.1, np.nan, rng.normal(0, 0.01, len(pnl))),
        sector_returns=np.where(rng.random((len(pnl), 3)) < 0.1, np.nan, rng.normal(0, 0.01, (len(pnl), 3))),
        interest_usd=interest,
        cost_usd=cost,
    )

    cents = attribute(DAYS[: sessions + 1], equity, holdings)

    assert tuple(cents.columns) == PARTS
    assert cents.dtypes.unique().tolist() == [np.dtype("int64")]
    level = np.rint(100 * equity).astype(int)
    assert (cents.sum(axis=1).to_numpy() == np.diff(level)).all()
    assert cents.to_numpy().sum() == level[-1] - level[0]
    exact = parts_usd(equity, holdings)
    assert sum(exact.values()) == pytest.approx(np.diff(equity), abs=1e-6)
    assert cents["selection"].to_numpy() == pytest.approx(100 * exact["selection"], abs=4)


def test_a_sectors_return_is_the_mean_of_those_that_were_its_members_at_the_close_before():
    returns = np.array([[np.nan] * 4, [0.01, 0.03, 0.50, np.nan], [0.02, 0.04, 0.06, 0.08]])
    sector = np.array([[0, 0, 0, 1], [0, 0, 1, 1], [1, 1, 1, 1]])
    members = np.array([[True, True, False, True], [True, False, True, True], [True, True, True, True]])

    table = sector_returns(returns, sector, members, count=2)

    assert table == pytest.approx(np.array([[np.nan, np.nan], [0.02, np.nan], [0.02, 0.07]]), nan_ok=True)
