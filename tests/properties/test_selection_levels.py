"""Tests of the selection keep their level where there is nothing to find."""

import numpy as np
import pytest

from tasks.selection.net.superiority import superiority
from tasks.selection.statistics.sequential import FIVE_YEARS, look_threshold
from tests.null_looks import CONFIRMING, WEEK, week_ts
from tests.unit.backtest.metrics.curves import noise

LEVEL, LEAST = 0.10, 2.0


def shipped(elapsed):
    return look_threshold(elapsed, window=CONFIRMING, level=LEVEL, least=LEAST)


def looks(seeds, weeks):
    """Return the t of every week, by null market."""
    return np.array([week_ts(seed, weeks=weeks) for seed in seeds])


def crossings(ts, *, limit):
    """Return the share of markets in which any week promotes."""
    limits = np.array([limit(WEEK * week) for week in range(ts.shape[1])])
    return (ts >= limits).any(axis=1).mean()


# issue 14, "repeated looks"
def test_on_null_markets_false_promotions_are_rare_in_26_weeks():
    ts = looks(range(5001, 5201), 26)

    assert crossings(ts, limit=lambda _: LEAST) > 0.05  # the same t every week
    assert crossings(ts, limit=shipped) < 0.05


@pytest.mark.slice
def test_on_null_markets_false_promotions_are_rare_in_five_years():
    ts = looks(range(6001, 6301), FIVE_YEARS // WEEK)

    assert crossings(ts, limit=lambda _: LEAST) > 0.25
    assert crossings(ts, limit=shipped) < 0.10


def test_without_a_difference_small_p_values_are_as_rare_as_they_should_be():
    found = [
        superiority(
            noise(250, seed=2 * draw, mean=0.0005), noise(250, seed=2 * draw + 1, mean=0.0005), seed=1
        )
        for draw in range(30)
    ]

    assert sum(p_value <= 0.05 for p_value in found) <= 5  # 1.5 expected
    assert 0.3 < np.mean(found) < 0.7
