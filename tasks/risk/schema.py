"""The output of the risk slice."""

from dataclasses import dataclass

from tasks.core.artifacts import ArtifactRef
from tasks.risk.covariance import Shrinkage


@dataclass(frozen=True)
class RiskModel:
    """Daily returns of the estimable names (index symbol, columns session) and the shrinkage of their covariance.

    The covariance matrix itself is computed for the few names that need it (`covariance_of`).
    """

    returns: ArtifactRef
    shrinkage: Shrinkage
    notes: tuple[str, ...]  # names omitted for short histories, repairs of a singular matrix
    factors: int = 0  # of the statistical factor model; 0 for Ledoit-Wolf shrinkage
