"""The input of a day's files: the records and frames of all earlier stages, in memory, and nothing else.

Every function that renders is a pure function of `DayInputs`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.backtest.parity.schema import ComparedDay
from tasks.core.homes.run import Run
from tasks.data.schema.records import Market
from tasks.models.schema import Scores
from tasks.monitoring.schema import Health
from tasks.portfolio.schema import Portfolio
from tasks.regime.schema import Regime
from tasks.reporting.day.contributors import Worth
from tasks.reporting.day.executed import ExecutedDay
from tasks.reporting.day.name_histories import NameHistory
from tasks.risk.schema import RiskModel
from tasks.safety.overrides import Override
from tasks.safety.schema import Checks
from tasks.trades.schema import Trades
from tasks.trades.tickets.schema import Tickets


@dataclass(frozen=True)
class Records:
    """The records that the stages pass to `publish_day`."""

    market: Market
    scores: Scores
    regime: Regime
    risk: RiskModel
    portfolio: Portfolio
    trades: Trades
    tickets: Tickets
    checks: Checks
    compared: ComparedDay
    health: Health | None = None  # None: not measured

    @property
    def is_blocked(self) -> bool:
        """True when nothing may be approved: a check failed, or an active halt forbids even reductions."""
        return not self.checks.may_be_published


@dataclass(frozen=True)
class Frames:
    """The frames behind the records, as the stages stored them."""

    scores: pd.DataFrame
    regime_history: pd.DataFrame
    returns: pd.DataFrame
    weights: pd.DataFrame
    trades: pd.DataFrame
    after: pd.DataFrame


@dataclass(frozen=True)
class Backdrop:
    """Market data for the report: company names, sectors and the benchmark's last sessions."""

    names: dict[str, str]
    sessions: NDArray[np.datetime64]
    benchmark: NDArray[np.float64]  # total-return level by session, NaN where missing
    sectors: dict[str, str] = field(default_factory=dict)  # by symbol, of all names

    def benchmark_return(self, first: date, last: date) -> float:
        """Return the benchmark's return between two sessions; NaN where either level is unknown."""
        levels = [self.benchmark[self.sessions == np.datetime64(day)] for day in (first, last)]
        if any(level.size == 0 for level in levels):
            return float("nan")
        return float(levels[1][0] / levels[0][0] - 1)


@dataclass(frozen=True)
class PreviousDay:
    """The last published session before this one. `problem` is why it could not be read."""

    session: date
    regime: str
    model_name: str
    model_hash: str
    weights: dict[str, float]
    fingerprint: str
    problem: str = ""
    ranks: Mapping[str, int] = field(default_factory=dict)  # by score
    unusual: Mapping[str, int] = field(
        default_factory=dict
    )  # what its report listed, and on how many sessions


@dataclass(frozen=True)
class DayInputs:
    """The complete input of one session's files."""

    run: Run
    records: Records
    frames: Frames
    backdrop: Backdrop
    history: pd.DataFrame  # performance rows of earlier sessions, as text
    previous: PreviousDay | None
    overrides: tuple[Override, ...] | None = ()  # that hold when the trades would fill; None: unreadable
    executed: tuple[ExecutedDay, ...] = ()  # earlier sessions whose trades could fill by now, latest first
    names: Mapping[str, NameHistory] = field(default_factory=dict)  # of the traded names
    worths: Mapping[date, Worth] = field(
        default_factory=dict
    )  # of the sessions from which periods are measured
    promotions: tuple[date, ...] = ()  # sessions that another model decided than the one before, oldest first
