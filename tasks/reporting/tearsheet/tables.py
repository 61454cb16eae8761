"""The tables of a tear sheet as text: figures and benchmarks, months, years, regimes, attribution, round trips."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tasks.backtest.metrics.attribution import PARTS
from tasks.backtest.metrics.bootstrap import Interval
from tasks.backtest.metrics.crises import cross, windows_within
from tasks.backtest.metrics.figures import Figure
from tasks.backtest.metrics.tables import per_month, per_regime, per_year
from tasks.backtest.tear_sheet import TearSheet, first_symbols
from tasks.regime.schema import STATES
from tasks.reporting.page.numerals import UNKNOWN, number, signed, typeset_percent, usd, words
from tasks.risk.ratios import Numbers

AS_NUMBER = frozenset({"sharpe", "sortino", "calmar", "beta", "skewness", "kurtosis", "profit_factor"})
IN_SESSIONS = frozenset({"holding_sessions", "median_holding_sessions"})
LABELS = {
    "var_95": "Value at risk 95%",
    "cvar_95": "Expected shortfall 95%",
    "mean_gain_usd": "Mean gain",
    "mean_loss_usd": "Mean loss",
    "holding_sessions": "Mean sessions held",
    "median_holding_sessions": "Median sessions held",
    "kurtosis": "Excess kurtosis",
}
TRIPS_SHOWN = 5
DEEPEST_TINT, FULL_TINT = 60, 0.08  # percent of color at a monthly return of this size and above


@dataclass(frozen=True)
class Row:
    """One figure of the portfolio, of equal weight and of the benchmark, as text."""

    name: str
    value: str
    interval: str
    equal_weight: str
    benchmark: str
    difference: str  # to equal weight, with its interval
    is_beyond_chance: bool  # the interval of the difference excludes 0
    sessions: int
    note: str


@dataclass(frozen=True)
class Cell:
    """One cell of the months: its text, and a background color for CSS."""

    text: str
    background: str


@dataclass(frozen=True)
class YearOfMonths:
    """Twelve months and their product."""

    year: int
    months: tuple[Cell, ...]
    total: Cell


@dataclass(frozen=True)
class Table:
    """Text by row; the first column names the row."""

    header: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def figure_rows(sheet: TearSheet) -> list[Row]:
    """Return the figures of the curve, without the benchmark's, which have a column of their own."""
    return [
        _row(name, figure, sheet)
        for name, figure in sheet.figures.items()
        if not name.startswith("benchmark")
    ]


def figure_text(name: str, value: float) -> str:
    """Return a figure in its unit."""
    if name in AS_NUMBER:
        return number(value)
    if name in IN_SESSIONS:
        return number(value, 0 if float(value).is_integer() else 1)
    if name.endswith("_usd"):
        return usd(value)
    return typeset_percent(value)


def interval_text(name: str, interval: Interval | None) -> str:
    """Return "low to high", or nothing without an interval."""
    if interval is None or not np.isfinite([interval.low, interval.high]).all():
        return ""
    return f"{figure_text(name, interval.low)} to {figure_text(name, interval.high)}"


def note_of(figure: Figure) -> str:
    """Return "withheld" or "short" for a figure from too few sessions, else an empty string."""
    if figure.standing == "withheld":
        return "withheld"
    return "short" if figure.standing == "short" else ""


def months_table(sheet: TearSheet) -> list[YearOfMonths]:
    """Return the returns of all months, newest year last."""
    years = per_year(sheet.curve)["total_return"]
    return [
        YearOfMonths(
            int(year), tuple(_tinted(value) for value in row), _tinted(float(years[year]), plain=True)
        )
        for year, row in zip(per_month(sheet.curve).index, per_month(sheet.curve).to_numpy(), strict=True)
    ]


def years_table(sheet: TearSheet) -> Table:
    """Return the figures of each year."""
    own, equal = per_year(sheet.curve), per_year(sheet.equal_weight)
    years = sheet.curve.sessions[1:].astype("datetime64[Y]").astype(int) + 1970
    return _partial(
        own, equal["total_return"], _costs_by(sheet, years), [str(year) for year in own.index], "Year"
    )


def regimes_table(sheet: TearSheet) -> Table:
    """Return the figures of the sessions in each regime, best state first."""
    own, equal = per_regime(sheet.curve), per_regime(sheet.equal_weight)
    order = [state for state in reversed(STATES) if state in own.index]
    costs = _costs_by(sheet, sheet.curve.regime[:-1])
    return _partial(own.loc[order], equal["total_return"][order], costs, order, "Regime")


def attribution_table(sheet: TearSheet) -> Table:
    """Return the parts by year and in total, in USD and, in total, as a fraction of the equity at the start."""
    years = sheet.curve.sessions[1:].astype("datetime64[Y]").astype(int) + 1970
    by_year = sheet.attribution.groupby(years).sum() / 100  # of whole cents
    total, start = sheet.attribution.sum().to_numpy() / 100, float(sheet.curve.equity_usd[0])
    rows = [
        *(_in_usd(str(year), row) for year, row in zip(by_year.index, by_year.to_numpy(), strict=True)),
        _in_usd("All", total),
        ("Of the start", *(signed(value / start) for value in (*total, total.sum()))),
    ]
    return Table(("Year", *(words(name) for name in PARTS), "Change"), tuple(rows))


def gains_and_losses(sheet: TearSheet) -> tuple[Table, Table]:
    """Return the closed round trips with the largest gains, and those with the largest losses."""
    closed = sheet.trips[~sheet.trips["is_open"]].sort_values("pnl_usd", kind="stable")
    gains, losses = closed[closed["pnl_usd"] > 0].iloc[::-1], closed[closed["pnl_usd"] < 0]
    return _trips(gains.head(TRIPS_SHOWN)), _trips(losses.head(TRIPS_SHOWN))


