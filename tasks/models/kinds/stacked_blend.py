"""The blend of several learners whose weights are found by ridge regression on their out-of-fold scores.

The weights are never fitted to scores of rows that a member was trained on: each part of the training rows is scored by
members that were trained on the other parts. Final members are trained on all rows.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from tasks.core.ids import canonical_json
from tasks.models.kinds.base import (
    Parameters,
    Rows,
    Vector,
    bad_parameters,
    not_a_model,
    not_fitted,
)
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

KIND = "stacked_blend"
Places = NDArray[np.intp]  # of rows
Parts = Sequence[tuple[Places, Places]]  # rows to train on, rows to score

DEFAULTS: Parameters = {
    "members": "lightgbm quadratic_ridge",  # kinds, with their own default parameters
    "folds": 3,
    "penalty": 0.1,  # in units of the variance of the ranks, 1/12, times the rows; pulls towards equal weights
}


class StackedBlend:
    """score = Σ weight × the member's rank within its training scores."""

    suffix: ClassVar[str] = "json"
    ranks: ClassVar[bool] = True
    learns: ClassVar[bool] = True
    uses_seed: ClassVar[bool] = True
    importance_by: ClassVar[str] = "weighted mean of its members' importance"
    required: tuple[str, ...] = ()

    def __init__(self, features: tuple[str, ...], parameters: Parameters, seed: int) -> None:
        self._features = features
        self._parameters = DEFAULTS | parameters
        self._seed = seed
        self._members: list[Member] = []
        self._weights = np.empty(0)
        self._parts: Parts | None = None

    @property
    def folds(self) -> int:
        """The number of parts that the training rows are divided into."""
        return _positive(self._parameters["folds"], least=2)

    def use_parts(self, parts: Parts) -> None:
        """Use these parts in `fit`, purged of overlapping labels; without any, weights are equal.

        By default the parts are blocks of rows, which are not purged.
        """
        self._parts = parts

    def fit(self, x: Rows, y: Vector, weights: Vector) -> None:
        kinds = kinds_of(self._parameters, KIND, known=DEFAULTS)
        penalty, folds = _number(self._parameters["penalty"]), self.folds
        scored, ranks = [], []
        parts = _blocks(len(x), folds) if self._parts is None else self._parts
        for train, test in parts:
            if len(train) and len(test):
                members = fit_members(kinds, self._features, self._seed, x[train], y[train], weights[train])
                scored.append(test)
                ranks.append(np.array([member.ranks(x[test]) for member in members]))
        if scored:
            rows = np.concatenate(scored)
            self._weights = stacked(np.concatenate(ranks, axis=1), y[rows], weights[rows], penalty=penalty)
        else:
            self._weights = np.full(len(kinds), 1 / len(kinds))
        self._members = fit_members(kinds, self._features, self._seed, x, y, weights)

    def predict(self, x: Rows) -> Vector:
        # a sum over members, not a matrix product: its last bits would depend on the number of rows
        scores = np.zeros(len(x))
        for member, weight in zip(self._fitted, self._weights, strict=True):
            scores += weight * member.ranks(x)
        return scores

    def importance(self, x: Rows) -> Vector:
        """Return the mean of the members' importances, weighted by |weight|, summing to 1."""
        size = np.abs(self._weights)
        return mean_importance(self._fitted, x, size if size.sum() > 0 else None)

    def contributions(self, x: Rows) -> Vector | None:
        """Return the weighted sum of the members' contributions to their ranks; None if a member has none."""
        return mean_contributions(self._fitted, x, self._weights)

    def dump(self) -> bytes:
        return canonical_json(
            {"kind": KIND, "members": dumped(self._fitted), "weights": self._weights.tolist()}
        ).encode()

    def load(self, content: bytes) -> None:
        stored = parsed(content, KIND)
        members = loaded(stored, self._features, self._seed)
        self._weights, self._members = _parsed_weights(stored, len(members)), members

    @property
    def _fitted(self) -> list[Member]:
        if not self._members:
            raise not_fitted(KIND)
        return self._members


def stacked(ranks: NDArray[np.float64], y: Vector, weights: Vector, *, penalty: float) -> Vector:
    """Return the weight of each member, for `ranks` (members × rows) against the target.

    Ridge regression around equal weights: with a large penalty every member has the weight that their mean would have,
    so that members that differ only by noise are averaged.
    """
    share = weights / weights.sum()
    centred = ranks - (ranks * share).sum(axis=1, keepdims=True)
    target = y - (share * y).sum()
    count = len(ranks)
    products = np.array([[(share * one * other).sum() for other in centred] for one in centred])
    with_target = np.array([(share * one * target).sum() for one in centred])
    variance = products.sum()
    slope = with_target.sum() / variance if variance > 0 else 0.0  # of the sum of the members
    strength = np.eye(count) * max(penalty / 12, 1e-12)
    return np.asarray(np.linalg.solve(products + strength, with_target + strength @ np.full(count, slope)))


def _blocks(rows: int, folds: int) -> Parts:
    places = np.arange(rows)
    return [(np.setdiff1d(places, block), block) for block in np.array_split(places, folds)]


def _parsed_weights(stored: dict[str, Any], members: int) -> Vector:
    try:
        weights = np.array(stored["weights"], dtype=np.float64)
    except (KeyError, TypeError, ValueError) as error:
        raise not_a_model(KIND, "its weights are missing or invalid") from error
    if weights.shape != (members,) or not np.isfinite(weights).all():
        raise not_a_model(KIND, "its weights are not one number for each member")
    return weights


def _number(value: float | str) -> float:
    try:
        number = float(value)
    except ValueError:
        number = float("nan")
    if not 0 <= number < float("inf"):
        raise bad_parameters(KIND, ValueError("penalty must be a number of at least 0"))
    return number


def _positive(value: float | str, *, least: int) -> int:
    if not isinstance(value, int) or value < least:
        raise bad_parameters(KIND, ValueError(f"folds must be a whole number of at least {least}"))
    return value
