"""The members of a blend: fitted learners, whose scores are replaced by their ranks within the training scores.

So no member dominates because its scores vary more. Ranks within the training data, not the session, keep a row's score
independent of the other rows.
"""

from base64 import b64decode, b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from tasks.core.json_text import parse_json
from tasks.models.kinds.base import (
    Model,
    Parameters,
    Rows,
    Vector,
    bad_parameters,
    not_a_model,
    refuse_unless,
)
from tasks.models.kinds.learners import LEARNERS

JSON_SIGNATURE = b"{"
QUANTILES = 201


@dataclass(frozen=True)
class Member:
    """A fitted model of the blend, and evenly spaced quantiles of its scores in training, ascending."""

    kind: str
    model: Model
    quantiles: Vector

    def ranks(self, x: Rows) -> Vector:
        """Return each row's rank between −½ and ½."""
        return self._ranked(self.model.predict(x))

    def contributions(self, x: Rows) -> Vector | None:
        """Return what each feature adds to each row's rank, and the rank of the score without them.

        The contributions to the score are scaled so that they sum to the difference of the two ranks.
        """
        parts = self.model.contributions(x)
        if parts is None:
            return None
        score, base = self.model.predict(x), parts[:, -1]
        rank, base_rank = self._ranked(score), self._ranked(base)
        moved = parts[:, :-1].sum(axis=1)
        slope = np.divide(rank - base_rank, moved, out=np.zeros(len(x)), where=moved != 0)
        return np.column_stack([parts[:, :-1] * slope[:, None], rank - slope * moved])

    def _ranked(self, scores: Vector) -> Vector:
        ranks = np.interp(scores, self.quantiles, np.linspace(-0.5, 0.5, QUANTILES))
        return np.asarray(ranks, dtype=np.float64)


def fit_members(
    kinds: Sequence[str], features: tuple[str, ...], seed: int, x: Rows, y: Vector, weights: Vector
) -> list[Member]:
    """Return a fitted member of each kind, each with its own seed."""
    members = []
    for number, kind in enumerate(kinds):
        model = LEARNERS[kind](features, {}, seed + number)
        model.fit(x, y, weights)
        members.append(Member(kind, model, _quantiles(model.predict(x))))
    return members


def mean_importance(members: Sequence[Member], x: Rows, weights: Vector | None = None) -> Vector:
    """Return the mean of the members' importances, summing to 1."""
    parts = [member.model.importance(x) for member in members]
    return np.asarray(np.average([part for part in parts if part is not None], axis=0, weights=weights))


def mean_contributions(members: Sequence[Member], x: Rows, weights: Vector) -> Vector | None:
    """Return the weighted sum of the members' contributions; None if a member has none."""
    total = np.zeros(1)
    for member, weight in zip(members, weights.tolist(), strict=True):
        parts = member.contributions(x)
        if parts is None:
            return None
        total = total + weight * parts
    return np.asarray(total, dtype=np.float64)


def dumped(members: Sequence[Member]) -> list[dict[str, Any]]:
    """Return the members as plain data."""
    return [
        {
            "kind": member.kind,
            "model": b64encode(member.model.dump()).decode(),
            "quantiles": member.quantiles.tolist(),
        }
        for member in members
    ]


def parsed(content: bytes, kind: str) -> dict[str, Any]:
    """Return what a blend of this kind stored. Raises ModelError for other content, and for no members."""
    refuse_unless(content, JSON_SIGNATURE, kind)
    try:
        stored = parse_json(content)
    except ValueError as error:
        raise not_a_model(kind, "it is not JSON") from error
    if not isinstance(stored, dict) or stored.get("kind") != kind or not stored.get("members"):
        raise not_a_model(kind, "it has a different kind or no members")
    return stored


def loaded(stored: dict[str, Any], features: tuple[str, ...], seed: int) -> list[Member]:
    """Return the members that `dumped` returned. Raises ModelError if one is incomplete or invalid."""
    kind = stored["kind"]
    try:
        return [_loaded(member, features, seed) for member in stored["members"]]
    except (KeyError, TypeError, ValueError) as error:
        raise not_a_model(kind, "a member is incomplete or invalid") from error


def kinds_of(parameters: Parameters, kind: str, *, known: Parameters) -> list[str]:
    """Return the kinds of the members. Raises ConfigError for an unknown parameter or kind, and for none."""
    members = str(parameters["members"]).split()
    unknown = [*sorted(set(parameters) - set(known)), *(each for each in members if each not in LEARNERS)]
    if unknown or not members:
        found = unknown[0] if unknown else "no members"
        raise bad_parameters(kind, ValueError(f"unknown: {found} (members: {', '.join(LEARNERS)})"))
    return members


def _loaded(stored: Any, features: tuple[str, ...], seed: int) -> Member:
    model = LEARNERS[stored["kind"]](features, {}, seed)
    model.load(b64decode(stored["model"], validate=True))
    quantiles = np.array(stored["quantiles"], dtype=np.float64)
    if quantiles.shape != (QUANTILES,) or not (np.diff(quantiles) >= 0).all():
        raise ValueError("the quantiles are not ascending")
    return Member(stored["kind"], model, quantiles)


def _quantiles(scores: Vector) -> Vector:
    return np.asarray(np.quantile(scores, np.linspace(0, 1, QUANTILES)), dtype=np.float64)
