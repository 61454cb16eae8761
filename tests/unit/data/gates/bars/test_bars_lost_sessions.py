"""A session that the provider lost for many of twenty names, at session 45 of 60 of each: is it stale, or are they?"""

from dataclasses import replace

import numpy as np
import pytest

from tasks.data.gates.bars.flags import FlaggedBars
from tasks.data.gates.bars.lost_sessions import of_lost_sessions
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
    assert severities(flat(8)) == {"stop": rows_of(8).tolist()}
    assert severities(flat(7)) == {"quarantine": rows_of(7).tolist()}
    assert severities(flat(12), max_frac=0.6) == {"quarantine": rows_of(12).tolist()}
    assert severities(flat(13), max_frac=0.6) == {"stop": rows_of(13).tolist()}


@pytest.mark.parametrize("times", [1.0000001, 0.9, 10.0])
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


@pytest.mark.parametrize("sessions", [2, 6])
def test_a_close_that_repeats_a_bar_without_prices_of_its_own_may_be_a_wrong_level(sessions):
    """Frozen for longer than a quarantine lasts, a wrong level would else be traded at as soon as it moves."""
    found = severities(flat(12, sessions=sessions))

    assert found["stop"] == rows_of(12).tolist()
    assert len(found["quarantine"]) == 12 * (sessions - 1)


def test_a_repetition_of_a_repetition_is_no_evidence_either():
    bars = repeated(12)
    rows = rows_of(12)
    again = replace(bars, **{name: getattr(bars, name).copy() for name in PRICES})
    for name in PRICES:
        getattr(again, name)[rows + 1] = getattr(bars, name)[rows]

    assert severities(again) == {"stop": rows.tolist(), "quarantine": (rows + 1).tolist()}


def test_each_session_is_judged_by_its_own_bars():
    bars = flat(12)
    later = (NAMES - 1) * SESSIONS + DAY + 5
    one_more = replace(bars, **{name: getattr(bars, name).copy() for name in PRICES})
    for name in PRICES:
        getattr(one_more, name)[later] = bars.close[later - 1]

    assert severities(one_more) == {"stop": rows_of(12).tolist(), "quarantine": [later]}


def test_a_close_that_is_unchanged_only_without_its_dividend_has_moved():
    rows = rows_of(12)
    factor = np.ones(NAMES * SESSIONS)
    factor[rows[0]] = 1.02

    found = severities(replace(flat(12), factor=factor))

    assert found == {"stop": rows[1:].tolist(), "quarantine": rows[:1].tolist()}


def test_a_bar_that_two_rules_flag_counts_once():
    bars = flat(7)
    row = rows_of(1)[0]
    both = replace(bars, **{name: getattr(bars, name).copy() for name in PRICES})
    for name in PRICES:  # flat like the bar before it: flat_bar and repeated_bar
        getattr(both, name)[row - 1] = bars.close[row - 1]
    volume = both.volume.copy()
    volume[row] = volume[row - 1]

    found = judged(replace(both, volume=volume))

    assert {row} == set.intersection(*({*one.rows.tolist()} & {row} for one in found if row in one.rows))
    assert {one.severity for one in found} == {"quarantine"}


def test_other_rules_on_a_lost_session_neither_count_nor_change():
    bars = flat(7)
    is_idle = (bars.day == DAY) & (bars.code >= 7)
    quiet = replace(bars, volume=np.where(is_idle, 0.0, bars.volume))
    lost = replace(flat(8), volume=np.where(is_idle & (bars.code >= 8), 0.0, bars.volume))

    assert {(one.rule, one.severity) for one in judged(quiet)} == {
        ("flat_bar", "quarantine"),
        ("no_trade", "quarantine"),
    }
    assert {(one.rule, one.severity) for one in judged(lost)} == {
        ("flat_bar", "stop"),
        ("no_trade", "quarantine"),
    }
