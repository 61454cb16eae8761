"""The windowed features of Alpha158; see `alpha158.py`."""

import math
from collections.abc import Callable
from functools import partial

from tasks.features.engine.arithmetic import is_missing, log, maximum, ratio, sign, where
from tasks.features.engine.feature import Feature
from tasks.features.engine.rolling import (
    lag,
    rolling_correlation,
    rolling_line,
    rolling_max,
    rolling_mean,
    rolling_mean_and_std,
    rolling_min,
    rolling_quantile,
    rolling_rank,
    rolling_sum,
    sessions_since_max,
    sessions_since_min,
)
from tasks.features.engine.series import Series
from tasks.features.families.declaration import Family

WINDOWS = (5, 10, 20, 30, 60)
CLOSE, VOLUME = ("close",), ("volume",)

feature = Family("alpha158")


# A window's level, spread and line


def close_before(close: Series, *, window: int) -> Series:
    """Return the close a window ago relative to the current one."""
    return lag(close, window) / close


def mean(values: Series, *, window: int) -> Series:
    """Return the window's mean relative to the current value; missing where that is 0."""
    return rolling_mean(values, window) / values


def deviation(values: Series, *, window: int) -> Series:
    """Return the window's sample standard deviation relative to the current value; missing where that is 0."""
    _, std = rolling_mean_and_std(values, window)
    return std / values


def slope(close: Series, *, window: int) -> Series:
    """Return the slope of the line fitted to the window, relative to the close."""
    step, _, _ = rolling_line(close, window)
    return step / close


def r_squared(close: Series, *, window: int) -> Series:
    """Return r² of the line fitted to the window; 0 for a constant window."""
    step, explained, _ = rolling_line(close, window)
    return where(is_missing(explained) & ~is_missing(step), 0.0, explained)


def residual(close: Series, *, window: int) -> Series:
    """Return the close's distance from the line fitted to the window, relative to the close."""
    _, _, distance = rolling_line(close, window)
    return distance / close


def highest(high: Series, close: Series, *, window: int) -> Series:
    """Return the window's high relative to the close."""
    return rolling_max(high, window) / close


def lowest(low: Series, close: Series, *, window: int) -> Series:
    """Return the window's low relative to the close."""
    return rolling_min(low, window) / close


def quantile(close: Series, *, window: int, q: float) -> Series:
    """Return a quantile of the window's closes relative to the last."""
    return rolling_quantile(close, window, q) / close


# Positions within the window


def place_in_range(high: Series, low: Series, close: Series, *, window: int) -> Series:
    """Return the position of the close in the window's range, 0 at the low, 1 at the high; 0 without a range."""
    bottom = rolling_min(low, window)
    return ratio(close - bottom, rolling_max(high, window) - bottom, flat=0.0)


def day_of_high(high: Series, *, window: int) -> Series:
    """Return the position of the window's high in time, as a fraction, 1 the latest; the oldest of equals."""
    return 1 - sessions_since_max(high, window) / window


def day_of_low(low: Series, *, window: int) -> Series:
    """Return the position of the window's low in time, as a fraction, 1 the latest; the oldest of equals."""
    return 1 - sessions_since_min(low, window) / window


def high_after_low(high: Series, low: Series, *, window: int) -> Series:
    """Return the time from the window's low to its high, as a fraction of the window."""
    return (sessions_since_min(low, window) - sessions_since_max(high, window)) / window


# Price with volume


def level_correlation(close: Series, volume: Series, *, window: int) -> Series:
    """Correlate close and log volume; days without trades do not count."""
    return rolling_correlation(close, log(_traded(volume)), window)


def change_correlation(close: Series, volume: Series, *, window: int) -> Series:
    """Correlate daily changes of price and volume; days after one without trades do not count."""
    return rolling_correlation(close / lag(close, 1), log(volume / lag(_traded(volume), 1) + 1), window)


def weighted_move_variation(close: Series, volume: Series, *, window: int) -> Series:
    """Return the standard deviation over the mean of |return| × volume; 0 where nothing moved or traded."""
    mean_move, std = rolling_mean_and_std(abs(close / lag(close, 1) - 1) * volume, window)
    return ratio(std, mean_move, flat=0.0)


def _traded(volume: Series) -> Series:
    return where(volume > 0, volume, math.nan)


# Moves up and down


def share_of_rises(close: Series, *, window: int) -> Series:
    """Return the fraction of sessions that closed higher than the previous one."""
    return rolling_mean(maximum(sign(_step(close)), 0), window)


def share_of_falls(close: Series, *, window: int) -> Series:
    """Return the fraction of sessions that closed lower than the previous one."""
    return share_of_rises(-close, window=window)


