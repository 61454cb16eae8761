"""A day that passes every safety check, for tests to plant single faults in."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from config.settings import Settings
from tasks.core.artifacts import ArtifactRef
from tasks.models.schema import Champion
from tasks.portfolio.schema import CASH, Book, Holding
from tasks.regime.schema import Regime
from tasks.safety.facts import Facts, Quotes
from tests.builders import FRIDAY, make_settings

SETTINGS = make_settings()
SECTORS = ("Technology", "Energy", "Health Care", "Utilities", "Materials")
CLASSES = ("large", "large", "large", "mid", "large")
NOWHERE = ArtifactRef("nothing", Path("nothing"), "")

Trade = tuple[str, str, int, float]  # symbol, side, shares, price


def make_trades(*trades: Trade) -> pd.DataFrame:
    """Return the lines of trades.csv, each with a dollar of commission and two of slippage."""
    return pd.DataFrame(
        {
            "symbol": [symbol for symbol, _, _, _ in trades],
            "side": [side for _, side, _, _ in trades],
            "shares": np.array([shares for _, _, shares, _ in trades], dtype=float),
            "price": np.array([price for _, _, _, price in trades], dtype=float),
            "notional": np.array([shares * price for _, _, shares, price in trades], dtype=float),
            "weight_change": 0.0,
            "commission_est": 1.0,
            "slippage_est": 2.0,
            "action": "",
            "reason": "",
            "liquidity_warning": "",
            "algorithm": "MARKET",
        }
    )


def make_target(weights: dict[str, float]) -> pd.DataFrame:
    """Return the target's lines without cash."""
    return pd.DataFrame({"weight": weights}, dtype=float)


def make_champion(**changed: Any) -> Champion:
    champion = Champion(
        name="lightgbm",
        kind="lightgbm",
        optimizer="hrp",
        model_sha256="0" * 64,
        feature_set="0" * 64,
        trained_through=date(2024, 6, 7),
        selection_date=date(2024, 6, 8),
        selection_reason="",
        weighted_score=1.0,
        metrics={},
        ranks=True,
    )
    return replace(champion, **changed)


def make_regime(**changed: Any) -> Regime:
    regime = Regime(FRIDAY, "BULL", 1.0, True, {"volatility_pct": 15.0}, (), NOWHERE)
    return replace(regime, **changed)


def make_quotes(symbols: list[str], *, price: float = 50.0, adv_usd: float = 1e8) -> Quotes:
    returns = np.random.default_rng(0).normal(0, 0.01, (63, len(symbols)))
    return Quotes(
        session=FRIDAY,
        last_close=pd.Series(price, symbols),
        adv_usd=pd.Series(adv_usd, symbols),
        median_volume_usd=pd.Series(adv_usd, symbols),
        sector=pd.Series([SECTORS[i % 5] for i in range(len(symbols))], symbols),
        cap_class=pd.Series([CLASSES[i % 5] for i in range(len(symbols))], symbols),
        members=frozenset(symbols),
        returns=pd.DataFrame(returns, columns=symbols),
        fall=pd.Series(0.0, symbols),
    )


def make_day(
    *,
    holdings: dict[str, float] | None = None,
    cash_usd: float = 900_000.0,
    trades: pd.DataFrame | None = None,
    target: dict[str, float] | None = None,
    settings: Settings = SETTINGS,
    **changed: Any,
) -> Facts:
    """Return a portfolio of $1,000,000 that holds 1,000 shares each of A and B at $50 and buys C for A."""
    held = {"A": 1000.0, "B": 1000.0} if holdings is None else holdings
    lines = tuple(Holding(symbol, shares, 50.0, has_quote=True) for symbol, shares in held.items())
    book = Book(FRIDAY, lines, cash_usd, cash_usd + sum(line.value_usd for line in lines))
    traded = make_trades(("A", "SELL", 1000, 50.0), ("C", "BUY", 1200, 50.0)) if trades is None else trades
    weights = {"B": 0.05, "C": 0.06} if target is None else target
    symbols = ["A", "B", "C", "D", "E"]
    facts = Facts(
        session=FRIDAY,
        snapshot_session=FRIDAY,
        settings=settings,
        regime=make_regime(),
        champion=make_champion(),
        scores=pd.DataFrame({"score": [0.5, 0.4, 0.3, 0.2, 0.1]}, index=symbols),
        target=make_target(weights),
        target_cash=1 - sum(weights.values()),
        trades=traded,
        after=pd.DataFrame(),
        book=book,
        quotes=make_quotes(symbols),
        quarantined=frozenset(),
    )
    return replace(with_after(facts), **changed)


def with_after(facts: Facts) -> Facts:
    """Add the portfolio after the trades, as the trades slice would."""
    sign = facts.trades["side"].map({"SELL": -1.0}).fillna(1.0)
    traded = (facts.trades["shares"] * sign).groupby(facts.trades["symbol"]).sum()
    shares = facts.held.add(traded, fill_value=0.0)
    shares[CASH] = facts.cash_after_usd
    after = pd.DataFrame({"shares": shares, "price": 50.0})
    after.loc[CASH, "price"] = 1.0
    return replace(facts, after=after)
