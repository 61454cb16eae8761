"""Ridge regression on the features and their pairwise products, with a heavier penalty on the products.

A cross-section of returns is nearly all noise. Smooth effects and interactions are estimated with less variance by a
penalized quadratic form than by trees.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from tasks.core.ids import canonical_json
from tasks.core.json_text import parse_json
from tasks.models.kinds.base import (
    Parameters,
    Rows,
    Vector,
    bad_parameters,
    not_a_model,
    not_fitted,
    refuse_unless,
    shares,
)

KIND = "quadratic_ridge"
JSON_SIGNATURE = b"{"
BLOCK_ROWS = 8_192  # bounds the memory of the products
VECTORS = ("mean", "scale", "linear", "quadratic")

DEFAULTS: Parameters = {
    "penalty": 0.3,  # for each training row, where a standardized feature has a variance of 1
    "product_scale": 0.15,  # the penalty of a product is that of a feature, divided by the square of this
}


class QuadraticRidge:
    """score = intercept + Σ z[i] (linear[i] + Σ products[i, j] z[j]), with z the standardized features, 0 for a gap."""

    suffix: ClassVar[str] = "json"
    ranks: ClassVar[bool] = True
    learns: ClassVar[bool] = True
    uses_seed: ClassVar[bool] = False
    importance_by: ClassVar[str] = "mean |contribution|"
    required: tuple[str, ...] = ()

    def __init__(self, features: tuple[str, ...], parameters: Parameters, seed: int) -> None:
        del seed  # nothing is random
        self._pairs = np.triu_indices(len(features))
        self._features = features
        self._parameters = DEFAULTS | parameters
        self._vectors: dict[str, Vector] | None = (
            None  # VECTORS; `quadratic` is the upper triangle of `products`
        )
        self._intercept = 0.0

    def fit(self, x: Rows, y: Vector, weights: Vector) -> None:
        penalty, product_scale = _checked(self._parameters)
        count = len(self._features)
        share = weights / weights.sum()
        middle = float((share * y).sum())
        mean, scale = _mean_and_scale(x)
        self._vectors = {"mean": mean, "scale": scale}
        size = count + len(self._pairs[0])
        covariance, of_terms, with_target = np.zeros((size, size)), np.zeros(size), np.zeros(size)
        with threadpool_limits(1):  # bit-identical on any number of cores
            for rows in _blocks(len(x)):
                root = np.sqrt(share[rows]).astype(np.float32)
                terms = self._terms(x[rows]) * root
                covariance += terms @ terms.T
                of_terms += terms @ root
                with_target += terms @ (root * (y[rows] - middle)).astype(np.float32)
            covariance -= np.outer(of_terms, of_terms)
            penalties = np.full(size, penalty)
            penalties[count:] /= product_scale**2
            found = np.linalg.solve(covariance + np.diag(penalties), with_target)
        self._vectors |= {"linear": np.asarray(found[:count]), "quadratic": np.asarray(found[count:])}
        self._intercept = middle - float((found * of_terms).sum())

    def predict(self, x: Rows) -> Vector:
        return np.asarray(self._intercept + self._contributions(x).sum(axis=0), dtype=np.float64)

    def importance(self, x: Rows) -> Vector:
        """Return the mean |contribution| of each feature; one of a product is split between its two features."""
        contributions = self._contributions(x)
        return shares(np.abs(contributions - contributions.mean(axis=1, keepdims=True)).mean(axis=1))

    def contributions(self, x: Rows) -> Vector:
        """Return each feature's terms and the intercept; a product is split between its two features."""
        return np.column_stack([self._contributions(x).T, np.full(len(x), self._intercept)])

    def dump(self) -> bytes:
        vectors = {name: values.tolist() for name, values in self._fitted.items()}
        return canonical_json({"kind": KIND, "intercept": self._intercept} | vectors).encode()

    def load(self, content: bytes) -> None:
        refuse_unless(content, JSON_SIGNATURE, KIND)
        try:
            stored = parse_json(content)
        except ValueError as error:
            raise not_a_model(KIND, "it is not JSON") from error
        if not isinstance(stored, dict) or stored.get("kind") != KIND:
            raise not_a_model(KIND, "it names another kind")
        self._vectors, self._intercept = _parsed(stored, len(self._features), len(self._pairs[0]))

    @property
    def _fitted(self) -> dict[str, Vector]:
        if self._vectors is None:
            raise not_fitted(KIND)
        return self._vectors

    def _standardised(self, x: Rows) -> Rows:
        mean, scale = (self._fitted[name].astype(np.float32) for name in ("mean", "scale"))
        return np.asarray(np.nan_to_num((x - mean) * scale, nan=0.0), dtype=np.float32)

    def _terms(self, x: Rows) -> Rows:
        """Return terms × rows: the standardized features, then their products in the order of `_pairs`."""
        z = np.ascontiguousarray(self._standardised(x).T)
        return np.concatenate([z, *(own * z[feature:] for feature, own in enumerate(z))])

    def _contributions(self, x: Rows) -> NDArray[np.float64]:
        """Return features × rows, which sum to the score without the intercept.

        Sums of columns, not matrix products: their last bits would depend on the number of rows.
        """
        linear = self._fitted["linear"]
        half = np.zeros((len(linear), len(linear)))
        half[self._pairs] = self._fitted["quadratic"] / 2
        products = half + half.T
        found = np.empty((len(linear), len(x)))
        for rows in _blocks(len(x)):
            z = np.ascontiguousarray(self._standardised(x[rows]).T, dtype=np.float64)
            for feature, own in enumerate(z):
                slope = np.full(len(own), linear[feature])
                for coefficient, other in zip(products[feature], z, strict=True):
                    slope += coefficient * other
                found[feature, rows] = slope * own
        return found


