"""Compute the contents of a backtest's report: figures with intervals, tables, attribution, round trips, basis.

Writes nothing: tasks/backtest/publication.py writes the tables, tasks/reporting/tearsheet the page.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.backtest.accounting.money import CENTS_PER_USD
from tasks.backtest.combination import curve_of
from tasks.backtest.halts import Trip
from tasks.backtest.metrics.attribution import UNKNOWN_SECTOR, Holdings, attribute, sector_returns
from tasks.backtest.metrics.bootstrap import Interval, intervals, paired_differences
from tasks.backtest.metrics.curve import Curve
from tasks.backtest.metrics.distribution import measure_distribution
from tasks.backtest.metrics.figures import Figure, measure
from tasks.backtest.metrics.round_trips import measure_trips, round_trips
from tasks.backtest.metrics.worst_days import WorstDay, worst_days
from tasks.backtest.walk import Walk
from tasks.backtest.world import World
from tasks.data.panel.coverage import Coverage
from tasks.data.panel.listings import NO_SECTOR
from tasks.data.panel.returns import daily_returns
from tasks.data.schema.records import Matrix

WORST_DAYS = 10


@dataclass(frozen=True)
class Basis:
    """The basis of a backtest's figures."""

    sessions: int  # with a return
    fills: int  # companies × sessions with a trade
    traded_usd: float  # buys plus sells
    cost_usd: float  # commission, fees and slippage
    borrow_usd: float
    universe: int  # companies that were members in any session
    ended: int  # those of them whose listing ended
    coverage: tuple[Coverage, ...]  # index members with a price, by year; empty: the lake has no membership


@dataclass(frozen=True)
class TearSheet:
    """A backtest as it is reported. `benchmark` is None where one of its returns is unknown."""

    course: Walk
    curve: Curve
    equal_weight: Curve
    benchmark: Curve | None
    figures: Mapping[str, Figure]
    equal_weight_figures: Mapping[str, Figure]
    benchmark_figures: Mapping[str, Figure]  # empty without a benchmark
    intervals: Mapping[str, Interval]
    above_equal_weight: Mapping[str, Interval]  # of the difference to equal weight
    distribution: Mapping[str, Figure]
    attribution: pd.DataFrame  # cents, by session
    sectors: pd.DataFrame  # fraction of equity at the close, session × sector
    trips: pd.DataFrame
    trip_figures: Mapping[str, Figure]
    worst_days: tuple[WorstDay, ...]
    basis: Basis
    halts: tuple[Trip, ...] = ()  # halt rules that tripped
    methods: Mapping[str, int] = field(default_factory=dict)  # decisions by the method that set the weights


def tear_sheet_of(
    course: Walk,
    equal_weight: Walk,
    world: World,
    states: NDArray[np.str_],
    *,
    coverage: tuple[Coverage, ...],
    seed: int,
    halts: Sequence[Trip] = (),
    methods: Mapping[str, int] | None = None,
) -> TearSheet:
    """Measure a backtest and the equal-weight one over the same sessions. `states`: by session of the world."""
    curve, equal = curve_of(course.totals, world, states), curve_of(equal_weight.totals, world, states)
    benchmark = benchmark_curve(curve)
    rows = rows_of(course, world)
    attribution = attribute(course.sessions, curve.equity_usd, holdings_of(course, world))
    profit = (course.price_pnl + course.dividends) / CENTS_PER_USD
    trips = round_trips(
        course.sessions, course.shares != 0, profit - (course.costs + course.borrow) / CENTS_PER_USD
    )
    trips["company"] = world.company[trips["company"].to_numpy(dtype=np.int64)]
    return TearSheet(
        course=course,
        curve=curve,
        equal_weight=equal,
        benchmark=benchmark,
        figures=measure(curve),
        equal_weight_figures=measure(equal),
        benchmark_figures={} if benchmark is None else measure(benchmark),
        intervals=intervals(curve, seed=seed),
        above_equal_weight=paired_differences(curve, equal, seed=seed),
        distribution=measure_distribution(curve.returns),
        attribution=attribution,
        sectors=sector_exposure(course, world),
        trips=trips,
        trip_figures=measure_trips(trips),
        worst_days=worst_days(curve, attribution, profit, first_symbols(world.company), count=WORST_DAYS),
        basis=_basis(course, curve, world, rows, coverage),
        halts=tuple(halts),
        methods=dict(methods or {}),
    )


