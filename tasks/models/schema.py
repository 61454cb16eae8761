"""What the models slice hands on: scores for one session, who gave them, and what the weekly training found."""

from dataclasses import dataclass
from datetime import date

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