def rises_less_falls(close: Series, *, window: int) -> Series:
    """Return the fraction of sessions that closed higher less that of sessions that closed lower."""
    return rolling_mean(sign(_step(close)), window)


def sum_of_rises(values: Series, *, window: int) -> Series:
    """Return the sum of rises over the sum of absolute moves; 0 without moves."""
    step = _step(values)
    return ratio(rolling_sum(maximum(step, 0), window), rolling_sum(abs(step), window), flat=0.0)


def sum_of_falls(values: Series, *, window: int) -> Series:
    """Return the sum of falls over the sum of absolute moves; 0 without moves."""
    return sum_of_rises(-values, window=window)


def net_of_steps(values: Series, *, window: int) -> Series:
    """Return rises less falls over the sum of absolute moves; 0 without moves."""
    step = _step(values)
    return ratio(rolling_sum(step, window), rolling_sum(abs(step), window), flat=0.0)


def _step(values: Series) -> Series:
    return values - lag(values, 1)


def _each(
    name: str,
    function: Callable[..., Series],
    description: str,
    *,
    before: int = 0,
    inputs: tuple[str, ...] | None = None,
) -> tuple[Feature, ...]:
    """Declare one feature per window; `before` is the number of additional rows before the window."""
    return tuple(
        feature(
            f"a158_{name}_{n}",
            partial(function, window=n),
            n + before,
            description.format(n=n),
            inputs=inputs,
        )
        for n in WINDOWS
    )


FEATURES = (
    *_each("roc", close_before, "close {n} ago / close", before=1),
    *_each("ma", mean, "mean of {n} closes / close", inputs=CLOSE),
    *_each("std", deviation, "standard deviation of {n} closes / close", inputs=CLOSE),
    *_each("beta", slope, "slope of the line fitted to {n} closes / close"),
    *_each("rsqr", r_squared, "r² of the line fitted to {n} closes"),
    *_each("resi", residual, "(close − line fitted to {n} closes) / close"),
    *_each("max", highest, "highest high of {n} sessions / close"),
    *_each("min", lowest, "lowest low of {n} sessions / close"),
    *_each("qtlu", partial(quantile, q=0.8), "80% quantile of {n} closes / close"),
    *_each("qtld", partial(quantile, q=0.2), "20% quantile of {n} closes / close"),
    *_each("rank", rolling_rank, "rank of the close among {n} closes, 1 the highest", inputs=CLOSE),
    *_each("rsv", place_in_range, "(close − lowest low) / (highest high − lowest low) of {n} sessions"),
    *_each("imax", day_of_high, "position of the highest high in {n} sessions, 1 the latest"),
    *_each("imin", day_of_low, "position of the lowest low in {n} sessions, 1 the latest"),
    *_each("imxd", high_after_low, "position of the highest high minus that of the lowest low, {n} sessions"),
    *_each("corr", level_correlation, "correlation of close and log volume, {n} sessions"),
    *_each(
        "cord",
        change_correlation,
        "correlation of close / previous close and log(volume / previous volume + 1), {n} sessions",
        before=1,
    ),
    *_each("cntp", share_of_rises, "share of {n} sessions with a higher close", before=1),
    *_each("cntn", share_of_falls, "share of {n} sessions with a lower close", before=1),
    *_each("cntd", rises_less_falls, "share of higher minus share of lower closes, {n} sessions", before=1),
    *_each("sump", sum_of_rises, "Σ rises of the close / Σ |steps|, {n} sessions", before=1, inputs=CLOSE),
    *_each("sumn", sum_of_falls, "Σ falls of the close / Σ |steps|, {n} sessions", before=1, inputs=CLOSE),
    *_each("sumd", net_of_steps, "Σ steps of the close / Σ |steps|, {n} sessions", before=1, inputs=CLOSE),
    *_each("vma", mean, "mean volume of {n} sessions / volume", inputs=VOLUME),
    *_each("vstd", deviation, "standard deviation of the volume of {n} sessions / volume", inputs=VOLUME),
    *_each(
        "wvma",
        weighted_move_variation,
        "standard deviation / mean of |return| × volume, {n} sessions",
        before=1,
    ),
    *_each("vsump", sum_of_rises, "Σ rises of the volume / Σ |steps|, {n} sessions", before=1, inputs=VOLUME),
    *_each("vsumn", sum_of_falls, "Σ falls of the volume / Σ |steps|, {n} sessions", before=1, inputs=VOLUME),
    *_each("vsumd", net_of_steps, "Σ steps of the volume / Σ |steps|, {n} sessions", before=1, inputs=VOLUME),
)
