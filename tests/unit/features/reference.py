"""Every feature once more, written to be read and checked by eye: pandas, one line of thought each, no speed.

`REFERENCE[name](bars)` gives a frame of sessions × symbols. A rolling window wants four fifths of its rows.
"""

import math
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from tasks.data.schema.records import Panel


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


def known(condition, *values):
    """Turn a condition into 0 and 1, missing where any of the values is."""
    present = np.logical_and.reduce([value.notna() for value in values])
    return condition.astype(float).where(present)


def past_return(sessions, skip=0):
    return lambda b: b.close.shift(skip) / b.close.shift(skip + sessions) - 1


def information_discreteness(b):
    falls = rolling(known(b.returns < 0, b.returns), 252).mean()
    rises = rolling(known(b.returns > 0, b.returns), 252).mean()
    return np.sign(past_return(252)(b)) * (falls - rises)


def fall(sessions):
    return lambda b: 1 - b.close / b.close.shift(sessions)


def reversal_on_volume(b):
    return over(-rolling(b.returns * b.volume, 5).sum(), rolling(b.volume, 63).mean(), flat=0.0)


def below_high(b):
    return b.close / rolling(b.high, 252).max() - 1


def recency_of_high(b):
    since = rolling(b.high, 252).apply(lambda w: len(w) - 1 - np.nanargmax(w), raw=True)
    return 1 - since / 252


def sma_ratio(window):
    return lambda b: b.close / rolling(b.close, window).mean() - 1


def sma_change(b):
    mean = rolling(b.close, 200).mean()
    return mean / mean.shift(21) - 1


def line(w):
    """Fit a straight line to the values present; return slope and r², 0 without variation."""
    row, value = np.flatnonzero(~np.isnan(w)), w[~np.isnan(w)]
    if np.ptp(value) == 0:
        return 0.0, 0.0
    return np.polyfit(row, value, 1)[0], np.corrcoef(row, value)[0, 1] ** 2


def line_slope(x, window):
    return rolling(x, window).apply(lambda w: line(w)[0], raw=True)


def line_fit(b):
    return rolling(b.close, 63).apply(lambda w: line(w)[1], raw=True)


def efficiency(b):
    step = b.close - b.close.shift(1)
    return over((b.close - b.close.shift(21)).abs(), rolling(step.abs(), 21).sum(), flat=0.0)


def variance_ratio(b):
    return over(std(past_return(5)(b), 126) ** 2, 5 * std(b.returns, 126) ** 2, flat=1.0)


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


def typical(b):
    return (b.high + b.low + b.close) / 3


def cci(b):
    mean_distance = rolling(typical(b), 20).apply(lambda w: np.nanmean(np.abs(w - np.nanmean(w))), raw=True)
    return over(typical(b) - rolling(typical(b), 20).mean(), 0.015 * mean_distance, flat=0.0)


def money_flow(b):
    step, flow = typical(b).diff(), typical(b) * b.volume
    risen = rolling(flow.where(step > 0, 0.0).where(step.notna()), 14).sum()
    fallen = rolling(flow.where(step < 0, 0.0).where(step.notna()), 14).sum()
    return 100 * over(risen, risen + fallen, flat=0.5)


def trix(b):
    smooth = ema(ema(ema(b.close, 15), 15), 15)
    return smooth / smooth.shift(1) - 1


def aroon(b):
    def since_high(w):
        return 25 - np.nanargmax(w)

    def since_low(w):
        return 25 - np.nanargmin(w)

    highs, lows = b.high.rolling(26, min_periods=21), b.low.rolling(26, min_periods=21)
    return 100 * (lows.apply(since_low, raw=True) - highs.apply(since_high, raw=True)) / 25


def directional_indices(b):
    above, below = b.high - b.high.shift(1), b.low.shift(1) - b.low
    plus = above.where((above > below) & (above > 0), 0.0).where(above.notna() & below.notna())
    minus = below.where((below > above) & (below > 0), 0.0).where(above.notna() & below.notna())
    smoothed = ema(true_range(b), 27)
    return 100 * over(ema(plus, 27), smoothed, flat=0.0), 100 * over(ema(minus, 27), smoothed, flat=0.0)


def directional_move(b):
    plus, minus = directional_indices(b)
    return plus - minus


def adx(b):
    plus, minus = directional_indices(b)
    return rolling(100 * over((plus - minus).abs(), plus + minus, flat=0.0), 14).mean()


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


def downside_slope(share, market):
    return slope(share[market < 0], market[market < 0])


