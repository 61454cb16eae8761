"""The decision ledger: what people changed in the proposals, and what each change earned or cost."""

from dataclasses import dataclass
from datetime import date
from typing import Literal

Kind = Literal["struck", "reduced", "increased", "added", "rejected", "lapsed", "manual"]
MEANINGS: dict[Kind, str] = {
    "struck": "a proposed line that was removed before the approval",
    "reduced": "a line that was approved for fewer shares",
    "increased": "a line that was approved for more shares",
    "added": "an approved line that was not proposed",
    "rejected": "a line of a day that was rejected",
    "lapsed": "a line of a day that nobody approved in time",
    "manual": "a trade that a person made outside the proposals",
}


@dataclass(frozen=True)
class Line:
    """A line of a day: shares signed (sales negative); price and cost as estimated."""

    symbol: str
    shares: float
    price: float
    cost_usd: float


@dataclass(frozen=True)
class DecidedDay:
    """A published day and its outcome. `approved` is None if it was never approved."""

    session: date
    proposed: tuple[Line, ...]
    approved: tuple[Line, ...] | None
    is_rejected: bool
    person: str
    reason: str


@dataclass(frozen=True)
class Change:
    """The difference between what happened and what was proposed, in signed shares of one name."""

    session: date
    symbol: str
    kind: Kind
    person: str
    reason: str
    proposed: float
    decided: float
    cost_usd: float  # of the difference: negative where costs were avoided

    @property
    def shares(self) -> float:
        return self.decided - self.proposed


@dataclass(frozen=True)
class Outcome:
    """What a change earned until a session, after costs. None where the name has no price any more."""

    change: Change
    price: float | None  # open of the session after the decision, USD
    measured_on: date | None
    sessions: int
    earned_usd: float | None

    @property
    def notional_usd(self) -> float:
        return abs(self.change.shares) * (self.price or 0.0)


@dataclass(frozen=True)
class Total:
    """The sum over the changes of one kind, with the 95% interval of what they earned by session; None: too few."""

    kind: str
    changes: int
    sessions: int  # that had a change
    earned_usd: float
    low_usd: float | None
    high_usd: float | None


@dataclass(frozen=True)
class DecisionLedger:
    """The ledger of a period."""

    first: date
    last: date
    proposed_days: int
    approved_days: int
    rejected_days: int
    lapsed_days: int
    proposed_lines: int
    changed_lines: int
    outcomes: tuple[Outcome, ...]
    totals: tuple[Total, ...]  # by kind, then all
