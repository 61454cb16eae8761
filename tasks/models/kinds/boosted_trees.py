"""The common base of XGBoost and LightGBM; each subclass trains, scores, dumps and loads with its library."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np

from tasks.models.kinds.base import Parameters, Rows, Vector, least_leaf, not_fitted, shares


class BoostedTrees(ABC):
    """Shallow gradient-boosted trees; NaN follows the learned default direction."""

    kind: ClassVar[str]
    ranks: ClassVar[bool] = True
    learns: ClassVar[bool] = True
    uses_seed: ClassVar[bool] = True
    importance_by: ClassVar[str] = "mean |SHAP|"
    required: tuple[str, ...] = ()
    defaults: ClassVar[Parameters]
    fixed: ClassVar[Parameters]  # not configurable
    least_leaf_name: ClassVar[str]  # the library's name for the minimum rows per leaf

    def __init__(self, features: tuple[str, ...], parameters: Parameters, seed: int) -> None:
        self._features = list(features)
        self._parameters = self.defaults | parameters
        self._fixed = self.fixed | {"seed": seed}
        self._fitted: Any = None  # the library's own booster

    def fit(self, x: Rows, y: Vector, weights: Vector) -> None:
        parameters = dict(self._parameters)
        rounds = int(parameters.pop("rounds"))
        least = {self.least_leaf_name: least_leaf(parameters, len(x))}
        self._fitted = self._train(x, y, weights, parameters | self._fixed | least, rounds)

    def importance(self, x: Rows) -> Vector:
        """Return the mean |SHAP| of each feature over these rows, summing to 1."""
        return shares(
            np.abs(self._contributions(x)[:, :-1]).mean(axis=0)
        )  # the last column is the expected value

    def contributions(self, x: Rows) -> Vector:
        """Return the SHAP values and the expected value, as the library computes them."""
        return self._contributions(x)

    @property
    def _booster(self) -> Any:
        if self._fitted is None:
            raise not_fitted(self.kind)
        return self._fitted

    @abstractmethod
    def _train(self, x: Rows, y: Vector, weights: Vector, parameters: Parameters, rounds: int) -> Any: ...

    @abstractmethod
    def _contributions(self, x: Rows) -> Vector: ...
