"""Collect the market data that the portfolio needs for each name: price, whether it traded, sector, volume, volatility.

Prices are last raw closes, rounded to whole cents. Adjusted prices are never used for money, nor raw prices for
returns.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.core.compiled import compiled
from tasks.data.schema.records import Panel
from tasks.portfolio.stops import NO_STOPS, StopWindow, recent_fall

VOLUME_SESSIONS = 21
VOLATILITY_SESSIONS = 63
WINDOW = VOLATILITY_SESSIONS + 1  # sessions of the panel that this module looks at, without stops


def quotes(
    panel: Panel, *, quarantined: tuple[str, ...], splits: pd.DataFrame, stops: StopWindow = NO_STOPS
) -> pd.DataFrame:
    """Return a frame by symbol, in the order of the panel.

    price (USD, whole cents; the last known one, per current share), has_quote (it traded on the panel's last
    session), is_quarantined, sector, cap_class, adv_usd (mean of 21 sessions, missing ones count as 0; NaN if
    all are missing), daily_volatility (a fraction; NaN with fewer than 5 returns), fall (see `recent_fall`).
    """
    frame = pd.DataFrame(
        {
            "price": to_cents(price_per_current_share(panel.raw_close, _split_levels(panel, splits))[-1]),
            "has_quote": _is_price(panel.raw_close[-1]),
            "is_quarantined": np.isin(panel.symbols, quarantined),
            "sector": panel.sector,
            "cap_class": panel.cap_class,
            "adv_usd": average_volume(panel.dollar_volume[-VOLUME_SESSIONS:]),
            "daily_volatility": daily_volatility(panel.close[-VOLATILITY_SESSIONS - 1 :]),
            "fall": recent_fall(panel.close, stops),
        },
        index=pd.Index(panel.symbols.astype(str), name="symbol"),
    )
    return frame[frame["price"].notna()]


def to_cents(price: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round prices in USD to whole cents, the smallest unit of an order."""
    cents: NDArray[np.float64] = np.round(price, 2)
    return cents


def _is_price(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    known: NDArray[np.bool_] = np.isfinite(values) & (values > 0)
    return known


def price_per_current_share(
    raw_close: NDArray[np.float64], split: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Return the last known close of each session (rows) and name, per share of that session; NaN before the first.

    `split`: shares that one share of the first row has become by each row.
    """
    known = _is_price(raw_close)
    row = np.maximum.accumulate(np.where(known, np.arange(len(known))[:, None], 0), axis=0)
    last = np.take_along_axis(np.where(known, raw_close, np.nan), row, axis=0)
    last_split = np.take_along_axis(split, row, axis=0)
    return np.where(last_split == split, last, last * last_split / split)


def _split_levels(panel: Panel, splits: pd.DataFrame) -> NDArray[np.float64]:
    """Return how many shares one share of the panel's first session has become by each session."""
    level = np.ones(panel.raw_close.shape)
    column_of = {symbol: column for column, symbol in enumerate(panel.symbols.tolist())}
    days = splits["session"].to_numpy().astype("datetime64[D]")
    for symbol, day, split in zip(splits["symbol"], days, splits["split"], strict=True):
        if symbol in column_of and day > panel.sessions[0]:
            level[np.searchsorted(panel.sessions, day) :, column_of[symbol]] *= split
    return level


def average_volume(dollar_volume: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the mean of each name's dollar volumes, missing ones counted as 0; NaN where all are missing."""
    known = np.isfinite(dollar_volume)
    total = np.where(known, dollar_volume, 0.0).sum(axis=0) / len(dollar_volume)
    return np.where(known.any(axis=0), total, np.nan)


def daily_volatility(close: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the standard deviation of each name's log returns; NaN with fewer than 5."""
    return _deviations(np.diff(np.log(np.where(_is_price(close), close, np.nan)), axis=0))


@compiled
def _deviations(returns: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the standard deviation of each name's known returns (sessions × names); NaN with fewer than 5."""
    sessions, names = returns.shape
    count, mean, squares = np.zeros(names), np.zeros(names), np.zeros(names)
    for session in range(sessions):
        for name in range(names):
            is_known = np.isfinite(returns[session, name])
            count[name] += is_known
            mean[name] += returns[session, name] if is_known else 0.0
    mean /= np.maximum(count, 1.0)
    for session in range(sessions):
        for name in range(names):
            is_known = np.isfinite(returns[session, name])
            squares[name] += (returns[session, name] - mean[name]) ** 2 if is_known else 0.0
    return np.where(count >= 5, np.sqrt(squares / np.maximum(count - 1.0, 1.0)), np.nan)
