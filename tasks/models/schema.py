"""The output of the models slice: the scores of one session and the champion that gave them."""

from dataclasses import dataclass
from datetime import date

from tasks.core.artifacts import ArtifactRef

# rows of features, and their scores by the model as stored; None is missing
Probe = tuple[tuple[tuple[float | None, ...], ...], tuple[float | None, ...]]


@dataclass(frozen=True)
class Statistic:
    """How a neutral IC was measured; only figures with equal statistics are compared."""

    entry: str  # the price from which returns count
    horizon_sessions: int
    controls: tuple[str, ...]  # what scores and returns are residualized on


@dataclass(frozen=True)
class Baseline:
    """What a model's training rows looked like: one entry per column (models/training/baseline).

    The columns are the features before their cross-sectional transform, and the scores of the trained model.
    """

    columns: tuple[str, ...]
    edges: tuple[tuple[float, ...], ...]  # inner edges of the bins
    shares: tuple[tuple[float, ...], ...]  # of the values in each bin
    present: tuple[float, ...]  # fraction of the values that are present
    largest_psi: tuple[float, ...]  # of a block of sessions against all rows
    block_sessions: int
    sessions: int


@dataclass(frozen=True)
class Champion:
    """The model in production, as described in production/champion_metadata.json."""

    name: str
    kind: str
    optimizer: str
    model_sha256: str
    feature_set: str  # hash of the features it was trained on, in order
    trained_through: date  # the last session whose prices are in its features or labels
    selection_date: date
    selection_reason: str
    weighted_score: float
    metrics: dict[str, float]  # neutral_ic, its _se, _t, _low and _high, detectable_ic, sessions, rank_ic, …
    ranks: bool  # False only for the equal-weight rule, whose scores are constant
    statistic: Statistic | None = (
        None  # of the metrics; None for the baseline, and where an older build measured
    )


@dataclass(frozen=True)
class Scores:
    """Frame: index symbol; columns score (float, higher is better) and rank (1 is best)."""

    frame: ArtifactRef
    champion: Champion
    scored: int
    left_out: int  # members with too few features to be scored
    notes: tuple[str, ...] = ()  # e.g. that an earlier champion scored a past session
