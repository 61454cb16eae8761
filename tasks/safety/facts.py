"""The input of the checks: the frames as stored, and the market as read independently.

Sums of earlier stages are not used: the checks recompute weights, costs and cash.
"""

from dataclasses import dataclass
from datetime import date
from functools import cached_property

import numpy as np
import pandas as pd

from config.sections import Portfolio as PortfolioSettings
from config.settings import Settings
from tasks.data.panel.returns import daily_returns
from tasks.data.schema.records import Panel
from tasks.models.schema import Champion
from tasks.portfolio.limits import UNKNOWN_SECTOR
from tasks.portfolio.schema import CASH, Book
from tasks.portfolio.stops import NO_STOPS, StopWindow, recent_fall
from tasks.regime.schema import Regime

BUY, SELL = "BUY", "SELL"
SIDES = (BUY, SELL)  # long-only
NUMBERS = ("shares", "price", "notional", "weight_change", "commission_est", "slippage_est")
TEXTS = ("symbol", "side")
ADV_SESSIONS = 21
CORRELATION_SESSIONS = 63
PANEL_SESSIONS = CORRELATION_SESSIONS + 1


@dataclass(frozen=True)
class Quotes:
    """The market on the session, by symbol. A name without a bar on the session has no last close."""

    session: date
    last_close: pd.Series
    adv_usd: pd.Series  # mean of the last 21 sessions; a missing one counts as 0
    median_volume_usd: pd.Series  # of the same sessions
    sector: pd.Series
    cap_class: pd.Series
    members: frozenset[str]
    returns: pd.DataFrame  # daily, over the correlation window
    fall: pd.Series  # below the recent high; 0 without stops


@dataclass(frozen=True)
class Facts:
    """Everything the checks of one day read."""

    session: date
    snapshot_session: date
    settings: Settings
    regime: Regime
    champion: Champion
    scores: pd.DataFrame
    target: pd.DataFrame  # by symbol, without cash
    target_cash: float
    trades: pd.DataFrame
    after: pd.DataFrame  # by symbol, with cash
    book: Book
    quotes: Quotes
    quarantined: frozenset[str]

    @cached_property
    def held(self) -> pd.Series:
        """Shares held before the trades, by symbol."""
        return pd.Series({line.symbol: line.shares for line in self.book.holdings}, dtype=float)

    @cached_property
    def held_price(self) -> pd.Series:
        """The last known price of each holding, by symbol, however old."""
        return pd.Series({line.symbol: line.price for line in self.book.holdings}, dtype=float)

    @cached_property
    def held_weight(self) -> pd.Series:
        """Weight of each holding before the trades, by symbol."""
        return (
            pd.Series({line.symbol: line.value_usd for line in self.book.holdings}, dtype=float)
            / self.equity_usd
        )

    @cached_property
    def equity_usd(self) -> float:
        """Equity in USD, recomputed from shares, prices and cash."""
        return self.book.cash_usd + sum(line.value_usd for line in self.book.holdings)

    @cached_property
    def is_sale(self) -> pd.Series:
        return self.trades["side"] == SELL

    @cached_property
    def notional(self) -> pd.Series:
        """Size of each trade in USD, recomputed; NaN, which fails every limit, where it is not a positive number."""
        size = self.trades["shares"] * self.trades["price"]
        return size.where((self.trades["shares"] > 0) & (self.trades["price"] > 0) & np.isfinite(size))

    @cached_property
    def traded_weight(self) -> pd.Series:
        """Change of each symbol's weight by the trades (sales are negative), as a fraction of equity before costs."""
        signed = self.notional * np.where(self.is_sale, -1.0, 1.0)
        return signed.groupby(self.trades["symbol"]).sum(skipna=False) / self.equity_usd

    @cached_property
    def after_weight(self) -> pd.Series:
        """Weight of each symbol after the trades, as a fraction of equity before costs."""
        return add_lines(self.held_weight, self.traded_weight)

    def sector_of(self, symbols: pd.Index) -> pd.Series:
        """Return the sector of each symbol for the sector limit."""
        sector = self.quotes.sector.reindex(symbols).fillna(UNKNOWN_SECTOR)
        return limited_sectors(sector, self.settings.portfolio)

    @cached_property
    def cash_after_usd(self) -> float:
        """Cash after the trades at their prices and all costs, in USD."""
        bought = float(self.notional[~self.is_sale].sum(skipna=False))
        sold = float(self.notional[self.is_sale].sum(skipna=False))
        costs = float(self.trades[["commission_est", "slippage_est"]].to_numpy(dtype=float).sum())
        return self.book.cash_usd + sold - bought - costs


def limited_sectors(sector: pd.Series, settings: PortfolioSettings) -> pd.Series:
    """Return the sector that each name counts to for the sector limit; unknown ones by `portfolio.unknown_sector`."""
    if settings.unknown_sector == "one_sector":
        return sector
    alone = pd.Series([f"{UNKNOWN_SECTOR} ({symbol})" for symbol in sector.index], sector.index, dtype="str")
    return sector.where(sector != UNKNOWN_SECTOR, alone)


def add_lines(one: pd.Series, other: pd.Series) -> pd.Series:
    """Add by symbol; a symbol missing in one counts as 0 there. Unlike with `Series.add`, NaN stays NaN."""
    symbols = one.index.union(other.index)
    return one.reindex(symbols, fill_value=0.0) + other.reindex(symbols, fill_value=0.0)


def typed_trades(lines: pd.DataFrame) -> pd.DataFrame:
    """Return the trades with their column types, which an empty list loses on disk."""
    columns = [name for name in (*NUMBERS, *TEXTS) if name in lines.columns]
    return lines.astype({name: "float64" if name in NUMBERS else "str" for name in columns})


def split_cash(weights: pd.DataFrame) -> tuple[pd.DataFrame, float]:
    """Return the weights without cash, and the weight of cash (NaN if there is no such row)."""
    cash = float(weights["weight"].get(CASH, float("nan")))
    return weights.drop(index=CASH, errors="ignore"), cash


def read_quotes(panel: Panel, *, stops: StopWindow = NO_STOPS) -> Quotes:
    """Return the quotes of the panel's last session."""
    symbols = pd.Index(panel.symbols.astype(str))
    last = pd.Series(panel.raw_close[-1], symbols)
    traded = np.nan_to_num(panel.dollar_volume[-ADV_SESSIONS:], nan=0.0)
    close = panel.close[-CORRELATION_SESSIONS - 1 :]
    return Quotes(
        session=panel.sessions[-1].astype("datetime64[D]").item(),
        last_close=last[np.isfinite(last) & (last > 0)],
        adv_usd=pd.Series(traded.mean(axis=0), symbols),
        median_volume_usd=pd.Series(np.median(traded, axis=0), symbols),
        sector=pd.Series(panel.sector.astype(str), symbols),
        cap_class=pd.Series(panel.cap_class.astype(str), symbols),
        members=frozenset(panel.symbols[panel.is_member[-1]].astype(str).tolist()),
        returns=pd.DataFrame(daily_returns(close)[1:], columns=symbols),
        fall=pd.Series(recent_fall(panel.close, stops), symbols),
    )
