"""Gradient-boosted trees by XGBoost, shrunk hard: a cross-section of returns is nearly all noise."""

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from tasks.models.kinds.base import (
    THREADS,
    Parameters,
    Rows,
    Vector,
    bad_parameters,
    least_leaf,
    not_a_model,
    not_fitted,
    refuse_unless,
)

if TYPE_CHECKING:
    from xgboost import Booster

KIND = "xgboost"
UBJ_SIGNATURE = b"{L"  # an object whose first key has a 64-bit length

DEFAULTS: Parameters = {
    "rounds": 100,
    "max_depth": 3,
    "eta": 0.03,
    "min_leaf_frac": 0.03,
    "subsample": 0.8,
    "colsample_bytree": 0.2,
    "alpha": 1.0,
    "lambda": 10.0,
}


class XgboostTrees:
    """Depth 3, L1 and L2, histogram splits; NaN goes to the side that was learned for it."""

    suffix: ClassVar[str] = "ubj"
    ranks: ClassVar[bool] = True
    learns: ClassVar[bool] = True
    required: tuple[str, ...] = ()

    def __init__(self, features: tuple[str, ...], parameters: Parameters, seed: int) -> None:
        self._features = list(features)
        self._parameters = DEFAULTS | parameters
        self._seed = seed
        self._booster: Booster | None = None

    def fit(self, x: Rows, y: Vector, weights: Vector) -> None:
        import xgboost

        parameters = dict(self._parameters)
        rounds = int(parameters.pop("rounds"))
        fixed = {
            "min_child_weight": least_leaf(parameters, len(x)),
            "objective": "reg:squarederror",
            "tree_method": "hist",
            "nthread": THREADS,
            "seed": self._seed,
        }
        rows = xgboost.QuantileDMatrix(x, y, weight=weights, feature_names=self._features, nthread=THREADS)
        try:
            self._booster = xgboost.train(parameters | fixed, rows, num_boost_round=rounds)
        except xgboost.core.XGBoostError as error:
            raise bad_parameters(KIND, error) from error

    def predict(self, x: Rows) -> Vector:
        import xgboost

        if self._booster is None:
            raise not_fitted(KIND)
        rows = xgboost.DMatrix(x, feature_names=self._features, nthread=THREADS)
        return np.asarray(self._booster.predict(rows), dtype=np.float64)

    def dump(self) -> bytes:
        if self._booster is None:
            raise not_fitted(KIND)
        return bytes(self._booster.save_raw("ubj"))

    def load(self, content: bytes) -> None:
        import xgboost

        refuse_unless(content, UBJ_SIGNATURE, KIND)
        try:
            self._booster = xgboost.Booster({"nthread": THREADS}, model_file=bytearray(content))
        except (xgboost.core.XGBoostError, UnicodeDecodeError) as error:
            raise not_a_model(KIND, "its library cannot read it") from error
