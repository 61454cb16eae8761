"""Convert a target's frame to the lines of trade sizing, and a plan to the frame of the portfolio after it."""

import numpy as np
import pandas as pd

from config.settings import Settings
from tasks.core.errors import SafetyError
from tasks.core.sessions import session_after
from tasks.portfolio.arrays import adv_in_shares
from tasks.portfolio.frame import limits_for
from tasks.portfolio.schema import CASH, Book
from tasks.trades.lines import Lines, Trading, cents_of
from tasks.trades.plan import Plan, cash_after_cents, shares_after


def line_symbols(frame: pd.DataFrame) -> tuple[str, ...]:
    """Return the symbol of each line of a target portfolio: the order of its names, without cash."""
    return tuple(frame.index.drop(CASH).astype(str))


def make_lines(
    frame: pd.DataFrame,
    book: Book,
    quarantined: tuple[str, ...],
    *,
    exposure_cap: float,
    settings: Settings,
    index_multiplier: float = 1.0,
) -> Lines:
    """Return the lines of a target portfolio (the frame of `Portfolio`) and the holdings."""
    names = frame.drop(index=CASH)
    held = pd.Series({holding.symbol: holding.shares for holding in book.holdings}, dtype=float)
    unknown = held.index.difference(names.index)
    if len(unknown):
        raise SafetyError(
            f"{unknown[0]} is held but missing from the target portfolio.",
            remedy="No trades were proposed. This is a defect: run again with --debug and report it.",
        )
    price = names["price"].to_numpy(dtype=float)
    return Lines(
        held=np.asarray(held.reindex(names.index).fillna(0.0), dtype=np.float64),
        weight=names["weight"].to_numpy(dtype=float),
        price_cents=cents_of(price),
        adv_shares=adv_in_shares(names["adv_usd"].to_numpy(dtype=float), price),
        volatility=names["daily_volatility"].to_numpy(dtype=float),
        has_quote=names["has_quote"].to_numpy(dtype=bool),
        is_quarantined=names.index.isin(quarantined),
        limits=limits_for(names, None, exposure_cap=exposure_cap, settings=settings.portfolio),
        cash_cents=round(book.cash_usd * 100),
        equity_cents=book.equity_usd * 100,
        trading=Trading(session_after(book.session), index_multiplier),
    )


def book_after(lines: Lines, plan: Plan, symbols: tuple[str, ...]) -> pd.DataFrame:
    """Return shares, price and weight by symbol after all trades; CASH last, in dollars at a price of 1.

    Weights are computed from whole shares: weight × equity equals shares × price on every line.
    """
    shares = shares_after(lines, plan)
    kept = np.flatnonzero(shares > 0)
    cash_usd = cash_after_cents(lines, plan) / 100
    frame = pd.DataFrame(
        {
            "shares": [*shares[kept], cash_usd],
            "price": [*(lines.price_cents[kept] / 100), 1.0],
        },
        index=pd.Index([*(symbols[line] for line in kept), CASH], name="symbol"),
        dtype=float,
    )
    value = frame["shares"] * frame["price"]
    return frame.assign(weight=value / value.sum())