def correlation(share, market):
    return np.corrcoef(share, market)[0, 1] if np.ptp(share) > 0 else 0.0


def alpha_in_deviations(share, market):
    beta, alpha = np.polyfit(market, share, 1)
    residual = share - alpha - beta * market
    return alpha / np.sqrt((residual**2).sum() / (len(share) - 2)) if np.ptp(share) > 0 else 0.0


def market_delay(b):
    return joint(replace(b, market_returns=b.market_returns.shift(1)), 126, correlation)


def residual_momentum(b):
    return joint(b, 231, alpha_in_deviations).shift(21)


def true_range(b):
    before = b.close.shift(1)
    return np.maximum(
        b.high - b.low, np.maximum((b.high - before).abs(), (b.low - before).abs()).where(before.notna())
    )


def range_ratio(b):
    day = (b.high - b.low) / b.close
    return over(rolling(day, 5).mean(), rolling(day, 63).mean(), flat=1.0)


def choppiness(b):
    covered = rolling(b.high, 14).max() - rolling(b.low, 14).min()
    return np.log(over(rolling(true_range(b), 14).sum(), covered, flat=14.0)) / np.log(14)


def night(b):
    return b.open / b.close.shift(1) - 1


def day(b):
    return b.close / b.open - 1


def gap_share(b):
    is_beyond = (b.open > b.high.shift(1)) | (b.open < b.low.shift(1))
    return rolling(known(is_beyond, b.open, b.high.shift(1), b.low.shift(1)), 63).mean()


def night_share_of_variance(b):
    at_night, by_day = std(night(b), 63) ** 2, std(day(b), 63) ** 2
    return over(at_night, at_night + by_day, flat=0.5)


def yearly(variance):
    return np.sqrt(252 * variance)


def garman_klass(b):
    daily = np.log(b.high / b.low) ** 2 / 2 - (2 * np.log(2) - 1) * np.log(b.close / b.open) ** 2
    return yearly(rolling(daily, 21).mean())


def rogers_satchell(b):
    above = np.log(b.high / b.close) * np.log(b.high / b.open)
    below = np.log(b.low / b.close) * np.log(b.low / b.open)
    return yearly(rolling(above + below, 21).mean())


def volatility_of_volatility(b):
    return over(std(std(b.returns, 21), 126), rolling(std(b.returns, 21), 126).mean(), flat=0.0)


def deepest_drawdown(b):
    return rolling(b.close / rolling(b.close, 126).max() - 1, 126).min()


def price_volume_correlation(b):
    pairs = rolling(b.returns.where(b.volume.notna()), 63)
    return pairs.corr(b.volume, pairwise=False).mask(pairs.std() == 0, 0.0)


def turned_over(b):
    return b.dollar_volume / (b.fundamentals["shares"] * b.raw_close)


def days_without_trade(b):
    empty = rolling(known(b.volume == 0, b.volume), 63).sum()
    return empty + 1 / (1 + rolling(turned_over(b), 63).sum())


def corwin_schultz(b):
    root = np.sqrt(2)
    before = b.close.shift(1)
    gap = (b.low - before).clip(lower=0) + (b.high - before).clip(upper=0)
    high, low = b.high - gap, b.low - gap
    beta = np.log(high / low) ** 2 + np.log(b.high.shift(1) / b.low.shift(1)) ** 2
    gamma = np.log(np.maximum(high, b.high.shift(1)) / np.minimum(low, b.low.shift(1))) ** 2
    alpha = (np.sqrt(2 * beta) - np.sqrt(beta)) / (3 - 2 * root) - np.sqrt(gamma / (3 - 2 * root))
    spread = 2 * (np.exp(alpha) - 1) / (1 + np.exp(alpha))
    return rolling(spread.clip(lower=0), 21).mean()


def amihud(window):
    def per_million(b):
        per_usd = b.returns.abs() / b.dollar_volume.where(b.dollar_volume > 0)
        return rolling(per_usd, window).mean() * 1e6

    return per_million


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


def volatility_z(b):
    volatility = std(b.returns, 21)
    return over(volatility - rolling(volatility, 231).mean(), std(volatility, 231), flat=0.0)


def fractional_price(b):
    """Difference ln(close) − ln(close before the window) by the order 0.4, term by term."""
    weights = [1.0]
    for back in range(1, 63):
        weights.append(-weights[-1] * (0.4 - back + 1) / back)

    def differenced(w):
        return sum(weight * np.log(w[-1 - back] / w[0]) for back, weight in enumerate(weights))

    return b.close.rolling(64).apply(differenced, raw=True)


