"""Whatever changed between two sessions: the parts of every trade sum to it, and survivals are counts."""

from dataclasses import replace

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.core.sessions import session_after
from tasks.portfolio.candidates import choose_candidates
from tasks.portfolio.frame import session_arrays
from tasks.portfolio.limits import rules_of
from tasks.risk.covariance import estimator_of
from tasks.trades.decision import decide
from tasks.trades.lines import Trading
from tasks.trades.rules import trade_rules_of
from tasks.trades.tickets.attribution import Comparison, LastTarget, split_trades
from tasks.trades.tickets.schema import CAUSES
from tasks.trades.tickets.situation import RiskEstimate, Situation
from tasks.trades.tickets.survival import Reruns, count_survivals
from tests.builders import FRIDAY, make_settings
from tests.properties.test_decision_properties import book_of
from tests.properties.test_portfolio_properties import worlds

SHIPPED = make_settings()
RUNS = 2


def situation_of(world, rng):
    """Return the world as a situation, with a covariance of its own, and its holdings."""
    scored, assets, _, held, profile = world
    book = book_of(held, assets)
    session = session_arrays(scored.scores, assets, assets.index, book)
    count = len(session.symbols)
    risk = RiskEstimate(estimator_of(rng.normal(0, 0.01, (60, count)), SHIPPED.risk), np.arange(count))
    return Situation(scored.view(), session.names, risk), session, profile


@settings(max_examples=25, deadline=None)
@given(worlds(), st.booleans(), st.sampled_from([0.0, 50_000.0, -50_000.0]), st.integers(0, 2**32 - 1))
def test_the_parts_sum_to_the_trade_whatever_changed(world, reductions_only, flow_usd, seed):
    rng = np.random.default_rng(seed)
    now, session, profile = situation_of(world, rng)
    count = len(session.symbols)
    before = Situation(
        replace(
            now.view,
            exposure_cap=float(rng.choice([0.0, 0.5, 1.0])),
            optimizer=str(rng.choice(["hrp", "equal_weight", "max_sharpe"])),
            allows_new_positions=bool(rng.random() < 0.8),
        ),
        replace(
            now.names,
            score=np.where(rng.random(count) < 0.2, np.nan, rng.normal(size=count)),
            is_quarantined=rng.random(count) < 0.2,
            has_quote=rng.random(count) < 0.9,
        ),
        situation_of(world, rng)[0].risk,
    )
    last = rng.dirichlet(np.ones(count)) * (rng.random(count) < 0.5)
    comparison = Comparison(
        before,
        now,
        LastTarget(last),
        session.held,
        flow_usd,
        rules_of(profile, session.sectors),
        trade_rules_of(SHIPPED),
        Trading(session_after(FRIDAY), reductions_only=reductions_only),
    )
    decision = decide(
        now.view,
        now.names,
        session.held,
        candidates := choose_candidates(
            now.names, session.held, rules=comparison.rules, stop_loss_frac=now.view.stop_loss_frac
        ),
        now.risk.among(candidates.considered),
        rules=comparison.rules,
        trade_rules=comparison.trade_rules,
        trading=comparison.trading,
    )
    shares = np.zeros(count, dtype=np.int64)
    shares[decision.places] = decision.plan.buys - decision.plan.sells
    cents = shares * np.round(np.nan_to_num(now.names.price) * 100).astype(np.int64)

    parts = split_trades(comparison, cents)
    persisted = count_survivals(comparison, shares, Reruns(RUNS, seed, 0.5))

    assert set(parts) == set(np.flatnonzero(cents).tolist())
    for place, of_name in parts.items():
        assert tuple(part.cause for part in of_name) == CAUSES
        assert sum(part.usd_cents for part in of_name) == cents[place]
        assert all(
            abs(part.usd_cents) < 100 * 20 * session.held.equity_usd for part in of_name
        )  # no overflow
    assert ((persisted >= 0) & (persisted <= RUNS)).all()
    assert (persisted[shares == 0] == 0).all()
