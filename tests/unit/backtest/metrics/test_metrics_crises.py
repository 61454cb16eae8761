import re
from datetime import date
from itertools import pairwise

import numpy as np
import pytest

from tasks.backtest.metrics.crises import CRISES, Window, cross, windows_within
from tasks.core.sessions import session_on
from tests.doc_blocks import ROOT
from tests.unit.backtest.metrics.curves import make_curve, noise


def test_a_window_is_within_the_curve_only_from_its_first_close_to_its_last():
    curve = make_curve(noise(600))
    inside = Window("inside", curve.first, curve.last)
    before = Window("before", date(2000, 1, 3), curve.last)
    after = Window("after", curve.first, date(2025, 1, 2))

    assert windows_within(curve, (inside, before, after)) == (inside,)
    assert [each.name for each in windows_within(curve)] == []  # of 2022 to 2024: that of 2022 begins before


def test_returns_and_drawdowns_are_those_between_the_two_closes():
    returns, market = noise(600, seed=1), noise(600, seed=2)
    exposure = np.linspace(0.2, 0.8, 601)
    curve = make_curve(returns, benchmark=np.concatenate([[np.nan], market]), exposure=exposure)
    first, last = (curve.sessions[place].item() for place in (100, 140))

    window = Window("any", first, last)

    found = cross(curve, window)

    assert found.window == window
    level, index = (np.concatenate([[1.0], np.cumprod(1 + each[100:140])]) for each in (returns, market))
    assert found.total_return == pytest.approx(level[-1] - 1)
    assert found.benchmark == pytest.approx(index[-1] - 1)
    assert found.deepest == pytest.approx((level / np.maximum.accumulate(level) - 1).min())
    assert found.benchmark_deepest == pytest.approx((index / np.maximum.accumulate(index) - 1).min())
    assert found.exposure == pytest.approx(exposure[100:140].mean())


def test_an_unknown_return_of_the_benchmark_leaves_only_its_own_figures_unknown():
    market = np.concatenate([[np.nan], noise(50)])
    market[20] = np.nan
    curve = make_curve(noise(50, seed=3), benchmark=market)

    found = cross(curve, Window("any", curve.first, curve.last))

    assert np.isnan([found.benchmark, found.benchmark_deepest]).all()
    assert np.isfinite([found.total_return, found.deepest]).all()


def test_the_crises_are_in_order_do_not_overlap_and_begin_and_end_with_a_session():
    for one, other in pairwise(CRISES):
        assert one.first < one.last < other.first
    assert all(session_on(day).closes_at is not None for each in CRISES for day in each[1:])


def test_the_crises_are_those_that_the_documentation_lists():
    text = (ROOT / "docs/metrics.md").read_text()
    listed = re.findall(
        r"(\d{4}-\d\d-\d\d) to (\d{4}-\d\d-\d\d)", text.partition("The windows of the crises")[2]
    )

    assert [(str(each.first), str(each.last)) for each in CRISES] == listed[: len(CRISES)]


def test_a_window_that_begins_or_ends_without_a_session_is_measured_from_the_last_close_before():
    curve = make_curve(
        noise(600, seed=4), benchmark=np.concatenate([[np.nan], noise(600, seed=5)]), exposure=noise(601)
    )
    fridays = [date(2023, 3, 3), date(2023, 6, 2)]
    saturday, sunday = date(2023, 3, 4), date(2023, 6, 4)

    found = cross(curve, Window("any", saturday, sunday))

    assert found[1:] == cross(curve, Window("any", *fridays))[1:]
    first, last = np.searchsorted(curve.sessions, np.array(fridays, dtype="datetime64[D]"))
    assert found.total_return == pytest.approx(curve.equity_usd[last] / curve.equity_usd[first] - 1)
