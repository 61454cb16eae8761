"""Collect what the portfolio needs to know about each name: price, whether it traded, sector, volume, volatility.

Prices are last raw closes, rounded to whole cents. Adjusted prices are never used for money, nor raw prices for
returns.
"""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.data.schema.records import Panel

VOLUME_SESSIONS = 21
VOLATILITY_SESSIONS = 63
WINDOW = VOLATILITY_SESSIONS + 1  # sessions of the panel that this module looks at


def quotes(panel: Panel, *, quarantined: tuple[str, ...], splits: pd.DataFrame) -> pd.DataFrame:
    """Return a frame by symbol, in alphabetical order.

    price (USD, whole cents; the last known one, per current share), has_quote (it traded on the panel's last
    session), is_quarantined, sector, cap_class, adv_usd (mean of 21 sessions, missing ones count as 0; NaN if
    all are missing), daily_volatility (a fraction; NaN with fewer than 5 returns).
    """
    frame = pd.DataFrame(
        {
            "price": to_cents(_last_known(panel.raw_close) / _splits_since_last_bar(panel, splits)),
            "has_quote": _is_price(panel.raw_close[-1]),
            "is_quarantined": np.isin(panel.symbols, quarantined),
            "sector": panel.sector,
            "cap_class": panel.cap_class,
            "adv_usd": _average_volume(panel.dollar_volume[-VOLUME_SESSIONS:]),
            "daily_volatility": _volatility(panel.close[-VOLATILITY_SESSIONS - 1 :]),
        },
        index=pd.Index(panel.symbols.astype(str), name="symbol"),
    )
    return frame[frame["price"].notna()].sort_index()


def to_cents(price: NDArray[np.float64]) -> NDArray[np.float64]:
    """Round prices in USD to whole cents, the smallest unit of an order."""
    cents: NDArray[np.float64] = np.round(price, 2)
    return cents


def _is_price(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    known: NDArray[np.bool_] = np.isfinite(values) & (values > 0)
    return known


def _last_row(values: NDArray[np.float64]) -> NDArray[np.intp]:
    known = _is_price(values)
    last: NDArray[np.intp] = len(values) - 1 - np.argmax(known[::-1], axis=0)
    return last


def _last_known(values: NDArray[np.float64]) -> NDArray[np.float64]:
    row = _last_row(values)
    found = values[row, np.arange(values.shape[1])]
    return np.where(_is_price(found), found, np.nan)


def _splits_since_last_bar(panel: Panel, splits: pd.DataFrame) -> NDArray[np.float64]:
    """Return new shares per share of each name's last bar: 1 unless a halted name has been split since."""
    factor = np.ones(len(panel.symbols))
    row = _last_row(panel.raw_close)
    for column in np.flatnonzero(row < len(panel.sessions) - 1):
        later = (splits["session"] > panel.sessions[row[column]]) & (splits["session"] <= panel.sessions[-1])
        own = splits["symbol"] == panel.symbols[column]
        factor[column] = float(splits.loc[own & later, "split"].prod())
    return factor


def _average_volume(dollar_volume: NDArray[np.float64]) -> NDArray[np.float64]:
    known = np.isfinite(dollar_volume)
    total = np.where(known, dollar_volume, 0.0).sum(axis=0) / len(dollar_volume)
    return np.where(known.any(axis=0), total, np.nan)


def _volatility(close: NDArray[np.float64]) -> NDArray[np.float64]:
    returns = np.diff(np.log(np.where(_is_price(close), close, np.nan)), axis=0)
    known = np.isfinite(returns)
    count = known.sum(axis=0)
    mean = np.where(known, returns, 0.0).sum(axis=0) / np.maximum(count, 1)
    squares = np.where(known, (returns - mean) ** 2, 0.0).sum(axis=0)
    return np.where(count >= 5, np.sqrt(squares / np.maximum(count - 1, 1)), np.nan)
