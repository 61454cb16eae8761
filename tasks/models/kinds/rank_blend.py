"""The equal-weight rank blend of several learners (see `members`)."""

from typing import ClassVar

import numpy as np

from tasks.core.ids import canonical_json
from tasks.models.kinds.base import Parameters, Rows, Vector, not_fitted
from tasks.models.kinds.members import (
    Member,
    dumped,
    fit_members,
    kinds_of,
    loaded,
    mean_contributions,
    mean_importance,
    parsed,
)

KIND = "rank_blend"

DEFAULTS: Parameters = {"members": "lightgbm quadratic_ridge"}  # kinds, with their own default parameters


class RankBlend:
    """The mean rank over the members."""

    suffix: ClassVar[str] = "json"
    ranks: ClassVar[bool] = True
    learns: ClassVar[bool] = True
    uses_seed: ClassVar[bool] = True
    importance_by: ClassVar[str] = "mean of its members' importance"
    required: tuple[str, ...] = ()

    def __init__(self, features: tuple[str, ...], parameters: Parameters, seed: int) -> None:
        self._features = features
        self._parameters = DEFAULTS | parameters
        self._seed = seed
        self._members: list[Member] = []

    def fit(self, x: Rows, y: Vector, weights: Vector) -> None:
        kinds = kinds_of(self._parameters, KIND, known=DEFAULTS)
        self._members = fit_members(kinds, self._features, self._seed, x, y, weights)

    def predict(self, x: Rows) -> Vector:
        ranks = [member.ranks(x) for member in self._fitted]
        return np.asarray(np.mean(ranks, axis=0), dtype=np.float64)

    def importance(self, x: Rows) -> Vector:
        """Return the mean of the members' importances, summing to 1."""
        return mean_importance(self._fitted, x)

    def contributions(self, x: Rows) -> Vector | None:
        """Return the mean of the members' contributions to their ranks; None if a member has none."""
        return mean_contributions(self._fitted, x, np.full(len(self._fitted), 1 / len(self._fitted)))

    def dump(self) -> bytes:
        return canonical_json({"kind": KIND, "members": dumped(self._fitted)}).encode()

    def load(self, content: bytes) -> None:
        self._members = loaded(parsed(content, KIND), self._features, self._seed)

    @property
    def _fitted(self) -> list[Member]:
        if not self._members:
            raise not_fitted(KIND)
        return self._members
