"""Trades whose cause is planted are attributed to it; the parts always sum to the trade."""

from dataclasses import replace

import numpy as np
import pytest

from tasks.portfolio.arrays import value_held
from tasks.trades.tickets.attribution import shapley
from tasks.trades.tickets.schema import CAUSES
from tests.unit.trades.tickets.ticket_worlds import (
    COUNT,
    EQUITY_USD,
    VIEW,
    at_target,
    estimate,
    explained,
    make_situation,
)

ROUNDING = 3.0  # USD: whole shares of one dollar


def assert_only(parts, cents, *causes):
    """Each trade is explained by these causes; the others have only what whole shares leave."""
    assert parts
    for place, of_name in parts.items():
        assert set(of_name) == set(CAUSES)
        assert round(100 * sum(of_name.values())) == cents[place]
        assert sum(of_name[cause] for cause in causes) == pytest.approx(cents[place] / 100, abs=ROUNDING)
        for cause in set(CAUSES) - set(causes):
            assert abs(of_name[cause]) <= ROUNDING, (place, of_name)


def test_a_score_change_alone_is_score():
    before = make_situation()
    scores = before.names.score.copy()
    scores[[0, 9]] = scores[[9, 0]]

    cents, parts = explained(before, make_situation(score=scores))

    assert cents[0] > 0 > cents[9]
    assert_only(parts, cents, "score")


def test_a_champion_with_another_optimizer_is_score():
    cents, parts = explained(make_situation(), make_situation(replace(VIEW, optimizer="equal_weight")))

    assert_only(parts, cents, "score")


def test_a_price_move_alone_is_drift():
    before = make_situation()
    held = at_target(before)
    price = before.names.price.copy()
    price[8] = 1.5
    now = make_situation(price=price)
    moved = value_held(held.shares, price, held.cash_usd)

    cents, parts = explained(replace(before, names=replace(before.names, price=price)), now, moved)

    assert cents[8] < 0
    assert_only(parts, cents, "drift")


def test_a_regime_change_alone_is_regime_even_where_limits_bind():
    limits = {"portfolio.max_sector_frac": 0.4}

    cents, parts = explained(make_situation(), make_situation(replace(VIEW, exposure_cap=0.2)), **limits)

    assert (cents <= 0).all()
    assert_only(parts, cents, "regime")


def test_a_stop_is_regime():
    fall = np.zeros(COUNT)
    fall[8] = 0.3
    view = replace(VIEW, stop_loss_frac=0.2)

    cents, parts = explained(make_situation(view), make_situation(view, fall=fall))

    assert parts[8]["regime"] == pytest.approx(cents[8] / 100, abs=ROUNDING)
    assert_only(parts, cents, "regime")


def test_another_covariance_alone_is_risk():
    view = replace(VIEW, optimizer="inverse_volatility")
    calmer = np.ones(COUNT)
    calmer[2] = 0.5

    cents, parts = explained(make_situation(view), make_situation(view, estimate(0, calmer)))

    assert cents[2] > 0
    assert_only(parts, cents, "risk")


def test_a_sector_limit_takes_back_what_the_score_wants():
    """The score of a name rises; its sector, at its limit already, may not grow, and the others make room."""
    limits = {"portfolio.max_sector_frac": 0.5}
    scores = make_situation().names.score.copy()
    scores[9] = 30.0

    cents, parts = explained(make_situation(), make_situation(score=scores), **limits)

    assert parts[9]["score"] > 0
    assert parts[9]["constraints"] < -0.1 * parts[9]["score"]
    for place, of_name in parts.items():
        assert sum(of_name.values()) == pytest.approx(cents[place] / 100)


def test_a_name_in_quarantine_is_held_back_by_constraints():
    scores = make_situation().names.score.copy()
    scores[0] = 30.0
    quarantined = np.arange(COUNT) == 0
    before = make_situation()
    held = at_target(before)

    _, parts = explained(before, make_situation(score=scores, is_quarantined=quarantined), held)

    assert 0 not in parts  # nothing is bought; what is not traded has no ticket
    others = [of_name for place, of_name in parts.items()]
    assert any(abs(of_name["constraints"]) > ROUNDING for of_name in others)


