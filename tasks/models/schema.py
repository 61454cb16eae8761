"""What the models slice hands on: scores for one session, who gave them, and what the weekly training found."""

from dataclasses import dataclass
from datetime import date
from pathlib import Path

from config.sections import Candidate
from tasks.core.artifacts import ArtifactRef

# rows of features and the scores they were given in training; None is missing
Probe = tuple[tuple[tuple[float | None, ...], ...], tuple[float | None, ...]]


@dataclass(frozen=True)
class Champion:
    """The one model the day runs on, as production/champion_metadata.json describes it."""

    name: str
    kind: str
    optimizer: str
    model_sha256: str
    feature_set: str  # fingerprint of the features it was trained on, in order
    trained_through: date  # the last session whose prices it has seen, in features or labels
    selection_date: date
    selection_reason: str
    weighted_score: float
    metrics: dict[str, float]  # rank_ic, rank_ic_t, ic, icir, hit_rate, quantile_spread, train_test_gap
    ranks: bool  # False only for the equal-weight rule, whose scores are constant by design


@dataclass(frozen=True)
class Scores:
    """Frame: index symbol; columns score (float, higher is better) and rank (1 is best)."""

    frame: ArtifactRef
    champion: Champion
    scored: int
    left_out: int  # members that had too few features to be scored
    notes: tuple[str, ...] = ()  # e.g. that a past session was scored by the champion of its own time


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
