"""A session that the provider lost for many of twenty names, at session 45 of 60 of each: is it stale, or are they?"""

from dataclasses import replace

import numpy as np
import pytest

from tasks.data.gates.bars.flags import FlaggedBars
from tasks.data.gates.bars.lost_sessions import MIN_NAMES, of_lost_sessions
from tasks.data.gates.bars.shapes import check_shapes
from tasks.data.gates.bars.stale import check_stale
from tasks.data.gates.price_moves import BarHistory
from tests.unit.data.gates.bars.test_bars_shapes import DAY, NAMES, SESSIONS, make_bars

PRICES = ("open", "high", "low", "close")


def rows_of(names: int) -> np.ndarray:
    return np.arange(names) * SESSIONS + DAY


def flat(names: int, *, times: float = 1.0, sessions: int = 1) -> BarHistory:
    """Return bars of which the first names have the previous close all day, or a multiple of it."""
    bars = make_bars()
    close = bars.close.copy()
    for later in range(sessions):
        close[rows_of(names) + later] = times * close[rows_of(names) - 1]
    is_flat = np.isin(np.arange(close.size), [rows_of(names) + later for later in range(sessions)])
    return replace(bars, **{name: np.where(is_flat, close, getattr(bars, name)) for name in PRICES})


def repeated(names: int) -> BarHistory:
    bars = make_bars()
    is_same = np.isin(np.arange(bars.close.size), rows_of(names))
    return replace(
        bars,
        **{
            name: np.where(is_same, np.roll(values, 1), values)
            for name in PRICES
            for values in [getattr(bars, name)]
        },
    )


def judged(bars: BarHistory, *, max_frac: float = 0.05, aside: tuple[int, ...] = ()) -> list[FlaggedBars]:
    is_bar = ~np.isin(np.arange(len(bars.code)), aside)
    flagged = [*check_stale(bars), *check_shapes(bars)]
    return [one for one in of_lost_sessions(flagged, bars, is_bar, max_frac=max_frac) if len(one.rows)]


def severities(bars: BarHistory, **settings: object) -> dict[str, list[int]]:
    return {one.severity: one.rows.tolist() for one in judged(bars, **settings)}  # type: ignore[arg-type] # as given


@pytest.mark.parametrize(("bars", "rule"), [(flat(12), "flat_bar"), (repeated(12), "repeated_bar")])
def test_unchanged_closes_of_a_lost_session_count_for_that_session_alone(bars, rule):
    (one,) = judged(bars)

    assert (one.rule, one.severity, one.rows.tolist()) == (rule, "stop", rows_of(12).tolist())
    assert len(one.evidence) == 12


def test_a_few_names_and_a_small_part_of_a_session_are_stale_themselves():
    assert severities(flat(MIN_NAMES)) == {"stop": rows_of(MIN_NAMES).tolist()}
    assert severities(flat(MIN_NAMES - 1)) == {"quarantine": rows_of(MIN_NAMES - 1).tolist()}
    assert severities(flat(12), max_frac=0.6) == {"quarantine": rows_of(12).tolist()}
    assert severities(flat(13), max_frac=0.6) == {"stop": rows_of(13).tolist()}


@pytest.mark.parametrize("times", [1.0001, 0.9, 10.0])
def test_a_close_that_changed_may_be_a_wrong_level_and_keeps_its_name_in_quarantine(times):
    bars, others = flat(12, times=times), flat(12)
    half = bars.code < 6
    mixed = replace(
        bars, **{name: np.where(half, getattr(bars, name), getattr(others, name)) for name in PRICES}
    )

    assert severities(mixed) == {"stop": rows_of(12)[6:].tolist(), "quarantine": rows_of(12)[:6].tolist()}


def test_a_close_that_repeats_a_bar_set_aside_does_not_confirm_it():
    rows = rows_of(12).tolist()

    assert severities(flat(12), aside=(rows[0] - 1,)) == {"stop": rows[1:], "quarantine": rows[:1]}


def test_each_session_is_judged_by_its_own_bars():
    bars = flat(12, sessions=2)
    one_more = replace(bars, **{name: values.copy() for name in PRICES for values in [getattr(bars, name)]})
    later = (NAMES - 1) * SESSIONS + DAY + 5
    for name in PRICES:
        getattr(one_more, name)[later] = one_more.close[later - 1]

    found = severities(one_more)

    assert found["stop"] == sorted([*rows_of(12).tolist(), *(rows_of(12) + 1).tolist()])
    assert found["quarantine"] == [later]


def test_other_rules_are_not_concerned():
    bars = make_bars()
    quiet = replace(bars, volume=np.where(bars.day == DAY, 0.0, bars.volume))

    assert {(one.rule, one.severity) for one in judged(quiet)} == {("no_trade", "quarantine")}
