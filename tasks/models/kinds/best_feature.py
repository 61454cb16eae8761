"""The best single feature: the benchmark that a learner must beat."""

from typing import ClassVar

import numpy as np

from tasks.core.ids import canonical_json
from tasks.core.json_text import parse_json
from tasks.models.kinds.base import (
    Parameters,
    Rows,
    Vector,
    alone,
    not_a_model,
    not_fitted,
    refuse_unless,
)

KIND = "best_feature"
JSON_SIGNATURE = b"{"


class BestFeature:
    """Score a name by the one feature that is most correlated with the target of the training rows, with its sign."""

    suffix: ClassVar[str] = "json"
    ranks: ClassVar[bool] = True
    learns: ClassVar[bool] = False  # one feature and one sign: nothing to overfit, and no importance
    uses_seed: ClassVar[bool] = False
    importance_by: ClassVar[str] = ""

    def __init__(self, features: tuple[str, ...], parameters: Parameters, seed: int) -> None:
        del parameters, seed
        self._features = features
        self._found: tuple[str, int] | None = None  # feature and sign

    @property
    def required(self) -> tuple[str, ...]:
        return (self._chosen[0],)

    def fit(self, x: Rows, y: Vector, weights: Vector) -> None:
        if not len(x):
            self._found = self._features[0], 1
            return
        correlations = [_correlation(column.astype(np.float64), y, weights) for column in x.T]
        best = int(np.argmax(np.abs(correlations)))
        self._found = self._features[best], 1 if correlations[best] >= 0 else -1

    def predict(self, x: Rows) -> Vector:
        feature, sign = self._chosen
        return sign * x[:, self._features.index(feature)].astype(np.float64)

    def importance(self, x: Rows) -> None:
        """Return None: there is one feature."""

    def contributions(self, x: Rows) -> Vector:
        """Return the score as the contribution of its one feature."""
        return alone(self.predict(x), self._features.index(self._chosen[0]), len(self._features))

    def dump(self) -> bytes:
        feature, sign = self._chosen
        return canonical_json({"rule": KIND, "feature": feature, "sign": sign}).encode()

    def load(self, content: bytes) -> None:
        refuse_unless(content, JSON_SIGNATURE, KIND)
        try:
            stored = parse_json(content)
        except ValueError as error:
            raise not_a_model(KIND, "it is not JSON") from error
        expected = [
            {"rule": KIND, "feature": name, "sign": sign} for name in self._features for sign in (1, -1)
        ]
        if stored not in expected:
            raise not_a_model(KIND, f"it contains {canonical_json(stored)}")
        self._found = stored["feature"], stored["sign"]

    @property
    def _chosen(self) -> tuple[str, int]:
        if self._found is None:
            raise not_fitted(KIND)
        return self._found


def _correlation(column: Vector, y: Vector, weights: Vector) -> float:
    """Return the weighted correlation over the rows that have the feature; 0 where it does not vary."""
    known = np.isfinite(column)
    if not known.any():
        return 0.0
    a, b, w = column[known], y[known], weights[known] / weights[known].sum()
    a, b = (
        a - (w * a).sum(),
        b - (w * b).sum(),
    )  # not a dot product: the threads of BLAS would wait for each other
    scale = np.sqrt((w * a * a).sum() * (w * b * b).sum())
    return float((w * a * b).sum() / scale) if scale > 1e-12 else 0.0
