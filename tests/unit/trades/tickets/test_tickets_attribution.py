"""Trades whose cause is planted are attributed to it, to the cent; the parts always sum to the trade."""

from dataclasses import replace

import numpy as np
import pytest

from tasks.portfolio.arrays import value_held
from tasks.portfolio.candidates import choose_candidates
from tasks.trades.decision import decide
from tasks.trades.plan import cash_after_cents
from tasks.trades.tickets.schema import CAUSES
from tasks.trades.tickets.situation import GROUPS, decided_shares, differs
from tests.unit.trades.tickets.ticket_worlds import (
    COUNT,
    EQUITY_USD,
    VIEW,
    at_target,
    estimate,
    explained,
    make_situation,
    rules,
    target_of,
)


def assert_only(parts, cents, cause):
    """Each trade is explained by this cause alone."""
    assert parts
    for place, of_name in parts.items():
        assert of_name == {one: cents[place] / 100 if one == cause else 0.0 for one in CAUSES}, place


def swapped(one: int, other: int) -> np.ndarray:
    scores = make_situation().names.score.copy()
    scores[[one, other]] = scores[[other, one]]
    return scores


def test_a_score_change_alone_is_score():
    cents, parts = explained(make_situation(), make_situation(score=swapped(0, 9)))

    assert cents[0] > 0 > cents[9]
    assert_only(parts, cents, "score")


@pytest.mark.parametrize(
    "limits",
    [
        {"portfolio.max_positions": 3},  # a name enters the candidates, another leaves
        {"portfolio.max_position_frac": 0.14},
        {"portfolio.max_sector_frac": 0.5},
        {"trades.max_trades": 3},
        {"trades.max_adv_frac": 0.00002},
        {"safety.max_buys_frac": 0.01},
        {"trades.min_weight_change_frac": 0.02},
        {"costs.multiple": 1.0, "portfolio.costs_per_year": 1.0},
    ],
    ids=lambda limits: next(iter(limits)),
)
def test_a_score_change_that_acts_through_a_limit_is_score(limits):
    """Whichever rule turns the new scores into trades: without them there would be no trade."""
    cents, parts = explained(make_situation(), make_situation(score=swapped(1, 8)), **limits)

    assert cents[1] > 0 > cents[8]
    assert_only(parts, cents, "score")


@pytest.mark.parametrize(
    "champion", [{"optimizer": "equal_weight"}, {"ranks": False}, {"score_to_return": 0.0}], ids=str
)
def test_another_champion_is_score(champion):
    cents, parts = explained(make_situation(), make_situation(replace(VIEW, **champion)))

    assert_only(parts, cents, "score")


def test_a_price_move_alone_is_drift():
    before = make_situation()
    held = at_target(before)
    price = before.names.price.copy()
    price[8] = 1.5
    now = make_situation(price=price)
    moved = value_held(held.shares, price, held.cash_usd)

    cents, parts = explained(now, now, moved)

    assert cents[8] < 0
    assert_only(parts, cents, "drift")


def test_what_the_last_decision_left_undone_is_drift():
    """Half of its trades were not filled, or cut."""
    now = make_situation()
    half = value_held(np.round(at_target(now).shares / 2), now.names.price, EQUITY_USD / 2)

    cents, parts = explained(now, now, half)

    assert (cents >= 0).all()
    assert_only(parts, cents, "drift")


def test_a_deposit_is_cash():
    before = make_situation()
    held = at_target(before)
    richer = value_held(held.shares, before.names.price, held.cash_usd + 200_000)

    cents, parts = explained(before, make_situation(), richer, flow=200_000.0)

    assert (cents >= 0).all()
    assert_only(parts, cents, "cash")


def test_a_deposit_after_a_price_move_is_cash_only_as_far_as_it_adds_to_the_trade():
    held = at_target(make_situation())
    price = make_situation().names.price.copy()
    price[8] = 1.5
    now = make_situation(price=price)
    alone, _ = explained(now, now, value_held(held.shares, price, held.cash_usd))

    cents, parts = explained(
        now, now, value_held(held.shares, price, held.cash_usd + 200_000), flow=200_000.0
    )

    assert parts[8]["drift"] == pytest.approx(alone[8] / 100, abs=1.5)
    assert parts[8]["cash"] == pytest.approx((cents[8] - alone[8]) / 100, abs=1.5)


