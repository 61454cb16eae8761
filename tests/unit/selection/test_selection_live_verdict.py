"""When a champion loses its place by its live record, and that a healthy one keeps it."""

from datetime import date, timedelta
from math import log, sqrt

import numpy as np
import pytest

from tasks.models.training.inference import estimate
from tasks.selection.gates import live_gate
from tasks.selection.live_verdict import LEAST_SESSIONS, live_section, live_verdict
from tasks.selection.schema import LiveDay, LiveVerdict
from tests.builders import make_settings
from tests.champions import CHAMPION, FRIDAY, make_result

SETTINGS = make_settings().selection
EXPECTED, SESSIONS = 0.04, 504
DEVIATION = 0.17  # of a session's neutral IC, in the long run
ERROR = DEVIATION / SESSIONS**0.5


def days(ics, *, model="lightgbm", first=date(2024, 1, 2), expected=EXPECTED, error=ERROR):
    return [
        LiveDay(first + timedelta(days=place), model, float(ic), expected, error, SESSIONS)
        for place, ic in enumerate(ics)
    ]


def test_the_champion_that_did_much_worse_than_it_claimed_is_found_in_five_weeks():
    record = days(np.full(25, -0.134), expected=0.030)  # the champion of 2015-06-30

    assert not live_verdict(record, CHAMPION, SETTINGS).earns_its_place


def test_only_the_sessions_since_another_model_count_and_a_retrained_one_continues():
    before = days(np.full(30, -0.5), first=date(2023, 1, 2))
    other = days(np.full(30, -0.5), model="xgboost", first=date(2023, 6, 1))
    own = days(np.full(LEAST_SESSIONS, 0.05)) + days(np.full(3, 0.05), first=date(2024, 3, 1), expected=0.05)

    found = live_verdict([*own, *before, *other], CHAMPION, SETTINGS)

    assert found.sessions == LEAST_SESSIONS + 3
    assert found.mean == pytest.approx(0.05)
    assert found.earns_its_place


def bound(mean, deviation, count):
    """Return the upper bound of a one-sided confidence sequence of 5%, narrowest after 21 sessions."""
    spread = count / 21 + 1
    return mean + deviation * sqrt(2 * spread / (count**2 / 21) * log(sqrt(spread) / 0.10))


def test_the_bound_is_that_of_the_larger_deviation_and_the_promise_is_shrunken():
    steady = [*days(np.full(50, 0.01)), *days(np.full(50, 0.01), first=date(2024, 6, 1), error=2 * ERROR)]

    found = live_verdict(steady, CHAMPION, SETTINGS)

    t = np.array([EXPECTED / ERROR, EXPECTED / (2 * ERROR)])
    assert found.upper == pytest.approx(bound(0.01, 2 * DEVIATION, 100))
    assert found.expected == pytest.approx((EXPECTED * (1 - 1 / t**2)).mean() - 1.5 * ERROR)


def test_a_live_record_that_varies_more_than_the_selection_is_judged_by_its_own_deviation():
    blocks = np.repeat(np.random.default_rng(4).normal(scale=1.0, size=60), 5)  # moves in steps of a week

    found = live_verdict(days(blocks), CHAMPION, SETTINGS)

    live = estimate(blocks, overlap=5).error * sqrt(300)
    assert live > 5 * DEVIATION
    assert found.upper == pytest.approx(bound(blocks.mean(), live, 300))


def test_there_is_no_verdict_on_few_sessions_on_another_model_or_if_it_is_turned_off():
    bad = days(np.full(60, -0.5))
    off = make_settings(**{"selection.max_false_losses": 0.0}).selection

    assert live_verdict(bad[: LEAST_SESSIONS - 1], CHAMPION, SETTINGS) is None
    assert live_verdict(bad[:LEAST_SESSIONS], CHAMPION, SETTINGS).sessions == 20
    assert live_verdict([*bad, *days([0.1], model="xgboost", first=FRIDAY)], CHAMPION, SETTINGS) is None
    assert live_verdict(bad, None, SETTINGS) is None
    assert live_verdict(bad, CHAMPION, off) is None
    assert not live_verdict(bad, CHAMPION, SETTINGS).earns_its_place


def test_the_gate_stops_the_champions_own_retraining_and_nobody_else():
    found = LiveVerdict("lightgbm", 40, -0.05, 0.01, 0.03)

    own, other = live_gate(make_result("lightgbm"), found), live_gate(make_result("xgboost"), found)

    assert (own.passed, own.required) == (False, True)
    assert not other.required
    assert (own.name, own.value, own.limit) == (
        "live record of lightgbm (40 sessions)",
        "−0.0500, at most 0.0100",
        "≥ 0.0300",
    )


def test_a_champion_whose_upper_bound_is_what_was_expected_earns_its_place():
    assert LiveVerdict("lightgbm", 40, -0.05, 0.03, 0.03).earns_its_place
    assert not LiveVerdict("lightgbm", 40, -0.05, 0.0299, 0.03).earns_its_place


def test_the_report_says_whether_the_champion_earns_its_place():
    lost = "\n".join(live_section(LiveVerdict("lightgbm", 40, -0.05, 0.01, 0.03)))

    assert "live neutral IC −0.0500 in 40 sessions, at most 0.0100; 0.0300 was expected" in lost
    assert "**It no longer earns its place.**" in lost
    assert "It earns its place." in "\n".join(live_section(LiveVerdict("lightgbm", 40, 0.02, 0.05, 0.03)))
    assert live_section(None) == []
