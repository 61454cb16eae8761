"""The stages' way over frames and the one call on arrays give the same decision, to the byte and the cent."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.core.sessions import session_after
from tasks.portfolio.arrays import value_held
from tasks.portfolio.candidates import choose_candidates
from tasks.portfolio.explanation import reasons_of
from tasks.portfolio.frame import book_frame, by_symbol, matrix_of, reductions_of, session_arrays
from tasks.portfolio.limits import rules_of
from tasks.portfolio.rebalancing.rebalance import Costing
from tasks.portfolio.schema import Book, Holding
from tasks.portfolio.target import target_weights
from tasks.trades.decision import decide
from tasks.trades.frame import line_symbols, make_lines
from tasks.trades.lines import Trading
from tasks.trades.plan import plan_trades
from tasks.trades.rules import trade_rules_of
from tests.builders import FRIDAY, make_settings
from tests.properties.test_portfolio_properties import worlds

SHIPPED = make_settings()
EQUITY_USD = 1e6


def book_of(held, assets):
    """Return a portfolio of about these weights, in whole shares."""
    holdings = tuple(
        Holding(symbol, float(np.floor(weight * EQUITY_USD / price)), price, bool(has_quote))
        for (symbol, weight), price, has_quote in zip(
            held.items(), assets["price"][held.index], assets["has_quote"][held.index], strict=True
        )
        if weight * EQUITY_USD >= price
    )
    invested = sum(holding.value_usd for holding in holdings)
    return Book(FRIDAY, holdings, EQUITY_USD - invested, EQUITY_USD)


@settings(max_examples=40, deadline=None)
@given(worlds(), st.booleans())
def test_the_stages_and_the_decision_on_arrays_agree_to_the_byte_and_the_cent(world, reductions_only):
    scored, assets, covariance, held, profile = world
    chosen = SHIPPED.model_copy(update={"portfolio": profile})
    book, view, trade_rules = book_of(held, assets), scored.view(), trade_rules_of(chosen)
    session = session_arrays(scored.scores, assets, covariance.index, book)
    rules = rules_of(profile, session.sectors)
    candidates = choose_candidates(
        session.names, session.held, rules=rules, stop_loss_frac=view.stop_loss_frac
    )
    known = matrix_of(covariance, session.at(candidates.considered))

    costing = Costing(session_after(FRIDAY), 1.0, chosen.costs)
    target = target_weights(
        view, session.names, session.held, candidates, known, rules=rules, costing=costing
    )
    reasons = reasons_of(target, view, session.names, candidates, rules)
    frame = book_frame(by_symbol(session, target, reasons), book, assets, scored.scores)
    if reductions_only:
        frame = reductions_of(frame)
    quarantined = tuple(assets.index[assets["is_quarantined"]])
    lines = make_lines(frame, book, quarantined, exposure_cap=view.exposure_cap, settings=chosen)
    plan = plan_trades(lines, rules=trade_rules)
    decision = decide(
        view,
        session.names,
        value_held(session.held.shares, session.names.price, book.cash_usd),
        candidates,
        known,
        rules=rules,
        trade_rules=trade_rules,
        trading=Trading(session_after(FRIDAY), reductions_only=reductions_only),
    )

    assert tuple(session.at(decision.places)) == line_symbols(frame)
    for ours, theirs in (
        (decision.lines, lines),
        (decision.plan, plan),
        (decision.plan.cut_log, plan.cut_log),
    ):
        for name, value in vars(theirs).items():
            if isinstance(value, np.ndarray):
                assert getattr(ours, name).tobytes() == value.tobytes(), name
    assert [group.name for group in decision.lines.limits.groups] == [g.name for g in lines.limits.groups]
    assert (decision.lines.cash_cents, decision.lines.equity_cents) == (lines.cash_cents, lines.equity_cents)
