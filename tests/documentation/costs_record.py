"""Measure spread estimators on real prices and rewrite every table of docs/costs.md (`make costs`)."""

import sys

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.costs.spread import half_spread
from tests.builders import make_settings
from tests.documentation.costs_page import PAGE, tables, with_tables
from tests.real_market import REAL_DATA

Matrix = NDArray[np.float64]

YEARS = (2005, 2008, 2012, 2016, 2019, 2020)
SESSIONS, VOLUME_SESSIONS = 64, 21
SPLIT = 0.4  # the files are unadjusted: a larger move is a split, and does not count
LEAST_SESSIONS = 40


def corwin_schultz(high: Matrix, low: Matrix, close: Matrix) -> Matrix:
    """Return the full spread by Corwin and Schultz (2012), pairs with a negative spread as 0."""
    before = close[:-1]
    gap = np.maximum(low[1:] - before, 0) + np.minimum(high[1:] - before, 0)
    high_after, low_after = high[1:] - gap, low[1:] - gap
    one_day = np.log(high_after / low_after) ** 2 + np.log(high[:-1] / low[:-1]) ** 2
    two_days = np.log(np.maximum(high_after, high[:-1]) / np.minimum(low_after, low[:-1])) ** 2
    scale = 3 - 2 * np.sqrt(2)
    alpha = (np.sqrt(2 * one_day) - np.sqrt(one_day)) / scale - np.sqrt(two_days / scale)
    return _mean(np.maximum(2 * np.tanh(alpha / 2), 0), close)


def abdi_ranaldo(high: Matrix, low: Matrix, close: Matrix) -> tuple[Matrix, Matrix]:
    """Return the full spread by Abdi and Ranaldo (2017), and the spread that one standard error amounts to."""
    middle, last = (np.log(high) + np.log(low)) / 2, np.log(close)
    products = 4 * (last[:-1] - middle[:-1]) * (last[:-1] - middle[1:])
    mean = _mean(products, close)
    deviation = np.sqrt(_mean((products - mean) ** 2, close))
    return np.sqrt(np.maximum(mean, 0)), np.sqrt(deviation / np.sqrt(len(products)))


def row(prices: pd.DataFrame, label: str, *, only_tradable: bool = False) -> str:
    """Return one row of the table: medians in basis points at the end of the window."""
    wide = {
        name: prices.pivot_table(index="date", columns="symbol", values=name).iloc[-SESSIONS:].to_numpy(float)
        for name in ("high", "low", "close", "volume")
    }
    high, low, close = wide["high"], wide["low"], wide["close"]
    returns = np.diff(np.log(close), axis=0)
    returns[np.abs(returns) > SPLIT] = np.nan
    volatility = np.sqrt(_mean((returns - _mean(returns, close)) ** 2, close))
    traded = close * wide["volume"]
    volume = np.nansum(traded[-VOLUME_SESSIONS:], axis=0) / VOLUME_SESSIONS
    seen = (np.isfinite(returns).sum(axis=0) >= LEAST_SESSIONS) & (volume > 0) & np.isfinite(close[-1])
    if only_tradable:
        universe = make_settings().data.universe
        seen &= (close[-1] >= universe.min_price_usd) & (volume >= universe.min_dollar_volume_usd)
    estimate = half_spread(
        close[-1][seen], volatility[seen], volume[seen], spread=make_settings().costs.spread
    )
    raw, noise = abdi_ranaldo(high, low, close)
    figures = (corwin_schultz(high, low, close)[seen], raw[seen], noise[seen])
    medians = " | ".join(f"{1e4 * np.nanmedian(each):.0f}" for each in figures)
    low_bps, median_bps, high_bps = 1e4 * np.percentile(estimate, [5, 50, 95])
    return f"| {label} | {seen.sum()} | {medians} | {median_bps:.1f} | {low_bps:.1f} to {high_bps:.1f} |"


def spread_table() -> str:
    """Return the table of estimators by year, and of tickers that were delisted later."""
    heads = ("last quarter of", "names", "Corwin–Schultz, full", "Abdi–Ranaldo, full", "its standard error")
    heads += ("half-spread here", "from 5% to 95% of names")
    rows = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    columns = ["symbol", "date", "high", "low", "close", "volume"]
    prices = pd.read_parquet(REAL_DATA / "prices.parquet", columns=columns)
    rows += [row(_in_year(prices, year), f"{year}, S&P 500") for year in YEARS]
    delisted = pd.read_parquet(REAL_DATA / "delisted_2015_2017.parquet", columns=columns)
    label = "2015, delisted later, tradable here"
    return "\n".join([*rows, row(_in_year(delisted, 2015), label, only_tradable=True)])


def _in_year(prices: pd.DataFrame, year: int) -> pd.DataFrame:
    return prices[pd.DatetimeIndex(prices["date"]).year == year]


def _mean(values: Matrix, close: Matrix) -> Matrix:
    """Return the mean by name, without missing values and pairs of sessions with a split; NaN without any."""
    split = np.abs(np.diff(np.log(close), axis=0)) > SPLIT
    known = np.isfinite(values) & ~split
    total = np.where(known, values, 0.0).sum(axis=0)
    return total / np.where(known.any(axis=0), known.sum(axis=0), np.nan)


def main() -> None:
    """Write all tables and print the measured one."""
    table = spread_table()
    PAGE.write_text(with_tables(PAGE.read_text(), {**tables(), "spread": table}))
    sys.stdout.write(f"{table}\n")


if __name__ == "__main__":
    main()
