"""Bars that keep every rule of a bar and are none; each in one name among twenty quiet ones, at session 45 of 60."""

from dataclasses import replace

import numpy as np
import pytest

from tasks.data.gates.bars.flags import FlaggedBars
from tasks.data.gates.bars.shapes import check_shapes
from tasks.data.gates.bars.stale import check_stale
from tasks.data.gates.price_moves import BarHistory

NAMES, SESSIONS, DAY, NAME = 20, 60, 45, 4
ROW = NAME * SESSIONS + DAY


def make_bars(seed: int = 0) -> BarHistory:
    """Return names at 50 USD of which shares for 50 million USD are traded a day, with a range of some percent."""
    rng = np.random.default_rng(seed)
    shape = (NAMES, SESSIONS)
    close = 50 * np.exp(np.cumsum(rng.normal(0, 0.01, shape), axis=1)).ravel()
    open_ = close * np.exp(rng.normal(0, 0.005, close.size))
    day, code = np.meshgrid(np.arange(SESSIONS), np.arange(NAMES))
    nothing = np.zeros(close.size, dtype=bool)
    return BarHistory(
        code=code.ravel(),
        day=day.ravel(),
        open=open_,
        high=np.maximum(open_, close) * 1.01,
        low=np.minimum(open_, close) / 1.01,
        close=close,
        volume=rng.uniform(0.8e6, 1.2e6, close.size),
        factor=np.ones(close.size),
        was_set_aside=nothing,
        is_new=~nothing,
    )


def changed(bars: BarHistory, **figures: float) -> BarHistory:
    """Return the bars with figures of the one bar replaced."""
    columns = {}
    for name, value in figures.items():
        columns[name] = getattr(bars, name).copy()
        columns[name][ROW] = value
    return replace(bars, **columns)


def flagged(bars: BarHistory) -> list[FlaggedBars]:
    return [*check_stale(bars), *check_shapes(bars)]


def found(bars: BarHistory) -> list[tuple[int, str]]:
    return [(int(row), shapes.rule) for shapes in flagged(bars) for row in shapes.rows]


@pytest.mark.parametrize("seed", range(3))
def test_ordinary_bars_pass(seed):
    assert found(make_bars(seed)) == []


def test_fault_002_four_prices_of_the_day_before_are_a_stale_bar_whatever_the_volume():
    bars = make_bars()
    prices = {name: getattr(bars, name)[ROW - 1] for name in ("open", "high", "low", "close")}

    assert found(changed(bars, **prices)) == [(ROW, "repeated_bar")]


def test_a_bar_without_volume_of_a_liquid_name_is_flagged():
    assert found(changed(make_bars(), volume=0.0)) == [(ROW, "no_trade")]


def test_a_bar_without_volume_of_a_name_that_trades_little_but_daily_is_noted():
    bars = make_bars()
    quiet = replace(bars, volume=np.where(bars.code == NAME, 200.0, bars.volume))

    (shapes,) = [one for one in flagged(changed(quiet, volume=0.0)) if len(one.rows)]

    assert (shapes.rule, shapes.severity, shapes.rows.tolist()) == ("untraded", "note", [ROW])


def test_a_bar_without_volume_of_a_name_that_seldom_trades_is_nothing_special():
    bars = make_bars()
    seldom = np.where((bars.code == NAME) & (bars.day % 2 == DAY % 2), 0.0, 200.0)
    quiet = replace(bars, volume=np.where(bars.code == NAME, seldom, bars.volume))

    assert found(quiet) == []


def test_a_halt_does_not_become_usual_while_it_lasts():
    bars = make_bars()
    halted = (bars.code == NAME) & (bars.day >= 20)
    prices = {
        name: np.where(halted, bars.close[NAME * SESSIONS + 19], getattr(bars, name))
        for name in ("open", "high", "low", "close")
    }

    rows = [row for row, rule in found(replace(bars, volume=np.where(halted, 0.0, bars.volume), **prices))]

    assert rows == list(range(NAME * SESSIONS + 20, NAME * SESSIONS + 41))  # then it has stopped trading


def test_one_price_all_day_on_a_high_volume_is_flagged():
    bars = make_bars()
    price = bars.close[ROW - 1]

    assert found(changed(bars, **dict.fromkeys(("open", "high", "low", "close"), price))) == [
        (ROW, "flat_bar")
    ]


def test_a_name_that_hardly_trades_may_stand_still():
    bars = make_bars()
    quiet = changed(
        bars, **dict.fromkeys(("open", "high", "low", "close"), bars.close[ROW - 1]), volume=900.0
    )

    assert "flat_bar" not in [rule for _, rule in found(quiet)]


@pytest.mark.parametrize("figures", [{"high": 110.0}, {"low": 21.0}, {"open": 100.0, "high": 100.0}])
def test_a_price_far_from_both_closes_is_stray(figures):
    assert found(changed(make_bars(), **figures)) == [(ROW, "stray_price")]


def test_extremes_of_a_day_on_which_the_name_is_traded_like_never_are_believed():
    assert found(changed(make_bars(), low=21.0, volume=2e7)) == []


def test_extremes_of_a_day_on_which_the_whole_market_falls_and_comes_back_are_believed():
    bars = make_bars()
    crash = bars.day == DAY

    assert found(replace(bars, low=np.where(crash, bars.low * 0.8, bars.low))) == []


def test_the_volume_of_a_few_minutes_is_noted():
    (shapes,) = [one for one in flagged(changed(make_bars(), volume=2e4)) if len(one.rows)]

    assert (shapes.rule, shapes.severity, shapes.rows.tolist()) == ("thin_volume", "note", [ROW])


def test_results_do_not_change_when_later_bars_do():
    bars = changed(make_bars(), high=110.0)
    later = bars.day > DAY
    spoilt = {
        name: np.where(later, getattr(bars, name) * 3, getattr(bars, name)) for name in ("high", "volume")
    }

    assert [one for one in found(replace(bars, **spoilt)) if one[0] % SESSIONS <= DAY] == found(bars)
