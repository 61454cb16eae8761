"""A small tear sheet for tests of its page, without a walk."""

from dataclasses import replace
from datetime import date
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from tasks.backtest.combination import Combination
from tasks.backtest.metrics.attribution import PARTS
from tasks.backtest.metrics.bootstrap import intervals, paired_differences
from tasks.backtest.metrics.distribution import measure_distribution
from tasks.backtest.metrics.figures import measure
from tasks.backtest.metrics.round_trips import measure_trips
from tasks.backtest.metrics.worst_days import worst_days
from tasks.backtest.tear_sheet import Basis, TearSheet, benchmark_curve
from tasks.data.panel.coverage import Coverage
from tests.unit.backtest.metrics.curves import make_curve, noise

COMBINATION = Combination(
    "momentum_52_week", "hrp", date(2022, 2, 1), date(2024, 6, 28), "next_open", every_sessions=5
)
BASIS = Basis(
    sessions=600,
    fills=1_234,
    traded_usd=2_000_000.0,
    cost_usd=1_000.0,
    borrow_usd=0.0,
    universe=100,
    ended=4,
    coverage=(Coverage(date(2022, 12, 30), 100, 98), Coverage(date(2023, 12, 29), 100, 100)),
)
TRIPS = pd.DataFrame(
    {
        "company": ["20200102~AAA", "20200102~BBB", "20200102~CCC", *[f"20200102~D{i}" for i in range(6)]],
        "entry": pd.to_datetime(["2023-01-03", "2023-02-01", "2024-06-03", *["2023-03-01"] * 6]),
        "exit": pd.to_datetime(["2023-06-01", "2023-02-10", None, *["2023-04-03"] * 6]),
        "sessions": [103, 7, 19, *[23] * 6],
        "pnl_usd": [5_000.0, -2_500.0, 100.0, 1.0, 2.0, 3.0, -1.0, -2.0, -3.0],
        "is_open": [False, False, True, *[False] * 6],
    }
)


def make_sheet(sessions: int = 600, *, symbols=("AAA", "BBB", "CCC"), **changes: Any) -> TearSheet:
    """Build a sheet from noise: three companies, two sectors, two regimes. `changes` replace fields."""
    return replace(_built_once(sessions, symbols), **changes)


def build_sheet(sessions: int = 600, symbols: tuple[str, ...] = ("AAA", "BBB", "CCC")) -> TearSheet:
    """Build the sheet of `make_sheet` anew: bootstrapping its intervals takes most of the time."""
    market = np.concatenate([[np.nan], noise(sessions, seed=1)])
    regime = np.where(np.arange(sessions + 1) < sessions // 2, "BULL", "BEAR")
    own = 0.5 * market[1:] + noise(sessions, seed=2, mean=0.0001, deviation=0.004)
    exposure = np.where(regime == "BULL", 0.9, 0.3)
    traded = np.full(sessions + 1, 5_000.0)
    curve = make_curve(
        own, benchmark=market, regime=regime, exposure=exposure, buys_usd=traded, sells_usd=traded
    )
    equal = make_curve(market[1:] * 1.01, benchmark=market, regime=regime)
    change = np.diff(np.rint(100 * curve.equity_usd).astype(np.int64))
    parts = pd.DataFrame(0, index=pd.DatetimeIndex(curve.sessions[1:], name="session"), columns=list(PARTS))
    parts["cost"] = -200
    parts["market"] = change // 2
    parts["selection"] = change - parts["market"] - parts["cost"]
    pnl = np.zeros((sessions + 1, len(symbols)))
    pnl[1:, 0] = (change + 200) / 100
    sheet = TearSheet(
        course=None,  # type: ignore[arg-type]  # no page reads it
        curve=curve,
        equal_weight=equal,
        benchmark=benchmark_curve(curve),
        figures=measure(curve),
        equal_weight_figures=measure(equal),
        benchmark_figures={},
        intervals=intervals(curve, seed=1, resamples=40),
        above_equal_weight=paired_differences(curve, equal, seed=1, resamples=40),
        distribution=measure_distribution(curve.returns),
        attribution=parts,
        sectors=pd.DataFrame(
            {"Energy": exposure / 3, "Unknown": exposure * 2 / 3}, index=pd.DatetimeIndex(curve.sessions)
        ),
        trips=TRIPS,
        trip_figures=measure_trips(TRIPS),
        worst_days=worst_days(curve, parts, pnl, np.array(symbols), count=10),
        basis=BASIS,
    )
    assert sheet.benchmark is not None
    return replace(sheet, benchmark_figures=measure(sheet.benchmark))


_built_once = cache(build_sheet)
