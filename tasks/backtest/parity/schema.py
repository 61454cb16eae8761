"""Records of the comparison of published days with the decisions of a backtest over the same sessions."""

from dataclasses import dataclass
from datetime import date
from typing import NamedTuple


class Trade(NamedTuple):
    """A proposed trade; money in cents."""

    side: str  # BUY or SELL
    shares: int
    price_cents: int
    cost_cents: int

    @property
    def notional_cents(self) -> int:
        return self.shares * self.price_cents


@dataclass(frozen=True)
class RecordedDay:
    """The inputs of a day's decision and its proposals, by the symbols of its session."""

    session: date
    held: dict[str, float]  # shares after the close, before the trades
    price_cents: dict[str, int]  # of the holdings
    cash_cents: int
    weights: dict[str, str]  # target without cash, to ten decimals
    trades: dict[str, Trade]
    scores: dict[str, float]
    optimizer: str
    ranks: bool
    score_to_return: float
    state: str  # of the regime
    volatility_pct: float  # NaN: unknown
    reductions_only: bool  # new risk was halted
    data: str = ""  # hash of the bars that the decision read; "" until it is known


@dataclass(frozen=True)
class LineDifference:
    """A name whose trade or target weight differs; None: no trade."""

    symbol: str
    day: Trade | None
    backtest: Trade | None
    day_weight: str
    backtest_weight: str

    @property
    def shares(self) -> int:
        return abs(_signed(self.day) - _signed(self.backtest))

    @property
    def cents(self) -> int:
        """The difference in notional and in costs."""
        ours, theirs = self.day or Trade("", 0, 0, 0), self.backtest or Trade("", 0, 0, 0)
        is_opposite = ours.side != theirs.side and ours.shares > 0 and theirs.shares > 0
        notional = -theirs.notional_cents if is_opposite else theirs.notional_cents
        return abs(ours.notional_cents - notional) + abs(ours.cost_cents - theirs.cost_cents)


def _signed(trade: Trade | None) -> int:
    if trade is None:
        return 0
    return trade.shares if trade.side == "BUY" else -trade.shares


@dataclass(frozen=True)
class SessionParity:
    """One session: the recorded day compared with the backtest."""

    session: date
    lines: tuple[LineDifference, ...]
    equity_cents: int  # equity recorded by the day, less that of the backtest
    fills: int  # names whose shares changed since the session compared before, beyond splits
    unproposed_shares: int  # of these fills, beyond what the day before had proposed
    data_differs: bool = False  # the bars then known differ from those that the day used

    @property
    def shares(self) -> int:
        return sum(line.shares for line in self.lines)

    @property
    def cents(self) -> int:
        return sum(line.cents for line in self.lines)

    @property
    def is_equal(self) -> bool:
        return not self.lines and self.equity_cents == 0 and not self.data_differs


@dataclass(frozen=True)
class RestatedBar:
    """A bar of one of the sessions that was corrected after its session."""

    session: date
    known: date
    symbol: str
    close: float
    first_close: float


@dataclass(frozen=True)
class Holds:
    """The backtest's portfolio after today's trades are filled at their prices."""

    positions: int
    value_cents: int
    cash_cents: int


@dataclass(frozen=True)
class Parity:
    """Today first, then the earlier sessions, latest first. `problem`: the reason if nothing could be compared."""

    sessions: tuple[SessionParity, ...]
    skipped: tuple[tuple[date, str], ...]  # sessions that could not be compared, and why
    restated: tuple[RestatedBar, ...]
    holds: Holds | None
    recorded_sha256: str  # of the earlier days' files
    problem: str = ""

    @property
    def state(self) -> str:
        if not self.sessions:
            return "not_compared"
        return "equal" if all(one.is_equal for one in self.sessions) else "different"

    @property
    def is_first_day(self) -> bool:
        return len(self.sessions) == 1 and not self.skipped


@dataclass(frozen=True)
class ComparedDay:
    """The record of the day, a hash of its settings and code, and its comparison."""

    day: RecordedDay
    basis: str  # hash of settings and code: only days of the same are compared
    parity: Parity
