"""Compute the inputs of the regime for each session: trend, volatility, breadth, correlation and drawdown.

Causal: a session's inputs depend on the rows up to its close only, and not on where the panel begins.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from tasks.data.panel.returns import daily_returns
from tasks.data.schema.records import Days, Mask, Matrix
from tasks.regime.rolling import column_blocks, levels_before, row_mean, window_count, window_sum

Numbers = NDArray[np.float64]

TREND_SESSIONS = 200
HIGH_SESSIONS = 252
BREADTH_SESSIONS = 50
CORRELATION_SESSIONS = 63
REALISED_SESSIONS = 21
LOOKBACK = HIGH_SESSIONS + 1  # closes that one session's inputs need

PRESENT_FRAC = 0.8  # a name with fewer bars in a window is omitted
MIN_TREND_SESSIONS = 50  # a shorter history uses its own mean from here on; below this the trend is NaN

# Over 2000–2021 the S&P 500's volatility index was 1.3 times its realized volatility (median).
INDEX_OVER_REALISED = 1.3
SESSIONS_PER_YEAR = 252


@dataclass(frozen=True)
class RegimeInputs:
    """One value per session; NaN where it cannot be computed."""

    trend: Numbers  # level over its 200-session mean, less 1
    volatility_pct: Numbers  # volatility index, or what realized volatility implies for it
    breadth: Numbers  # share of members above their 50-session mean
    correlation: Numbers  # average pairwise correlation of members over 63 sessions
    drawdown: Numbers  # level relative to its 252-session high, zero or negative
    is_realised: Mask  # where realized volatility replaces the index
    is_cross_section: Mask  # where the average member replaces the benchmark
    is_all_names: Mask  # where all names with a bar replace the members: none was old or liquid enough yet


class Levels(Protocol):
    """The data that the inputs are computed from: a panel, or the point-in-time data of a backtest."""

    @property
    def sessions(self) -> Days: ...
    @property
    def close(self) -> Matrix: ...
    @property
    def is_member(self) -> Mask: ...
    @property
    def market(self) -> Numbers: ...
    @property
    def volatility_index(self) -> Numbers: ...


def compute_inputs(panel: Levels) -> RegimeInputs:
    """Return the inputs of every session of the panel."""
    returns = daily_returns(panel.close)
    members, is_all_names = _members(panel)
    benchmark, is_cross_section = _benchmark_returns(panel.market, returns, members)
    volatility, is_realised = _volatility(panel.volatility_index, benchmark)
    trend, drawdown = _trend_and_drawdown(benchmark)
    return RegimeInputs(
        trend=trend,
        volatility_pct=volatility,
        breadth=_breadth(panel.close, members),
        correlation=_correlation(returns, members),
        drawdown=drawdown,
        is_realised=is_realised,
        is_cross_section=is_cross_section,
        is_all_names=is_all_names,
    )


def benchmark_returns(panel: Levels) -> Numbers:
    """Return the benchmark's daily returns, or the average member's where it has none."""
    members, _ = _members(panel)
    return _benchmark_returns(panel.market, daily_returns(panel.close), members)[0]


def _members(panel: Levels) -> tuple[Mask, Mask]:
    """Return the members of each session, or every name with a bar on sessions without members."""
    is_all_names: Mask = np.logical_not(panel.is_member.any(axis=1))
    members: Mask = np.where(is_all_names[:, None], np.isfinite(panel.close), panel.is_member)
    return members, is_all_names


def _benchmark_returns(level: Numbers, returns: Matrix, is_member: Mask) -> tuple[Numbers, Mask]:
    """Return the benchmark's returns, or the average member's where it has none, and where that is."""
    own = daily_returns(level)
    average = row_mean(returns, is_member & np.isfinite(returns))
    is_cross_section = ~np.isfinite(own)
    is_cross_section[:1] = ~np.isfinite(level[:1])  # no name has a return on the first row
    spliced: Numbers = np.where(np.isfinite(own), own, average)
    return spliced, is_cross_section


def _volatility(index_pct: Numbers, benchmark: Numbers) -> tuple[Numbers, Mask]:
    """Return the volatility index in percent, or scaled realized volatility where it is missing, and where that is."""
    count = window_count(np.isfinite(benchmark), REALISED_SESSIONS)
    enough = count >= PRESENT_FRAC * REALISED_SESSIONS
    deviation = _deviation(benchmark, count, REALISED_SESSIONS)
    realised = np.where(enough, deviation * np.sqrt(SESSIONS_PER_YEAR) * 100 * INDEX_OVER_REALISED, np.nan)
    is_quoted = np.isfinite(index_pct) & (index_pct > 0)
    return np.where(is_quoted, index_pct, realised), ~is_quoted


def _trend_and_drawdown(benchmark: Numbers) -> tuple[Numbers, Numbers]:
    """Return the level relative to its mean and to its high, over the history available."""
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
    """Return the fraction of members above their own 50-session mean, in column blocks that fit the cache."""
    above, counted = np.zeros(len(close)), np.zeros(len(close))
    for block in column_blocks(close):
        price, present = close[:, *block], np.isfinite(close[:, *block])
        count = window_count(present, BREADTH_SESSIONS)
        mean = window_sum(price, BREADTH_SESSIONS) / np.maximum(count, 1)
        is_valid = is_member[:, *block] & present & (count >= PRESENT_FRAC * BREADTH_SESSIONS)
        above += (is_valid & (price > mean)).sum(axis=1)
        counted += is_valid.sum(axis=1)
    share: Numbers = above / np.where(counted, counted, np.nan)
    return share


def _correlation(returns: Matrix, is_member: Mask) -> Numbers:
    """Return the average pairwise correlation of members, from three variances instead of all pairs.

    The variance of the average member is the mean variance / n plus the mean covariance. With one common correlation
    the covariances are that correlation × the products of deviations; solve for it, as implied-correlation indices do.
    """
    count = window_count(np.isfinite(returns), CORRELATION_SESSIONS)
    deviation = _deviation(returns, count, CORRELATION_SESSIONS)
    chosen = is_member & (count >= PRESENT_FRAC * CORRELATION_SESSIONS) & np.isfinite(deviation)
    names = chosen.sum(axis=1)

    average = row_mean(returns, is_member & np.isfinite(returns))
    average_count = window_count(np.isfinite(average), CORRELATION_SESSIONS)
    joint = _deviation(average, average_count, CORRELATION_SESSIONS) ** 2
    joint[average_count < PRESENT_FRAC * CORRELATION_SESSIONS] = np.nan
    independent = row_mean(deviation**2, chosen) / np.maximum(names, 1)
    comoving = row_mean(deviation, chosen) ** 2
    spread = np.where((names > 1) & (comoving > independent), comoving - independent, np.nan)
    estimate: Numbers = np.clip((joint - independent) / spread, -1.0, 1.0)
    return estimate


def _deviation(values: Numbers, count: Numbers, window: int) -> Numbers:
    """Return the standard deviation over each trailing window; 0 where `count` is 0."""
    several = np.maximum(count, 2)
    mean = window_sum(values, window) / several
    mean_square = window_sum(values**2, window) / several
    spread: Numbers = np.sqrt(np.maximum(mean_square - mean**2, 0.0) * several / (several - 1))
    return spread
