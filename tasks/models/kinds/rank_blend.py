"""The equal-weight rank blend of several learners.

A member's score is replaced by its rank within that member's training scores, so that no member dominates because its
scores vary more. Ranks within the training data, not the session, keep a row's score independent of the other rows.
"""

from base64 import b64decode, b64encode
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np

from tasks.core.ids import canonical_json
from tasks.core.json_text import parse_json
from tasks.models.kinds.base import (
    Model,
    Parameters,
    Rows,
    Vector,
    bad_parameters,
    not_a_model,
    not_fitted,
    refuse_unless,
)
from tasks.models.kinds.learners import LEARNERS

KIND = "rank_blend"
JSON_SIGNATURE = b"{"
QUANTILES = 201

DEFAULTS: Parameters = {"members": "lightgbm quadratic_ridge"}  # kinds, with their own default parameters


@dataclass(frozen=True)
class Member:
    """A fitted model of the blend, and evenly spaced quantiles of its scores in training, ascending."""

    kind: str
    model: Model
    quantiles: Vector

    def ranks(self, x: Rows) -> Vector:
        """Return each row's rank between −½ and ½."""
        ranks = np.interp(self.model.predict(x), self.quantiles, np.linspace(-0.5, 0.5, QUANTILES))
        return np.asarray(ranks, dtype=np.float64)


class RankBlend:
    """The mean rank over the members."""

    suffix: ClassVar[str] = "json"
    ranks: ClassVar[bool] = True
    learns: ClassVar[bool] = True
    importance_by: ClassVar[str] = "mean of its members' importance"
    required: tuple[str, ...] = ()

    def __init__(self, features: tuple[str, ...], parameters: Parameters, seed: int) -> None:
        self._features = features
        self._parameters = DEFAULTS | parameters
        self._seed = seed
        self._members: list[Member] = []

    def fit(self, x: Rows, y: Vector, weights: Vector) -> None:
        members = []
        for number, kind in enumerate(_checked(self._parameters)):
            model = LEARNERS[kind](self._features, {}, self._seed + number)
            model.fit(x, y, weights)
            members.append(Member(kind, model, _quantiles(model.predict(x))))
        self._members = members

    def predict(self, x: Rows) -> Vector:
        ranks = [member.ranks(x) for member in self._fitted]
        return np.asarray(np.mean(ranks, axis=0), dtype=np.float64)

    def importance(self, x: Rows) -> Vector:
        """Return the mean of the members' importances, summing to 1."""
        parts = [member.model.importance(x) for member in self._fitted]
        return np.asarray(np.mean([part for part in parts if part is not None], axis=0), dtype=np.float64)

    def dump(self) -> bytes:
        members = [
            {
                "kind": member.kind,
                "model": b64encode(member.model.dump()).decode(),
                "quantiles": member.quantiles.tolist(),
            }
            for member in self._fitted
        ]
        return canonical_json({"kind": KIND, "members": members}).encode()

    def load(self, content: bytes) -> None:
        refuse_unless(content, JSON_SIGNATURE, KIND)
        try:
            stored = parse_json(content)
        except ValueError as error:
            raise not_a_model(KIND, "it is not JSON") from error
        if not isinstance(stored, dict) or stored.get("kind") != KIND or not stored.get("members"):
            raise not_a_model(KIND, "it has a different kind or no members")
        try:
            self._members = [self._loaded(member) for member in stored["members"]]
        except (KeyError, TypeError, ValueError) as error:
            raise not_a_model(KIND, "a member is incomplete or invalid") from error

    def _loaded(self, stored: Any) -> Member:
        model = LEARNERS[stored["kind"]](self._features, {}, self._seed)
        model.load(b64decode(stored["model"], validate=True))
        quantiles = np.array(stored["quantiles"], dtype=np.float64)
        if quantiles.shape != (QUANTILES,) or not (np.diff(quantiles) >= 0).all():
            raise ValueError("the quantiles are not ascending")
        return Member(stored["kind"], model, quantiles)

    @property
    def _fitted(self) -> list[Member]:
        if not self._members:
            raise not_fitted(KIND)
        return self._members


def _quantiles(scores: Vector) -> Vector:
    return np.asarray(np.quantile(scores, np.linspace(0, 1, QUANTILES)), dtype=np.float64)


def _checked(parameters: Parameters) -> list[str]:
    """Return the kinds of the members. Raises ConfigError for an unknown parameter or kind, and for none."""
    members = str(parameters["members"]).split()
    unknown = [*sorted(set(parameters) - set(DEFAULTS)), *(kind for kind in members if kind not in LEARNERS)]
    if unknown or not members:
        known = ", ".join(LEARNERS)
        raise bad_parameters(
            KIND, ValueError(f"unknown: {unknown[0] if unknown else 'no members'} (members: {known})")
        )
    return members
