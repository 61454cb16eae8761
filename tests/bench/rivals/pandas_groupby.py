"""The twenty features with pandas' groupby-rolling on a long frame, sorted by symbol and session."""

import math

import numpy as np
import pandas as pd


def twenty(bars: pd.DataFrame) -> pd.DataFrame:
    """Return the features as float32 columns, row by row of the bars."""
    close, high, low, volume = (bars[name] for name in ("close", "high", "low", "volume"))
    symbol = bars["symbol"]

    def rolled(figure, values, window):
        groups = values.groupby(symbol, observed=True, sort=False)
        result = getattr(groups.rolling(window, min_periods=math.ceil(0.8 * window)), figure)()
        return pd.Series(result.to_numpy(), index=bars.index)

    def lagged(values, sessions):
        return values.groupby(symbol, observed=True, sort=False).shift(sessions)

    def z_score(values, window):
        return (values - rolled("mean", values, window)) / rolled("std", values, window)

    def correlation(x, y, window):
        """By moments: pandas' own `groupby.rolling.corr` pairs every symbol with every other, or takes longer."""
        mean_x, mean_y = rolled("mean", x, window), rolled("mean", y, window)
        covariance = rolled("mean", x * y, window) - mean_x * mean_y
        of_x = rolled("mean", x * x, window) - mean_x**2
        of_y = rolled("mean", y * y, window) - mean_y**2
        return covariance / np.sqrt(of_x * of_y)

    before = lagged(close, 1)
    returns, step = close / before - 1, close - before
    market = bars["market_return"].where(returns.notna())
    gain, loss = rolled("sum", step.clip(lower=0), 14), rolled("sum", (-step).clip(lower=0), 14)
    true_range = np.maximum(high, before) - np.minimum(low, before)
    columns = {
        **{f"close_to_mean_{n}": close / rolled("mean", close, n) - 1 for n in (5, 20, 60)},
        **{f"deviation_{n}": rolled("std", returns, n) for n in (20, 60, 120)},
        **{f"z_score_{n}": z_score(close, n) for n in (20, 60)},
        "volume_z_score_20": z_score(volume, 20),
        **{f"change_{n}": close / lagged(close, n) - 1 for n in (5, 21, 63, 126)},
        "rsi_14": 100 * gain / (gain + loss),
        "atr_14": rolled("mean", true_range, 14) / close,
        "below_high_252": close / rolled("max", high, 252) - 1,
        "above_low_252": close / rolled("min", low, 252) - 1,
        **{f"market_correlation_{n}": correlation(returns, market, n) for n in (60, 120)},
        "volume_ratio_5_60": rolled("mean", volume, 5) / rolled("mean", volume, 60),
    }
    return pd.DataFrame({name: values.astype("float32") for name, values in columns.items()})
