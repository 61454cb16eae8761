"""What a walk is measured by: holdings for the attribution, sectors, the benchmark, and what the figures rest on."""

from dataclasses import replace

import numpy as np
import pytest

from tasks.backtest.accounting.account import Account
from tasks.backtest.combination import curve_of
from tasks.backtest.tear_sheet import benchmark_curve, holdings_of, sector_exposure, tear_sheet_of
from tasks.backtest.walk import WalkRules, walk
from tasks.data.panel.coverage import Coverage
from tasks.trades.fills import Orders
from tests.unit.backtest.stored import DAYS, flat, world

LISTINGS = [
    {"symbol": "A", "available_date": 0, "sector": "Energy"},
    {"symbol": "A", "available_date": 20, "sector": "Utilities"},
]


def levels(last=29):
    return [
        {"name": "SPY", "session": day, "close": 100.0 + day, "growth": (100.0 + day) / (99.0 + day)}
        for day in range(last + 1)
    ]


def market(**changes):
    closes = {"A": {**flat(), 16: 11.0}, "B": flat(20.0, last=24), "C": flat(5.0)}
    rows = {"levels": levels(), "listings": LISTINGS, **changes}
    return world(closes, delistings=[{"symbol": "B", "session": 24, "kind": "merger"}], **rows)


def cheap(world, row, shares, price_cents, *, is_sale):
    return np.where(shares > 0, 5, 0)


def walked(made, *, shares=(10, 2, 0)):
    def hold(world, row, account):
        nothing = np.zeros(3, dtype=np.int64)
        wanted = np.array(shares) if row == 12 else nothing
        return Orders(nothing, wanted, wanted * 10**6)

    start = Account(np.zeros(3, dtype=np.int64), 100_000)
    return walk(made, start, hold, cheap, first=12, last=29, rules=WalkRules())


def sheet_of(made, course, **changes):
    given = {"coverage": (), "seed": 1, **changes}
    return tear_sheet_of(course, course, made, np.full(30, "BULL"), **given)


def test_holdings_are_those_of_the_close_in_the_sector_of_that_day():
    made = market()

    holdings = holdings_of(walked(made), made)

    assert holdings.value_usd[[0, 1, 4], 0].tolist() == [0.0, 100.0, 110.0]
    assert holdings.returns[4, 0] == pytest.approx(0.1)
    assert holdings.pnl_usd[[4, 5], 0].tolist() == [10.0, -10.0]
    energy, utilities = (made.sector.names.index(name) for name in ("Energy", "Utilities"))
    assert holdings.sector[[7, 8], 0].tolist() == [energy, utilities]
    assert (holdings.sector[:, 1] == -1).all()
    assert holdings.market[1] == pytest.approx(113 / 112 - 1)
    assert holdings.cost_usd[:2].tolist() == [0.0, 0.10]


def test_exposure_moves_to_the_new_sector_on_the_day_that_it_is_known():
    made = market()

    table = sector_exposure(walked(made), made)

    assert table.columns.tolist() == ["Energy", "Unknown", "Utilities"]
    assert table["Energy"].iloc[[7, 8]].tolist() == pytest.approx([100 / 999.90, 0.0])
    assert table["Utilities"].iloc[[7, 8]].tolist() == pytest.approx([0.0, 100 / 999.90])
    assert table["Unknown"].iloc[1] == pytest.approx(40 / 999.90)


def test_the_benchmark_is_a_curve_from_the_same_start():
    made = market()

    benchmark = benchmark_curve(curve_of(walked(made).totals, made, np.full(30, "BULL")))

    assert benchmark is not None
    assert benchmark.equity_usd[[0, 1, -1]] == pytest.approx([1000.0, 1000 * 113 / 112, 1000 * 129 / 112])


def test_a_benchmark_with_an_unknown_return_is_none():
    made = market()
    curve = curve_of(walked(made).totals, made, np.full(30, "BULL"))
    gap = curve.benchmark.copy()
    gap[5] = np.nan

    assert benchmark_curve(replace(curve, benchmark=gap)) is None


def test_the_sheet_says_what_its_figures_rest_on():
    made = market()
    course = walked(made)
    covered = (Coverage(DAYS[29].item(), 3, 2),)

    basis = sheet_of(made, course, coverage=covered).basis

    assert (basis.sessions, basis.fills, basis.universe, basis.ended) == (17, 2, 3, 1)
    assert (basis.traded_usd, basis.cost_usd, basis.borrow_usd) == (140.0, 0.10, 0.0)
    assert basis.coverage == covered


def test_attribution_and_trips_hold_the_whole_change_of_equity():
    made = market()
    course = walked(made)

    sheet = sheet_of(made, course)

    change = course.equity[-1] - course.equity[0]
    assert sheet.attribution.to_numpy().sum() == change == -10
    assert sheet.trips["pnl_usd"].sum() == pytest.approx(change / 100)
    assert sheet.trips["company"].tolist() == ["20240101~A", "20240101~B"]
    assert sheet.trips["is_open"].tolist() == [True, False]


def test_the_same_walk_and_seed_give_the_same_sheet():
    made = market()
    course = walked(made)

    one, two = (sheet_of(made, course, seed=4) for _ in range(2))

    np.testing.assert_equal(dict(one.intervals), dict(two.intervals))
    assert one.worst_days == two.worst_days