def test_a_deposit_alone_moves_no_holding_off_its_target():
    """Nothing may be increased: weights that the deposit has made smaller must not count as drift."""
    before = make_situation(replace(VIEW, allows_new_positions=False))
    held = at_target(make_situation())
    richer = value_held(held.shares, before.names.price, held.cash_usd + 200_000)
    now = make_situation(replace(before.view, exposure_cap=0.2))

    _, parts = explained(before, now, richer, flow=200_000.0)

    assert parts
    assert all(of_name["drift"] == of_name["cash"] == 0 for of_name in parts.values())


def test_a_withdrawal_of_what_should_pay_for_unfilled_buys_is_cash():
    now = make_situation()
    shares = np.round(at_target(now).shares * 0.8)
    left = value_held(shares, now.names.price, EQUITY_USD * 0.1)  # of the fifth that was to be invested

    cents, parts = explained(now, now, left, flow=-EQUITY_USD * 0.1)

    for place, of_name in parts.items():
        assert cents[place] > 0
        assert of_name["drift"] == pytest.approx(2 * cents[place] / 100, abs=2.5)
        assert of_name["cash"] == pytest.approx(-cents[place] / 100, abs=2.5)


@pytest.mark.parametrize("limits", [{}, {"portfolio.max_sector_frac": 0.4}], ids=["free", "limits_bind"])
def test_a_regime_change_alone_is_regime(limits):
    cents, parts = explained(make_situation(), make_situation(replace(VIEW, exposure_cap=0.2)), **limits)

    assert (cents <= 0).all()
    assert_only(parts, cents, "regime")


def test_a_smaller_size_of_positions_is_regime():
    cents, parts = explained(make_situation(), make_situation(replace(VIEW, size_multiplier=0.2)))

    assert cents[9] < 0
    assert_only(parts, cents, "regime")


@pytest.mark.parametrize(("stop_before", "fall_before"), [(0.2, 0.0), (0.5, 0.3)], ids=["fell", "tighter"])
def test_a_stop_is_regime(stop_before, fall_before):
    fall = np.where(np.arange(COUNT) == 8, 0.3, 0.0)
    before = make_situation(
        replace(VIEW, stop_loss_frac=stop_before), fall=np.where(fall > 0, fall_before, 0.0)
    )

    cents, parts = explained(before, make_situation(replace(VIEW, stop_loss_frac=0.2), fall=fall))

    assert cents[8] < 0
    assert_only(parts, cents, "regime")


def test_positions_that_may_grow_again_are_regime():
    now = make_situation()
    half = value_held(np.round(at_target(now).shares / 2), now.names.price, EQUITY_USD / 2)

    cents, parts = explained(make_situation(replace(VIEW, allows_new_positions=False)), now, half)

    assert (cents >= 0).all()
    assert_only(parts, cents, "regime")


def test_a_regime_that_allows_more_buys_a_session_is_regime():
    now = make_situation()
    nobody = value_held(np.zeros(COUNT), now.names.price, EQUITY_USD)
    none = replace(now, trade_rules=replace(now.trade_rules, max_entry_buys_frac=0.0))

    cents, parts = explained(none, now, nobody)

    assert_only(parts, cents, "regime")


def test_another_covariance_alone_is_risk():
    view = replace(VIEW, optimizer="inverse_volatility")
    calmer = np.ones(COUNT)
    calmer[2] = 0.5

    cents, parts = explained(make_situation(view), make_situation(view, estimate(0, calmer)))

    assert cents[2] > 0
    assert_only(parts, cents, "risk")


def test_a_pair_that_becomes_too_correlated_is_risk():
    """Two names move as one from now on, and together they may weigh no more than one position."""
    limits = {"portfolio.max_position_frac": 0.2, "portfolio.max_correlation": 0.8}

    cents, parts = explained(make_situation(), make_situation(risk=estimate(comoving=(8, 9))), **limits)

    assert cents[8] < 0 or cents[9] < 0
    assert_only(parts, cents, "risk")


