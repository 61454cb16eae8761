"""The signals of a walk by session."""

import numpy as np
import pytest

from tasks.backtest.signals import regime_path, signals_of
from tasks.backtest.world import until
from tasks.models.skill import yearly_worth
from tasks.regime.history import history_table
from tasks.regime.inputs import compute_inputs
from tests.builders import make_settings
from tests.unit.backtest.stored import DAYS, world

SESSIONS = 150
SETTINGS = make_settings()
SKILL = {"neutral_ic": 0.05, "neutral_ic_t": 3.0, "sessions": 100}
FOLDS = [
    {"first": str(DAYS[60]), "skill": {"neutral_ic": 0.0, "neutral_ic_t": 0.0, "sessions": 0}},
    {"first": str(DAYS[100]), "skill": SKILL},
]


@pytest.fixture(scope="module")
def market():
    rng = np.random.default_rng(4)
    level = 50 * np.exp(np.cumsum(rng.normal(-0.004, 0.02, (SESSIONS, 6)), axis=0))
    return world(
        {name: dict(enumerate(level[:, place])) for place, name in enumerate("ABCDEF")},
        sessions=SESSIONS,
        levels=[
            {"name": "VIX", "session": day, "close": 15.0 + day / 3, "growth": 1.0} for day in range(SESSIONS)
        ],
    )


def signals(made, kind="momentum_52_week", settings=SETTINGS):
    regime = regime_path(history_table(made, compute_inputs(made), settings.regime), settings.regime)
    scores = np.zeros(made.close_cents.shape)
    made_of = signals_of(
        made, scores, FOLDS, regime.allowed, kind=kind, optimizer="hrp", models=settings.models
    )
    return made_of, regime.states


def test_a_walk_is_limited_by_the_regime_s_purchases_and_sizes_as_the_day_is(market):
    states = ("CRASH", "BEAR", "NEUTRAL", "BULL")
    fractions = dict(zip(states, (0.0, 0.2, 0.6, 1.0), strict=True))
    settings = make_settings(**{"regime.max_buys_frac": fractions, "regime.size_multiplier": fractions})

    made, found = signals(market, settings=settings)

    expected = np.array([fractions[state] for state in found])
    assert len(set(found)) > 1
    np.testing.assert_array_equal(made.max_buys_frac, expected)
    np.testing.assert_array_equal(made.size_multiplier, expected)


def test_a_score_is_worth_what_was_measured_before_its_window(market):
    made, _ = signals(market)

    horizon = min(SETTINGS.models.label_horizons)
    assert not made.score_to_return[:100].any()
    assert made.score_to_return[100] == yearly_worth(0.05, 3.0, horizon_sessions=horizon) > 0
    assert (made.score_to_return[100:] == made.score_to_return[100]).all()


def test_scores_that_do_not_rank_are_worth_nothing(market):
    made, _ = signals(market, kind="equal_weight")

    assert not made.ranks
    assert not made.score_to_return.any()


def test_each_state_sets_what_it_allows(market):
    made, states = signals(market)

    rules = SETTINGS.regime
    assert len(set(states)) > 1
    for row, state in enumerate(states):
        assert made.exposure_cap[row] <= rules.exposure_cap[state]
        assert made.allows_new_positions[row] == (state not in rules.no_new_positions)
        assert made.size_multiplier[row] == rules.size_multiplier[state]


@pytest.mark.parametrize("row", [70, 120])
def test_signals_do_not_depend_on_later_rows(market, row):
    whole, states = signals(market)

    cut, cut_states = signals(until(market, row))

    assert cut_states.tolist() == states[: row + 1].tolist()
    np.testing.assert_array_equal(cut.exposure_cap, whole.exposure_cap[: row + 1])
    np.testing.assert_array_equal(cut.score_to_return, whole.score_to_return[: row + 1])