def per(figure, base):
    return lambda b: b.fundamentals[figure] / b.fundamentals[base].where(b.fundamentals[base] > 0)


def growth(figure):
    def change(b):
        before = b.fundamentals[figure].shift(252)
        return b.fundamentals[figure] / before.where(before > 0) - 1

    return change


def market_value(b):
    return b.fundamentals["shares"] * b.raw_close


def earnings_change(b):
    return b.fundamentals["earnings"].diff(252) / market_value(b)


def payout_yield(b):
    return (b.fundamentals["earnings"] - b.fundamentals["book"].diff(252)) / market_value(b)


def composite_issuance(b):
    return np.log(market_value(b)).diff(252) - np.log(b.close).diff(252)


def days_to_quarter_end(index):
    return (index.to_period("Q").end_time.normalize() - index.normalize()).days


def turn_of_month(index):
    """Say which days are a month's last weekday or among its first three."""
    weekdays = pd.bdate_range(
        index[0] - pd.offsets.MonthBegin(2), index[-1] + pd.offsets.MonthEnd(2)
    ).to_series()
    months = weekdays.groupby(weekdays.dt.to_period("M"))
    turn = set(months.head(3)) | set(months.tail(1))
    return np.array([float(day in turn) for day in index])


def per_market_value(figure):
    return lambda b: b.fundamentals[figure] / market_value(b)


def same_for_all(b, by_session):
    return pd.DataFrame(dict.fromkeys(b.close, by_session), index=b.close.index)


