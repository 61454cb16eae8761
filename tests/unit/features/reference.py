"""Every feature once more, written to be read and checked by eye: pandas, one line of thought each, no speed.

`REFERENCE[name](bars)` gives a frame of sessions × symbols. A rolling window wants four fifths of its rows.
"""

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

from tasks.data.schema import Panel


@dataclass(frozen=True)
class Bars:
    open: pd.DataFrame
    high: pd.DataFrame
    low: pd.DataFrame
    close: pd.DataFrame
    volume: pd.DataFrame
    dollar_volume: pd.DataFrame
    raw_close: pd.DataFrame
    returns: pd.DataFrame
    market_returns: pd.Series
    fundamentals: dict[str, pd.DataFrame]


def bars_of(panel: Panel) -> Bars:
    def frame(values: np.ndarray) -> pd.DataFrame:
        return pd.DataFrame(values, index=pd.DatetimeIndex(panel.sessions), columns=panel.symbols)

    close = frame(panel.close)
    market = pd.Series(panel.market, index=close.index)
    return Bars(
        open=frame(panel.open),
        high=frame(panel.high),
        low=frame(panel.low),
        close=close,
        volume=frame(panel.volume),
        dollar_volume=frame(panel.dollar_volume),
        raw_close=frame(panel.raw_close),
        returns=close / close.shift(1) - 1,
        market_returns=market / market.shift(1) - 1,
        fundamentals={name: frame(values) for name, values in panel.fundamentals.items()},
    )


def rolling(x, window):
    return x.rolling(window, min_periods=math.ceil(0.8 * window))


def std(x, window):
    return rolling(x, window).apply(lambda w: np.nanstd(w, ddof=1), raw=True)


def ema(x, span):
    window = 5 * span
    weights = (1 - 2 / (span + 1)) ** np.arange(window)[::-1]

    def decayed(w):
        here = ~np.isnan(w)
        latest = weights[-len(w) :]
        return (latest[here] * w[here]).sum() / latest[here].sum()

    return rolling(x, window).apply(decayed, raw=True)


def over(numerator, denominator, *, flat):
    return (numerator / denominator.where(denominator != 0)).mask(
        (denominator == 0) & numerator.notna(), flat
    )


def past_return(sessions, skip=0):
    return lambda b: b.close.shift(skip) / b.close.shift(skip + sessions) - 1


def sma_ratio(window):
    return lambda b: b.close / rolling(b.close, window).mean() - 1


def macd_line(b):
    return ema(b.close, 12) - ema(b.close, 26)


def macd_histogram(b):
    return (macd_line(b) - ema(macd_line(b), 9)) / b.close


def rsi(b):
    step = b.close - b.close.shift(1)
    gains, losses = ema(step.clip(lower=0), 27), ema((-step).clip(lower=0), 27)
    return 100 * over(gains, gains + losses, flat=0.5)


def stochastic(b):
    low, high = rolling(b.low, 14).min(), rolling(b.high, 14).max()
    return over(b.close - low, high - low, flat=0.5)


def bollinger(b):
    return over(b.close - rolling(b.close, 20).mean(), 2 * std(b.close, 20), flat=0.0)


def detrended(b):
    time = np.arange(50)

    def distance_from_line(w):
        slope, start = np.polyfit(time, w, 1)
        return w[-1] - (start + slope * time[-1])

    return b.close.rolling(50).apply(distance_from_line, raw=True) / b.close


def joint(b, window, figure):
    """Apply a function of (share's returns, market's returns), both present, to every window."""
    out = pd.DataFrame(np.nan, index=b.close.index, columns=b.close.columns)
    for symbol in out:
        pairs = np.column_stack([b.returns[symbol], b.market_returns])
        for end in range(window, len(out) + 1):
            pair = pairs[end - window : end]
            pair = pair[~np.isnan(pair).any(axis=1)]
            if len(pair) >= math.ceil(0.8 * window):
                out.loc[out.index[end - 1], symbol] = figure(*pair.T)
    return out


def slope(share, market):
    return np.cov(share, market)[0, 1] / np.var(market, ddof=1)


def residual_volatility(share, market):
    fitted = np.polyval(np.polyfit(market, share, 1), market)
    return np.sqrt(((share - fitted) ** 2).sum() / (len(share) - 2) * 252)


def atr(b):
    before = b.close.shift(1)
    true_range = np.maximum(
        b.high - b.low, np.maximum((b.high - before).abs(), (b.low - before).abs()).where(before.notna())
    )
    return rolling(true_range, 14).mean() / b.close


def amihud(b):
    per_usd = b.returns.abs() / b.dollar_volume.where(b.dollar_volume > 0)
    return rolling(per_usd, 21).mean() * 1e6


