import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.core.compiled import compiled
from tasks.features.compute import on_arrays
from tasks.features.engine import arithmetic, rolling
from tasks.features.engine.rolling import ema_window

NAN = np.nan


def of_arrays(function):
    """Return a window as a function of arrays, sessions × symbols."""

    def found(*given, **options):
        arrays = [value for value in given if isinstance(value, np.ndarray) and value.ndim == 2]

        def recipe(*histories):
            made = function(*histories, *given[len(arrays) :], **options)
            return made if isinstance(made, tuple) else (made,)

        made = on_arrays(recipe, *arrays)
        return made if len(made) > 1 else made[0]

    return found


ema = of_arrays(rolling.ema)
lag = of_arrays(rolling.lag)
ratio = of_arrays(arithmetic.ratio)
rolling_correlation = of_arrays(rolling.rolling_correlation)
rolling_line = of_arrays(rolling.rolling_line)
rolling_max = of_arrays(rolling.rolling_max)
rolling_mean = of_arrays(rolling.rolling_mean)
rolling_mean_and_std = of_arrays(rolling.rolling_mean_and_std)
rolling_min = of_arrays(rolling.rolling_min)
rolling_quantile = of_arrays(rolling.rolling_quantile)
rolling_rank = of_arrays(rolling.rolling_rank)
rolling_skewness_and_kurtosis = of_arrays(rolling.rolling_skewness_and_kurtosis)
rolling_sum = of_arrays(rolling.rolling_sum)
sessions_since_max = of_arrays(rolling.sessions_since_max)
sessions_since_min = of_arrays(rolling.sessions_since_min)
weighted_sum = of_arrays(rolling.weighted_sum)


def against_time_and_sign(x):
    """Return a second series that moves partly with the first, and lacks other rows."""
    other = np.sqrt(np.abs(x)) + np.sin(np.arange(len(x)))[:, None]
    other[::17] = NAN
    return other


KERNELS = {
    "sum": rolling_sum,
    "mean": rolling_mean,
    "max": rolling_max,
    "min": rolling_min,
    "std": lambda x, window: rolling_mean_and_std(x, window)[1],
    "weighted": lambda x, window: weighted_sum(x, np.linspace(0.1, 1, window)),
    "quantile": lambda x, window: rolling_quantile(x, window, 0.8),
    "rank": rolling_rank,
    "since max": sessions_since_max,
    "since min": sessions_since_min,
    "slope": lambda x, window: rolling_line(x, window)[0],
    "r²": lambda x, window: rolling_line(x, window)[1],
    "residual": lambda x, window: rolling_line(x, window)[2],
    "skewness": lambda x, window: rolling_skewness_and_kurtosis(x, window)[0],
    "kurtosis": lambda x, window: rolling_skewness_and_kurtosis(x, window)[1],
    "correlation": lambda x, window: rolling_correlation(x, against_time_and_sign(x), window),
}
LOCAL = [name for name in KERNELS if name != "correlation"]


FLAT = {"r²": NAN, "skewness": 0.0, "kurtosis": 0.0}  # where nothing varies


def plainly(name, w):
    """Return what the window's figure should be."""
    if np.isfinite(w).mean() < 0.8:
        return NAN
    return FLAT[name] if name in FLAT and np.nanmax(w) == np.nanmin(w) else PLAIN[name](w)


def fitted(w):
    """Return slope and intercept of the present values on their row numbers, by numpy."""
    rows = np.flatnonzero(~np.isnan(w))
    return np.polyfit(rows, w[rows], 1)


def r_squared(w):
    rows = np.flatnonzero(~np.isnan(w))
    return np.corrcoef(rows, w[rows])[0, 1] ** 2


