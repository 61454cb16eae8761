"""What the risk slice hands on."""

from dataclasses import dataclass

from tasks.core.artifacts import ArtifactRef
from tasks.risk.covariance import Shrinkage


@dataclass(frozen=True)
class RiskModel:
    """The window of daily returns of the names that can be estimated (index symbol, columns session), and how the
    covariance of any of them is shrunk. The covariance itself is made of the few names that are asked for."""

    returns: ArtifactRef
    shrinkage: Shrinkage
    notes: tuple[str, ...]  # names left out for short histories, repairs of a singular matrix
