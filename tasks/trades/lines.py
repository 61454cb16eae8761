"""The input of trade sizing: aligned arrays with one line per name, money in whole cents.

Money is spent in whole numbers, so that overspending is excluded by arithmetic, not by a tolerance.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from config.settings import Settings
from tasks.core.errors import SafetyError
from tasks.core.sessions import session_after
from tasks.costs.model import Conditions
from tasks.portfolio.limits import Limits, limits_for
from tasks.portfolio.schema import CASH, Book

Numbers = NDArray[np.float64]
Shares = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Lines:
    """Every name with a holding or a target, in alphabetical order."""

    symbols: tuple[str, ...]
    held: Numbers  # shares; fractions may be held, never traded
    weight: Numbers  # target
    price_cents: Shares
    adv_shares: Numbers  # NaN where unknown
    volatility: Numbers  # daily
    has_quote: Mask
    is_quarantined: Mask
    limits: Limits  # without correlated pairs: their limit applies to the target, not to its rounding
    cash_cents: int
    equity_cents: float
    trade_date: date  # the session in which the trades are filled
    index_multiplier: float  # of the volatilities, from the volatility index

    @property
    def conditions(self) -> Conditions:
        return Conditions(
            self.price_cents / 100, self.volatility, self.adv_shares, self.trade_date, self.index_multiplier
        )

    @property
    def value_cents(self) -> Numbers:
        return self.held * self.price_cents

    @property
    def may_buy(self) -> Mask:
        tradable: Mask = self.has_quote & (self.price_cents > 0) & (self.adv_shares > 0)
        return tradable & ~self.is_quarantined

    @property
    def is_exit(self) -> Mask:
        exits: Mask = (self.weight == 0) & (self.held > 0)
        return exits


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
    names = frame.drop(index=CASH).sort_index()
    held = pd.Series({holding.symbol: holding.shares for holding in book.holdings}, dtype=float)
    unknown = held.index.difference(names.index)
    if len(unknown):
        raise SafetyError(
            f"{unknown[0]} is held but missing from the target portfolio.",
            remedy="No trades were proposed. This is a defect: run again with --debug and report it.",
        )
    price = names["price"].to_numpy(dtype=float)
    with np.errstate(divide="ignore", invalid="ignore"):
        adv_shares = names["adv_usd"].to_numpy(dtype=float) / price
    return Lines(
        symbols=tuple(names.index.astype(str)),
        held=np.asarray(held.reindex(names.index).fillna(0.0), dtype=np.float64),
        weight=names["weight"].to_numpy(dtype=float),
        price_cents=np.round(price * 100).astype(np.int64),
        adv_shares=np.where(np.isfinite(adv_shares), adv_shares, np.nan),
        volatility=names["daily_volatility"].to_numpy(dtype=float),
        has_quote=names["has_quote"].to_numpy(dtype=bool),
        is_quarantined=names.index.isin(quarantined),
        limits=limits_for(names, None, exposure_cap=exposure_cap, settings=settings.portfolio),
        cash_cents=round(book.cash_usd * 100),
        equity_cents=book.equity_usd * 100,
        trade_date=session_after(book.session),
        index_multiplier=index_multiplier,
    )
