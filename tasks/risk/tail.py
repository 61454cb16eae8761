"""Volatility, value at risk and expected shortfall of a portfolio, by historical simulation.

No distribution is assumed. Losses are positive fractions of the portfolio.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.risk.ratios import Numbers, annual_volatility

MONTH = 21  # sessions
MIN_WEIGHT_PRESENT = 0.5  # a session with returns for a smaller fraction of the weights is omitted


def portfolio_risk(weights: pd.Series, returns: pd.DataFrame, confidence: float) -> dict[str, float]:
    """Return volatility (annual), var_1d, cvar_1d, var_21d and cvar_21d of a portfolio, as fractions.

    `weights` by symbol; a name that is not in `returns` moves with the average name. CASH and an empty portfolio
    have no risk. Without any returns every value is NaN.
    """
    invested = weights.drop(labels="CASH", errors="ignore").astype(float)
    invested = invested[invested != 0]
    if invested.empty:
        return dict.fromkeys(("volatility", "var_1d", "cvar_1d", "var_21d", "cvar_21d"), 0.0)
    book = book_returns(invested, returns)
    var_1d, cvar_1d = tail_loss(book, confidence)
    var_21d, cvar_21d = month_loss(book, confidence)
    return {
        "volatility": annual_volatility(book),
        "var_1d": var_1d,
        "cvar_1d": cvar_1d,
        "var_21d": var_21d,
        "cvar_21d": cvar_21d,
    }


def book_returns(invested: pd.Series, returns: pd.DataFrame) -> Numbers:
    """Return the portfolio's return on each past session at today's weights.

    A name without a return on a session is replaced by the others; sessions with returns for too little of the weights
    are omitted.
    """
    known = invested.index.intersection(returns.columns)
    history = returns[known].to_numpy(dtype=float)
    weights = invested[known].to_numpy(dtype=float)
    unknown = float(invested.drop(known).sum())
    if unknown:
        history = np.column_stack([history, _average_name(returns)])
        weights = np.append(weights, unknown)
    present = np.isfinite(history)
    return _weighted(np.where(present, history, 0.0), present, weights)


class PastReturns:
    """The past returns of some names, for the risk of many portfolios of them. The rules are those of book_returns."""

    def __init__(self, names: Sequence[str], returns: pd.DataFrame) -> None:
        with_average = np.column_stack([returns.to_numpy(dtype=float), _average_name(returns)])
        history = with_average[
            :, returns.columns.get_indexer(pd.Index(names))
        ]  # -1, unknown: the last column
        present = np.isfinite(history)
        self._moved, self._present = np.where(present, history, 0.0), present.astype(float)

    def risk(self, weights: Numbers, confidence: float) -> tuple[float, float]:
        """Return volatility (annual) and var_1d of a portfolio, by the places of the names; as portfolio_risk."""
        (held,) = weights.nonzero()
        if not held.size:
            return 0.0, 0.0
        book = _weighted(self._moved[:, held], self._present[:, held], weights[held])
        return annual_volatility(book), tail_loss(book, confidence)[0]


def tail_loss(returns: Numbers, confidence: float) -> tuple[float, float]:
    """Return value at risk and expected shortfall; NaN for no returns. The quantile is an observed loss."""
    if returns.size == 0:
        return float("nan"), float("nan")
    quantile = float(np.quantile(returns, 1 - confidence, method="lower"))
    shortfall = float(returns[returns <= quantile].mean())
    return max(0.0, -quantile), max(0.0, -shortfall)


def month_loss(returns: Numbers, confidence: float) -> tuple[float, float]:
    """Return both over 21 sessions, from overlapping windows; a short history is scaled by the square root of time."""
    if returns.size < 2 * MONTH:
        var, shortfall = tail_loss(returns, confidence)
        return var * MONTH**0.5, shortfall * MONTH**0.5
    windows = np.lib.stride_tricks.sliding_window_view(returns, MONTH)
    return tail_loss(np.prod(1 + windows, axis=1) - 1, confidence)


def _average_name(returns: pd.DataFrame) -> Numbers:
    average: Numbers = returns.mean(axis=1).to_numpy(dtype=float)
    return average


def _weighted(moved: Numbers, present: NDArray[np.bool_] | Numbers, weights: Numbers) -> Numbers:
    """Return the weights' return per session. `moved` is 0 where a name's return is not `present`."""
    gross = np.abs(weights).sum()
    gross_present = present @ np.abs(weights)
    usable = gross_present >= MIN_WEIGHT_PRESENT * gross
    book: Numbers = ((moved @ weights)[usable] / gross_present[usable]) * gross
    return book