def test_a_limit_that_binds_on_both_sessions_explains_nothing():
    """The portfolio is at a target that its limits have cut; only prices move."""
    limits = {"portfolio.max_position_frac": 0.12}
    held = at_target(make_situation(), **limits)
    price = np.ones(COUNT)
    price[9] = 1.2
    now = make_situation(price=price)

    cents, parts = explained(now, now, value_held(held.shares, price, held.cash_usd), **limits)

    assert cents[9] < 0
    assert_only(parts, cents, "drift")


@pytest.mark.parametrize(
    "obstacle",
    [
        {"has_quote": np.arange(COUNT) != 9},
        {"is_quarantined": np.arange(COUNT) == 9},
        {"adv_usd": np.where(np.arange(COUNT) == 9, 0.0, 1e9)},
    ],
    ids=lambda obstacle: next(iter(obstacle)),
)
def test_a_name_that_could_not_be_traded_before_is_constraints(obstacle):
    before = make_situation(**obstacle)

    cents, parts = explained(before, make_situation(), without_trades_of(before))

    assert cents[9] > 0
    assert_only(parts, cents, "constraints")


def without_trades_of(before):
    """Return holdings for which the situation trades nothing: what it holds after it traded from cash alone."""
    held = value_held(np.zeros(COUNT), before.names.price, EQUITY_USD)
    for _ in range(2):
        target = target_of(before, held)
        target[9] = 0.0
        shares = np.round(target * EQUITY_USD)
        held = value_held(shares, before.names.price, EQUITY_USD - float(shares.sum()))
    return held


def test_the_end_of_a_halt_is_constraints():
    now = make_situation()
    before = replace(now, trading=replace(now.trading, reductions_only=True))
    half = value_held(np.round(at_target(now).shares / 2), now.names.price, EQUITY_USD / 2)

    cents, parts = explained(before, now, half)

    assert (cents >= 0).all()
    assert_only(parts, cents, "constraints")


def test_a_limit_that_a_person_changed_is_constraints():
    before = make_situation()
    held = at_target(before)

    cents, parts = explained(
        before, make_situation(), held, settled=held.weight, **{"portfolio.max_position_frac": 0.1}
    )

    assert cents[9] < 0
    assert_only(parts, cents, "constraints")


def test_a_limit_that_a_person_changed_leaves_names_that_were_not_held_out():
    """Five names of 12% each are held; the limit of a position is half of the portfolio now."""
    few = {"portfolio.max_positions": 5}
    now = make_situation(replace(VIEW, optimizer="equal_weight"))
    held = at_target(now, **few, **{"portfolio.max_position_frac": 0.12})

    cents, parts = explained(now, now, held, settled=held.weight, **few)

    assert np.flatnonzero(held.shares).tolist() == np.flatnonzero(cents > 0).tolist() == [5, 6, 7, 8, 9]
    assert_only(parts, cents, "constraints")


def test_a_changed_limit_and_a_name_that_can_be_traded_again_are_both_constraints():
    before = make_situation(has_quote=np.arange(COUNT) != 9)
    held = without_trades_of(before)

    cents, parts = explained(
        before, make_situation(), held, settled=held.weight, **{"portfolio.max_position_frac": 0.14}
    )

    assert cents[9] > 0 > cents[8]
    assert_only(parts, cents, "constraints")


@pytest.mark.parametrize("was_dear", ["volatility_index", "daily_volatility"])
def test_what_cheaper_trading_makes_worthwhile_is_cost(was_dear):
    """What was too dear to trade on the session before is traded."""
    costs = {"costs.multiple": 3.0, "portfolio.costs_per_year": 12.0}
    now = make_situation()
    before = (
        replace(now, trading=replace(now.trading, index_multiplier=50.0))
        if was_dear == "volatility_index"
        else make_situation(daily_volatility=50.0 * now.names.daily_volatility)
    )
    half = value_held(np.round(at_target(now).shares * 0.7), now.names.price, EQUITY_USD * 0.3)
    undone, _ = explained(before, before, half, **costs)

    cents, parts = explained(before, now, half, **costs)

    assert (cents != undone).any()
    for place, of_name in parts.items():
        assert of_name["drift"] == undone[place] / 100
        assert of_name["cost"] == (cents[place] - undone[place]) / 100
        assert sum(map(abs, of_name.values())) == abs(of_name["drift"]) + abs(of_name["cost"])


