"""Tests of the selection keep their level where there is nothing to find."""

from datetime import date, timedelta

import numpy as np
import pytest

from tasks.models.training.inference import estimate
from tasks.selection.live_verdict import live_verdict
from tasks.selection.net.superiority import superiority
from tasks.selection.schema import LiveDay
from tasks.selection.statistics.sequential import FIVE_YEARS, look_threshold
from tests.builders import make_settings
from tests.champions import CHAMPION
from tests.null_looks import CONFIRMING, WEEK, week_ts
from tests.unit.backtest.metrics.curves import noise

LEVEL, LEAST = 0.10, 2.0
SETTINGS = make_settings().selection
SESSIONS, DEVIATION = 504, 0.17  # that a promise was measured on; of neutral ICs in the long run


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


@pytest.mark.prove
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


def session_ics(true_ic, count, rng, *, deviation=DEVIATION):
    """Return neutral ICs of returns over five sessions, which share four with the next session's."""
    return true_ic + deviation * np.convolve(rng.normal(size=count + 4), np.full(5, 0.2), mode="valid")


def promise(true_ic, rng):
    """Return a measured IC that was confirmed, t of at least 2, with its estimated error."""
    while True:
        found = estimate(session_ics(true_ic, SESSIONS, rng), overlap=5)
        if found.t >= 2:
            return found


def sessions_until_lost(expected, true_ic, rng, *, sessions, every, deviation=DEVIATION):
    """Return after how many sessions a look first finds that the champion lost its place; None if never."""
    first = date(2018, 1, 2)
    days = [
        LiveDay(first + timedelta(days=place), "lightgbm", ic, expected.mean, expected.error, SESSIONS)
        for place, ic in enumerate(session_ics(true_ic, sessions, rng, deviation=deviation))
    ]
    for count in range(every, sessions + 1, every):
        found = live_verdict(days[:count], CHAMPION, SETTINGS)
        if found and not found.earns_its_place:
            return count
    return None


# issue 14: an incumbent that stops earning its place is found
def test_a_champion_whose_alpha_turned_is_found_within_half_a_year():
    rng = np.random.default_rng(1)
    found = [
        sessions_until_lost(promise(0.04, rng), -0.03, rng, sessions=126, every=5) or 999 for _ in range(40)
    ]

    assert sum(count <= 126 for count in found) >= 24  # three in four expected
    assert np.median(found) <= 100


@pytest.mark.parametrize("ratio", [1.0, 1.5])  # the live ICs may vary more than those of the selection
def test_a_champion_that_stays_as_good_as_it_was_keeps_its_place_for_two_years(ratio):
    rng = np.random.default_rng(2)
    lost = [
        sessions_until_lost(
            promise(0.03, rng), 0.03, rng, sessions=504, every=21, deviation=ratio * DEVIATION
        )
        for _ in range(60)
    ]

    assert sum(count is not None for count in lost) <= 3


@pytest.mark.slice
def test_at_most_one_in_twenty_of_such_champions_loses_its_place_in_five_years():
    rng = np.random.default_rng(3)
    lost = [
        sessions_until_lost(promise(0.03, rng), 0.03, rng, sessions=FIVE_YEARS, every=21) for _ in range(100)
    ]

    assert sum(count is not None for count in lost) <= 5
