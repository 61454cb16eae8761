"""Rules without training: benchmarks for trained models, and the baseline to fall back on."""

from typing import ClassVar

import numpy as np

from tasks.core.ids import canonical_json
from tasks.core.json_text import parse_json
from tasks.models.kinds.base import Parameters, Rows, Vector, alone, not_a_model, refuse_unless

JSON_SIGNATURE = b"{"


class Momentum52Week:
    """Score a name by its proximity to the 52-week high (George and Hwang, 2004)."""

    suffix: ClassVar[str] = "json"
    ranks: ClassVar[bool] = True
    learns: ClassVar[bool] = False
    uses_seed: ClassVar[bool] = False
    importance_by: ClassVar[str] = ""
    rule: ClassVar[str] = "momentum_52_week"

    def __init__(self, features: tuple[str, ...], parameters: Parameters, seed: int) -> None:
        del seed
        self._feature = str(parameters.get("feature", "distance_52w_high"))
        self._column, self._count = features.index(self._feature), len(features)

    @property
    def required(self) -> tuple[str, ...]:
        return (self._feature,)

    def fit(self, x: Rows, y: Vector, weights: Vector) -> None:
        """Do nothing: a rule is not trained."""

    def predict(self, x: Rows) -> Vector:
        return x[:, self._column].astype(np.float64)

    def importance(self, x: Rows) -> None:
        """Return None: a rule is not trained."""

    def contributions(self, x: Rows) -> Vector:
        """Return the score as the contribution of its one feature."""
        return alone(self.predict(x), self._column, self._count)

    def dump(self) -> bytes:
        return canonical_json({"rule": self.rule, "feature": self._feature}).encode()

    def load(self, content: bytes) -> None:
        _require_rule(content, {"rule": self.rule, "feature": self._feature})


class EqualWeight:
    """Score every name equally: the baseline without a signal."""

    suffix: ClassVar[str] = "json"
    ranks: ClassVar[bool] = False
    learns: ClassVar[bool] = False
    uses_seed: ClassVar[bool] = False
    importance_by: ClassVar[str] = ""
    rule: ClassVar[str] = "equal_weight"
    required: tuple[str, ...] = ()

    def __init__(self, features: tuple[str, ...], parameters: Parameters, seed: int) -> None:
        """Ignore the arguments: the rule has no parameters."""

    def fit(self, x: Rows, y: Vector, weights: Vector) -> None:
        """Do nothing: a rule is not trained."""

    def predict(self, x: Rows) -> Vector:
        return np.zeros(len(x))

    def importance(self, x: Rows) -> None:
        """Return None: a rule is not trained."""

    def contributions(self, x: Rows) -> None:
        """Return None: no feature is used."""

    def dump(self) -> bytes:
        return canonical_json({"rule": self.rule}).encode()

    def load(self, content: bytes) -> None:
        _require_rule(content, {"rule": self.rule})


def _require_rule(content: bytes, expected: dict[str, str]) -> None:
    refuse_unless(content, JSON_SIGNATURE, expected["rule"])
    try:
        stored = parse_json(content)
    except ValueError as error:
        raise not_a_model(expected["rule"], "it is not JSON") from error
    if stored != expected:
        raise not_a_model(expected["rule"], f"it contains {canonical_json(stored)}")
