"""Gradient-boosted trees by XGBoost, strongly regularized: a cross-section of returns is nearly all noise."""

from typing import Any, ClassVar

import numpy as np

from tasks.models.kinds.base import (
    THREADS,
    Parameters,
    Rows,
    Vector,
    bad_parameters,
    not_a_model,
    refuse_unless,
)
from tasks.models.kinds.boosted_trees import BoostedTrees

KIND = "xgboost"
UBJ_SIGNATURE = b"{L"  # an object whose first key has a 64-bit length


class XgboostTrees(BoostedTrees):
    """Depth 3, L1 and L2, histogram splits."""

    kind: ClassVar[str] = KIND
    suffix: ClassVar[str] = "ubj"
    defaults: ClassVar[Parameters] = {
        "rounds": 100,
        "max_depth": 3,
        "eta": 0.1,
        "min_leaf_frac": 0.03,
        "subsample": 0.8,
        "colsample_bytree": 0.5,
        "alpha": 1.0,
        "lambda": 10.0,
    }
    fixed: ClassVar[Parameters] = {"objective": "reg:squarederror", "tree_method": "hist", "nthread": THREADS}
    least_leaf_name: ClassVar[str] = "min_child_weight"

    def _train(self, x: Rows, y: Vector, weights: Vector, parameters: Parameters, rounds: int) -> Any:
        import xgboost

        rows = xgboost.QuantileDMatrix(x, y, weight=weights, feature_names=self._features, nthread=THREADS)
        try:
            return xgboost.train(parameters, rows, num_boost_round=rounds)
        except xgboost.core.XGBoostError as error:
            raise bad_parameters(KIND, error) from error

    def predict(self, x: Rows) -> Vector:
        return np.asarray(self._booster.predict(self._matrix(x)), dtype=np.float64)

    def _contributions(self, x: Rows) -> Vector:
        return np.asarray(self._booster.predict(self._matrix(x), pred_contribs=True), dtype=np.float64)

    def _matrix(self, x: Rows) -> Any:
        import xgboost

        return xgboost.DMatrix(x, feature_names=self._features, nthread=THREADS)

    def dump(self) -> bytes:
        return bytes(self._booster.save_raw("ubj"))

    def load(self, content: bytes) -> None:
        import xgboost

        refuse_unless(content, UBJ_SIGNATURE, KIND)
        try:
            self._fitted = xgboost.Booster({"nthread": THREADS}, model_file=bytearray(content))
        except (xgboost.core.XGBoostError, UnicodeDecodeError) as error:
            raise not_a_model(KIND, "its library cannot read it") from error
