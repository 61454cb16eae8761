"""Reject invalid trades, independently of how they were sized.

Checks only the finished frame against the holdings and the limits.
"""

import math
from collections.abc import Hashable, Mapping

import numpy as np
import pandas as pd

from config.settings import Settings
from tasks.core.errors import SafetyError
from tasks.portfolio.schema import Book

CENT = 0.01
SELL, BUY = "SELL", "BUY"


def check_trades(frame: pd.DataFrame, book: Book, adv_usd: pd.Series, *, settings: Settings) -> None:
    """Raise SafetyError for the first trade, or sum of trades, that breaks a rule. An empty list is valid."""
    held = {holding.symbol: holding.shares for holding in book.holdings}
    twice = frame["symbol"][frame["symbol"].duplicated()]
    if len(twice):
        raise _refused(f"{twice.iloc[0]} is listed twice")
    for row in frame.to_dict("records"):
        _check_row(row, held, book, float(adv_usd.get(row["symbol"], np.nan)), settings)
    if len(frame) > settings.trades.max_trades:
        raise _refused(f"{len(frame)} trades exceed the limit of {settings.trades.max_trades} per day")
    is_buy = frame["side"] == BUY
    bought, sold = frame["notional"][is_buy].sum(), frame["notional"][~is_buy].sum()
    costs = (frame["commission_est"] + frame["slippage_est"]).sum()
    left = math.fsum([book.cash_usd, sold, -bought, -costs])
    if is_buy.any() and left < -CENT / 2:
        raise _refused(f"buys and costs exceed the cash after sells by {-left:,.2f} USD")
    safety = settings.safety
    most = safety.max_buys_frac if book.holdings else safety.max_entry_buys_frac
    if bought > most * book.equity_usd + CENT:
        raise _refused(f"buys are {bought / book.equity_usd:.1%} of the portfolio")


def _check_row(
    row: Mapping[Hashable, object], held: dict[str, float], book: Book, adv_usd: float, settings: Settings
) -> None:
    symbol, side = row["symbol"], row["side"]
    shares, price, notional = (float(str(row[name])) for name in ("shares", "price", "notional"))
    if side not in (SELL, BUY):
        raise _refused(f"the side of {symbol} is {side}, but must be SELL or BUY")
    if not (math.isfinite(shares) and shares >= 1 and shares == int(shares)):
        raise _refused(
            f"the trade in {symbol} is for {shares:g} shares; only whole shares can be ordered, at least 1"
        )
    if not (math.isfinite(price) and price > 0 and abs(price * 100 - round(price * 100)) < 1e-6):
        raise _refused(f"{symbol} has the price {price!r}; a price is positive and in whole cents")
    if not abs(shares * price - notional) < CENT / 2:
        raise _refused(f"{symbol}: {shares:g} × {price} is not {notional}")
    if side == SELL and shares > held.get(str(symbol), 0.0) + 1e-9:
        raise _refused(
            f"{symbol}: {shares:g} shares would be sold, but only {held.get(str(symbol), 0.0):g} are held"
        )
    if notional > settings.safety.max_trade_frac * book.equity_usd + CENT:
        raise _refused(f"the trade in {symbol} is {notional / book.equity_usd:.1%} of the portfolio")
    if notional > settings.trades.max_adv_frac * adv_usd + CENT:
        raise _refused(f"the trade in {symbol} is {notional / adv_usd:.1%} of its average daily volume")


def _refused(why: str) -> SafetyError:
    return SafetyError(
        f"The proposed trades were rejected: {why}.",
        remedy="Nothing was proposed. This is a defect: run again with --debug and report it.",
    )