def distribution_table(sheet: TearSheet) -> Table:
    """Return the figures of the distribution of daily returns."""
    rows = tuple(
        (label_of(name), typeset_percent(figure.value, 2) if name not in AS_NUMBER else number(figure.value))
        for name, figure in sheet.distribution.items()
    )
    return Table(("Daily return", ""), rows)


def label_of(name: str) -> str:
    """Return the name of a figure as it is shown."""
    return LABELS.get(name, words(name))


def _trips(shown: pd.DataFrame) -> Table:
    symbols = first_symbols(shown["company"])
    rows = tuple(
        (str(symbol), _day(trip["entry"]), _day(trip["exit"]), f"{trip['sessions']:,}", usd(trip["pnl_usd"]))
        for symbol, trip in zip(symbols, shown.to_dict("records"), strict=True)
    )
    return Table(("Company", "Entry", "Exit", "Sessions", "Profit"), rows)


def drawdowns_table(drawdowns: pd.DataFrame) -> Table:
    """Return the deepest drawdowns."""
    rows = tuple(
        (
            *(_day(fall[each]) for each in ("peak", "trough", "recovery")),
            typeset_percent(fall["depth"]),
            f"{fall['sessions']:,}",
        )
        for fall in drawdowns.to_dict("records")
    )
    return Table(("Peak", "Trough", "Recovery", "Depth", "Sessions"), rows)


def crises_table(sheet: TearSheet) -> Table:
    """Return the crises within the span of the backtest, oldest first, next to equal weight and the benchmark."""
    returns = "Portfolio", "Equal weight", "Benchmark", "Minus benchmark"
    header = ("Crisis", "From", "To", *returns, "Deepest", "Benchmark's deepest", "Invested")
    rows = []
    for window in windows_within(sheet.curve):
        own, equal = cross(sheet.curve, window), cross(sheet.equal_weight, window)
        figures = own.total_return, equal.total_return, own.benchmark, own.total_return - own.benchmark
        rows.append(
            (
                window.name,
                str(window.first),
                str(window.last),
                *(signed(value) for value in figures),
                *(typeset_percent(value) for value in (own.deepest, own.benchmark_deepest)),
                typeset_percent(own.exposure, 0),
            )
        )
    return Table(header, tuple(rows))


def _day(day: pd.Timestamp) -> str:
    return "not yet" if pd.isna(day) else str(day.date())


def _in_usd(label: str, values: Numbers) -> tuple[str, ...]:
    return (label, *(usd(value) for value in values), usd(values.sum()))


def _row(name: str, figure: Figure, sheet: TearSheet) -> Row:
    above = sheet.above_equal_weight.get(name)
    equal = sheet.equal_weight_figures[name]
    difference = figure.value - equal.value
    return Row(
        name=words(name),
        value=figure_text(name, figure.value),
        interval=interval_text(name, sheet.intervals.get(name)),
        equal_weight=figure_text(name, equal.value),
        benchmark=_of_benchmark(name, sheet.benchmark_figures),
        difference=UNKNOWN if not np.isfinite(difference) else _difference(name, difference, above),
        is_beyond_chance=above is not None and (above.low > 0 or above.high < 0),
        sessions=figure.sessions,
        note=note_of(figure),
    )


def _of_benchmark(name: str, figures: Mapping[str, Figure]) -> str:
    is_its_own = name in {"turnover", "exposure", "beta", "alpha"}  # 0 or 1 by definition
    return UNKNOWN if is_its_own or name not in figures else figure_text(name, figures[name].value)


def _difference(name: str, value: float, interval: Interval | None) -> str:
    text = number(value) if name in AS_NUMBER else signed(value)
    within = interval_text(name, interval)
    return f"{text} ({within})" if within else text


def _partial(
    own: pd.DataFrame, equal: pd.Series, costs: pd.Series, labels: Sequence[str], name: str
) -> Table:
    header = (
        *(name, "Sessions", "Return", "Benchmark", "Equal weight", "Volatility", "Sharpe", "Max drawdown"),
        *("Turnover a year", "Cost", "Win rate", "Exposure"),
    )
    records = own.assign(equal_weight=equal, cost=costs).to_dict("records")
    rows = tuple(
        (
            label,
            f"{record['sessions']:,}",
            *(signed(record[each]) for each in ("total_return", "benchmark_return", "equal_weight")),
            typeset_percent(record["volatility"]),
            number(record["sharpe"]),
            typeset_percent(record["max_drawdown"]),
            typeset_percent(record["turnover"], 0),
            usd(record["cost"]),
            typeset_percent(record["win_rate"]),
            typeset_percent(record["exposure"]),
        )
        for label, record in zip(labels, records, strict=True)
    )
    return Table(header, rows)


def _costs_by(sheet: TearSheet, labels: np.ndarray) -> pd.Series:
    """Return the costs of the sessions with each label, positive, in USD."""
    costs = pd.Series(-sheet.attribution["cost"].to_numpy() / 100)
    return costs.groupby(labels).sum()


def _tinted(value: float, *, plain: bool = False) -> Cell:
    if not np.isfinite(value):
        return Cell("", "transparent")
    tint = 0 if plain else round(DEEPEST_TINT * min(abs(value) / FULL_TINT, 1.0))
    colour = "good" if value >= 0 else "bad"
    background = f"color-mix(in srgb, var(--{colour}) {tint}%, transparent)" if tint else "transparent"
    return Cell(typeset_percent(value), background)
