"""The figures that describe a market: tails, clustering, correlations, variance shares, session ICs. Pure.

Every figure is computed in the same way for a real and for a simulated market, so that the two can be compared.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

HALF_YEAR, QUARTER, YEAR, MONTH, WEEK = 126, 63, 252, 21, 5
MIN_SHARE = 0.9  # of the sessions of a window with a return, for a name to be used in it
HORIZONS, AGES = (1, 5, 21, 63), (5, 10, 21, 63)
MOST_NAMES = 250  # for correlation matrices: more change nothing in the second digit
MIN_NAMES = 20


@dataclass(frozen=True)
class Tape:
    """A market as sessions × names, NaN without a bar; returns are log returns adjusted for splits and dividends."""

    sessions: NDArray[np.datetime64]
    returns: Matrix  # from close to close
    overnight: Matrix  # from close to open
    high: Matrix  # raw, as are low and close
    low: Matrix
    close: Matrix
    volume: Matrix  # in today's shares
    is_member: NDArray[np.bool_]
    market: Matrix  # of the benchmark, by session
    sector: NDArray[np.str_]  # by name; "" where unknown
    joined_a_year: float
    left_a_year: float
    planted: "Planted | None" = None


@dataclass(frozen=True)
class Planted:
    """What tests know about a simulated market: expected returns, and what is left of returns without factors."""

    expected: Matrix  # at the close, of the next session
    own: Matrix  # log return of the session without market, sectors and styles
    own_overnight: Matrix


def measure(tape: Tape) -> dict[str, float]:
    """Return every figure by name."""
    returns = np.where(tape.is_member, tape.returns, np.nan)
    figures = {
        **_tails(returns, tape.market),
        **_clustering(returns),
        **_correlations(returns),
        **_variance_shares(returns, tape.sector),
        **_components(returns),
        **_dispersion(returns),
        **_rules(tape),
        **_overnight(tape, returns),
        **_trading(tape),
        "joined_a_year": tape.joined_a_year,
        "left_a_year": tape.left_a_year,
    }
    if tape.planted is not None:
        figures |= planted_coefficients(tape.planted, tape.is_member)
    return figures


def _kurtosis(values: Matrix) -> Matrix:
    apart = values - np.nanmean(values, axis=0)
    squared = apart * apart
    excess: Matrix = np.nanmean(squared * squared, axis=0) / np.nanmean(squared, axis=0) ** 2 - 3
    return excess


def _tails(returns: Matrix, market: Matrix) -> dict[str, float]:
    long = returns[:, np.isfinite(returns).sum(axis=0) >= 4 * YEAR]
    return {
        "kurtosis_name": float(np.median(_kurtosis(long))) if long.shape[1] else np.nan,
        "kurtosis_market": float(_kurtosis(market[np.isfinite(market)])),
    }


def _clustering(returns: Matrix) -> dict[str, float]:
    size = np.abs(returns[:, np.isfinite(returns).sum(axis=0) >= 4 * YEAR])
    size = size - np.nanmean(size, axis=0) if size.shape[1] else size
    variance = np.nanmean(size * size, axis=0)
    found = {}
    for lag in (1, 5, 21):
        both = np.nanmean(size[lag:] * size[:-lag], axis=0)
        found[f"clustering_{lag}"] = float(np.median(both / variance)) if size.shape[1] else np.nan
    return found


def _complete(window: Matrix) -> Matrix:
    """Return the names with enough returns in the window, gaps filled with their mean."""
    enough = window[:, np.isfinite(window).mean(axis=0) >= MIN_SHARE]
    if enough.shape[1] > MOST_NAMES:
        enough = enough[:, np.linspace(0, enough.shape[1] - 1, MOST_NAMES).astype(int)]
    filled = np.where(np.isfinite(enough), enough, np.nanmean(enough, axis=0)) if enough.size else enough
    deviation = filled.std(axis=0)
    filled = filled[:, deviation > 0]
    standard: Matrix = (filled - filled.mean(axis=0)) / filled.std(axis=0)
    return standard


def _correlations(returns: Matrix) -> dict[str, float]:
    """Average pairwise correlation in windows of half a year: its 10, 50 and 90% quantiles over time."""
    means = []
    for end in range(HALF_YEAR, len(returns) + 1, MONTH):
        standard = _complete(returns[end - HALF_YEAR : end])
        count = standard.shape[1]
        if count >= MIN_NAMES:
            of_mean = float(standard.mean(axis=1).var())  # 1/n + (1 − 1/n) × average correlation
            means.append((of_mean - 1 / count) / (1 - 1 / count))
    calm, median, wild = np.quantile(means, (0.1, 0.5, 0.9)) if means else (np.nan,) * 3
    return {"correlation_calm": calm, "correlation_median": median, "correlation_wild": wild}


def _variance_shares(returns: Matrix, sector: NDArray[np.str_]) -> dict[str, float]:
    """Variance explained by the mean of all names, then by that of the other names of the sector, by year; medians."""
    shares = []
    for end in range(YEAR, len(returns) + 1, YEAR):
        window = returns[end - YEAR : end]
        usable = np.isfinite(window).mean(axis=0) >= MIN_SHARE
        if usable.sum() < MIN_NAMES:
            continue
        window, groups = window[:, usable], sector[usable]
        window = np.where(np.isfinite(window), window, np.nanmean(window, axis=0))
        window = window - window.mean(axis=0)
        total = (window * window).mean(axis=0)
        market = window.mean(axis=1)
        beta = market @ window / (market @ market)
        rest = window - market[:, None] * beta
        after_sector = rest.copy()
        for name in np.unique(groups):
            own = np.flatnonzero(groups == name)
            if name and own.size >= 3:
                others = (rest[:, own].sum(axis=1)[:, None] - rest[:, own]) / (own.size - 1)
                slope = (others * rest[:, own]).sum(axis=0) / (others * others).sum(axis=0)
                after_sector[:, own] -= others * slope
        left, own_left = (
            (rest * rest).mean(axis=0) / total,
            (after_sector * after_sector).mean(axis=0) / total,
        )
        shares.append((float(np.mean(1 - left)), float(np.mean(left - own_left)), float(np.mean(own_left))))
    market_share, sector_share, own_share = np.mean(shares, axis=0) if shares else (np.nan,) * 3
    return {"share_market": market_share, "share_sector": sector_share, "share_own": own_share}


def _components(returns: Matrix) -> dict[str, float]:
    """Shares of the largest eigenvalues of the correlation matrix, by year; means."""
    shares = []
    for end in range(YEAR, len(returns) + 1, YEAR):
        standard = _complete(returns[end - YEAR : end])
        if standard.shape[1] >= MIN_NAMES:
            values = np.linalg.eigvalsh(standard.T @ standard / YEAR)[::-1] / standard.shape[1]
            shares.append((values[0], values[1], values[1:6].sum()))
    first, second, next_five = np.mean(shares, axis=0) if shares else (np.nan,) * 3
    return {"component_1": first, "component_2": second, "components_2_to_6": next_five}


def _dispersion(returns: Matrix) -> dict[str, float]:
    enough = returns[np.isfinite(returns).sum(axis=1) >= MIN_NAMES]
    spread = np.nanstd(enough, axis=1)
    middle, high = np.quantile(spread, (0.5, 0.95))
    return {"dispersion_pct": float(100 * middle), "dispersion_p95_to_p50": float(high / middle)}


def forward(returns: Matrix, horizon: int, first_overnight: Matrix | None = None) -> Matrix:
    """Return the log return of the next sessions; counted from the next open if the overnight returns are passed."""
    total = np.nancumsum(returns, axis=0)
    ahead = np.full(returns.shape, np.nan)
    ahead[:-horizon] = total[horizon:] - total[:-horizon]
    if first_overnight is not None:
        ahead[:-1] -= first_overnight[1:]
    seen = np.cumsum(np.isfinite(returns), axis=0)
    complete = np.zeros(returns.shape, dtype=bool)
    complete[:-horizon] = seen[horizon:] - seen[:-horizon] == horizon
    return np.where(complete, ahead, np.nan)


def session_correlations(scores: Matrix, ahead: Matrix) -> Matrix:
    """Return the rank correlation over the names of each session; NaN with fewer than MIN_NAMES."""
    both = np.isfinite(scores) & np.isfinite(ahead)
    first, second = (
        pd.DataFrame(np.where(both, values, np.nan)).rank(axis=1).to_numpy() for values in (scores, ahead)
    )
    count = both.sum(axis=1)
    middle = (count[:, None] + 1) / 2
    first, second = (np.where(both, ranked - middle, 0.0) for ranked in (first, second))
    norm = np.sqrt((first * first).sum(axis=1) * (second * second).sum(axis=1))
    found: Matrix = np.where(
        count >= MIN_NAMES, (first * second).sum(axis=1) / np.where(norm > 0, norm, np.nan), np.nan
    )
    return found


def _rolling(values: Matrix, window: int, least: int) -> "pd.api.typing.Rolling":
    return pd.DataFrame(values).rolling(window, min_periods=least)


def rules(returns: Matrix) -> dict[str, Matrix]:
    """Return the scores of plain rules, known at the close."""
    level = np.where(np.isfinite(returns), np.nancumsum(returns, axis=0), np.nan)
    high = _rolling(level, YEAR, YEAR - WEEK).max().to_numpy()
    lagged = {
        ago: np.vstack([np.full((ago, level.shape[1]), np.nan), level[:-ago]]) for ago in (WEEK, MONTH, YEAR)
    }
    return {
        "momentum": lagged[MONTH] - lagged[YEAR],
        "high_52w": level - high,
        "low_volatility": -_rolling(returns, QUARTER, QUARTER - WEEK).std().to_numpy(),
        "reversal": lagged[WEEK] - level,
    }


def _rules(tape: Tape) -> dict[str, float]:
    """Deviation of the session rank IC with the return of the next week; t of the 52-week high, a week apart."""
    ahead = np.where(tape.is_member, forward(tape.returns, WEEK), np.nan)[::WEEK]
    found = {}
    for name, scores in rules(tape.returns).items():
        by_session = session_correlations(scores[::WEEK], ahead)
        by_session = by_session[np.isfinite(by_session)]
        found[f"ic_deviation_{name}"] = float(by_session.std())
        t_statistic = float(by_session.mean() / by_session.std() * np.sqrt(by_session.size))
        found[f"t_{name}"] = t_statistic
    return found


def _overnight(tape: Tape, returns: Matrix) -> dict[str, float]:
    night = np.where(np.isfinite(returns), tape.overnight, np.nan)
    long = np.isfinite(night).sum(axis=0) >= YEAR
    of_night, of_day = np.nanvar(night[:, long], axis=0), np.nanvar((returns - night)[:, long], axis=0)
    return {"overnight_share": float(np.median(of_night / (of_night + of_day)))}


def _trading(tape: Tape) -> dict[str, float]:
    member = tape.is_member & (tape.volume > 0)
    log_volume = np.log(np.where(member, tape.volume, np.nan))
    unusual = log_volume - _rolling(log_volume, QUARTER, MONTH).mean().to_numpy()
    size = np.abs(np.where(member, tape.returns, np.nan))
    correlation = pd.DataFrame(unusual).corrwith(pd.DataFrame(size))
    return {"volume_size_correlation": float(correlation.median()), "spread_bps": _spread_bps(tape)}


def _spread_bps(tape: Tape) -> float:
    """Median over names of Corwin and Schultz' estimate from highs and lows of two sessions, negative ones as zero."""
    high, low = (np.log(np.where(tape.is_member, price, np.nan)) for price in (tape.high, tape.low))
    close = np.log(tape.close)
    # a gap between two sessions is not a spread: the second session is moved to the close before it
    gap = np.maximum(low[1:] - close[:-1], 0.0) + np.minimum(high[1:] - close[:-1], 0.0)
    high_2, low_2 = high[1:] - gap, low[1:] - gap
    beta = (high[:-1] - low[:-1]) ** 2 + (high_2 - low_2) ** 2
    gamma = (np.maximum(high[:-1], high_2) - np.minimum(low[:-1], low_2)) ** 2
    scale = 3 - 2 * np.sqrt(2)
    alpha = (np.sqrt(2 * beta) - np.sqrt(beta)) / scale - np.sqrt(gamma / scale)
    spread = np.maximum(2 * (np.exp(alpha) - 1) / (1 + np.exp(alpha)), 0.0)
    return float(1e4 * np.nanmedian(np.nanmean(spread, axis=0)))


def planted_coefficients(planted: Planted, is_member: NDArray[np.bool_]) -> dict[str, float]:
    """Rank correlation of expectations with the idiosyncratic return from the next open, by horizon; and by age."""
    scores = np.where(is_member & (planted.expected != 0), planted.expected, np.nan)
    found = {}
    for horizon in HORIZONS:
        ahead = forward(planted.own, horizon, planted.own_overnight)
        found[f"ic_{horizon}"] = float(np.nanmean(session_correlations(scores[::WEEK], ahead[::WEEK])))
    for age in AGES:
        later = session_correlations(scores[:-age:WEEK], scores[age::WEEK])
        found[f"persistence_{age}"] = float(np.nanmean(later))
    return found
