import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.data.gates.price_moves import BarHistory, check_moves

NAMES, SESSIONS = 40, 30


def make_moves(seed: int = 0, shock: float = 0.0) -> tuple[np.ndarray, np.ndarray]:
    """Return closes and volumes, sessions × names; a shock takes the whole market down on the last session."""
    rng = np.random.default_rng(seed)
    returns = rng.normal(0, 0.015, (SESSIONS, NAMES))
    returns[-1] += np.log(1 - shock) + rng.normal(0, shock / 3, NAMES)
    return 50 * np.exp(np.cumsum(returns, axis=0)), rng.uniform(0.8e6, 1.2e6, (SESSIONS, NAMES))


def as_bars(
    close: np.ndarray, volume: np.ndarray, *, factor: dict[tuple[int, int], float] | None = None
) -> BarHistory:
    """Lay the arrays out symbol by symbol. Opens equal closes; `factor` is keyed by session and name."""
    actions = np.ones_like(close)
    for place, value in (factor or {}).items():
        actions[place] = value
    day, code = np.meshgrid(np.arange(SESSIONS), np.arange(NAMES))
    flat = close.T.ravel()
    nothing = np.zeros(flat.size, dtype=bool)
    return BarHistory(
        code=code.ravel(),
        day=day.ravel(),
        open=flat,
        high=flat,
        low=flat,
        close=flat,
        volume=volume.T.ravel(),
        factor=actions.T.ravel(),
        was_set_aside=nothing,
        is_new=~nothing,
    )


def found(bars: BarHistory) -> list[tuple[int, int, str]]:
    return [(int(bars.day[s.row]), int(bars.code[s.row]), s.rule) for s in check_moves(bars, limit=0.2)]


def test_ordinary_days_raise_no_suspicion():
    assert found(as_bars(*make_moves())) == []


def test_a_crash_of_the_whole_market_raises_no_suspicion():
    close, volume = make_moves(shock=0.30)
    assert (close[-1] / close[-2] < 0.8).mean() > 0.8

    assert found(as_bars(close, volume)) == []


def test_closes_that_stand_still_in_a_wild_market_do_not_make_a_wrong_move_usual():
    close, volume = make_moves()
    close[1::2] *= 1.05
    close[22:25, 5] = close[21, 5]
    close[25:, 5] *= 1.35

    assert found(as_bars(close, volume)) == [(25, 5, "unexplained_move")]


def test_one_name_that_falls_out_of_line_in_a_crash_is_found():
    close, volume = make_moves(shock=0.12)
    close[-1, 7] = close[-2, 7] * 0.25

    assert found(as_bars(close, volume)) == [(SESSIONS - 1, 7, "unexplained_move")]


@pytest.mark.parametrize(("times", "rule"), [(1.0, "unexplained_move"), (20.0, "large_move")])
def test_a_great_move_is_believed_when_people_traded_on_it(times, rule):
    close, volume = make_moves()
    close[12:, 5] *= 1.4
    volume[12, 5] *= times

    (suspect,) = check_moves(as_bars(close, volume), limit=0.2)

    assert (suspect.rule, suspect.sets_aside) == (rule, False)
    assert suspect.severity == ("note" if times > 1 else "quarantine")


@pytest.mark.parametrize("sessions", [20, 4], ids=["for weeks", "lately"])
def test_a_name_that_has_moved_like_that_raises_no_suspicion(sessions):
    close, volume = make_moves()
    returns = np.diff(np.log(close[:, 5]), prepend=0.0)
    returns[25 - sessions : 25] = np.resize([-0.12, 0.12], sessions)
    returns[25] = 0.26
    close[:, 5] = 50 * np.exp(np.cumsum(returns))

    assert found(as_bars(close, volume)) == []


@settings(max_examples=25)
@given(
    day=st.integers(1, SESSIONS - 2),
    name=st.integers(0, NAMES - 1),
    power=st.sampled_from([0.001, 0.01, 0.1, 10.0, 100.0, 1000.0]),
)
def test_fault_005_a_unit_error_in_one_bar_is_set_aside_and_the_next_good_bar_is_not(day, name, power):
    close, volume = make_moves()
    close[day, name] *= power

    suspects = check_moves(as_bars(close, volume), limit=0.2)

    assert [(s.row, s.rule, s.sets_aside) for s in suspects] == [(name * SESSIONS + day, "unit_error", True)]