PLAIN = {
    "sum": np.nansum,
    "mean": np.nanmean,
    "max": np.nanmax,
    "min": np.nanmin,
    "std": lambda w: np.nanstd(w, ddof=1),
    "weighted": lambda w: np.sum(w * np.linspace(0.1, 1, len(w))),
    "quantile": lambda w: np.nanquantile(w, 0.8),
    "rank": lambda w: pd.Series(w).rank(pct=True).iloc[-1],
    "since max": lambda w: len(w) - 1 - np.nanargmax(w),
    "since min": lambda w: len(w) - 1 - np.nanargmin(w),
    "slope": lambda w: fitted(w)[0],
    "r²": r_squared,
    "residual": lambda w: w[-1] - np.polyval(fitted(w), len(w) - 1),
    "skewness": lambda w: pd.Series(w).skew(),
    "kurtosis": lambda w: pd.Series(w).kurt(),
}


def column(*values):
    return np.array(values, dtype=float)[:, None]


def same(one, two):
    return np.array_equal(one, two, equal_nan=True)


def test_a_sum_wants_its_whole_window():
    assert same(rolling_sum(column(1, 2, 3, 4), 3), column(NAN, NAN, 6, 9))


def test_a_window_longer_than_the_array_has_no_value():
    assert np.isnan(rolling_sum(column(1, 2), 3)).all()
    assert np.isnan(weighted_sum(column(1, 2), np.ones(3))).all()


def test_a_mean_counts_what_is_there_when_four_fifths_are():
    values = column(1, 2, NAN, 4, 5)

    assert rolling_mean(values, 5)[-1] == 3.0
    assert np.isnan(rolling_mean(values, 4)[-1])


def test_extremes_skip_missing_values():
    values = column(1, 9, NAN, 4, 5)

    assert rolling_max(values, 5)[-1] == 9
    assert rolling_min(values, 5)[-1] == 1


def test_a_constant_deviates_by_exactly_zero():
    _, std = rolling_mean_and_std(np.full((50, 1), 0.1), 21)

    assert (std[20:] == 0).all()


def test_a_deviation_survives_a_large_level():
    small = np.random.default_rng(0).normal(size=(40, 1))

    _, std = rolling_mean_and_std(small + 1e9, 40)

    assert std[-1, 0] == pytest.approx(small.std(ddof=1), rel=1e-6)


def test_an_exponential_mean_forgets_what_is_older_than_its_window():
    values = np.ones((ema_window(3) + 1, 1))
    values[0] = 1e12

    assert ema(values, 3)[-1] == 1.0


def test_an_exponential_mean_weighs_recent_values_more():
    rising = np.arange(40, dtype=float)[:, None]

    assert rolling_mean(rising, ema_window(5))[-1] < ema(rising, 5)[-1] < rising[-1]


def test_a_lag_beyond_the_array_is_missing():
    assert same(lag(column(1, 2, 3), 1), column(NAN, 1, 2))
    assert np.isnan(lag(column(1, 2, 3), 5)).all()
    assert same(lag(column(1, 2), 0), column(1, 2))


def test_nothing_over_nothing_is_what_flat_says_and_missing_stays_missing():
    assert same(
        ratio(column(0, 1, NAN), column(0, 2, 3), flat=0.5),
        column(0.5, 0.5, NAN),
    )


@pytest.mark.parametrize("name", LOCAL)
@given(
    window=st.integers(5, 70), start=st.integers(0, 30), seed=st.integers(0, 1000), missing=st.floats(0, 0.3)
)
@settings(max_examples=25)
def test_where_the_array_begins_or_ends_changes_no_bit(name, window, start, seed, missing):
    rng = np.random.default_rng(seed)
    values = rng.lognormal(0, 3, (120, 3))
    values[rng.random(values.shape) < missing] = NAN
    values[: seed % 60, 2] = NAN
    kernel = KERNELS[name]

    with np.errstate(all="ignore"):
        whole = kernel(values, window)
        part = kernel(values[start:110], window)

    first_whole = start + window - 1
    assert same(part[window - 1 :], whole[first_whole:110])


