"""The planted alpha has the strength of its setting; without it nothing predicts returns."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from tasks.features.compute import compute
from tasks.simulation.parameters import Parameters
from tasks.simulation.truth import Truth, simulate
from tests.simulated import known_market

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


def correlations(promised: pd.DataFrame, came: pd.DataFrame, method: str) -> pd.Series:
    """Return the correlation between names of each session, a week apart so that returns do not overlap."""
    promised, came = promised.iloc[::WEEK], came.iloc[::WEEK]
    both = promised.notna() & came.notna()
    promised, came = promised[both], came[both]
    if method == "rank":
        promised, came = promised.rank(axis=1), came.rank(axis=1)
    return promised.corrwith(came, axis=1).dropna()


def information_coefficients(truth: Truth, method: str) -> pd.Series:
    promised = truth.expected.mask(truth.expected == 0)
    return correlations(promised, forward_returns(truth.returns), method)


def t_of(values: pd.Series) -> float:
    return float(values.mean() / values.std() * np.sqrt(len(values)))


def test_a_strong_alpha_is_as_strong_as_its_setting():
    truth = simulate(Parameters(2, 150, date(2020, 1, 2), 0.20), date(2021, 12, 31)).truth

    assert information_coefficients(truth, "pearson").mean() == pytest.approx(0.20, rel=0.25)


def test_without_alpha_nothing_is_promised():
    truth = simulate(Parameters(2, 40, date(2021, 1, 4), 0.0), date(2021, 3, 31)).truth

    assert np.nanmax(np.abs(truth.expected.to_numpy())) == 0


@pytest.mark.prove
@pytest.mark.parametrize("strength", [0.03, 0.10])
@pytest.mark.parametrize("method", ["pearson", "rank"])
def test_alpha_is_as_strong_as_its_setting_over_many_markets(strength, method):
    means = [
        information_coefficients(
            simulate(Parameters(seed, 500, date(2016, 1, 4), strength), date(2021, 12, 31)).truth, method
        ).mean()
        for seed in range(1, 9)
    ]

    assert np.mean(means) == pytest.approx(strength, rel=0.25)


@pytest.mark.prove
def test_without_alpha_no_characteristic_foretells_anything():
    found: dict[str, list[pd.Series]] = {name: [] for name in (*CHARACTERISTICS, "unusual volume", "chance")}
    for seed in range(20, 28):
        market = known_market(seed=seed, symbols=300, sessions=1764, information_coefficient=0.0)
        close = pd.DataFrame(market.panel.close)
        came = forward_returns(np.log(close).diff()).where(market.panel.is_member)
        features = compute(market.panel, CHARACTERISTICS)
        frames = dict(zip(CHARACTERISTICS, map(pd.DataFrame, features.values), strict=True))
        frames["unusual volume"] = (frames["volume_ratio_5_63"] - 0.5).abs()
        frames["chance"] = close * 0 + np.random.default_rng(seed).normal(size=close.shape[1])
        for name, frame in frames.items():
            found[name].append(correlations(frame, came, "rank"))

    t_statistics = {name: t_of(pd.concat(parts)) for name, parts in found.items()}

    assert max(map(abs, t_statistics.values())) < 2.5, t_statistics
