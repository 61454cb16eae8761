"""Measure the market on every session from what was known at its close: trend, volatility, breadth, correlation
and drawdown.

Never decides a state, and never looks at a later row: a session's figures are the same whether or not later rows
exist, and whether the reader began one year or ten years before.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.data.panel.returns import daily_returns
from tasks.data.schema.records import Mask, Matrix, Panel
from tasks.regime.rolling import column_blocks, levels_before, row_mean, window_count, window_sum

Numbers = NDArray[np.float64]

TREND_SESSIONS = 200
HIGH_SESSIONS = 252
BREADTH_SESSIONS = 50
CORRELATION_SESSIONS = 63
REALISED_SESSIONS = 21
LOOKBACK = HIGH_SESSIONS + 1  # closes behind one session's figures

PRESENT_FRAC = 0.8  # a name with fewer bars in a window is left out of it
MIN_TREND_SESSIONS = 50  # a young history is measured by its own mean; a younger one is not measured

# Over 2000–2021 the S&P 500's volatility index stood at 1.3 times its realised volatility (median).
INDEX_OVER_REALISED = 1.3
SESSIONS_PER_YEAR = 252


@dataclass(frozen=True)
class Inputs:
    """One figure per session; NaN where it cannot be measured."""

    trend: Numbers  # level over its 200-session mean, less 1
    volatility_pct: Numbers  # volatility index, or what realised volatility implies for it
    breadth: Numbers  # share of members above their 50-session mean
    correlation: Numbers  # average pairwise correlation of members over 63 sessions
    drawdown: Numbers  # level under its 252-session high, zero or negative
    is_realised: Mask  # where realised volatility stands in for the index
    is_cross_section: Mask  # where the average member stands in for the benchmark
    is_everybody: Mask  # where every name with a bar stands in for members: none was old or liquid enough yet


def measure(panel: Panel) -> Inputs:
    """Return the inputs of every session of the panel."""
    returns = daily_returns(panel.close)
    counted, is_everybody = _counted(panel)
    benchmark, is_cross_section = _benchmark_returns(panel.market, returns, counted)
    volatility, is_realised = _volatility(panel.volatility_index, benchmark)
    trend, drawdown = _trend_and_drawdown(benchmark)
    return Inputs(
        trend=trend,
        volatility_pct=volatility,
        breadth=_breadth(panel.close, counted),
        correlation=_correlation(returns, counted),
        drawdown=drawdown,
        is_realised=is_realised,
        is_cross_section=is_cross_section,
        is_everybody=is_everybody,
    )


def _counted(panel: Panel) -> tuple[Mask, Mask]:
    """Return the names that count on each session: the members, or every name with a bar where there is no member."""
    is_everybody: Mask = np.logical_not(panel.is_member.any(axis=1))
    counted: Mask = np.where(is_everybody[:, None], np.isfinite(panel.close), panel.is_member)
    return counted, is_everybody


def _benchmark_returns(level: Numbers, returns: Matrix, is_member: Mask) -> tuple[Numbers, Mask]:
    """Return the benchmark's returns; where it has none, the average member's."""
    own = daily_returns(level)
    average = row_mean(returns, is_member & np.isfinite(returns))
    stands_in = ~np.isfinite(own)
    stands_in[:1] = ~np.isfinite(level[:1])  # a first row has no return for anybody
    spliced: Numbers = np.where(np.isfinite(own), own, average)
    return spliced, stands_in


def _volatility(index_pct: Numbers, benchmark: Numbers) -> tuple[Numbers, Mask]:
    """Return the volatility index in percent; where it is missing, realised volatility at the index's usual premium."""
    count = window_count(np.isfinite(benchmark), REALISED_SESSIONS)
    enough = count >= PRESENT_FRAC * REALISED_SESSIONS
    deviation = _deviation(benchmark, count, REALISED_SESSIONS)
    realised = np.where(enough, deviation * np.sqrt(SESSIONS_PER_YEAR) * 100 * INDEX_OVER_REALISED, np.nan)
    is_quoted = np.isfinite(index_pct) & (index_pct > 0)
    return np.where(is_quoted, index_pct, realised), ~is_quoted


def _trend_and_drawdown(benchmark: Numbers) -> tuple[Numbers, Numbers]:
    """Return the level against its mean and against its high; a young history is measured by what there is of it."""
    total, highest = np.zeros_like(benchmark), np.zeros_like(benchmark)
    known = np.zeros_like(benchmark)
    for lag, multiple in enumerate(levels_before(benchmark, HIGH_SESSIONS)):
        is_known = np.isfinite(multiple)
        highest = np.fmax(highest, multiple)
        if lag < TREND_SESSIONS:
            total += np.where(is_known, multiple, 0.0)
            known += is_known
    is_measured = known >= MIN_TREND_SESSIONS
    mean = np.where(is_measured, total / np.maximum(known, 1), np.nan)
    return 1 / mean - 1, np.where(is_measured, 1 / highest - 1, np.nan)


def _breadth(close: Matrix, is_member: Mask) -> Numbers:
    """Return the share of members above their own 50-session mean, in blocks of columns to stay in the cache."""
    above, counted = np.zeros(len(close)), np.zeros(len(close))
    for block in column_blocks(close):
        price, present = close[:, *block], np.isfinite(close[:, *block])
        count = window_count(present, BREADTH_SESSIONS)
        mean = window_sum(price, BREADTH_SESSIONS) / np.maximum(count, 1)
        judged = is_member[:, *block] & present & (count >= PRESENT_FRAC * BREADTH_SESSIONS)
        above += (judged & (price > mean)).sum(axis=1)
        counted += judged.sum(axis=1)
    share: Numbers = above / np.where(counted, counted, np.nan)
    return share


def _correlation(returns: Matrix, is_member: Mask) -> Numbers:
    """Return the average pairwise correlation of members, from three variances instead of every pair.

    The variance of the average member is the mean variance / n plus the mean covariance; setting the covariances
    to one correlation × the product of deviations and solving for it is what implied-correlation indices do.
    """
    count = window_count(np.isfinite(returns), CORRELATION_SESSIONS)
    deviation = _deviation(returns, count, CORRELATION_SESSIONS)
    chosen = is_member & (count >= PRESENT_FRAC * CORRELATION_SESSIONS) & np.isfinite(deviation)
    names = chosen.sum(axis=1)

    average = row_mean(returns, is_member & np.isfinite(returns))
    average_count = window_count(np.isfinite(average), CORRELATION_SESSIONS)
    together = _deviation(average, average_count, CORRELATION_SESSIONS) ** 2
    together[average_count < PRESENT_FRAC * CORRELATION_SESSIONS] = np.nan
    alone = row_mean(deviation**2, chosen) / np.maximum(names, 1)
    in_step = row_mean(deviation, chosen) ** 2
    spread = np.where((names > 1) & (in_step > alone), in_step - alone, np.nan)
    estimate: Numbers = np.clip((together - alone) / spread, -1.0, 1.0)
    return estimate


def _deviation(values: Numbers, count: Numbers, window: int) -> Numbers:
    """Return the standard deviation over each trailing window; 0 where there is nothing to measure."""
    several = np.maximum(count, 2)
    mean = window_sum(values, window) / several
    mean_square = window_sum(values**2, window) / several
    spread: Numbers = np.sqrt(np.maximum(mean_square - mean**2, 0.0) * several / (several - 1))
    return spread
