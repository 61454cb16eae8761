"""The interface of a kind of model. A kind is one class with this interface, and one line in kinds/registry.

A kind reads and writes no files, sees no dates or symbols, and is never pickled: `dump` returns the library's own
format, so that the store can verify its hash before parsing.
"""

from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from tasks.core.errors import ConfigError, ModelError

Rows = NDArray[
    np.float32
]  # rows × features, in the order of the model's features; NaN where a feature is missing
Vector = NDArray[np.float64]
Parameters = dict[str, float | int | str]

# Fixed, because a booster's result depends on the number of threads. One, because folds are trained in parallel:
# threads inside a booster wait for each other at every split, which took eight times as long on two busy cores.
THREADS = 1

LEAST_LEAF_ROWS = 20


class Model(Protocol):
    """A model that scores rows after training; higher is better. Equal inputs give equal bytes."""

    suffix: ClassVar[str]  # of the stored file, without the dot
    ranks: ClassVar[bool]  # False if all scores are equal by definition
    learns: ClassVar[bool]  # False for rules, which are not trained
    uses_seed: ClassVar[bool]  # False if equal rows give an equal model under every seed
    importance_by: ClassVar[str]  # what `importance` measures; empty for rules

    def __init__(self, features: tuple[str, ...], parameters: Parameters, seed: int) -> None: ...

    @property
    def required(self) -> tuple[str, ...]:
        """The features without which a row cannot be scored; the model handles other gaps."""
        ...

    def fit(self, x: Rows, y: Vector, weights: Vector) -> None:
        """Train on the rows with their targets and weights."""
        ...

    def predict(self, x: Rows) -> Vector:
        """Return one score per row."""
        ...

    def importance(self, x: Rows) -> Vector | None:
        """Return the importance of each feature for these rows, summing to 1; None for a rule."""
        ...

    def contributions(self, x: Rows) -> Vector | None:
        """Return what each feature adds to each row's score (rows × features), and in a last column the score without
        them; a row sums to its score. None for a kind that cannot state it.
        """
        ...

    def dump(self) -> bytes:
        """Return the fitted model in its library's own format."""
        ...

    def load(self, content: bytes) -> None:
        """Restore a dumped model. Invalid bytes raise ModelError and execute nothing."""
        ...


def least_leaf(parameters: Parameters, rows: int) -> int:
    """Pop `min_leaf_frac` from the parameters and return it in rows, so that regularization scales with the market."""
    return max(LEAST_LEAF_ROWS, int(float(parameters.pop("min_leaf_frac")) * rows))


def shares(parts: Vector) -> Vector:
    """Return the parts divided by their sum; all 0 if the sum is 0."""
    return np.asarray(parts / (parts.sum() or 1.0), dtype=np.float64)


def alone(scores: Vector, place: int, features: int) -> Vector:
    """Return contributions of a score that is one feature's."""
    parts = np.zeros((len(scores), features + 1))
    parts[:, place] = scores
    return parts


def refuse_unless(content: bytes, signature: bytes, kind: str) -> None:
    """Raise ModelError unless the bytes start with the format's signature, so that no pickle reaches a parser."""
    if not content.startswith(signature):
        raise not_a_model(kind, "it does not begin with the signature of the format")


def not_a_model(kind: str, why: str) -> ModelError:
    """Return the error for bytes that are not a model of the kind."""
    return ModelError(
        f"The champion's file is not a model of kind {kind}: {why}.",
        remedy="Run `afterclose weekly` to train a new one, "
        "or run `afterclose champion rollback --by NAME --reason TEXT`.",
        kind=kind,
    )


def bad_parameters(kind: str, error: Exception) -> ConfigError:
    """Return the error for parameters that the kind's library rejects."""
    return ConfigError(
        f"A candidate of kind {kind} has parameters that its library rejects: {str(error).splitlines()[0]}.",
        remedy="Fix models.candidates in the settings.",
        key="models.candidates",
    )


def not_fitted(kind: str) -> ModelError:
    """Return the error for a model used before it was trained."""
    return ModelError(f"This {kind} model has not been trained.", remedy="Train or load it first.", kind=kind)
