"""The output of the reporting slice: the day, published or closed."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path


@dataclass(frozen=True)
class Day:
    """The outcome of one session. `folder` is None on a closed session, where there is nothing to do."""

    session: date
    folder: Path | None
    report: Path | None
    trades: int
    state: str  # the regime, or "closed"
    summary: str  # one line for a person
    is_simulated: bool = False  # no price, name or result of the day is real
