"""The live record of champions, as the page of the selection shows it."""

from datetime import date, timedelta

import numpy as np
import pytest

from tasks.monitoring.schema import Realised
from tasks.reporting.selection.live_record import live_records


def realised(day, ic, *, sha="a" * 64, model="lightgbm"):
    session = date(2024, 1, 2) + timedelta(days=day)
    return Realised(
        session,
        session,
        model,
        sha,
        5,
        100,
        ic,
        ic,
        ic,
        (0.0,) * 5,
        expected=0.03,
        expected_error=0.01,
        expected_sessions=500,
    )


def test_each_model_has_its_own_record_in_the_order_of_time():
    days = [realised(3, 0.02, sha="b" * 64, model="xgboost"), realised(1, 0.01), realised(2, 0.03)]

    first, second = live_records(days)

    assert (first.model, first.sessions, first.mean) == ("lightgbm", 2, pytest.approx(0.02))
    assert (second.model, second.sessions) == ("xgboost", 1)
    assert first.low is None
    assert not first.is_below_expectation


def test_a_champion_that_does_not_keep_its_promise_is_named_and_one_that_does_is_not():
    noise = np.random.default_rng(1).normal(0, 0.02, 60)

    (bad,) = live_records(realised(day, -0.134 + ic) for day, ic in enumerate(noise))
    (good,) = live_records(realised(day, 0.03 + ic) for day, ic in enumerate(noise))

    assert bad.high < 0.03
    assert bad.is_below_expectation
    assert good.low < 0.03 < good.high
    assert not good.is_below_expectation
