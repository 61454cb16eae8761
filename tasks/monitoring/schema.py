"""The output of monitoring: the health of a day, its figures and its alerts."""

from collections.abc import Mapping
from dataclasses import MISSING, dataclass, field, fields
from datetime import date
from typing import Any

LEAST_TESTED = 63  # sessions: realized skill over fewer is stated, but raises no alert


@dataclass(frozen=True)
class Alert:
    """A figure beyond its thresholds. `retrain`: it is a reason to train a new champion."""

    name: str
    value: float
    limit: float
    detail: str  # what it means, one sentence
    retrain: bool = False


@dataclass(frozen=True)
class ColumnDrift:
    """How far the last sessions' values of a column are from those in training, and how far a block of these was."""

    column: str
    psi: float
    ks: float
    js: float
    largest_psi: float  # of a block of sessions in training
    present: float  # fraction of the session's values
    present_in_training: float


@dataclass(frozen=True)
class Realised:
    """How well the scores of one session ordered the returns that followed. Returns are excess over the mean."""

    session: date
    measured_on: date
    model: str
    model_sha256: str
    horizon_sessions: int
    names: int
    ic: float
    rank_ic: float
    neutral_ic: float
    quantiles: tuple[float, ...]  # mean excess return of each fifth by score, worst first
    expected: float  # neutral IC of the champion when it was selected
    expected_error: float  # its standard error
    expected_sessions: int
    accuracy: float | None = None  # fraction of the names on the same side of the median in score and return
    expected_accuracy: float | None = None  # of the champion when it was selected


def parse_realised(record: Mapping[str, Any]) -> Realised:
    """Read a record from JSON; one of an earlier release has no accuracy.

    Raises KeyError, TypeError or ValueError for one of another form.
    """
    values = {
        one.name: record[one.name] for one in fields(Realised) if one.default is MISSING or one.name in record
    }
    days = {name: date.fromisoformat(values[name]) for name in ("session", "measured_on")}
    return Realised(**{**values, **days, "quantiles": tuple(values["quantiles"])})


@dataclass(frozen=True)
class SkillWindow:
    """The mean of the last sessions' neutral ICs, and its distance from the expected IC of the champions."""

    sessions: int
    mean: float
    rank_ic: float
    low: float  # of a 95% confidence interval that allows for overlapping returns
    high: float
    p_value: float  # of a mean of zero
    expected: float
    z: float  # of the difference from the expected, in standard errors
    detectable_drop: float  # the smallest drop that exceeds both thresholds
    quantiles: tuple[float, ...]
    accuracy: float | None = None  # None where it or the expected one is not known of each session
    expected_accuracy: float | None = None
    accuracy_p_value: float | None = None  # of no difference between the two

    @property
    def is_tested(self) -> bool:
        """Whether the window is long enough for an alert."""
        return self.sessions >= LEAST_TESTED


@dataclass(frozen=True)
class AccountFigures:
    """The account over its last sessions; ratios of fewer than 60 sessions are withheld (None)."""

    sessions: int
    sharpe: float | None
    sharpe_error: float | None
    drawdown: float
    win_rate: float | None
    by_regime: tuple[tuple[str, int, float, float], ...]  # regime, sessions, mean daily return, win rate


@dataclass(frozen=True)
class DataFigures:
    """The state of the session's data against its own recent past."""

    universe: int
    universe_before: float  # median of the 20 sessions before
    volume_ratio: float  # of a typical name against the median of the 63 sessions before
    unchanged_frac: float  # names whose close is that of the session before
    unchanged_before: float  # median of the 63 sessions before
    moves: float  # of a typical name apart from the others, in daily moves that the volatility index says; 10 sessions
    moves_before: float  # median of the 63 sessions before


@dataclass(frozen=True)
class Health:
    """The health of one day. `notes` say what could not be measured, and why."""

    drift: tuple[ColumnDrift, ...]
    realised: tuple[Realised, ...]  # of the sessions whose returns became known
    skill: tuple[SkillWindow, ...]
    account: AccountFigures | None
    data: DataFigures | None
    alerts: tuple[Alert, ...]
    notes: tuple[str, ...] = field(default=())
