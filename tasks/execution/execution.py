"""The record of an execution. Separate from schema.py, which the wire guard reads and which knows no approval."""

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Literal

from tasks.approval.schema import Line


class Stage(StrEnum):
    """The outcome of an execution."""

    ACTIVE = "active"
    FINISHED = "finished"  # every order is final
    LAPSED = "lapsed"  # the approval expired before the first order was intended


@dataclass(frozen=True)
class Execution:
    """An approved day being executed, as it was approved: later changes of files and positions do not change it."""

    session: date  # of the decision
    approval_sha256: str
    account: str
    mode: Literal["paper", "live"]
    is_demo: bool
    lines: tuple[Line, ...]  # in the order of trades.csv
    expires_at: datetime  # bounds the first intent
    fill_session: date
    opens_at: datetime  # of the fill session
    closes_at: datetime
    ends_at: (
        datetime  # what is open then is canceled: at the close; in a paper account at the next session's open
    )
    stage: Stage
    reason: str
    created_at: datetime
    first_intent_at: datetime | None  # when the first order was intended
    broker: str = ""  # that it began at, and nowhere else continues; "" in one stored by an earlier release

    @property
    def begins_before(self) -> datetime | None:
        """Until when the first order has to be stored, or the approval lapses; None once one is, or at the end."""
        is_open = self.stage is Stage.ACTIVE and self.first_intent_at is None
        return self.expires_at if is_open else None
