from dataclasses import fields, replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.data.schema.records import Panel
from tasks.regime.history import history_table, sessions_to_read
from tasks.regime.inputs import compute_inputs
from tasks.regime.rules import BULL, CRASH, confirmed_states
from tests.builders import make_panel, make_settings

RULES = make_settings(**{"regime.history_sessions": 20}).regime
SESSIONS = 450

readings = st.lists(st.integers(CRASH, BULL), min_size=1, max_size=60).map(np.array)
seeds = st.integers(0, 10_000)


def rough_panel(seed: int) -> Panel:
    """Return a market with holes everywhere: missing bars, benchmark, index and members that come and go."""
    panel = make_panel(sessions=SESSIONS, symbols=12, seed=seed)
    rng = np.random.default_rng(seed)
    wild = np.exp(np.cumsum(rng.normal(0, 0.01 * rng.integers(1, 5), (SESSIONS, 1)), axis=0))
    close = np.where(rng.random(panel.close.shape) < 0.03, np.nan, panel.close * wild)
    return replace(
        panel,
        close=close,
        is_member=np.isfinite(close) & (rng.random(close.shape) < 0.9),
        market=np.where(rng.random(SESSIONS) < 0.05, np.nan, panel.market * wild[:, 0]),
        volatility_index=np.where(rng.random(SESSIONS) < 0.2, np.nan, rng.uniform(10, 60, SESSIONS)),
    )


def cut(panel: Panel, rows: slice) -> Panel:
    """Return the panel with only those sessions, and only the columns that have a bar in them."""
    columns = np.isfinite(panel.close[rows]).any(axis=0)
    changed = {}
    for field in fields(panel):
        value = getattr(panel, field.name)
        if isinstance(value, np.ndarray) and len(value) == SESSIONS:
            value = value[rows]
            changed[field.name] = value[:, columns] if value.ndim == 2 else value
        elif isinstance(value, np.ndarray):
            changed[field.name] = value[columns]
    return replace(panel, **changed)


@given(seeds, st.integers(60, SESSIONS - 1))
@settings(max_examples=25)
def test_no_state_or_input_changes_when_later_rows_are_deleted(seed, known):
    panel = rough_panel(seed)
    whole = history_table(panel, compute_inputs(panel), RULES)
    past = cut(panel, slice(0, known))

    seen_then = history_table(past, compute_inputs(past), RULES)

    assert seen_then.equals(whole.iloc[:known])


@given(seeds, seeds, st.integers(60, SESSIONS - 1))
@settings(max_examples=15)
def test_no_state_or_input_changes_when_later_rows_are_noise(seed, other, known):
    panel, noise = rough_panel(seed), rough_panel(other)
    changed = {
        name: np.concatenate([getattr(panel, name)[:known], getattr(noise, name)[known:]])
        for name in ("close", "is_member", "market", "volatility_index")
    }
    replaced = replace(panel, **changed)

    before = history_table(panel, compute_inputs(panel), RULES).iloc[:known]
    after = history_table(replaced, compute_inputs(replaced), RULES).iloc[:known]

    assert after.equals(before)


@given(seeds)
@settings(max_examples=25)
def test_a_short_reading_gives_the_last_states_of_the_full_history_to_the_bit(seed):
    panel = rough_panel(seed)
    tail = cut(panel, slice(SESSIONS - sessions_to_read(RULES), None))

    whole = history_table(panel, compute_inputs(panel), RULES).tail(RULES.history_sessions)
    short = history_table(tail, compute_inputs(tail), RULES).tail(RULES.history_sessions)

    assert short.equals(whole)


@given(seeds)
@settings(max_examples=10)
def test_empty_columns_and_their_order_change_nothing(seed):
    panel = rough_panel(seed)
    order = np.random.default_rng(seed).permutation(24)
    nothing = np.full_like(panel.close, np.nan)
    wider = replace(
        panel,
        symbols=np.array([f"T{i:03d}" for i in range(24)]),
        close=np.hstack([panel.close, nothing])[:, order],
        is_member=np.hstack([panel.is_member, np.zeros_like(panel.is_member)])[:, order],
    )

    assert history_table(wider, compute_inputs(wider), RULES).equals(
        history_table(panel, compute_inputs(panel), RULES)
    )


@given(readings, st.integers(1, 5), st.integers(1, 15), st.integers(1, 15))
@settings(max_examples=100)
def test_fault_027_an_improvement_never_comes_sooner_than_its_confirmation(path, worsen, confirm, crash):
    confirmed = confirmed_states(
        path, path, worsen_sessions=worsen, confirm_sessions=confirm, crash_confirm_sessions=crash
    )

    worse_at = [i for i in range(1, len(path)) if confirmed[i] < confirmed[i - 1]]
    for start in worse_at:
        hold = min(confirm, crash) if confirmed[start] == CRASH else confirm
        assert (confirmed[start : start + hold - worsen + 1] <= confirmed[start]).all()


@given(readings, st.integers(1, 5), st.integers(1, 15), st.integers(1, 15))
@settings(max_examples=100)
def test_a_reading_that_lasts_becomes_the_state(path, worsen, confirm, crash):
    steady = np.concatenate([path, np.full(worsen + confirm - 1, path[-1])])

    confirmed = confirmed_states(
        steady, steady, worsen_sessions=worsen, confirm_sessions=confirm, crash_confirm_sessions=crash
    )

    assert confirmed[-1] == path[-1]


@given(readings)
@settings(max_examples=50)
def test_a_state_is_never_worse_than_its_readings_allow_nor_better(path):
    confirmed = confirmed_states(path, path, worsen_sessions=3, confirm_sessions=10, crash_confirm_sessions=5)

    assert path.min() <= confirmed.min()
    assert confirmed.max() <= path.max()