def vwap_distance(b):
    paid = rolling((b.high + b.low + b.close) / 3 * b.volume, 20).sum()
    traded = rolling(b.volume, 20).sum()
    return (b.close / (paid / traded.where(traded > 0)) - 1).mask(traded == 0, 0.0)


def obv_slope(b):
    signed = np.sign(b.close - b.close.shift(1)) * b.volume
    time = np.arange(21)

    def balance_slope(w):
        balance = np.concatenate([[0.0], np.cumsum(w)])
        return np.polyfit(time, balance, 1)[0]

    return over(signed.rolling(20).apply(balance_slope, raw=True), rolling(b.volume, 21).mean(), flat=0.0)


def accumulation(b):
    location = over((b.close - b.low) - (b.high - b.close), b.high - b.low, flat=0.0)
    return over(rolling(location * b.volume, 20).sum(), rolling(b.volume, 20).sum(), flat=0.0)


def volume_weighted_momentum(b):
    return over(rolling(b.returns * b.volume, 21).sum(), rolling(b.volume, 21).sum(), flat=0.0)


def per_market_value(figure):
    return lambda b: b.fundamentals[figure] / (b.fundamentals["shares"] * b.raw_close)


def same_for_all(b, by_session):
    return pd.DataFrame(dict.fromkeys(b.close, by_session), index=b.close.index)


REFERENCE = {
    "return_1": past_return(1),
    "return_5": past_return(5),
    "return_10": past_return(10),
    "return_21": past_return(21),
    "momentum_1m": past_return(21, skip=21),
    "momentum_3m": past_return(63, skip=21),
    "momentum_6m": past_return(126, skip=21),
    "momentum_12m": past_return(231, skip=21),
    "momentum_12m_in_sector": past_return(231, skip=21),
    "roc_63": past_return(63),
    "distance_52w_high": lambda b: b.close / rolling(b.high, 252).max() - 1,
    "distance_52w_low": lambda b: b.close / rolling(b.low, 252).min() - 1,
    "reversal_5": lambda b: 1 - b.close / b.close.shift(5),
    "overnight_gap": lambda b: b.open / b.close.shift(1) - 1,
    "demeaned_return_60": lambda b: b.returns - rolling(b.returns, 60).mean(),
    "volume_weighted_momentum_21": volume_weighted_momentum,
    "max_return_21": lambda b: rolling(b.returns, 21).max(),
    "sma_ratio_10": sma_ratio(10),
    "sma_ratio_20": sma_ratio(20),
    "sma_ratio_50": sma_ratio(50),
    "sma_ratio_200": sma_ratio(200),
    "sma_cross_50_200": lambda b: rolling(b.close, 50).mean() / rolling(b.close, 200).mean() - 1,
    "ema_ratio_20": lambda b: b.close / ema(b.close, 20) - 1,
    "macd": lambda b: macd_line(b) / b.close,
    "macd_histogram": macd_histogram,
    "rsi_14": rsi,
    "stochastic_14": stochastic,
    "bollinger_20": bollinger,
    "detrended_price_50": detrended,
    "volatility_21": lambda b: std(b.returns, 21) * math.sqrt(252),
    "volatility_63": lambda b: std(b.returns, 63) * math.sqrt(252),
    "volatility_ratio_21_126": lambda b: over(std(b.returns, 21), std(b.returns, 126), flat=1.0),
    "beta_252": lambda b: joint(b, 252, slope),
    "residual_volatility_63": lambda b: joint(b, 63, residual_volatility),
    "residual_volatility_126": lambda b: joint(b, 126, residual_volatility),
    "intraday_range": lambda b: (b.high - b.low) / b.close,
    "atr_fraction_14": atr,
    "volume_z_20": lambda b: over(b.volume - rolling(b.volume, 20).mean(), std(b.volume, 20), flat=0.0),
    "volume_ratio_5_63": lambda b: over(rolling(b.volume, 5).mean(), rolling(b.volume, 63).mean(), flat=1.0),
    "log_dollar_volume_21": lambda b: np.log(rolling(b.dollar_volume, 21).mean()),
    "amihud_21": amihud,
    "vwap_distance_20": vwap_distance,
    "obv_slope_21": obv_slope,
    "accumulation_20": accumulation,
    "earnings_yield": per_market_value("earnings"),
    "book_to_price": per_market_value("book"),
    "sales_to_price": per_market_value("revenue"),
    "log_market_cap": lambda b: np.log(b.fundamentals["shares"] * b.raw_close),
    "day_of_week": lambda b: same_for_all(b, b.close.index.day_of_week),
    "days_to_month_end": lambda b: same_for_all(b, b.close.index.days_in_month - b.close.index.day),
}
