"""Whatever changed between two sessions: a trade's parts sum to it, and its score part is what the scores change."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.core.sessions import session_after
from tasks.portfolio.frame import session_arrays
from tasks.portfolio.limits import rules_of
from tasks.risk.covariance import estimator_of
from tasks.trades.lines import Trading
from tasks.trades.rules import trade_rules_of
from tasks.trades.tickets.attribution import Comparison, split_trades
from tasks.trades.tickets.schema import CAUSES
from tasks.trades.tickets.situation import RiskEstimate, Situation, decided_shares
from tasks.trades.tickets.survival import Reruns, count_survivals
from tests.builders import FRIDAY, make_settings
from tests.properties.test_decision_properties import book_of
from tests.properties.test_portfolio_properties import worlds

SHIPPED = make_settings()
RUNS = 2


def situation_of(world, rng, *, reductions_only=False):
    """Return the world as a situation, with a covariance of its own, and its holdings."""
    scored, assets, _, held, profile = world
    book = book_of(held, assets)
    session = session_arrays(scored.scores, assets, assets.index, book)
    count = len(session.symbols)
    risk = RiskEstimate(estimator_of(rng.normal(0, 0.01, (60, count)), SHIPPED.risk), np.arange(count))
    rules = trade_rules_of(SHIPPED, max_buys_frac=float(rng.choice([0.1, 1.0])))
    trading = Trading(session_after(FRIDAY), float(rng.choice([0.7, 1.0, 2.0])), reductions_only)
    return Situation(scored.view(), session.names, risk, rules, trading), session, profile


def earlier_than(now, world, rng):
    """Return a session in which everything was different that a comparison exchanges."""
    count = len(now.names.score)
    other = situation_of(world, rng, reductions_only=bool(rng.random() < 0.2))[0]
    view = replace(
        now.view,
        exposure_cap=float(rng.choice([0.0, 0.5, 1.0])),
        optimizer=str(rng.choice(["hrp", "equal_weight", "max_sharpe"])),
        allows_new_positions=bool(rng.random() < 0.8),
    )
    names = replace(
        now.names,
        score=np.where(rng.random(count) < 0.2, np.nan, rng.normal(size=count)),
        is_quarantined=rng.random(count) < 0.2,
        has_quote=rng.random(count) < 0.9,
        adv_usd=now.names.adv_usd * rng.uniform(0.5, 2.0, count),
        daily_volatility=now.names.daily_volatility * rng.uniform(0.5, 2.0, count),
    )
    return Situation(view, names, other.risk, other.trade_rules, other.trading)


@settings(max_examples=40, deadline=None)
@given(
    worlds(),
    st.booleans(),
    st.sampled_from([0.0, 50_000.0, -50_000.0]),
    st.booleans(),
    st.integers(0, 2**32 - 1),
)
def test_the_parts_sum_to_the_trade_and_the_scores_part_is_what_the_scores_change(
    world, reductions_only, flow_usd, has_new_settings, seed
):
    rng = np.random.default_rng(seed)
    now, session, profile = situation_of(world, rng, reductions_only=reductions_only)
    before, count = earlier_than(now, world, rng), len(session.symbols)
    target = rng.dirichlet(np.ones(count)) * (rng.random(count) < 0.5)
    rules = rules_of(profile, session.sectors)
    comparison = Comparison(
        before, now, session.held, flow_usd, rules, settled=target if has_new_settings else None
    )
    shares = decided_shares(now, session.held, rules=rules)
    price_cents = np.round(np.nan_to_num(now.names.price) * 100).astype(np.int64)
    cents = shares * price_cents

    parts = split_trades(comparison, cents)
    persisted = count_survivals(comparison, shares, Reruns(RUNS, seed, 0.5))

    with_earlier_scores = replace(
        now,
        view=replace(
            now.view,
            ranks=before.view.ranks,
            score_to_return=before.view.score_to_return,
            optimizer=before.view.optimizer,
        ),
        names=replace(now.names, score=before.names.score, is_scored=before.names.is_scored),
    )
    without = decided_shares(with_earlier_scores, session.held, rules=rules) * price_cents
    assert set(parts) == set(np.flatnonzero(cents).tolist())
    for place, of_name in parts.items():
        assert tuple(part.cause for part in of_name) == CAUSES
        assert sum(part.usd_cents for part in of_name) == cents[place]
        by_cause = {part.cause: part.usd_cents for part in of_name}
        assert by_cause["score"] == cents[place] - without[place]
        assert by_cause["score"] != 0 or without[place] != 0  # no trade without today's scores: due to them
        assert (by_cause["score"] == 0) == (without[place] == cents[place])  # the same trade: not due to them
    assert ((persisted >= 0) & (persisted <= RUNS)).all()
    assert (persisted[shares == 0] == 0).all()
