"""Trades that the inputs determine firmly survive; trades between near-equals do not; equal seeds count equally."""

from dataclasses import replace

import numpy as np
import pytest

from tasks.models.schema import Champion
from tasks.portfolio.arrays import value_held
from tasks.risk.covariance import UNSHRUNK, Estimator
from tasks.trades.tickets.situation import RiskEstimate
from tasks.trades.tickets.survival import Reruns, count_survivals, score_noise
from tests.builders import FRIDAY
from tests.unit.trades.tickets.ticket_worlds import (
    COUNT,
    EQUITY_USD,
    VIEW,
    at_target,
    comparison_of,
    estimate,
    make_situation,
)

RUNS = 20
VENDORS_DIFFER = 0.0005  # standard deviation of their closes, as docs/why-each-trade.md states it


def survivals(before, now, *, noise=0.3, seed=7, runs=RUNS):
    comparison, cents = comparison_of(before, now)
    trades = np.sign(cents) * (np.abs(cents) // 100)  # shares of one dollar
    return trades, count_survivals(comparison, trades, Reruns(runs, seed, noise))


def test_half_of_the_exposure_is_sold_in_every_rerun():
    trades, persisted = survivals(
        make_situation(), make_situation(replace(VIEW, exposure_cap=0.4, optimizer="equal_weight"))
    )

    assert (persisted[trades < 0] == RUNS).all()
    assert (persisted[trades == 0] == 0).all()


def test_a_score_that_is_ahead_by_less_than_the_noise_is_not_firm():
    before = make_situation()
    scores = before.names.score.copy()
    scores[8] += 0.3

    trades, persisted = survivals(before, make_situation(score=scores), noise=1.0)

    assert trades[8] > 0
    assert 0 < persisted[8] < RUNS


def test_without_noise_and_with_returns_that_do_not_matter_all_trades_survive():
    scores = make_situation().names.score[::-1].copy()

    trades, persisted = survivals(make_situation(), make_situation(score=scores), noise=0.0)

    assert (persisted[trades != 0] == RUNS).all()


def test_a_trade_that_shrinks_to_less_than_half_does_not_persist():
    before, now = make_situation(), make_situation(replace(VIEW, exposure_cap=0.4, optimizer="equal_weight"))
    comparison, cents = comparison_of(before, now)
    trades = np.sign(cents) * (np.abs(cents) // 100)

    less, half = (count_survivals(comparison, size * trades, Reruns(RUNS, 7, 0.0)) for size in (3, 2))

    assert (less[trades < 0] == 0).all()
    assert (half[trades < 0] == RUNS).all()


def test_a_trade_that_the_sample_of_returns_decides_is_not_firm():
    view = replace(VIEW, optimizer="inverse_volatility")

    trades, persisted = survivals(
        make_situation(view, estimate(1)), make_situation(view, estimate(2)), noise=0.0
    )

    assert (persisted[trades != 0] < RUNS).all()


@pytest.mark.parametrize(("scale", "side", "least", "most"), [(1.1, 1, RUNS, RUNS), (0.97, -1, 0, RUNS - 4)])
def test_the_volatility_of_a_rerun_is_measured_around_its_own_mean(scale, side, least, most):
    """Name 2 rises in the first half and falls in the second: its returns vary less in all other samples.

    So a larger position in it is always firm, and a slightly smaller one is not. The others have the same returns every
    ten sessions, and the same volatility in all samples.
    """
    rng, half = np.random.default_rng(0), np.repeat([0.01, -0.01], 5)
    returns = np.tile(np.column_stack([rng.permutation(half) for _ in range(COUNT)]), (26, 1))
    returns[:, 2] = np.repeat([0.01, -0.01], 130)
    scaled = np.where(np.arange(COUNT) == 2, scale, 1.0) * returns
    view = replace(VIEW, optimizer="inverse_volatility")
    before, now = (
        make_situation(view, RiskEstimate(Estimator(one, UNSHRUNK, 0), np.arange(COUNT)))
        for one in (scaled, returns)
    )

    trades, persisted = survivals(before, now, noise=0.0)

    assert np.sign(trades[2]) == side
    assert least <= persisted[2] <= most


def test_the_returns_of_one_block_of_sessions_are_resampled_too():
    moves = np.random.default_rng(0).normal(0, 0.01, (10, COUNT))
    risk = RiskEstimate(Estimator(moves - moves.mean(axis=0), UNSHRUNK, 0), np.arange(COUNT))
    view = replace(VIEW, optimizer="inverse_volatility")

    trades, persisted = survivals(make_situation(), make_situation(view, risk), noise=0.0)

    assert (persisted[trades != 0] == RUNS).all()  # there is one sample only


def test_a_share_of_a_few_cents_keeps_its_price_in_a_rerun():
    now = make_situation(price=np.where(np.arange(COUNT) == 8, 0.05, 1.0))
    half = np.round(at_target(now).shares / 2)
    held = value_held(half, now.names.price, EQUITY_USD - float(half @ now.names.price))
    comparison, cents = comparison_of(now, now, held)
    trades = np.round(cents / (100 * now.names.price)).astype(np.int64)

    persisted = count_survivals(comparison, trades, Reruns(RUNS, 7, 0.0))

    assert trades[8] > 0
    assert persisted[8] == RUNS


def test_the_seed_alone_determines_the_count_and_no_runs_count_nothing():
    before = make_situation()
    scores = before.names.score.copy()
    scores[8] += 0.3
    now = make_situation(score=scores)

    one, again, other = (survivals(before, now, noise=1.0, seed=seed, runs=40)[1] for seed in (1, 1, 2))

    np.testing.assert_array_equal(one, again)
    assert (one != other).any()
    assert (survivals(before, now, runs=0)[1] == np.zeros(COUNT)).all()


@pytest.mark.parametrize(("beyond", "persists"), [(1.0, 0.84), (3.0, 1.0)])
def test_a_sale_persists_as_often_as_the_closes_of_two_vendors_leave_it_beyond_its_band(beyond, persists):
    """The prices alone decide: by so many standard deviations the holding is beyond its tolerance band."""
    band, price, equity = 0.01, 100.0, 1e9
    now = make_situation(price=np.full(COUNT, price), adv_usd=np.full(COUNT, 1e12))
    weight = at_target(now).weight.copy()
    deviation = VENDORS_DIFFER * weight[9] * np.sqrt((1 - weight[9]) ** 2 + (weight[:9] ** 2).sum())
    excess = band + price / equity + beyond * deviation
    weight[9] += excess
    weight[5:9] -= excess / 4
    shares = np.round(weight * equity / price)
    held = value_held(shares, now.names.price, equity - float(shares.sum()) * price)
    comparison, cents = comparison_of(now, now, held, **{"trades.min_weight_change_frac": band})
    trades = np.sign(cents) * (np.abs(cents) // (100 * int(price)))

    persisted = count_survivals(comparison, trades, Reruns(200, 7, 0.0))

    assert np.flatnonzero(trades).tolist() == [9]
    assert persisted[9] / 200 == pytest.approx(persists, abs=0.07)


def test_the_noise_in_scores_is_in_units_of_their_spread():
    scores = make_situation().names.score.copy()
    scores[8] += 0.3

    one, other = (
        survivals(
            make_situation(score=scale * make_situation().names.score), make_situation(score=scale * scores)
        )
        for scale in (1.0, 1024.0)
    )

    np.testing.assert_array_equal(one[0], other[0])
    np.testing.assert_array_equal(one[1], other[1])


@pytest.mark.parametrize(
    ("t", "ranks", "noise"), [(4.0, True, 0.25), (1.6, True, 0.625), (0.5, True, 1.0), (4.0, False, 0.0)]
)
def test_the_noise_in_scores_is_the_uncertainty_of_the_signal(t, ranks, noise):
    champion = Champion(
        name="lightgbm",
        kind="lightgbm",
        optimizer="hrp",
        model_sha256="c" * 64,
        feature_set="f",
        trained_through=FRIDAY,
        selection_date=FRIDAY,
        selection_reason="",
        weighted_score=0.0,
        metrics={"neutral_ic_t": t},
        ranks=ranks,
    )

    assert score_noise(champion) == noise
    assert score_noise(replace(champion, metrics={})) == float(ranks)
