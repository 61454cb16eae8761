"""Select the data of each chart of a tear sheet and describe it in text, for the caption and for screen readers."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.backtest.metrics.attribution import PARTS
from tasks.backtest.metrics.curve import Curve
from tasks.backtest.metrics.figures import SHORT_SESSIONS
from tasks.backtest.metrics.tables import per_year, rolling
from tasks.backtest.tear_sheet import TearSheet
from tasks.core.text import counted
from tasks.data.schema.records import Days
from tasks.reporting.page.charts.canvas import Line
from tasks.reporting.page.charts.figures import Figure, stretch_ends
from tasks.reporting.page.numerals import number, signed, typeset_percent, usd, words
from tasks.reporting.tearsheet.charts import (
    attribution_chart,
    equity_chart,
    exposure_chart,
    periods_chart,
    returns_chart,
    rolling_chart,
    sectors_chart,
    trips_chart,
    underwater_chart,
    years_chart,
)
from tasks.risk.ratios import Numbers, drawdowns

MOST_PERIODS = 120  # bars of a chart: months, or quarters of a longer history
MOST_CELLS = 36  # of a sector
LEAST_TRIPS = 5  # fewer are listed, not drawn
BPS = 10_000


def curves_of(sheet: TearSheet) -> list[tuple[str, Curve, str]]:
    """Return name, curve and color of the portfolio and of its benchmarks."""
    others = [("Equal weight", sheet.equal_weight, "gold")]
    if sheet.benchmark is not None:
        others.append(("Benchmark", sheet.benchmark, "muted"))
    return [("Portfolio", sheet.curve, "accent"), *others]


def equity_figure(sheet: TearSheet) -> Figure:
    """Show all curves, starting at 100."""
    ends = stretch_ends(len(sheet.curve.sessions))
    lines, ended = [], []
    for name, curve, colour in curves_of(sheet):
        level = 100 * curve.equity_usd / curve.equity_usd[0]
        lines.append(Line(name, level[ends], colour))
        ended.append(f"{name} {signed(level[-1] / 100 - 1, 1)}")
    caption = (
        f"{'; '.join(ended)}. All start at 100. Portfolio and equal weight after costs, the benchmark with dividends"
        " and without costs. The ribbon is the regime of each session."
    )
    states = [str(state) for state in sheet.curve.regime[ends]]
    return Figure(equity_chart(sheet.curve.sessions[ends], lines, states, caption), caption)


def underwater_figure(sheet: TearSheet) -> Figure:
    """Show the distance of all curves from their highest close."""
    ends = stretch_ends(len(sheet.curve.sessions))
    starts = np.concatenate([[0], ends[:-1] + 1])
    deepest = {
        name: np.minimum.reduceat(drawdowns(curve.equity_usd), starts) for name, curve, _ in curves_of(sheet)
    }
    others = [Line(name, deepest[name], colour) for name, _, colour in curves_of(sheet)[1:]]
    depths = "; ".join(f"{name} {typeset_percent(float(depth.min()))}" for name, depth in deepest.items())
    caption = f"Distance from the highest close. Deepest: {depths}."
    return Figure(
        underwater_chart(sheet.curve.sessions[ends], deepest["Portfolio"], others, caption), caption
    )


def years_figure(sheet: TearSheet) -> Figure:
    """Show the returns of each year side by side."""
    tables = [(name, per_year(curve), colour) for name, curve, colour in curves_of(sheet)]
    years = [int(year) for year in tables[0][1].index]
    returns = [table["total_return"].to_numpy(dtype=float) for _, table, _ in tables]
    bars = [Line(name, values, colour) for (name, _, colour), values in zip(tables, returns, strict=True)]
    own = returns[0]
    caption = (
        f"{_years(own > 0)} with a gain, {_years(own > returns[1])} above equal weight"
        + (f", {_years(own > returns[2])} above the benchmark" if len(returns) > 2 else "")
        + f", of {len(own)}. The first and last may be partial years."
    )
    return Figure(years_chart(years, bars, caption), caption)


def rolling_sharpe_figure(sheet: TearSheet) -> Figure | None:
    """Show the Sharpe ratio of the last 252 sessions; None for a shorter history."""
    return _rolling(sheet, "sharpe", "Sharpe ratio", curves_of(sheet), reference=0.0)


def rolling_beta_figure(sheet: TearSheet) -> Figure | None:
    """Show the beta of the last 252 sessions; None for a shorter history."""
    return _rolling(sheet, "beta", "Beta to the benchmark", curves_of(sheet)[:2], reference=1.0)


def exposure_figure(sheet: TearSheet) -> Figure:
    """Show the invested fraction of equity over the regime."""
    curve = sheet.curve
    ends = stretch_ends(len(curve.sessions))
    caption = (
        f"Invested fraction of equity at the close: mean {typeset_percent(float(curve.exposure[:-1].mean()))}, "
        f"{typeset_percent(float(curve.exposure.min()))} to {typeset_percent(float(curve.exposure.max()))}."
    )
    states = [str(state) for state in curve.regime[ends]]
    return Figure(exposure_chart(curve.sessions[ends], curve.exposure[ends], states, caption), caption)


def sectors_figure(sheet: TearSheet) -> Figure | None:
    """Show the mean exposure to each sector by month or quarter, largest sector first; None if nothing was held."""
    if sheet.sectors.empty or not sheet.sectors.shape[1]:
        return None
    means = sheet.sectors.mean().sort_values(ascending=False, kind="stable")
    table = sheet.sectors[means.index]
    groups, periods = period_groups(sheet.curve.sessions, most=MOST_CELLS)
    weights = table.groupby(groups).mean().to_numpy()
    text = ", ".join(f"{name} {typeset_percent(value)}" for name, value in means.head(3).items())
    caption = (
        f"Mean exposure by {period_name(sheet.curve.sessions, most=MOST_CELLS)}; the darkest cell is"
        f" {typeset_percent(float(weights.max()))} of equity. Largest over all sessions: {text}."
    )
    return Figure(sectors_chart(periods, [str(name) for name in table.columns], weights, caption), caption)


def turnover_figure(sheet: TearSheet) -> Figure:
    """Show turnover by month or quarter."""
    turnover = sheet.curve.turnover
    groups, periods = period_groups(sheet.curve.sessions[1:])
    sums = np.bincount(groups, weights=turnover).astype(np.float64)
    each = period_name(sheet.curve.sessions[1:])
    caption = (
        f"Half of buys plus sells over the previous equity, summed by {each}. Median {each}"
        f" {typeset_percent(float(np.median(sums)))}, largest {typeset_percent(float(sums.max()))}."
    )
    chart = periods_chart("turnover", "Turnover", periods, sums, typeset_percent, caption, scale=100)
    return Figure(chart, caption)


def costs_figure(sheet: TearSheet) -> Figure:
    """Show costs by month or quarter, in basis points of the previous equity."""
    parts = sheet.attribution["cost"].to_numpy() / 100
    frac = -parts / sheet.curve.equity_usd[:-1]
    groups, periods = period_groups(sheet.curve.sessions[1:])
    sums = (BPS * np.bincount(groups, weights=frac)).astype(np.float64)
    each = period_name(sheet.curve.sessions[1:])
    caption = (
        "Commission, fees, slippage and borrow fees in basis points of the previous equity, summed by"
        f" {each}. In total {usd(float(-parts.sum()))}."
    )
    chart = periods_chart("costs", "Costs", periods, sums, number, caption, scale=1)
    return Figure(chart, caption)


def returns_figure(sheet: TearSheet) -> Figure:
    """Show the distribution of the daily returns."""
    shape = sheet.distribution
    var = shape["var_95"].value
    caption = (
        f"{counted(shape['var_95'].sessions, 'session')}; the line is a normal distribution of the same mean and"
        " standard deviation. Returns beyond five standard deviations are in the outermost bars. On the worst 5%"
        f" (colored) the loss was {typeset_percent(var, 2)} or more,"
        f" {typeset_percent(shape['cvar_95'].value, 2)} on average. Skewness"
        f" {number(shape['skewness'].value)}, excess kurtosis {number(shape['kurtosis'].value)}."
    )
    return Figure(returns_chart(sheet.curve.returns, var, caption), caption)


def attribution_figure(sheet: TearSheet) -> Figure:
    """Show the parts of the change in equity as a waterfall."""
    totals = [(words(name), float(sheet.attribution[name].sum()) / 100) for name in PARTS]
    text = ", ".join(f"{name} {usd(value)}" for name, value in totals)
    change = sum(value for _, value in totals)
    caption = f"{text}. They sum to the change in equity, {usd(change)}."
    return Figure(attribution_chart(totals, caption), caption)


def trip_figures(sheet: TearSheet) -> tuple[Figure, ...]:
    """Show profit and holding time of the closed round trips; empty if there are few."""
    closed = sheet.trips[~sheet.trips["is_open"]]
    if len(closed) < LEAST_TRIPS:
        return ()
    profit, held = (closed[name].to_numpy(dtype=float) for name in ("pnl_usd", "sessions"))
    many = len(closed) > 100
    ends = " The outermost bars include all values beyond them." if many else ""
    by_profit = f"Profit of {counted(len(closed), 'closed round trip')} after costs, in USD.{ends}"
    by_time = (
        f"Sessions held: median {number(float(np.median(held)), 0)}, longest {number(held.max(), 0)}.{ends}"
    )
    return (
        Figure(
            trips_chart("trip-profit", "Profit of round trips", profit, usd, by_profit, signed=True),
            by_profit,
        ),
        Figure(trips_chart("trip-time", "Holding time", held, number, by_time, signed=False), by_time),
    )


def period_name(sessions: Days, *, most: int = MOST_PERIODS) -> str:
    """Return the period of a bar: month, or quarter if there would be too many months."""
    return "month" if len(np.unique(sessions.astype("datetime64[M]"))) <= most else "quarter"


def period_groups(sessions: Days, *, most: int = MOST_PERIODS) -> tuple[NDArray[np.int64], Days]:
    """Return the number of each session's period, and the first session of each period."""
    months = sessions.astype("datetime64[M]").astype(np.int64)
    key = months if period_name(sessions, most=most) == "month" else months // 3
    starts = np.flatnonzero(np.diff(key, prepend=key[0] - 1))
    return np.cumsum(np.isin(np.arange(len(key)), starts)) - 1, sessions[starts]


def _rolling(
    sheet: TearSheet, name: str, title: str, curves: Sequence[tuple[str, Curve, str]], *, reference: float
) -> Figure | None:
    tables = [(label, rolling(curve, window=SHORT_SESSIONS)[name], colour) for label, curve, colour in curves]
    own = tables[0][1]
    known = own.notna().to_numpy() & tables[-1][1].notna().to_numpy()
    if int(known.sum()) < 2:
        return None
    first = int(np.argmax(known))
    ends = first + stretch_ends(len(own) - first)
    lines = [Line(label, column.to_numpy()[ends], colour) for label, column, colour in tables]
    values: Numbers = own.to_numpy()[first:]
    caption = (
        f"{title} over the last {SHORT_SESSIONS} sessions: {number(float(np.nanmin(values)))} to"
        f" {number(float(np.nanmax(values)))}, at the end {number(float(values[-1]))}."
    )
    sessions = sheet.curve.sessions[1:][ends]
    chart = rolling_chart(
        f"rolling-{name}", f"Rolling {title}", sessions, lines, caption, reference=reference
    )
    return Figure(chart, caption)


def _years(chosen: NDArray[np.bool_]) -> str:
    return counted(int(chosen.sum()), "year")
