"""Say what every kind of model can do. A kind is one class that does this, and one line in `registry.py`.

A kind never reads or writes a file, never sees a date or a symbol, and never stores itself as a pickle:
`dump` gives the bytes of the library's own format, so that the store can hash them before anything parses them.
"""

from typing import ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from tasks.core.errors import ConfigError, ModelError

Rows = NDArray[
    np.float32
]  # rows × features, in the order the model was made with; NaN where a feature is missing
Vector = NDArray[np.float64]
Parameters = dict[str, float | int | str]

# Fixed, for the number of threads is part of a booster's result. One, for folds are trained side by side: threads
# inside a booster wait for each other at every split, which took eight times as long on two busy processors.
THREADS = 1

LEAST_LEAF_ROWS = 20


class Model(Protocol):
    """Learn from rows, score other rows: higher is better. Equal inputs give equal bytes."""

    suffix: ClassVar[str]  # of the stored file, without the dot
    ranks: ClassVar[bool]  # False where all scores are equal by design
    learns: ClassVar[bool]  # False for rules, which a row of the past cannot mislead
    importance_by: ClassVar[str]  # what `importance` measures; empty for rules

    def __init__(self, features: tuple[str, ...], parameters: Parameters, seed: int) -> None: ...

    @property
    def required(self) -> tuple[str, ...]:
        """Name the features without which a row cannot be scored at all; other gaps are the model's to handle."""
        ...

    def fit(self, x: Rows, y: Vector, weights: Vector) -> None:
        """Learn the target of each row."""
        ...

    def predict(self, x: Rows) -> Vector:
        """Return one score a row."""
        ...

    def importance(self, x: Rows) -> Vector | None:
        """Return each feature's share in the scores of these rows, together 1; none of a rule."""
        ...

    def dump(self) -> bytes:
        """Return the fitted model in its library's own format."""
        ...

    def load(self, content: bytes) -> None:
        """Become the model that was dumped. Bytes that are none raise ModelError and run nothing."""
        ...


def least_leaf(parameters: Parameters, rows: int) -> int:
    """Take `min_leaf_frac` out of the parameters, in rows: a small market is held as tightly as a large one."""
    return max(LEAST_LEAF_ROWS, int(float(parameters.pop("min_leaf_frac")) * rows))


def shares(parts: Vector) -> Vector:
    """Return the parts in relation to their sum; all 0 where nothing has any part."""
    return np.asarray(parts / (parts.sum() or 1.0), dtype=np.float64)


def refuse_unless(content: bytes, signature: bytes, kind: str) -> None:
    """Refuse bytes that do not begin as the format does: a pickle never reaches any parser."""
    if not content.startswith(signature):
        raise not_a_model(kind, "it does not begin as one does")


def not_a_model(kind: str, why: str) -> ModelError:
    """Return the error for bytes that are no such model."""
    return ModelError(
        f"The champion's file is no {kind} model: {why}.",
        remedy="Run `afterclose weekly` to train a new one, or bring back an earlier version from production/versions.",
        kind=kind,
    )


def bad_parameters(kind: str, error: Exception) -> ConfigError:
    """Return the error for parameters that the kind's library refuses."""
    return ConfigError(
        f"A {kind} candidate has parameters that its library refuses: {str(error).splitlines()[0]}.",
        remedy="Mend models.candidates in the settings.",
        key="models.candidates",
    )


def not_fitted(kind: str) -> ModelError:
    """Return the error for a model that is asked before it learned."""
    return ModelError(f"This {kind} model was never fitted.", remedy="Fit or load it first.", kind=kind)
