"""The portfolio stage: compute the target portfolio from scores, regime and risk."""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

import pandas as pd

from config.sections import Portfolio as PortfolioSettings
from tasks.core.artifacts import load_frame, save_frame
from tasks.core.homes.run import Run
from tasks.core.sessions import session_after
from tasks.core.stage import stage
from tasks.data.schema.records import Market
from tasks.models.schema import Scores
from tasks.portfolio.candidates import Obstacle, choose_candidates
from tasks.portfolio.check import check_book
from tasks.portfolio.explanation import notes_of, reasons_of
from tasks.portfolio.frame import (
    SessionArrays,
    book_frame,
    by_symbol,
    matrix_of,
    reductions_of,
    session_arrays,
    view_of,
)
from tasks.portfolio.holdings.book import value_book
from tasks.portfolio.holdings.positions import Positions
from tasks.portfolio.holdings.record import refuse_short_history
from tasks.portfolio.limits import rules_of
from tasks.portfolio.rebalancing.rebalance import Costing
from tasks.portfolio.schema import Portfolio
from tasks.portfolio.store import read_market, read_positions
from tasks.portfolio.target import Target, View, target_weights
from tasks.regime.schema import Regime
from tasks.risk.covariance import covariance_of
from tasks.risk.schema import RiskModel
from tasks.risk.tail import portfolio_risk

log = logging.getLogger(__name__)


def refuse_lost_portfolio(run: Run) -> None:
    """Raise SafetyError, before anything is computed, if the positions or rows of the history are missing."""
    read_positions(run)
    refuse_short_history(run.home, run.session.day)


class _Decided(NamedTuple):
    target: Target
    weights: pd.DataFrame  # by symbol, with the reason of each
    covariance: pd.DataFrame  # of the names that were considered
    notes: tuple[str, ...]
    stopped: tuple[str, ...]


@stage()
def keep_to_reductions(
    run: Run, portfolio: Portfolio, risk: RiskModel, *, reductions_only: bool
) -> Portfolio:
    """Remove every increase from the target while new risk is halted; otherwise return the portfolio unchanged."""
    if not reductions_only:
        return portfolio
    frame = reductions_of(load_frame(portfolio.frame))
    # without correlated pairs: no weight grew, so the limit on each pair still holds
    check_book(frame, exposure_cap=portfolio.exposure_cap, settings=run.settings.portfolio)
    return replace(
        portfolio,
        frame=save_frame(run, "portfolio_reduced", frame),
        risk=portfolio_risk(frame["weight"], load_frame(risk.returns).T, run.settings.risk.confidence),
        notes=(*portfolio.notes, "The kill switch halts new risk: only reductions are proposed."),
    )


@stage()
def build_portfolio(
    run: Run,
    market: Market,
    scores: Scores,
    regime: Regime,
    risk: RiskModel,
    *,
    positions: Positions | None = None,
    fixed: Mapping[str, float] | None = None,
) -> Portfolio:
    """Value the current portfolio and compute the target portfolio.

    `positions` None: what the home holds. `fixed`: target weights that a person set; limits still apply to them.
    """
    settings = run.settings.portfolio
    positions = read_positions(run) if positions is None else positions
    assets, events, index_multiplier = read_market(run, market, positions)
    book = value_book(positions, assets, session=run.session.day, events=events)
    returns = load_frame(risk.returns).T
    score = load_frame(scores.frame)["score"]
    decided = _decide(
        session_arrays(score, assets, returns.columns, book, fixed=fixed),
        view_of(scores.champion, regime),
        returns,
        risk,
        costing=Costing(session_after(run.session.day), index_multiplier, run.settings.costs),
        settings=settings,
    )
    target, frame = decided.target, book_frame(decided.weights, book, assets, score)
    check_book(frame, exposure_cap=regime.exposure_cap, settings=settings, covariance=decided.covariance)

    portfolio = Portfolio(
        frame=save_frame(run, "portfolio", frame),
        book=book,
        method=target.method,
        ladder=target.steps,
        exposure_cap=regime.exposure_cap,
        max_buys_frac=regime.max_buys_frac,
        risk=portfolio_risk(frame["weight"], returns, run.settings.risk.confidence),
        notes=(*book.notes, *decided.notes),
        index_multiplier=index_multiplier,
        stopped=decided.stopped,
    )
    log.info(
        "%d positions by %s, %.1f%% in cash",
        int((target.weights > 0).sum()),
        target.method,
        100 * (1 - target.weights.sum()),
    )
    return portfolio


def _decide(
    session: SessionArrays,
    view: View,
    returns: pd.DataFrame,
    risk: RiskModel,
    *,
    costing: Costing,
    settings: PortfolioSettings,
) -> _Decided:
    """Select the candidates and compute their target weights, with the reasons and notes in text."""
    rules = rules_of(settings, session.sectors)
    candidates = choose_candidates(
        session.names, session.held, rules=rules, stop_loss_frac=view.stop_loss_frac
    )
    considered = session.at(candidates.considered)
    covariance = covariance_of(returns, considered, risk.shrinkage, factors=risk.factors)
    target = target_weights(
        view,
        session.names,
        session.held,
        candidates,
        matrix_of(covariance, considered),
        rules=rules,
        costing=costing,
    )
    reasons = reasons_of(target, view, session.names, candidates, rules)
    notes = notes_of(target, view, session.names, candidates, session.sectors, settings=settings)
    is_stopped = candidates.obstacle[session.held.places] == Obstacle.STOPPED
    stopped = tuple(session.at(session.held.places[is_stopped]).astype(str))
    return _Decided(target, by_symbol(session, target, reasons), covariance, tuple(notes), stopped)
