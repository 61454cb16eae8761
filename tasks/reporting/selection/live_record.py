"""What the champions of the last sessions earned on days that were published, next to their expected IC."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from tasks.models.training.inference import estimate
from tasks.monitoring.schema import Realised

LEAST_SESSIONS = 20  # of live scores, for an interval


@dataclass(frozen=True)
class LiveRecord:
    """The live neutral IC of one model; without an interval (None) below LEAST_SESSIONS."""

    model: str
    model_sha256: str
    sessions: int
    mean: float
    low: float | None
    high: float | None
    expected: float

    @property
    def is_below_expectation(self) -> bool:
        """Whether even the upper end of the interval is below the expected IC."""
        return self.high is not None and self.high < self.expected


def live_records(realised: Iterable[Realised]) -> list[LiveRecord]:
    """Return the record of each model, in the order in which they scored."""
    by_model: dict[str, list[Realised]] = {}
    for each in sorted(realised, key=lambda one: one.session):
        by_model.setdefault(each.model_sha256, []).append(each)
    return [_record(days) for days in by_model.values()]


def _record(days: list[Realised]) -> LiveRecord:
    values = np.array([each.neutral_ic for each in days])
    last = days[-1]
    low = high = None
    if len(days) >= LEAST_SESSIONS:
        found = estimate(values, overlap=last.horizon_sessions)
        low, high = found.low, found.high
    return LiveRecord(
        last.model, last.model_sha256, len(days), float(values.mean()), low, high, last.expected
    )
