"""Compare the portfolio now with the portfolio after the trades: invested, concentration and risk, with limits."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
import pandas as pd

from tasks.portfolio.schema import CASH
from tasks.reporting.day.assessed import market_returns
from tasks.reporting.day.inputs import DayInputs
from tasks.reporting.page.sections.summary import Summary
from tasks.risk.concentration import MARKET_BETA, betas
from tasks.risk.tail import portfolio_risk

Unit = Literal["percent", "usd", "number", "count"]


@dataclass(frozen=True)
class Compared:
    """One figure now and after the trades; `limit` is None where there is none."""

    key: str
    label: str
    unit: Unit
    now: float
    after: float
    limit: float | None = None

    @property
    def is_over(self) -> bool:
        return self.limit is not None and self.after > self.limit * (1 + 1e-9)


def before_and_after(inputs: DayInputs, summary: Summary) -> tuple[Compared, ...]:
    """Return the figures in reading order. Weights after the trades are those of whole shares, with costs paid."""
    settings, book = inputs.run.settings, inputs.records.portfolio.book
    weights = inputs.frames.weights
    now = weights["current_weight"].drop(CASH, errors="ignore")
    after = inputs.frames.after["weight"].drop(CASH, errors="ignore")
    now, after = now[now != 0], after[after != 0]
    risk_now, risk_after = (
        portfolio_risk(held, inputs.frames.returns, settings.risk.confidence) for held in (now, after)
    )
    return (
        Compared(
            "invested",
            "Invested",
            "percent",
            1 - book.cash_usd / book.equity_usd,
            summary.exposure_after,
            summary.exposure_cap,
        ),
        Compared("cash", "Cash", "usd", book.cash_usd, summary.cash_after_usd),
        Compared("names", "Names held", "count", len(now), len(after)),
        Compared("largest", "Largest position", "percent", _largest(now), _largest(after)),
        Compared(
            "volatility",
            "Volatility a year",
            "percent",
            risk_now["volatility"],
            risk_after["volatility"],
            settings.risk.max_volatility,
        ),
        Compared(
            "var_1d",
            f"VaR 1 d, {settings.risk.confidence:.0%}",
            "percent",
            risk_now["var_1d"],
            risk_after["var_1d"],
            settings.risk.daily_budget_frac,
        ),
        _beta(inputs, now, after),
    )


def _beta(inputs: DayInputs, now: pd.Series, after: pd.Series) -> Compared:
    returns = inputs.frames.returns
    market = market_returns(inputs.backdrop, returns.index)
    by_name = betas(returns, market)
    known = bool(np.isfinite(market).any())
    own, later = (
        float(held.to_numpy(dtype=float) @ by_name.reindex(held.index).fillna(MARKET_BETA).to_numpy())
        if known
        else float("nan")
        for held in (now, after)
    )
    return Compared("beta", "Beta", "number", own, later, inputs.run.settings.risk.max_beta)


def _largest(held: pd.Series) -> float:
    return float(held.max()) if len(held) else 0.0