REFERENCE = {
    "return_1": past_return(1),
    "return_2": past_return(2),
    "return_3": past_return(3),
    "return_5": past_return(5),
    "return_10": past_return(10),
    "return_20": past_return(20),
    "return_21": past_return(21),
    "momentum_1m": past_return(21, skip=21),
    "momentum_3m": past_return(63, skip=21),
    "momentum_6m": past_return(126, skip=21),
    "momentum_12m": past_return(231, skip=21),
    "momentum_12m_in_sector": past_return(231, skip=21),
    "momentum_12m_neutral": past_return(231, skip=21),
    "momentum_7_12m": past_return(126, skip=126),
    "momentum_acceleration": lambda b: past_return(126)(b) - past_return(126, skip=126)(b),
    "information_discreteness_252": information_discreteness,
    "roc_63": past_return(63),
    "reversal_5": fall(5),
    "reversal_5_neutral": fall(5),
    "reversal_21_in_sector": fall(21),
    "reversal_on_volume_5": reversal_on_volume,
    "distance_52w_high": below_high,
    "distance_52w_high_neutral": below_high,
    "distance_52w_low": lambda b: b.close / rolling(b.low, 252).min() - 1,
    "recency_52w_high": recency_of_high,
    "sma_ratio_10": sma_ratio(10),
    "sma_ratio_20": sma_ratio(20),
    "sma_ratio_50": sma_ratio(50),
    "sma_ratio_200": sma_ratio(200),
    "sma_cross_50_200": lambda b: rolling(b.close, 50).mean() / rolling(b.close, 200).mean() - 1,
    "sma_change_200": sma_change,
    "ema_ratio_20": lambda b: b.close / ema(b.close, 20) - 1,
    "macd": lambda b: macd_line(b) / b.close,
    "macd_histogram": macd_histogram,
    "line_slope_63": lambda b: line_slope(b.close, 63) / b.close,
    "line_fit_63": line_fit,
    "efficiency_21": efficiency,
    "variance_ratio_5_126": variance_ratio,
    "rsi_14": rsi,
    "stochastic_14": stochastic,
    "stochastic_d_14": lambda b: rolling(stochastic(b), 3).mean(),
    "cci_20": cci,
    "money_flow_14": money_flow,
    "trix_15": trix,
    "aroon_25": aroon,
    "directional_move_14": directional_move,
    "adx_14": adx,
    "max_return_21": lambda b: rolling(b.returns, 21).max(),
    "volatility_21": lambda b: std(b.returns, 21) * math.sqrt(252),
    "volatility_63": lambda b: std(b.returns, 63) * math.sqrt(252),
    "volatility_ratio_21_126": lambda b: over(std(b.returns, 21), std(b.returns, 126), flat=1.0),
    "volatility_63_neutral": lambda b: std(b.returns, 63) * math.sqrt(252),
    "volatility_of_volatility_126": volatility_of_volatility,
    "downside_volatility_63": lambda b: yearly(rolling(b.returns.clip(upper=0) ** 2, 63).mean()),
    "parkinson_21": lambda b: yearly(rolling(np.log(b.high / b.low) ** 2, 21).mean() / (4 * np.log(2))),
    "garman_klass_21": garman_klass,
    "rogers_satchell_21": rogers_satchell,
    "largest_fall_21": lambda b: rolling(b.returns, 21).min(),
    "deepest_drawdown_126": deepest_drawdown,
    "skewness_126": lambda b: rolling(b.returns, 126).skew().mask(std(b.returns, 126) == 0, 0.0),
    "kurtosis_126": lambda b: rolling(b.returns, 126).kurt().mask(std(b.returns, 126) == 0, 0.0),
    "intraday_range": lambda b: (b.high - b.low) / b.close,
    "close_in_range": lambda b: over(b.close - b.low, b.high - b.low, flat=0.5),
    "range_ratio_5_63": range_ratio,
    "atr_fraction_14": lambda b: rolling(true_range(b), 14).mean() / b.close,
    "choppiness_14": choppiness,
    "overnight_gap": night,
    "intraday_return": day,
    "mean_gap_21": lambda b: rolling(night(b), 21).mean(),
    "overnight_less_intraday_63": lambda b: rolling(night(b), 63).mean() - rolling(day(b), 63).mean(),
    "overnight_share_of_variance_63": night_share_of_variance,
    "gap_share_63": gap_share,
    "beta_252": lambda b: joint(b, 252, slope),
    "downside_beta_252": lambda b: joint(b, 252, downside_slope),
    "residual_volatility_63": lambda b: joint(b, 63, residual_volatility),
    "residual_volatility_126": lambda b: joint(b, 126, residual_volatility),
    "market_correlation_252": lambda b: joint(b, 252, correlation),
    "market_delay_126": market_delay,
    "residual_momentum_12m": residual_momentum,
    "volume_ratio_5_63": lambda b: over(rolling(b.volume, 5).mean(), rolling(b.volume, 63).mean(), flat=1.0),
    "volume_place_50": lambda b: rolling(b.volume, 50).rank(pct=True),
    "volume_variation_63": lambda b: over(std(b.volume, 63), rolling(b.volume, 63).mean(), flat=0.0),
    "vwap_distance_20": vwap_distance,
    "obv_slope_21": obv_slope,
    "accumulation_20": accumulation,
    "price_volume_correlation_63": price_volume_correlation,
    "log_dollar_volume_21": lambda b: np.log(rolling(b.dollar_volume, 21).mean()),
    "dollar_volume_trend_63": lambda b: line_slope(b.dollar_volume, 63) / rolling(b.dollar_volume, 63).mean(),
    "turnover_21": lambda b: rolling(turned_over(b), 21).mean(),
    "amihud_21": amihud(21),
    "amihud_ratio_21_252": lambda b: over(amihud(21)(b), amihud(252)(b), flat=1.0),
    "days_without_trade_63": days_without_trade,
    "zero_return_share_63": lambda b: rolling(known(b.returns == 0, b.returns), 63).mean(),
    "corwin_schultz_21": corwin_schultz,
    "demeaned_return_60": lambda b: b.returns - rolling(b.returns, 60).mean(),
    "volume_weighted_momentum_21": volume_weighted_momentum,
    "bollinger_20": bollinger,
    "detrended_price_50": detrended,
    "volume_z_20": lambda b: over(b.volume - rolling(b.volume, 20).mean(), std(b.volume, 20), flat=0.0),
    "volatility_z_231": volatility_z,
    "fractional_price_63": fractional_price,
    "earnings_yield": per_market_value("earnings"),
    "earnings_yield_in_sector": per_market_value("earnings"),
    "book_to_price": per_market_value("book"),
    "book_to_price_in_sector": per_market_value("book"),
    "sales_to_price": per_market_value("revenue"),
    "log_market_cap": lambda b: np.log(market_value(b)),
    "return_on_equity": per("earnings", "book"),
    "profit_margin": per("earnings", "revenue"),
    "sales_growth": growth("revenue"),
    "book_growth": growth("book"),
    "earnings_change": earnings_change,
    "payout_yield": payout_yield,
    "composite_issuance": composite_issuance,
    "day_of_week": lambda b: same_for_all(b, b.close.index.day_of_week),
    "month": lambda b: same_for_all(b, b.close.index.month),
    "days_to_month_end": lambda b: same_for_all(b, b.close.index.days_in_month - b.close.index.day),
    "days_to_quarter_end": lambda b: same_for_all(b, days_to_quarter_end(b.close.index)),
    "turn_of_month": lambda b: same_for_all(b, turn_of_month(b.close.index)),
}