def test_a_level_that_holds_is_confirmed_by_the_next_bar():
    close, volume = make_moves()
    close[10:, 3] *= 10

    assert found(as_bars(close, volume)) == [(10, 3, "unit_error")]


@pytest.mark.parametrize("split", [1.5, 2.0, 3.0, 7.0])
def test_fault_006_an_unannounced_split_is_named(split):
    close, volume = make_moves()
    close[12:, 5] /= split
    volume[12:, 5] *= split

    bars = as_bars(close, volume)

    assert found(bars) == [(12, 5, "unannounced_split")]
    assert f"{split:g}-for-1" in check_moves(bars, limit=0.2)[0].evidence


def test_an_announced_split_raises_no_suspicion():
    close, volume = make_moves()
    close[12:, 5] /= 2

    assert found(as_bars(close, volume, factor={(12, 5): 2.0})) == []


def test_a_small_dividend_on_the_day_of_a_great_move_changes_nothing():
    close, volume = make_moves()
    close[12:, 5] *= 1.25

    assert found(as_bars(close, volume, factor={(12, 5): 1.01})) == [(12, 5, "unexplained_move")]


@pytest.mark.parametrize("times", [1.25, 1.4, 1.7, 1.9])
def test_issue_10_line_17_a_price_that_is_wrong_upwards_does_not_confirm_itself(times):
    close, volume = make_moves()
    close[12, 5] *= times
    volume[12, 5] = 1.6 * np.median(
        volume[:12, 5]
    )  # with a close of 1.25 times it would look like twice the dollars

    assert [one for one in found(as_bars(close, volume)) if one[0] == 12] == [(12, 5, "unexplained_move")]


@pytest.mark.parametrize("times", [2.5, 2.7, 3.5, 5.5, 8.5, 12.0, 30.0, 70.0])
def test_issue_10_line_17_a_price_that_doubles_is_set_aside_until_the_next_bar_confirms_it(times):
    close, volume = make_moves()
    volume[12, 5] *= 50
    once, stays = close.copy(), close.copy()
    once[12, 5] *= times
    stays[12:, 5] *= times

    for prices in (once, stays):
        (suspect,) = check_moves(as_bars(prices, volume), limit=0.2)
        assert (suspect.sets_aside, suspect.severity) == (True, "quarantine")
        assert (suspect.row, suspect.rule) == (5 * SESSIONS + 12, suspect.rule)
        assert suspect.rule in {"doubled_price", "unit_error"}


def test_issue_10_line_17_a_name_that_often_doubles_is_set_aside_too():
    close, volume = make_moves()
    close[20:25, 5] *= np.array([1.5, 0.7, 1.6, 0.8, 1.4])
    close[25, 5] = close[24, 5] * 2.3

    rules = {one[2] for one in found(as_bars(close, volume)) if one[0] == 25}
    assert rules == {"doubled_price"}


def test_news_on_great_volume_are_not_a_split():
    close, volume = make_moves()
    close[12:, 5] /= 1.5
    volume[12, 5] *= 20

    suspects = check_moves(as_bars(close, volume), limit=0.2)

    assert [(s.rule, s.sets_aside) for s in suspects] == [("large_move", False)]


@pytest.mark.parametrize("times", [0.47, 0.35, 0.15, 0.03])
def test_a_price_that_halves_is_not_bought_whatever_its_volume(times):
    close, volume = make_moves()
    close[12:, 5] *= times
    volume[12, 5] *= 1000

    (suspect,) = check_moves(as_bars(close, volume), limit=0.2)

    assert (suspect.rule, suspect.severity, suspect.sets_aside) == ("unexplained_move", "quarantine", False)


@settings(max_examples=15)
@given(day=st.integers(2, SESSIONS - 2), seed=st.integers(0, 50))
def test_results_do_not_change_when_later_bars_do(day, seed):
    rng = np.random.default_rng(seed)
    close, volume = make_moves(seed)
    close[rng.integers(1, SESSIONS, 4), rng.integers(0, NAMES, 4)] *= rng.choice([0.1, 0.5, 1.4, 10], 4)
    noise = close.copy()
    noise[day:] = rng.uniform(1, 500, noise[day:].shape)

    before = [one for one in found(as_bars(close, volume)) if one[0] < day]

    assert [one for one in found(as_bars(noise, volume)) if one[0] < day] == before
