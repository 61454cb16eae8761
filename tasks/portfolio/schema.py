"""The output of the portfolio slice: the current portfolio and the target portfolio."""

from dataclasses import dataclass
from datetime import date

from tasks.core.artifacts import ArtifactRef
from tasks.ledger.balance import NameCash

CASH = "CASH"


@dataclass(frozen=True)
class Holding:
    """One holding at the close: shares adjusted for splits, valued at the last raw close."""

    symbol: str
    shares: float
    price: float
    has_quote: bool  # False when there was no bar on the session: exit only

    @property
    def value_usd(self) -> float:
        return self.shares * self.price


@dataclass(frozen=True)
class Book:
    """What is held before today's trades. Equity is always positive."""

    session: date
    holdings: tuple[Holding, ...]
    cash_usd: float
    equity_usd: float
    notes: tuple[str, ...] = ()  # what was carried through splits and symbol changes
    positions_sha256: str = ""  # of the bytes of the positions file that it was read from
    net_flows_usd: float = 0.0  # deposits minus withdrawals since the ledger began: no gain, no loss
    receivable_usd: float = 0.0  # dividends between ex-date and payment: not in equity_usd, and no loss
    names: NameCash | None = None  # cash of each name since the ledger began; None: not known


@dataclass(frozen=True)
class LadderStep:
    """One step of the fallback ladder: the method tried, and its outcome."""

    method: str
    outcome: str  # "used: …", "failed: …" or "skipped: …"


@dataclass(frozen=True)
class Portfolio:
    """Frame: index symbol (CASH last); columns weight, current_weight, price, sector, cap_class, score, note.

    has_quote, adv_usd (21 sessions) and daily_volatility are used to size trades and estimate their costs.
    Weights and cash sum to 1 within 1e-6. `note` explains the weight (limit, regime, score rank).
    """

    frame: ArtifactRef
    book: Book
    method: str  # the rung that held
    ladder: tuple[LadderStep, ...]
    exposure_cap: float
    risk: dict[
        str, float
    ]  # volatility, var_1d, cvar_1d, var_21d, cvar_21d, of the target portfolio as fractions
    notes: tuple[str, ...]
    index_multiplier: float = 1.0  # of the daily volatilities, for the costs of the next session
    max_buys_frac: float = (
        1.0  # purchases that the regime allows in one session, as a fraction of the portfolio
    )
    stopped: tuple[str, ...] = ()  # holdings that a stop loss sells; the check of stops refuses to keep them
