"""What the risk slice hands on."""

from dataclasses import dataclass

from tasks.core.artifacts import ArtifactRef


@dataclass(frozen=True)
class RiskModel:
    """Frames for the names that can be estimated: a square covariance of daily returns (index and columns symbol)
    and the window of daily returns it came from (index session, columns symbol)."""

    covariance: ArtifactRef
    returns: ArtifactRef
    shrinkage: float
    notes: tuple[str, ...]  # names left out for short histories, repairs of a singular matrix
