"""Issue 10, line 16: an error that hits many names at once stops the session, a genuine crash passes."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tasks.core.errors import DataError
from tasks.core.sessions import sessions_ending
from tasks.data.gates.price_moves import BarHistory
from tasks.data.gates.session_moves import (
    SessionMoves,
    broken_bound,
    measure_sessions,
    refuse_implausible_session,
)
from tests.builders import FRIDAY, make_settings

LIMITS = make_settings().data.quality
DAYS = sessions_ending(FRIDAY, 40)
Matrix = np.ndarray


def random_walk(names: int = 101, sessions: int = 5, seed: int = 0) -> tuple[Matrix, Matrix]:
    """Return closes of many sizes and the benchmark's closes, sessions × names."""
    rng = np.random.default_rng(seed)
    market = rng.normal(0, 0.01, (sessions, 1))
    first = np.exp(rng.uniform(np.log(5), np.log(500), names))
    close = first * np.exp(np.cumsum(market + rng.normal(0, 0.02, (sessions, names)), axis=0))
    return close, 400 * np.exp(np.cumsum(market[:, 0]))


def measured(
    close: Matrix,
    benchmark: Matrix | None,
    *,
    volume: Matrix | None = None,
    high: Matrix | None = None,
    open_: Matrix | None = None,
    low: Matrix | None = None,
    days: list[int] | None = None,
) -> SessionMoves:
    """Measure the last session of closes on the last trading days."""
    sessions, names = close.shape
    rows = np.array(days or range(len(DAYS) - sessions, len(DAYS)))
    day, code = np.meshgrid(rows, np.arange(names))
    flat = close.T.ravel()
    is_new = day.ravel() == rows[-1]
    level = np.full(len(DAYS), np.nan)
    if benchmark is not None:
        level[rows] = benchmark
    bars = BarHistory(
        code=code.ravel(),
        day=day.ravel(),
        open=flat if open_ is None else open_.T.ravel(),
        high=flat if high is None else high.T.ravel(),
        low=flat if low is None else low.T.ravel(),
        close=flat,
        volume=np.full(flat.size, 1e6) if volume is None else volume.T.ravel(),
        factor=np.ones(flat.size),
        was_set_aside=np.zeros(flat.size, dtype=bool),
        is_new=is_new,
    )
    symbols = pd.Index([f"N{name:03d}" for name in range(names)])
    (moves,) = measure_sessions(bars, symbols, DAYS, benchmark=level, move_frac=LIMITS.max_move_frac)
    return moves


def last(close: Matrix, change: Callable[[Matrix], Matrix]) -> Matrix:
    """Return the closes with those of the last session changed."""
    return np.vstack([close[:-1], change(close[-1])])


def some(count: int, times: float) -> Callable[[Matrix], Matrix]:
    return lambda row: np.where(np.arange(len(row)) < count, row * times, row)


FAULTS: dict[str, Callable[[Matrix], Matrix]] = {
    "all ten-fold": lambda row: row * 10,
    "60 of 101 ten-fold": some(60, 10),
    "all a hundredth": lambda row: row / 100,
    "rows given to other symbols": lambda row: np.random.default_rng(1).permutation(row),
    "symbol column off by one row": lambda row: np.roll(row, 1),
    "another currency": lambda row: row * 0.85,
    "sorted by price": np.sort,
    "one price for all": lambda row: np.full_like(row, 57.0),
    "a third up by half": some(34, 1.5),
    "logarithms": np.log,
}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("has_benchmark", [True, False])
def test_issue_10_line_16_an_error_of_many_names_breaks_an_absolute_bound(fault, has_benchmark):
    close, benchmark = random_walk()
    if fault == "another currency" and not has_benchmark:
        close[-1] = close[-2] * 0.99  # without a benchmark the limit is 15 points, so nothing else may move

    moves = measured(last(close, FAULTS[fault]), benchmark if has_benchmark else None)

    assert broken_bound(moves, LIMITS)


@pytest.mark.parametrize("names", [3, 12, 49])
@pytest.mark.parametrize("fault", ["all ten-fold", "all a hundredth", "symbol column off by one row"])
def test_issue_10_line_16_few_names_are_checked_too(names, fault):
    close, benchmark = random_walk(names)

    assert broken_bound(measured(last(close, FAULTS[fault]), benchmark), LIMITS)


def test_issue_10_line_16_a_benchmark_that_is_wrong_alike_excuses_nothing():
    close, benchmark = random_walk()
    # gates/level_checks leaves out a benchmark that rose tenfold; the session is checked without one
    moves = measured(last(close, lambda row: row * 10), np.append(benchmark[:-1], np.nan))

    assert "benchmark" in broken_bound(moves, LIMITS)


@pytest.mark.parametrize("shock", [-0.10, -0.205, 0.116])
def test_issue_10_line_16_a_crash_of_the_size_of_1987_passes(shock):
    close, benchmark = random_walk()
    rng = np.random.default_rng(3)
    close[-1] = close[-2] * (1 + shock + rng.normal(0, abs(shock) / 3, close.shape[1]))
    benchmark[-1] = benchmark[-2] * (1 + shock)

    assert broken_bound(measured(close, benchmark), LIMITS) == ""


