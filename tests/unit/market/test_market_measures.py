"""The figures of `make market`, on markets small enough to know the answer."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from tasks.core.sessions import sessions_ending
from tests.market import measures
from tests.market.measures import Planted, Tape, measure
from tests.market.sources import turnover
from tests.market.table import many_table, misses, pair_table

DAY = date(2024, 6, 14)


def tape(*, sessions: int = 1500, names: int = 60, factor: float = 0.01, seed: int = 1) -> Tape:
    """Return normal returns: a factor that all names share, and as much of their own."""
    draw = np.random.default_rng(seed)
    market = draw.normal(0, factor, sessions)
    night = draw.normal(0, 0.005, (sessions, names))
    day = market[:, None] + draw.normal(0, np.sqrt(0.01**2 - 0.005**2), (sessions, names))
    returns = night + day
    close = 100 * np.exp(np.cumsum(returns, axis=0))
    return Tape(
        sessions=sessions_ending(DAY, sessions),
        returns=returns,
        overnight=night,
        high=close * 1.01,
        low=close * 0.99,
        close=close,
        volume=np.exp(draw.normal(14, 0.3, (sessions, names)) + 30 * np.abs(returns)),
        is_member=np.ones((sessions, names), dtype=bool),
        market=draw.normal(0, 0.01, sessions),
        sector=np.repeat(["A", "B", "C"], names // 3),
        joined_a_year=0.0,
        left_a_year=0.0,
    )


@pytest.fixture(scope="module")
def figures():
    return measure(tape())


def test_normal_returns_have_thin_tails_and_no_clustering(figures):
    assert figures["kurtosis_name"] == pytest.approx(0, abs=0.3)
    assert [figures[f"clustering_{lag}"] for lag in (1, 5, 21)] == pytest.approx([0, 0, 0], abs=0.03)


def test_equal_parts_of_market_and_own_are_found(figures):
    assert figures["correlation_median"] == pytest.approx(0.5, abs=0.05)
    assert figures["share_market"] == pytest.approx(0.5, abs=0.05)
    assert figures["share_own"] == pytest.approx(0.5, abs=0.05)
    assert figures["share_sector"] == pytest.approx(0.0, abs=0.01)
    assert figures["component_1"] == pytest.approx(0.5, abs=0.05)


def test_dispersion_is_that_of_the_own_part(figures):
    assert figures["dispersion_pct"] == pytest.approx(1.0, rel=0.05)
    assert figures["dispersion_p95_to_p50"] < 1.3


def test_without_factors_a_rules_session_ic_deviates_by_chance_alone():
    found = measure(tape(names=60, factor=0.0))

    assert found["ic_deviation_momentum"] == pytest.approx(1 / np.sqrt(59), rel=0.15)
    assert abs(found["t_high_52w"]) < 4


def test_the_overnight_share_is_that_of_the_variances(figures):
    assert figures["overnight_share"] == pytest.approx(0.25 / 2, rel=0.1)


def test_volume_follows_the_size_of_moves(figures):
    assert figures["volume_size_correlation"] == pytest.approx(0.6, abs=0.2)


def test_forward_returns_count_from_the_next_open():
    returns, night = np.arange(1.0, 7.0)[:, None], np.full((6, 1), 0.25)

    assert measures.forward(returns, 2)[:, 0].tolist()[:4] == [5, 7, 9, 11]
    assert measures.forward(returns, 2, night)[:, 0].tolist()[:4] == [4.75, 6.75, 8.75, 10.75]
    assert np.isnan(measures.forward(returns, 2)[4:]).all()


def test_a_missing_session_makes_the_forward_return_missing():
    returns = np.ones((6, 1))
    returns[3] = np.nan

    assert np.isnan(measures.forward(returns, 2)[:, 0]).tolist() == [False, True, True, False, True, True]


def test_session_correlations_are_spearmans():
    draw = np.random.default_rng(3)
    first, second = draw.normal(size=(2, 4, 30))
    first[0, 5], second[1] = np.nan, np.nan
    expected = pd.DataFrame(first).T.corrwith(pd.DataFrame(second).T, method="spearman")

    found = measures.session_correlations(first, second)

    assert found == pytest.approx(expected.to_numpy(), nan_ok=True)
    assert np.isnan(found[1])


def test_the_planted_coefficient_is_found():
    market = tape(names=90, factor=0.0)
    draw = np.random.default_rng(4)
    noise = draw.normal(size=market.returns.shape)
    own = market.returns.copy()
    own[1:] += 0.1 * 0.01 * noise[:-1]
    planted = Planted(noise, own, np.zeros_like(own))

    found = measure(replace(market, planted=planted))

    assert found["ic_1"] == pytest.approx(0.1, abs=0.02)
    assert found["persistence_5"] == pytest.approx(0.0, abs=0.02)


def test_turnover_counts_spells_after_the_first_week():
    spells = pd.DataFrame(
        {
            "start": pd.to_datetime(["2020-01-02", "2020-01-02", "2021-06-01"]),
            "end": pd.to_datetime([None, "2021-06-01", None]),
        }
    )

    joined, left = turnover(spells, pd.Timestamp("2020-01-02"), pd.Timestamp("2022-01-02"))

    assert (joined, left) == pytest.approx((125, 125), rel=0.01)


def test_a_figure_out_of_its_band_is_named():
    real = dict.fromkeys(many_names(), 1.0)
    near = [dict.fromkeys(many_names(), value) for value in (0.9, 1.0, 1.1)]

    assert misses(near, real) == []
    assert misses(near, real | {"share_own": 1.5})[0].startswith("share_own: median 1.000, real 1.500")
    assert misses(near, real | {"kurtosis_name": 3.0})[0].startswith("kurtosis_name: band 0.9")


def many_names() -> list[str]:
    from tests.market.table import IN_THE_BAND, WITHIN_A_QUARTER

    return [*WITHIN_A_QUARTER, *IN_THE_BAND]


def test_tables_hold_a_line_for_each_figure_that_is_known():
    assert "| share of principal component 1 | 1.00 | 0.500 | 0.500 to 0.500 |" in many_table(
        [{"component_1": 0.5}], {"component_1": 1.0}
    )
    assert "| … 5 sessions |  | 0.030 |" in pair_table({}, {"ic_5": 0.03}, ("real", "seed:1"))