def _mean_and_scale(x: Rows) -> tuple[Vector, Vector]:
    """Return each feature's mean and 1 / standard deviation, over the rows that have it; 0 where it does not vary."""
    known = np.isfinite(x)
    count = np.maximum(known.sum(axis=0), 1)
    mean = np.where(known, x, 0).sum(axis=0, dtype=np.float64) / count
    square = np.where(known, (x - mean) ** 2, 0).sum(axis=0, dtype=np.float64) / count
    varies = square > 1e-12
    scale = np.where(varies, 1 / np.sqrt(np.where(varies, square, 1.0)), 0.0)
    return np.asarray(mean, dtype=np.float64), np.asarray(scale, dtype=np.float64)


def _blocks(rows: int) -> Iterator[slice]:
    return (slice(start, min(start + BLOCK_ROWS, rows)) for start in range(0, rows, BLOCK_ROWS))


def _checked(parameters: Parameters) -> tuple[float, float]:
    """Return penalty and product_scale. Raises ConfigError for another parameter and for one that is not positive."""
    unknown = sorted(set(parameters) - set(DEFAULTS))
    if unknown:
        raise bad_parameters(KIND, ValueError(f"unknown parameter {unknown[0]}"))
    penalty, product_scale = (_number(parameters[name]) for name in DEFAULTS)
    if not min(penalty, product_scale) > 0:
        raise bad_parameters(KIND, ValueError("penalty and product_scale must be positive numbers"))
    return penalty, product_scale


def _number(value: float | str) -> float:
    """Return the value as a finite number; 0 if it is not one."""
    try:
        number = float(value)
    except ValueError:
        return 0.0
    return number if np.isfinite(number) else 0.0


def _parsed(stored: dict[str, Any], features: int, pairs: int) -> tuple[dict[str, Vector], float]:
    """Return vectors and intercept. Raises ModelError unless they are finite numbers of the right count."""
    counts = dict.fromkeys(VECTORS, features) | {"quadratic": pairs}
    try:
        vectors = {name: np.array(stored[name], dtype=np.float64) for name in VECTORS}
        intercept = float(stored["intercept"])
    except (KeyError, TypeError, ValueError) as error:
        raise not_a_model(KIND, "its numbers are missing or invalid") from error
    if any(vectors[name].shape != (count,) for name, count in counts.items()):
        raise not_a_model(KIND, "it has a different number of features")
    if not all(np.isfinite([intercept, *np.concatenate(list(vectors.values()))])):
        raise not_a_model(KIND, "it contains a number that is not finite")
    return vectors, intercept