def test_issue_10_line_16_a_crash_without_a_benchmark_passes_up_to_the_absolute_bound():
    close, _ = random_walk()
    mild, wild = close.copy(), close.copy()
    mild[-1], wild[-1] = close[-2] * 0.874, close[-2] * 0.80

    assert broken_bound(measured(mild, None), LIMITS) == ""
    assert broken_bound(measured(wild, None), LIMITS)


@pytest.mark.parametrize("names", [1, 2, 5, 101])
def test_ordinary_sessions_pass_whatever_the_number_of_names(names):
    close, benchmark = random_walk(names)

    assert broken_bound(measured(close, benchmark), LIMITS) == ""
    assert broken_bound(measured(close, None), LIMITS) == ""


def test_two_names_with_great_news_stop_no_small_market():
    close, benchmark = random_walk(7)
    close[-1, :2] *= 1.4

    assert broken_bound(measured(close, benchmark), LIMITS) == ""


def test_highs_and_volumes_that_are_wrong_for_most_names_are_found():
    close, benchmark = random_walk()
    high = last(close, lambda row: row * 10)
    volume = last(np.full(close.shape, 1e6), lambda row: row * 100)

    assert "high or low" in broken_bound(measured(close, benchmark, high=high), LIMITS)
    assert "100 times the shares" in broken_bound(measured(close, benchmark, volume=volume), LIMITS)


def test_closes_of_an_earlier_session_are_found_even_alongside_other_figures_of_the_day():
    close, benchmark = random_walk(sessions=8)
    volume = np.full(close.shape, 1e6)
    high = close * 1.01
    for back in (1, 3, 5):
        old = last(close, lambda _row, back=back: close[-1 - back])

        moves = measured(
            old, benchmark, volume=volume, high=np.vstack([high[:-1], np.maximum(high[-1:], old[-1:])])
        )

        assert broken_bound(moves, LIMITS) == (
            f"100% of the closes equal those {back} session{'s' if back > 1 else ''} earlier"
        )


@pytest.mark.parametrize("column", ["open", "high", "low"])
@pytest.mark.parametrize(("names", "copied", "is_found"), [(101, 95, True), (101, 85, False), (7, 7, False)])
def test_closes_that_were_copied_from_another_column_are_found(column, names, copied, is_found):
    close, benchmark = random_walk(names)
    prices = {"open": close * 1.002, "high": close * 1.01, "low": close * 0.99}
    prices[column] = last(prices[column], lambda row: np.where(np.arange(names) < copied, close[-1], row))

    moves = measured(close, benchmark, open_=prices["open"], high=prices["high"], low=prices["low"])

    reason = f"94% of the closes equal the {column} of the same bar"
    assert broken_bound(moves, LIMITS) == (reason if is_found else "")


def test_a_market_whose_bars_stand_still_is_left_to_the_rule_for_repeated_bars():
    close, benchmark = random_walk(sessions=8)

    assert broken_bound(measured(np.tile(close[-1], (8, 1)), benchmark), LIMITS) == ""


def test_bounds_widen_with_the_root_of_the_sessions_that_are_missing_in_between():
    close, benchmark = random_walk(sessions=2)
    close[-1], benchmark[-1] = close[-2] * 1.1, benchmark[-2]

    assert broken_bound(measured(close, benchmark, days=[38, 39]), LIMITS)
    assert broken_bound(measured(close, benchmark, days=[35, 39]), LIMITS) == ""
    assert broken_bound(measured(close * [[1], [10]], benchmark, days=[5, 39]), LIMITS)


def test_an_announced_split_of_every_name_is_not_a_move():
    close, benchmark = random_walk(sessions=2)
    bars = BarHistory(
        code=np.repeat(np.arange(101), 2),
        day=np.tile([38, 39], 101),
        **dict.fromkeys(("open", "high", "low", "close"), (close / [[1], [2]]).T.ravel()),
        volume=np.tile([1e6, 2e6], 101),
        factor=np.tile([1.0, 2.0], 101),
        was_set_aside=np.zeros(202, dtype=bool),
        is_new=np.tile([False, True], 101),
    )
    level = np.full(len(DAYS), np.nan)
    level[-2:] = benchmark

    (moves,) = measure_sessions(
        bars, pd.Index([f"N{i}" for i in range(101)]), DAYS, benchmark=level, move_frac=0.2
    )

    assert broken_bound(moves, LIMITS) == ""


def test_the_message_names_session_figures_and_examples():
    close, benchmark = random_walk()
    good, bad = measured(close, benchmark), measured(last(close, some(60, 10)), benchmark)

    refuse_implausible_session((good,), LIMITS, provider="files")
    with pytest.raises(DataError) as refused:
        refuse_implausible_session((bad, replace(good, session=bad.before)), LIMITS, provider="files")

    assert str(bad.session) in refused.value.what
    assert "60 of 101 names" in refused.value.what
    assert f"(names compared with {bad.before}: 101)" in refused.value.what
    assert "add a missing split to corporate_actions" in refused.value.remedy
    assert "N0" in refused.value.what
    assert refused.value.exit_code == 5
