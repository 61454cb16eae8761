"""The stage that explains the day's trades: it changes none of them."""

import logging
from collections.abc import Iterator

import numpy as np
import pandas as pd

from config.settings import config_hash
from tasks.core.artifacts import ArtifactRef, load_frame
from tasks.core.errors import AftercloseError
from tasks.core.homes.run import Run
from tasks.core.ids import sha256_of_record
from tasks.core.sessions import session_after, sessions_between
from tasks.core.stage import stage
from tasks.core.versions.source_code import CODE_ROOT, code_fingerprint
from tasks.data.panel.reader import read_prices
from tasks.data.schema.records import Market
from tasks.models.schema import Scores
from tasks.portfolio.frame import session_arrays, view_of
from tasks.portfolio.holdings.events import Events
from tasks.portfolio.holdings.positions import Positions
from tasks.portfolio.quotes import WINDOW
from tasks.portfolio.schema import Book, Portfolio
from tasks.portfolio.stops import stop_window
from tasks.portfolio.store import read_market, read_positions
from tasks.regime.schema import Regime
from tasks.risk.schema import RiskModel
from tasks.trades.lines import Trading
from tasks.trades.rules import trade_rules_of
from tasks.trades.schema import Trades
from tasks.trades.tickets.attribution import Cents, split_trades
from tasks.trades.tickets.comparison import Earlier, Today, compare
from tasks.trades.tickets.contributions import contributions_of
from tasks.trades.tickets.previous import PreviousDecision
from tasks.trades.tickets.schema import Survival, Ticket, Tickets
from tasks.trades.tickets.scored import BySymbol, read_contributions
from tasks.trades.tickets.store import net_flows_at, read_previous
from tasks.trades.tickets.survival import Reruns, count_survivals, score_noise

log = logging.getLogger(__name__)

MOST_SESSIONS_AGO = 21  # an earlier day is not compared: too much has changed since


@stage()
def explain_trades(  # noqa: PLR0913 - one record of each stage
    run: Run,
    market: Market,
    features: ArtifactRef,
    scores: Scores,
    regime: Regime,
    risk: RiskModel,
    portfolio: Portfolio,
    trades: Trades,
    *,
    reductions_only: bool,
    positions: Positions | None = None,
) -> Tickets:
    """Return why each trade has its size. `positions` None: what the home holds.

    If the trades cannot be explained, that is a result, not an error: it does not affect them.
    """
    try:
        assets, events, _ = read_market(run, market, read_positions(run) if positions is None else positions)
        earlier, notes = _earlier(run, market, events, portfolio.book, scores)
        returns = load_frame(risk.returns).T
        today = Today(
            run.settings,
            session_arrays(load_frame(scores.frame)["score"], assets, returns.columns, portfolio.book),
            view_of(scores.champion, regime),
            returns,
            trade_rules_of(run.settings, max_buys_frac=portfolio.max_buys_frac),
            Trading(session_after(run.session.day), portfolio.index_multiplier, reductions_only),
        )
        lines = load_frame(trades.frame)
        tickets: tuple[Ticket, ...] = ()
        if len(lines):
            since = earlier.decision.session if earlier else None
            found = read_contributions(run, market, load_frame(features), lines["symbol"], before=since)
            tickets = tuple(_tickets(today, earlier, lines, found, _reruns(run, market, scores)))
    except Exception as error:
        log.warning("the trades could not be explained", exc_info=True)
        why = error.what if isinstance(error, AftercloseError) else f"a defect ({type(error).__name__})."
        earlier, tickets, notes = None, (), (f"The trades could not be explained: {why}",)
    log.info("%d trades explained", len(tickets))
    since = earlier.decision.session if earlier else None
    return Tickets(since, tickets, notes, market.quarantined)


def _tickets(
    today: Today,
    earlier: Earlier | None,
    trades: pd.DataFrame,
    contributions: tuple[BySymbol, BySymbol],
    reruns: Reruns,
) -> Iterator[Ticket]:
    symbols, settings = today.arrays.symbols, today.settings.trades
    comparison, cents = compare(today, earlier), signed_cents(trades, symbols)
    parts = split_trades(comparison, cents)
    shares = np.zeros(len(symbols), dtype=np.int64)
    places = symbols.get_indexer(pd.Index(trades["symbol"]))
    shares[places] = np.sign(cents[places]) * trades["shares"]
    persisted = count_survivals(comparison, shares, reruns)
    for symbol, place in zip(trades["symbol"], places.tolist(), strict=True):
        survival = Survival(int(persisted[place]), reruns.runs) if reruns.runs else None
        yield Ticket(
            symbol,
            parts[place],
            contributions_of(*(found.get(symbol) for found in contributions)),
            survival,
            is_fragile=survival is not None
            and survival.persisted < settings.fragile_below_frac * survival.runs,
        )


def _reruns(run: Run, market: Market, scores: Scores) -> Reruns:
    """Return the reruns, seeded by the day's data, model and settings."""
    seed = sha256_of_record([market.snapshot.id, scores.champion.model_sha256, run.seed("survival")])
    return Reruns(run.settings.trades.survival_runs, int(seed[:16], 16), score_noise(scores.champion))


def signed_cents(trades: pd.DataFrame, symbols: pd.Index) -> Cents:
    """Return the notional of each name's trade in cents, negative for sales, by the place of the symbol."""
    cents = np.zeros(len(symbols), dtype=np.int64)
    sign = np.where(trades["side"] == "SELL", -1, 1)
    cents[symbols.get_indexer(pd.Index(trades["symbol"]))] = sign * np.round(trades["notional"] * 100)
    return cents


def _earlier(
    run: Run, market: Market, events: Events, book: Book, scores: Scores
) -> tuple[Earlier | None, tuple[str, ...]]:
    """Return the last published decision, and notes on what it is compared with."""
    decision = read_previous(run)
    if not isinstance(decision, PreviousDecision):
        return None, (decision or "No day was published before: the whole target counts as new.",)
    ago = len(sessions_between(decision.session, run.session.day)) - 1
    if ago > MOST_SESSIONS_AGO:
        return None, (
            f"The last published day, {decision.session}, is {ago} sessions ago: it is not compared.",
        )
    settings = run.settings
    longest = max(
        WINDOW,
        settings.risk.window_sessions + 1,
        stop_window(settings.regime).sessions,
        settings.costs.volatility_index.mean_sessions,
    )
    flow_usd = book.net_flows_usd - net_flows_at(run.home.performance_file, decision.session)
    basis = sha256_of_record([config_hash(settings), code_fingerprint(CODE_ROOT)])
    earlier = Earlier(
        decision,
        read_prices(market.snapshot, window=longest + ago),
        ago,
        events.companies,
        flow_usd,
        is_same_basis=decision.basis == basis,
    )
    return earlier, tuple(_notes(earlier, scores))


def _notes(earlier: Earlier, scores: Scores) -> Iterator[str]:
    decision = earlier.decision
    if earlier.sessions_ago > 1:
        yield f"Changes are measured since {decision.session}, {earlier.sessions_ago} sessions ago."
    if decision.model_sha256 != scores.champion.model_sha256:
        change = (
            f"from {decision.model_name} to {scores.champion.name}"
            if decision.model_name != scores.champion.name
            else f"to a retrained {scores.champion.name}"
        )
        yield f"The champion changed {change}: its effect is part of score."
    if not earlier.is_same_basis:
        yield "Settings or code have changed since: their effect is part of constraints."
