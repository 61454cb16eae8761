"""The twenty features with polars' rolling functions over each symbol of a long frame, sorted by symbol and session."""

import math

import polars as pl


def twenty(bars: pl.DataFrame) -> pl.DataFrame:
    """Return the features as Float32 columns, row by row of the bars."""
    close, high, low, volume = (pl.col(name) for name in ("close", "high", "low", "volume"))
    before, returns, market = pl.col("before"), pl.col("returns"), pl.col("market")
    step = close - before

    def rolled(figure, values, window):
        return getattr(values, f"rolling_{figure}")(window, min_samples=math.ceil(0.8 * window)).over(
            "symbol"
        )

    def z_score(values, window):
        return (values - rolled("mean", values, window)) / rolled("std", values, window)

    def correlation(x, y, window):
        return pl.rolling_corr(x, y, window_size=window, min_samples=math.ceil(0.8 * window)).over("symbol")

    gain = rolled("sum", pl.max_horizontal(step, 0.0 * step), 14)
    loss = rolled("sum", pl.max_horizontal(-step, 0.0 * step), 14)
    true_range = pl.when(step.is_not_null()).then(
        pl.max_horizontal(high, before) - pl.min_horizontal(low, before)  # they ignore missing values
    )
    columns = {
        **{f"close_to_mean_{n}": close / rolled("mean", close, n) - 1 for n in (5, 20, 60)},
        **{f"deviation_{n}": rolled("std", returns, n) for n in (20, 60, 120)},
        **{f"z_score_{n}": z_score(close, n) for n in (20, 60)},
        "volume_z_score_20": z_score(volume, 20),
        **{f"change_{n}": close / close.shift(n).over("symbol") - 1 for n in (5, 21, 63, 126)},
        "rsi_14": 100 * gain / (gain + loss),
        "atr_14": rolled("mean", true_range, 14) / close,
        "below_high_252": close / rolled("max", high, 252) - 1,
        "above_low_252": close / rolled("min", low, 252) - 1,
        **{f"market_correlation_{n}": correlation(returns, market, n) for n in (60, 120)},
        "volume_ratio_5_60": rolled("mean", volume, 5) / rolled("mean", volume, 60),
    }
    return (
        bars.lazy()
        .with_columns(before=close.shift(1).over("symbol"))
        .with_columns(returns=close / before - 1)
        .with_columns(market=pl.when(returns.is_not_null()).then("market_return"))
        .select([values.cast(pl.Float32).alias(name) for name, values in columns.items()])
        .collect()
    )