def test_a_cut_to_the_volume_is_constraints():
    scores = make_situation().names.score.copy()
    scores[9] = 30.0
    thin = np.full(COUNT, 1e9)
    thin[9] = 50_000.0

    cents, parts = explained(
        make_situation(adv_usd=thin),
        make_situation(score=scores, adv_usd=thin),
        **{"trades.max_adv_frac": 0.05},
    )

    assert cents[9] == 2_500_00
    assert parts[9]["score"] + parts[9]["constraints"] == pytest.approx(2_500)
    assert parts[9]["constraints"] < 0


def test_a_deposit_is_cash():
    before = make_situation()
    held = at_target(before)
    richer = value_held(held.shares, before.names.price, held.cash_usd + 200_000)

    cents, parts = explained(before, make_situation(), richer, flow=200_000.0)

    assert (cents >= 0).all()
    assert_only(parts, cents, "cash")


def test_what_costs_keep_from_trading_is_cost():
    before = make_situation()
    scores = before.names.score.copy()
    scores[[0, 9]] = scores[[9, 0]]
    dear = {"costs.multiple": 20.0, "portfolio.costs_per_year": 12.0}

    cents, parts = explained(before, make_situation(score=scores), **dear)

    for place, of_name in parts.items():
        assert round(100 * sum(of_name.values())) == cents[place]
        if abs(of_name["score"]) > 1_000:
            assert of_name["cost"] * of_name["score"] < 0


def test_a_limit_that_binds_on_both_sessions_explains_nothing():
    """The portfolio is at a target that its limits have cut; only prices move."""
    before = make_situation()
    limits = {"portfolio.max_position_frac": 0.12}
    held = at_target(before, **limits)
    price = before.names.price.copy()
    price[9] = 1.2
    moved = value_held(held.shares, price, held.cash_usd)
    now = make_situation(price=price)

    cents, parts = explained(now, now, moved, last=held.weight, **limits)

    assert cents[9] < 0
    assert_only(parts, cents, "drift")


def test_a_pair_that_becomes_too_correlated_is_constraints_and_not_risk_alone():
    """Two names move as one from now on, and together they may weigh no more than one position."""
    limits = {"portfolio.max_position_frac": 0.2, "portfolio.max_correlation": 0.8}

    cents, parts = explained(make_situation(), make_situation(risk=estimate(twins=(8, 9))), **limits)

    lost = {place: of_name for place, of_name in parts.items() if place in {8, 9}}
    assert lost
    for place, of_name in lost.items():
        assert of_name["constraints"] == pytest.approx(cents[place] / 100, rel=0.05)


def test_buys_that_unsold_holdings_leave_no_room_for_are_cut_by_constraints():
    """What should pay for the buys cannot be sold: its volume is thin."""
    scores = make_situation().names.score[::-1].copy()
    thin = np.where(np.arange(COUNT) >= 5, 20_000.0, 1e9)
    now = make_situation(score=scores, adv_usd=thin)

    cents, parts = explained(make_situation(adv_usd=thin), now, **{"trades.max_adv_frac": 0.05})

    bought = {place: of_name for place, of_name in parts.items() if cents[place] > 0}
    assert bought
    assert all(of_name["constraints"] < -1_000 for of_name in bought.values())
    assert all(of_name["cash"] == 0 for of_name in bought.values())
    assert all(of_name["score"] > 0 for of_name in bought.values())


@pytest.mark.parametrize("cause", ["cost", "constraints"])
def test_what_the_last_target_left_undone_belongs_to_the_stated_cause(cause):
    """The holdings are at a target that is half of what its inputs want."""
    now = make_situation()
    full = at_target(now)
    half = value_held(np.round(full.shares / 2), now.names.price, EQUITY_USD / 2)

    cents, parts = explained(now, now, half, last=half.weight, gap=cause)

    assert_only(parts, cents, cause)


def test_a_first_day_is_score():
    nobody = value_held(np.zeros(COUNT), np.ones(COUNT), EQUITY_USD)
    now = make_situation()
    before = replace(
        now, names=replace(now.names, score=np.full(COUNT, np.nan), is_scored=np.zeros(COUNT, dtype=bool))
    )

    cents, parts = explained(before, now, nobody, last=np.zeros(COUNT))

    assert (cents >= 0).all()
    assert_only(parts, cents, "score")


def test_shapley_values_are_symmetric_and_sum_to_the_whole():
    def value(some):
        return np.array([3.0 * ("drift" in some) + 10.0 * ({"score", "risk"} <= set(some))])

    found = {player: float(worth[0]) for player, worth in shapley(value, ("drift", "score", "risk"))}

    assert found == pytest.approx({"drift": 3.0, "score": 5.0, "risk": 5.0})
