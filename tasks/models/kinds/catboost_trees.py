"""Gradient-boosted symmetric trees by CatBoost, an optional library (`pip install 'afterclose[catboost]'`)."""

from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar

import numpy as np

from tasks.core.errors import ConfigError
from tasks.core.reading import read_bytes
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

KIND = "catboost"
CBM_SIGNATURE = b"CBM1"
HEADER_BYTES = 8  # the signature, and the length of what follows


class CatboostTrees(BoostedTrees):
    """Depth 3, L2; symmetric trees, because the SHAP values of the library's other trees do not sum to the score."""

    kind: ClassVar[str] = KIND
    suffix: ClassVar[str] = "cbm"
    defaults: ClassVar[Parameters] = {
        "rounds": 100,
        "depth": 3,
        "learning_rate": 0.1,
        "subsample": 0.8,
        "rsm": 0.5,
        "l2_leaf_reg": 10.0,
    }
    fixed: ClassVar[Parameters] = {
        "loss_function": "RMSE",
        "bootstrap_type": "Bernoulli",
        "thread_count": THREADS,
    }
    least_leaf_name: ClassVar[str] = ""  # symmetric trees have no smallest leaf: L2 regularizes them

    def fit(self, x: Rows, y: Vector, weights: Vector) -> None:
        parameters = dict(self._parameters)
        rounds = int(parameters.pop("rounds"))
        self._fitted = self._train(x, y, weights, parameters | self._fixed, rounds)

    def _train(self, x: Rows, y: Vector, weights: Vector, parameters: Parameters, rounds: int) -> Any:
        library = _library()
        given = dict(parameters)
        seed = given.pop("seed")
        try:
            model = library.CatBoost(
                {
                    **given,
                    "random_seed": int(seed) % 2**31,
                    "iterations": rounds,
                    "allow_writing_files": False,
                    "logging_level": "Silent",
                }
            )
            model.fit(library.Pool(x, y, weight=weights, feature_names=self._features, thread_count=THREADS))
        except (library.CatBoostError, TypeError) as error:
            raise bad_parameters(KIND, error) from error
        return model

    def predict(self, x: Rows) -> Vector:
        return np.asarray(self._booster.predict(x, thread_count=THREADS), dtype=np.float64)

    def _contributions(self, x: Rows) -> Vector:
        pool = _library().Pool(x, feature_names=self._features, thread_count=THREADS)
        return np.asarray(
            self._booster.get_feature_importance(pool, type="ShapValues", thread_count=THREADS),
            dtype=np.float64,
        )

    def dump(self) -> bytes:
        metadata = self._booster.get_metadata()
        for name in list(metadata.keys()):  # the time of training, an id, and settings: no score needs them
            del metadata[name]
        with TemporaryDirectory() as folder:  # the library writes files only
            place = Path(folder) / "model.cbm"
            self._booster.save_model(str(place), format="cbm")
            return read_bytes(place)

    def load(self, content: bytes) -> None:
        library = _library()
        refuse_unless(content, CBM_SIGNATURE, KIND)
        if int.from_bytes(content[4:HEADER_BYTES], "little") != len(content) - HEADER_BYTES:
            raise not_a_model(KIND, "it is truncated")  # its library does not notice a few missing bytes
        model = library.CatBoost()
        try:
            model.load_model(blob=content)
        except (library.CatBoostError, ValueError) as error:
            raise not_a_model(KIND, "its library cannot read it") from error
        self._fitted = model


def _library() -> Any:
    if find_spec("catboost") is None:
        raise ConfigError(
            "Candidates of kind catboost need the library catboost, which is not installed.",
            remedy="Run: pip install 'afterclose[catboost]'; or remove them from models.candidates.",
            key="models.candidates",
        )
    import catboost

    return catboost
