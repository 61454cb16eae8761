"""What the selection slice hands on: what the weekly training found, and what became of it."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from config.sections import Candidate
from tasks.core.artifacts import ArtifactRef
from tasks.models.schema import Champion, Probe


@dataclass(frozen=True)
class CandidateResult:
    """How one candidate did: `choice` on the earlier folds, `confirmation` on the later ones that no choice saw."""

    name: str
    kind: str
    ranks: bool
    choice: dict[str, float]
    confirmation: dict[str, float]
    overall: dict[str, float]
    train_test_gap: float  # of the hit rate, as a fraction; mean over folds


@dataclass(frozen=True)
class Choice:
    """Which candidate may be promoted. `result` is None where the baseline stands in."""

    result: CandidateResult | None
    reason: str


@dataclass(frozen=True)
class Training:
    """What the week's training found. Nothing is promoted yet."""

    session: date
    snapshot: str  # id of the data
    feature_set: str
    results: tuple[CandidateResult, ...]  # in the order of the configuration
    folds: ArtifactRef  # frame: one row per candidate and fold
    feature_checks: ArtifactRef  # frame: one row per feature
    choice: Choice
    candidate: Candidate  # what may be promoted: the chosen one, or the baseline where none was
    features: tuple[str, ...]
    model: ArtifactRef  # the candidate's bytes, trained on everything that is known
    seed: int
    probe: Probe
    trained_through: date


@dataclass(frozen=True)
class Promotion:
    """What became of the week: which champion is in production now, and why."""

    champion: Champion
    promoted: bool  # False when the old champion stays as it is
    reason: str
    report: Path  # model_selection_report.md
