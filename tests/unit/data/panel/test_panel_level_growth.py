"""A benchmark's growth counts what it distributes (issue 10, part 2: dividends forgotten in the benchmark)."""

import pandas as pd
import pytest

from tasks.data.panel.level_growth import level_rows
from tasks.data.schema.tables import empty_table


def make_levels(closes, adjusted):
    days = pd.bdate_range("2024-06-10", periods=len(closes)).astype("datetime64[s]")
    figures = dict.fromkeys(("open", "high", "low", "close"), closes)
    return pd.DataFrame({"name": "SPY", "session": days, **figures, "adj_close": adjusted})


def test_a_session_that_goes_ex_dividend_grows_by_close_and_distribution():
    growth = level_rows(make_levels([100.0, 98.0, 99.0], [98.0, 98.0, 99.0]), empty_table("levels"))["growth"]

    assert growth.tolist() == pytest.approx(
        [1.0, 1.0, 99 / 98]
    )  # two dollars were paid out, nothing was lost


def test_a_benchmark_without_adjusted_closes_grows_by_its_closes():
    growth = level_rows(make_levels([100.0, 98.0], [float("nan")] * 2), empty_table("levels"))["growth"]

    assert growth.tolist() == pytest.approx([1.0, 0.98])
