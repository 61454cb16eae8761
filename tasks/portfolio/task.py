"""The portfolio stage: from scores, regime and risk to the book that should be held."""

import logging

import pandas as pd

from tasks.core.artifacts import load_frame, save_frame
from tasks.core.run import Run
from tasks.core.stage import stage
from tasks.data.schema import Market
from tasks.models.schema import Scores
from tasks.portfolio.check import check_book
from tasks.portfolio.schema import CASH, Book, Portfolio
from tasks.portfolio.store import read_book, read_market
from tasks.portfolio.target import Target, View, target_book
from tasks.regime.schema import Regime
from tasks.risk.schema import RiskModel
from tasks.risk.tail import portfolio_risk

log = logging.getLogger(__name__)

COLUMN_TYPES = {
    **dict.fromkeys(("weight", "current_weight", "price", "score", "adv_usd", "daily_volatility"), "float64"),
    **dict.fromkeys(("sector", "cap_class", "note"), "str"),
    "has_quote": "bool",
}


@stage()
def build_portfolio(run: Run, market: Market, scores: Scores, regime: Regime, risk: RiskModel) -> Portfolio:
    """Value the book as it is, and decide the book as it should be."""
    settings = run.settings.portfolio
    assets, events = read_market(run, market)
    book = read_book(run, assets, events)
    covariance = load_frame(risk.covariance)
    view = View(
        scores=load_frame(scores.frame)["score"],
        ranks=scores.champion.ranks,
        optimizer=scores.champion.optimizer,
        exposure_cap=regime.exposure_cap,
        allows_new_positions=regime.allows_new_positions,
    )
    target = target_book(view, assets, covariance, current_weights(book), settings=settings)
    frame = book_frame(target, book, assets, view.scores)
    check_book(frame, exposure_cap=regime.exposure_cap, settings=settings, covariance=covariance)

    portfolio = Portfolio(
        frame=save_frame(run, "portfolio", frame),
        book=book,
        method=target.method,
        ladder=target.steps,
        exposure_cap=regime.exposure_cap,
        risk=portfolio_risk(frame["weight"], load_frame(risk.returns), run.settings.risk.confidence),
        notes=(*book.notes, *target.notes),
    )
    log.info(
        "%d positions by %s, %.1f %% in cash",
        int((target.weights > 0).sum()),
        target.method,
        100 * (1 - target.weights.sum()),
    )
    return portfolio


def current_weights(book: Book) -> pd.Series:
    """Return each holding's share of the equity, cash left out."""
    return pd.Series(
        {holding.symbol: holding.value_usd / book.equity_usd for holding in book.holdings},
        index=pd.Index([holding.symbol for holding in book.holdings], dtype=str, name="symbol"),
        dtype=float,
    )


def book_frame(target: Target, book: Book, assets: pd.DataFrame, scores: pd.Series) -> pd.DataFrame:
    """Return the frame of `Portfolio`: what is wanted or held, the heaviest first, CASH last."""
    current = current_weights(book)
    wanted = target.weights[(target.weights > 0) | target.weights.index.isin(current.index)]
    names = wanted.index
    frame = pd.DataFrame(
        {
            "weight": wanted,
            "current_weight": current.reindex(names).fillna(0.0),
            "price": assets["price"].reindex(names),
            "sector": assets["sector"].reindex(names).astype(str),
            "cap_class": assets["cap_class"].reindex(names).astype(str),
            "score": scores.reindex(names),
            "has_quote": assets["has_quote"].reindex(names),
            "adv_usd": assets["adv_usd"].reindex(names),
            "daily_volatility": assets["daily_volatility"].reindex(names),
            "note": [target.why[name] for name in names],
        },
        index=names,
    )
    frame = frame.sort_values("weight", ascending=False, kind="stable")  # names are in alphabetical order
    cash = pd.DataFrame(
        {
            "weight": max(1.0 - frame["weight"].sum(), 0.0),
            "current_weight": book.cash_usd / book.equity_usd,
            "price": 1.0,
            "sector": "",
            "cap_class": "",
            "score": float("nan"),
            "has_quote": True,
            "adv_usd": float("nan"),
            "daily_volatility": 0.0,
            "note": "",
        },
        index=[CASH],
    )
    return pd.concat([frame, cash]).astype(COLUMN_TYPES).rename_axis("symbol")
