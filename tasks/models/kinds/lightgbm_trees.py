"""Gradient-boosted trees by LightGBM, in its deterministic mode."""

import re
import sys
from types import ModuleType
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

KIND = "lightgbm"
TEXT_SIGNATURE, END_OF_PARAMETERS = b"tree\n", b"\nend of parameters\n"


class LightgbmTrees(BoostedTrees):
    """Depth 3, each tree trained on 80% of the rows."""

    kind: ClassVar[str] = KIND
    suffix: ClassVar[str] = "txt"
    defaults: ClassVar[Parameters] = {
        "rounds": 100,
        "max_depth": 3,
        "num_leaves": 8,
        "learning_rate": 0.1,
        "min_leaf_frac": 0.03,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "feature_fraction": 0.5,
        "lambda_l2": 10.0,
        "max_bin": 63,
    }
    fixed: ClassVar[Parameters] = {
        "objective": "regression",
        "deterministic": True,
        "force_row_wise": True,  # the automatic choice is timed, so it could differ between runs
        "num_threads": THREADS,
        "verbosity": -1,
    }
    least_leaf_name: ClassVar[str] = "min_data_in_leaf"

    def _train(self, x: Rows, y: Vector, weights: Vector, parameters: Parameters, rounds: int) -> Any:
        lightgbm = library()
        rows = lightgbm.Dataset(x, y, weight=weights, feature_name=self._features, free_raw_data=True)
        try:
            return lightgbm.train(parameters, rows, num_boost_round=rounds)
        except lightgbm.basic.LightGBMError as error:
            raise bad_parameters(KIND, error) from error

    def predict(self, x: Rows) -> Vector:
        return np.asarray(self._booster.predict(x, num_threads=THREADS), dtype=np.float64)

    def _contributions(self, x: Rows) -> Vector:
        return np.asarray(self._booster.predict(x, num_threads=THREADS, pred_contrib=True))

    def dump(self) -> bytes:
        return str(self._booster.model_to_string()).encode()

    def load(self, content: bytes) -> None:
        lightgbm = library()
        refuse_unless(content, TEXT_SIGNATURE, KIND)
        refuse_broken_trees(content)
        try:
            self._fitted = lightgbm.Booster(model_str=content.decode())
        except (lightgbm.basic.LightGBMError, UnicodeDecodeError) as error:
            raise not_a_model(KIND, "its library cannot read it") from error


def library() -> ModuleType:
    """Import LightGBM without scikit-learn: it is not used here, and its import takes about a second."""
    hides = "sklearn" not in sys.modules and "lightgbm" not in sys.modules
    if hides:
        sys.modules["sklearn"] = None  # type: ignore[assignment] # the documented way to make an import fail
    try:
        import lightgbm
    finally:
        if hides:
            del sys.modules["sklearn"]
    return lightgbm


def refuse_broken_trees(content: bytes) -> None:
    """Raise ModelError unless the trees are at the offsets in the header: LightGBM would crash the process."""
    header, blank, body = content.partition(b"\n\n")
    found = re.search(rb"^tree_sizes=([0-9 ]+)$", header, re.MULTILINE)
    if not blank or found is None:
        raise not_a_model(KIND, "its header is incomplete")
    start = 0
    for number, size in enumerate(found.group(1).split()):
        if not body.startswith(b"Tree=%d\n" % number, start):
            raise not_a_model(KIND, f"tree {number} is not at its offset")
        start += int(size)
    if not body.startswith(b"end of trees\n", start) or END_OF_PARAMETERS not in body[start:]:
        raise not_a_model(KIND, "its end is missing")
