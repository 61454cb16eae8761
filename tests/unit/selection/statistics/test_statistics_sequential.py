"""Repeated looks: V17 and V18 of the oracles."""

import numpy as np
import pytest
from scipy.stats import norm

from tasks.selection.statistics.sequential import (
    FIVE_YEARS,
    ROUGHNESS,
    confidence_radius,
    e_values,
    look_threshold,
)
from tests.null_looks import CONFIRMING, week_ts

LEVEL, LEAST = 0.10, 2.0


def test_v17_an_e_process_is_the_product_of_its_bets():
    values = np.array([0.4, -0.2, 0.6, 0.1, 0.5, -0.1, 0.3, 0.7, 0.2, 0.4])

    found = e_values(values, bet=0.5)

    expected = [1.2, 1.08, 1.404, 1.4742, 1.84275, 1.750613, 2.013204, 2.717826, 2.989608, 3.58753]
    assert found == pytest.approx(expected, abs=1e-6)


def test_an_e_process_of_values_without_a_mean_rarely_reaches_one_over_its_level():
    values = np.random.default_rng(1).choice([-1.0, 1.0], size=(400, 300))

    reached = [e_values(each, bet=0.2).max() >= 20 for each in values]

    assert np.mean(reached) <= 0.05


@pytest.mark.parametrize(
    ("count", "radius"),
    [(1, 3.656395), (10, 0.960640), (100, 0.327302), (250, 0.215063), (1000, 0.113636)],
)
def test_v18_the_radius_of_a_confidence_sequence(count, radius):
    assert confidence_radius(count, deviation=1, level=0.05) == pytest.approx(radius, abs=1e-6)
    assert confidence_radius(count, deviation=3, level=0.05) == pytest.approx(3 * radius, abs=3e-6)


def test_a_confidence_sequence_holds_at_every_session_at_once():
    draws = np.random.default_rng(1).normal(size=(300, 400))
    counts = np.arange(1, 401)
    radius = np.array([confidence_radius(int(count), deviation=1, level=0.05) for count in counts])

    outside = (np.abs(draws.cumsum(axis=1) / counts) > radius).any(axis=1)

    assert outside.mean() <= 0.05


def threshold(elapsed, *, level=LEVEL, least=LEAST):
    return look_threshold(elapsed, window=CONFIRMING, level=level, least=least)


def test_the_first_look_requires_what_one_look_does():
    assert threshold(0) == pytest.approx(LEAST)


def test_the_look_of_the_next_session_requires_more_than_the_first():
    assert threshold(1) > threshold(0)


def test_a_first_look_that_would_spend_too_much_requires_more():
    assert threshold(0, level=0.02) == pytest.approx(norm.isf(0.01))
    assert threshold(0, least=-99.0) == pytest.approx(norm.isf(LEVEL / 2))


def test_thresholds_rise_with_the_sessions_since_the_first_look_and_fall_with_the_level():
    found = [threshold(elapsed) for elapsed in range(0, 3000, 5)]

    assert found == sorted(found)
    assert found[-1] < 4
    assert threshold(130, level=0.05) > threshold(130) > threshold(130, level=0.5) >= LEAST


@pytest.mark.parametrize(("level", "least"), [(0.1, 2.0), (0.3, 2.0), (0.7, 1.0)])
def test_five_years_of_looks_spend_what_the_first_leaves_of_the_level(level, least):
    first = min(norm.sf(least), level / 2)
    every = 60
    looks = range(every // 2, FIVE_YEARS, every)
    found = np.array([threshold(elapsed, level=level, least=least) for elapsed in looks])

    spent = ROUGHNESS * every * (found * norm.pdf(found)).sum() / CONFIRMING

    assert found.min() > norm.isf(first)
    assert spent == pytest.approx(level - first, rel=0.01)


def test_a_signal_that_the_first_look_finds_is_promoted_as_before():
    found = np.array([week_ts(seed, weeks=1, skill=0.25)[0] for seed in range(100)])

    assert 0.5 < (found >= LEAST).mean() < 0.95
    assert ((found >= threshold(0)) == (found >= LEAST)).all()
