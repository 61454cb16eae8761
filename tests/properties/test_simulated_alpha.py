"""The planted alpha has the strength of its setting; without it nothing predicts returns.

Version 1 counts its strength from the close, with whole returns; version 2 from the open, without factors.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd
import pytest

from tasks.features.compute import compute
from tasks.features.registry import feature_names
from tasks.features.sets import STANDARD
from tasks.simulation.parameters import Parameters
from tasks.simulation.truth import Truth, simulate
from tests.market.measures import Planted, planted_coefficients, session_correlations
from tests.simulated import KnownMarket, known_market

WEEK = 5
CHARACTERISTICS = (
    "momentum_12m",
    "distance_52w_high",
    "residual_volatility_126",
    "earnings_yield",
    "reversal_5",
    "volume_ratio_5_63",
)


def forward_returns(returns: pd.DataFrame) -> pd.DataFrame:
    """Return the log return of the next week where there was a bar on every session of it."""
    return returns.rolling(WEEK).sum().shift(-WEEK)


def correlations(expected: pd.DataFrame, realised: pd.DataFrame, method: str) -> pd.Series:
    """Return the correlation between names of each session, a week apart so that returns do not overlap."""
    expected, realised = expected.iloc[::WEEK], realised.iloc[::WEEK]
    both = expected.notna() & realised.notna()
    expected, realised = expected[both], realised[both]
    if method == "rank":
        expected, realised = expected.rank(axis=1), realised.rank(axis=1)
    return expected.corrwith(realised, axis=1).dropna()


def information_coefficients(truth: Truth, method: str) -> pd.Series:
    expected = truth.expected.mask(truth.expected == 0)
    return correlations(expected, forward_returns(truth.returns), method)


def t_of(values: pd.Series) -> float:
    return float(values.mean() / values.std() * np.sqrt(len(values)))


def test_a_strong_alpha_is_as_strong_as_its_setting():
    truth = simulate(Parameters(2, 150, date(2020, 1, 2), 0.20, version=1), date(2021, 12, 31)).truth

    assert information_coefficients(truth, "pearson").mean() == pytest.approx(0.20, rel=0.25)


@pytest.mark.parametrize("version", [1, 2])
def test_without_alpha_nothing_is_promised(version):
    truth = simulate(Parameters(2, 40, date(2021, 1, 4), 0.0, version=version), date(2021, 3, 31)).truth

    assert np.nanmax(np.abs(truth.expected.to_numpy())) == 0


@pytest.mark.prove
@pytest.mark.parametrize("strength", [0.03, 0.10])
@pytest.mark.parametrize("method", ["pearson", "rank"])
def test_alpha_is_as_strong_as_its_setting_over_many_markets(strength, method):
    means = [
        information_coefficients(
            simulate(Parameters(seed, 500, date(2016, 1, 4), strength, version=1), date(2021, 12, 31)).truth,
            method,
        ).mean()
        for seed in range(1, 9)
    ]

    assert np.mean(means) == pytest.approx(strength, rel=0.25)


def single_features(market: KnownMarket, names: Sequence[str]) -> dict[str, float]:
    """Return the mean rank correlation of each feature with the planted expectation."""
    expected = np.where(market.panel.is_member & (market.expected != 0), market.expected, np.nan)[::WEEK]
    matrix = compute(market.panel, names)
    found = {
        name: session_correlations(values[::WEEK].astype(float), expected)
        for name, values in zip(matrix.names, matrix.values, strict=True)
    }
    return {
        name: float(np.nanmean(by_session))
        for name, by_session in found.items()
        if np.isfinite(by_session).any()
    }


def test_no_standard_feature_finds_more_than_a_third_of_the_alpha():
    market = known_market(seed=2, symbols=60, sessions=700, information_coefficient=0.05, version=2)

    found = single_features(market, STANDARD)

    assert max(map(abs, found.values())) < 1 / 3, found


@pytest.mark.prove
def test_no_shipped_feature_finds_more_than_a_third_of_the_alpha():
    market = known_market(seed=3, symbols=300, sessions=1764, information_coefficient=0.05, version=2)

    found = single_features(market, feature_names())

    assert max(map(abs, found.values())) < 1 / 3, found


@pytest.mark.prove
@pytest.mark.parametrize("strength", [0.03, 0.10])
def test_alpha_of_version_2_is_as_strong_as_its_setting_over_many_markets(strength):
    found = []
    for seed in range(1, 9):
        market = known_market(
            seed=seed, symbols=500, sessions=1512, information_coefficient=strength, version=2
        )
        planted = Planted(market.expected, market.own, market.own_overnight)
        found.append(planted_coefficients(planted, market.panel.is_member)["ic_5"])

    assert np.mean(found) == pytest.approx(strength, rel=0.25)


@pytest.mark.prove
@pytest.mark.parametrize("version", [1, 2])
def test_without_alpha_no_characteristic_foretells_anything(version):
    found: dict[str, list[pd.Series]] = {name: [] for name in (*CHARACTERISTICS, "unusual volume", "chance")}
    for seed in range(20, 28):
        market = known_market(
            seed=seed, symbols=300, sessions=1764, information_coefficient=0.0, version=version
        )
        close = pd.DataFrame(market.panel.close)
        realised = forward_returns(np.log(close).diff()).where(market.panel.is_member)
        features = compute(market.panel, CHARACTERISTICS)
        frames = dict(zip(CHARACTERISTICS, map(pd.DataFrame, features.values), strict=True))
        frames["unusual volume"] = (frames["volume_ratio_5_63"] - 0.5).abs()
        frames["chance"] = close * 0 + np.random.default_rng(seed).normal(size=close.shape[1])
        for name, frame in frames.items():
            found[name].append(correlations(frame, realised, "rank"))

    t_statistics = {name: t_of(pd.concat(parts)) for name, parts in found.items()}

    assert max(map(abs, t_statistics.values())) < 2.5, t_statistics