def benchmark_curve(curve: Curve) -> Curve | None:
    """Return the benchmark as a curve from the same start, without costs; None where one of its returns is unknown."""
    returns = curve.benchmark[1:]
    if not np.isfinite(returns).all():
        return None
    nothing = np.zeros(len(curve.sessions))
    return Curve(
        sessions=curve.sessions,
        equity_usd=curve.equity_usd[0] * np.cumprod(np.concatenate([[1.0], 1 + returns])),
        exposure=np.ones(len(curve.sessions)),
        buys_usd=nothing,
        sells_usd=nothing,
        benchmark=curve.benchmark,
        risk_free=curve.risk_free,
        regime=curve.regime,
    )


def holdings_of(course: Walk, world: World) -> Holdings:
    """Return the holdings of a backtest, for the attribution. Sectors without a name are unknown."""
    rows = rows_of(course, world)
    names = world.sector.names
    codes = world.sector.codes[rows].astype(np.int64)
    sector = np.where(codes == names.index(NO_SECTOR), UNKNOWN_SECTOR, codes)
    returns = daily_returns(world.close)[rows]
    return Holdings(
        value_usd=_usd(course.position),
        returns=returns,
        pnl_usd=_usd(course.price_pnl + course.dividends),
        sector=sector,
        market=daily_returns(world.market[:, None])[rows, 0],
        sector_returns=sector_returns(returns, sector, world.is_member[rows], count=len(names)),
        interest_usd=course.interest / CENTS_PER_USD,
        cost_usd=_usd(course.costs + course.borrow).sum(axis=1),
    )


def sector_exposure(course: Walk, world: World) -> pd.DataFrame:
    """Return the fraction of equity held in each sector at the close, by session; sectors never held are omitted."""
    rows = rows_of(course, world)
    codes = world.sector.codes[rows]
    equity, position = course.equity.astype(np.float64), course.position
    table = {
        name: np.where(codes == code, position, 0).sum(axis=1) / equity
        for code, name in enumerate(world.sector.names)
    }
    frame = pd.DataFrame(table, index=pd.DatetimeIndex(course.sessions, name="session"))
    return frame.loc[:, (frame != 0).any()]


def rows_of(course: Walk, world: World) -> slice:
    """Return the rows of the world that a backtest covers."""
    first = world.row(course.sessions[0])
    return slice(first, first + len(course.sessions))


def first_symbols(company: Iterable[str]) -> NDArray[np.str_]:
    """Return each company's symbol on its first session, which later symbol changes do not affect."""
    return np.array([name.partition("~")[2] for name in company], dtype=str)


def _basis(course: Walk, curve: Curve, world: World, rows: slice, coverage: tuple[Coverage, ...]) -> Basis:
    member = world.is_member[rows].any(axis=0)
    return Basis(
        sessions=len(course.sessions) - 1,
        fills=int(np.count_nonzero(course.buys | course.sells)),
        traded_usd=float((curve.buys_usd + curve.sells_usd).sum()),
        cost_usd=int(course.costs.sum()) / CENTS_PER_USD,
        borrow_usd=int(course.borrow.sum()) / CENTS_PER_USD,
        universe=int(member.sum()),
        ended=int((member & world.has_ended[rows].any(axis=0)).sum()),
        coverage=coverage,
    )


def _usd(cents: NDArray[np.int64]) -> Matrix:
    return cents / CENTS_PER_USD
