from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.models.training.controls import controls_of, make_controls
from tasks.models.training.metrics import metrics_of
from tests.builders import make_panel

NAMES, SESSIONS = 40, 6


def world(seed=0, *, sectors=4):
    """Return sessions, sectors and three factors of rows, by session."""
    rng = np.random.default_rng(seed)
    rows = NAMES * SESSIONS
    factors = {name: rng.normal(size=rows) for name in ("beta", "volatility", "dollar_volume")}
    return np.repeat(np.arange(SESSIONS), NAMES), rng.integers(0, sectors, rows), factors


def ranks(values, sessions):
    """Return ranks within each session, between 0 and 1."""
    found = np.empty(len(values))
    for session in np.unique(sessions):
        inside = sessions == session
        found[inside] = values[inside].argsort().argsort() / inside.sum()
    return found


def test_what_is_left_is_the_residual_of_least_squares_in_each_session():
    sessions, sector, factors = world()
    values = np.random.default_rng(9).normal(size=len(sessions))

    left = make_controls(sessions, sector, factors).cleaned(values)

    for session in range(SESSIONS):
        inside = sessions == session
        dummies = (sector[inside][:, None] == np.unique(sector[inside])).astype(float)
        design = np.column_stack([dummies, *(ranks(each, sessions)[inside] for each in factors.values())])
        fitted = design @ np.linalg.lstsq(design, values[inside], rcond=None)[0]
        np.testing.assert_allclose(left[inside], values[inside] - fitted, atol=1e-10)


@settings(max_examples=25)
@given(seed=st.integers(0, 1000), much=st.floats(-100, 100), which=st.sampled_from(["beta", "volatility"]))
def test_any_multiple_of_a_control_leaves_the_same(seed, much, which):
    sessions, sector, factors = world(seed)
    controls = make_controls(sessions, sector, factors)
    values = np.random.default_rng(seed).random(len(sessions))

    added = values + much * ranks(factors[which], sessions) + much * sector

    np.testing.assert_allclose(controls.cleaned(added), controls.cleaned(values), atol=1e-9)


def measured(scores, returns, sessions, controls):
    return metrics_of(scores, returns, sessions, controls=controls)


def test_a_score_that_is_a_control_alone_has_no_neutral_ic():
    sessions, sector, factors = world()
    returns = factors["beta"] + np.random.default_rng(1).normal(0, 0.1, len(sessions))
    controls = make_controls(sessions, sector, factors)

    found = measured(np.exp(factors["beta"]), returns, sessions, controls)

    assert found.rank_ic > 0.9
    assert found.neutral_ic == 0


@given(seed=st.integers(0, 1000))
@settings(max_examples=25)
def test_a_monotone_transform_of_score_or_return_changes_no_neutral_ic(seed):
    sessions, sector, factors = world(seed)
    scores, returns = np.random.default_rng(seed).normal(size=(2, len(sessions)))
    controls = make_controls(sessions, sector, factors)

    plain = measured(scores, returns, sessions, controls)

    assert measured(np.exp(scores), returns**3, sessions, controls).neutral_ic == pytest.approx(
        plain.neutral_ic
    )


def test_skill_in_addition_to_a_bet_on_a_control_is_found():
    sessions, sector, factors = world()
    skill = np.random.default_rng(2).normal(size=len(sessions))
    controls = make_controls(sessions, sector, factors)

    found = measured(skill + 0.5 * factors["beta"], skill - factors["beta"], sessions, controls)

    assert found.neutral_ic > 0.8
    assert found.rank_ic < 0.5


def test_without_controls_the_neutral_ic_is_the_rank_ic():
    sessions, _, _ = world()
    scores, returns = np.random.default_rng(3).normal(size=(2, len(sessions)))

    for controls in (None, make_controls(sessions, None, {})):
        found = measured(scores, returns, sessions, controls)
        assert found.neutral_ic == pytest.approx(found.rank_ic)
        assert found.neutral_ic_t == pytest.approx(found.rank_ic_t)


def test_an_unknown_value_counts_as_the_average_of_its_sector():
    sessions, sector, factors = world()
    factors["beta"][::3] = np.nan

    left = make_controls(sessions, sector, factors).cleaned(np.random.default_rng(4).random(len(sessions)))

    assert np.isfinite(left).all()


def test_a_factor_that_another_explains_changes_nothing():
    sessions, sector, factors = world()
    values = np.random.default_rng(5).random(len(sessions))

    once = make_controls(sessions, sector, factors).cleaned(values)
    twice = make_controls(sessions, sector, factors | {"again": factors["beta"]}).cleaned(values)

    np.testing.assert_allclose(twice, once, atol=1e-9)


def test_the_controls_of_some_sessions_are_those_of_the_sessions_alone():
    sessions, sector, factors = world()
    some = (sessions == 2) | (sessions == 4)
    values = np.random.default_rng(6).random(len(sessions))

    part = make_controls(sessions, sector, factors).of(some).cleaned(values[some])

    alone = make_controls(sessions[some], sector[some], {k: v[some] for k, v in factors.items()})
    np.testing.assert_allclose(part, alone.cleaned(values[some]), atol=1e-12)


def cells(panel, first=260):
    sessions, symbols = np.nonzero(panel.is_member[first:])
    return sessions + first, symbols


def test_a_panel_without_market_values_is_cleaned_of_traded_value():
    panel = make_panel(sessions=300, symbols=12)

    assert controls_of(panel, *cells(panel)).names == ("sector", "beta", "volatility", "dollar_volume")
    shares = {"shares": np.ones(panel.close.shape)}
    with_caps = replace(panel, fundamentals=shares)
    assert controls_of(with_caps, *cells(panel)).names == ("sector", "beta", "volatility", "market_cap")


def test_a_sector_counts_only_in_sessions_in_which_it_was_known():
    panel = make_panel(sessions=300, symbols=12)
    later = replace(panel, sector_at=panel.sector_at.copy())
    later.sector_at[:290] = -1
    some = replace(panel, sector_at=panel.sector_at.copy())
    some.sector_at[:, :4] = -1

    assert controls_of(later, *cells(panel)).names == ("beta", "volatility", "dollar_volume")
    assert controls_of(some, *cells(panel)).names[0] == "sector"
    sessions, symbols = cells(panel)
    group = controls_of(some, sessions, symbols).group[sessions == 260]
    assert len(set(group[:4])) == 1
    assert len(set(group)) == 4


def test_controls_know_nothing_later():
    panel = make_panel(sessions=300, symbols=12)
    sessions, symbols = cells(panel)
    before = sessions < 280
    changed = replace(panel, close=panel.close.copy(), market=panel.market.copy())
    changed.close[280:] *= np.linspace(1, 3, 12)
    changed.market[280:] *= 2

    one, other = (controls_of(each, sessions[before], symbols[before]) for each in (panel, changed))

    for a, b in zip(one.axes, other.axes, strict=True):
        np.testing.assert_array_equal(a, b)


def test_no_rows_have_no_controls():
    nothing = np.empty(0, dtype=np.intp)

    assert controls_of(make_panel(sessions=300, symbols=4), nothing, nothing).names == ()