@given(
    window=st.integers(5, 70), start=st.integers(0, 30), seed=st.integers(0, 1000), missing=st.floats(0, 0.2)
)
@settings(max_examples=40)
def test_where_two_series_begin_or_end_changes_no_bit(window, start, seed, missing):
    rng = np.random.default_rng(seed)
    x, y = rng.lognormal(0, 3, (2, 120, 3))
    x[rng.random(x.shape) < missing] = NAN
    y[: seed % 60, 2] = NAN

    whole = rolling_correlation(x, y, window)
    part = rolling_correlation(x[start:110], y[start:110], window)

    assert same(part[window - 1 :], whole[start + window - 1 : 110])


@pytest.mark.parametrize("name", PLAIN)
@pytest.mark.parametrize("window", [5, 7, 8, 21, 63, 64])
@pytest.mark.parametrize("missing", [0.0, 0.05])
def test_a_kernel_equals_the_plain_calculation(name, window, missing):
    rng = np.random.default_rng(window)
    values = rng.lognormal(0, 1, 120)
    values[30:40] = values[30]  # equals
    values[rng.random(120) < missing] = NAN
    windows = [values[end - window : end] for end in range(window, 121)]
    plain = [plainly(name, w) for w in windows]
    with np.errstate(all="ignore"):
        computed = KERNELS[name](values[:, None], window)[window - 1 :, 0]

    np.testing.assert_allclose(computed, plain, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("window", [5, 21, 63])
def test_two_series_are_compared_where_both_are_present(window):
    rng = np.random.default_rng(window)
    x = rng.normal(50, 1, 120)
    y = 0.5 * x + rng.normal(0, 1, 120)
    x[10], y[[40, 41]] = NAN, NAN
    pairs = [np.column_stack([x, y])[end - window : end] for end in range(window, 121)]
    pairs = [pair[~np.isnan(pair).any(axis=1)] for pair in pairs]
    enough = [len(pair) >= 0.8 * window for pair in pairs]
    plain = [np.corrcoef(*pair.T)[0, 1] for pair in pairs]

    found = rolling_correlation(x[:, None], y[:, None], window)

    np.testing.assert_allclose(found[window - 1 :, 0], np.where(enough, plain, NAN), rtol=1e-7)


def test_what_does_not_vary_has_no_correlation_and_no_shape():
    level, moving = np.full((30, 1), 0.1), np.arange(30, dtype=float)[:, None]

    with np.errstate(all="ignore"):
        skewness, kurtosis = rolling_skewness_and_kurtosis(level, 10)
        slope, fit, residual = rolling_line(level, 10)

    correlation = rolling_correlation(level, moving, 10)
    assert (correlation[9:] == 0).all()
    assert np.isnan(correlation[:9]).all()
    assert (skewness[9:] == 0).all()
    assert (kurtosis[9:] == 0).all()
    assert (slope[9:] == 0).all()
    assert np.isnan(fit).all()
    assert residual[9:] == pytest.approx(0, abs=1e-15)


def test_the_oldest_of_equal_extremes_counts():
    assert sessions_since_max(column(1, 7, 7, 2, 1), 5)[-1] == 3
    assert sessions_since_min(column(1, 7, 7, 2, 1), 5)[-1] == 4


def test_equals_share_their_mean_rank():
    assert rolling_rank(column(1, 2, 3, 2, 2), 5)[-1] == pytest.approx(3 / 5)


def test_the_order_of_memory_does_not_matter():
    values = np.random.default_rng(0).normal(size=(60, 4))

    assert same(rolling_mean(values, 7), rolling_mean(np.asfortranarray(values), 7))


def test_kernels_run_where_nothing_can_be_kept_on_disk(monkeypatch):
    """With a read-only package and home, each process compiles the machine code again."""
    import numba

    def refusing(function, *, cache=False, **options):
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return numba.core.registry.CPUDispatcher(function, targetoptions={"nopython": True, **options})

    monkeypatch.setattr(numba, "njit", refusing)

    assert compiled(lambda x: x + 1)(2) == 3