def test_the_score_has_the_rest_that_no_other_cause_brings_about():
    """Regime and score change together: the regime halves what was wanted, the score moves what is left."""
    before, now = make_situation(), make_situation(replace(VIEW, exposure_cap=0.5), score=swapped(0, 9))
    regime, _ = explained(before, make_situation(replace(VIEW, exposure_cap=0.5)))

    cents, parts = explained(before, now)

    for place, of_name in parts.items():
        assert of_name["regime"] == regime[place] / 100
        assert of_name["score"] == (cents[place] - regime[place]) / 100


def test_a_first_day_is_score():
    nobody = value_held(np.zeros(COUNT), np.ones(COUNT), EQUITY_USD)
    now = make_situation()
    unscored = replace(now.names, score=np.full(COUNT, np.nan), is_scored=np.zeros(COUNT, dtype=bool))

    cents, parts = explained(replace(now, names=unscored), now, nobody, settled=nobody.weight)

    assert (cents >= 0).all()
    assert_only(parts, cents, "score")


@pytest.mark.parametrize("last_price", [np.nan, 0.0])
def test_a_name_of_the_last_target_without_a_price_any_more_does_not_matter(last_price):
    before = make_situation()
    held = at_target(before)
    price = before.names.price.copy()
    price[9] = last_price
    gone = value_held(np.where(np.arange(COUNT) == 9, 0.0, held.shares), price, held.cash_usd)
    now = make_situation(price=price, has_quote=np.arange(COUNT) != 9)

    cents, parts = explained(now, now, gone, settled=held.weight)

    assert 9 not in parts
    assert all(sum(of_name.values()) == pytest.approx(cents[place] / 100) for place, of_name in parts.items())


@pytest.mark.parametrize("group", GROUPS)
def test_equal_inputs_do_not_differ_even_where_they_are_unknown(group):
    unknown = {"adv_usd": np.where(np.arange(COUNT) == 9, np.nan, 1e9), "fall": np.full(COUNT, np.nan)}
    risk = estimate()

    assert not differs(make_situation(risk=risk, **unknown), make_situation(risk=risk, **unknown), group)


def test_a_name_without_an_estimate_has_no_covariance_and_the_others_keep_theirs():
    whole = estimate()
    risk = replace(whole, column=np.where(np.arange(COUNT) == 1, -1, whole.column))

    covariance = risk.among(np.array([0, 1, 2]))

    assert np.isnan(covariance[1]).all()
    assert np.isnan(covariance[:, 1]).all()
    np.testing.assert_array_equal(covariance[np.ix_([0, 2], [0, 2])], whole.estimator.among(np.array([0, 2])))


def test_the_last_share_of_a_name_is_sold():
    crash = make_situation(replace(VIEW, exposure_cap=0.0))

    shares = decided_shares(crash, value_held(np.ones(COUNT), crash.names.price, EQUITY_USD), rules=rules())

    assert shares.tolist() == [-1] * COUNT


def test_a_decision_trades_with_the_holdings_and_the_cash_of_the_session():
    now = make_situation()
    held = value_held(np.round(at_target(now).shares / 2), now.names.price, 123_456.78)
    candidates = choose_candidates(now.names, held, rules=rules(), stop_loss_frac=0.0)

    decision = decide(
        now.view,
        now.names,
        held,
        candidates,
        now.risk.among(candidates.considered),
        rules=rules(),
        trade_rules=now.trade_rules,
        trading=now.trading,
    )

    lines = decision.lines
    assert (lines.cash_cents, lines.equity_cents) == (12_345_678, held.equity_usd * 100)
    np.testing.assert_array_equal(lines.held, held.shares[decision.places])
    assert cash_after_cents(lines, decision.plan) >= 0
