"""The output of the trades slice."""

from dataclasses import dataclass

from tasks.core.artifacts import ArtifactRef

TRADE_COLUMNS = (
    "symbol",
    "side",
    "shares",
    "price",
    "notional",
    "weight_change",
    "commission_est",
    "slippage_est",
    "action",
    "reason",
    "liquidity_warning",
    "algorithm",
)


@dataclass(frozen=True)
class Dropped:
    """A desired trade that is not proposed, and why."""

    symbol: str
    notional_usd: float
    reason: str


@dataclass(frozen=True)
class Trades:
    """Frames: `trades` as TRADE_COLUMNS, exits first; `after` (index symbol, CASH last; columns shares, price, weight)
    is the portfolio once every trade is filled at its price and its costs are paid."""

    frame: ArtifactRef
    after: ArtifactRef
    dropped: tuple[Dropped, ...]
    buy_notional_usd: float
    sell_notional_usd: float
    cost_usd: float
    turnover: float  # (buys + sells) / 2 / equity
    cash_after_usd: float
