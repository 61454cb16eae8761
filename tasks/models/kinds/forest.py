"""A shallow random forest by scikit-learn, stored with skops: no pickle, only trusted types."""

import io
import json
import zipfile
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from tasks.core.json_text import parse_json
from tasks.models.kinds.base import (
    THREADS,
    Parameters,
    Rows,
    Vector,
    bad_parameters,
    not_a_model,
    not_fitted,
    refuse_unless,
    shares,
)

if TYPE_CHECKING:
    from sklearn.ensemble import RandomForestRegressor

KIND = "random_forest"
ZIP_SIGNATURE = b"PK\x03\x04"
ZIP_EPOCH = (1980, 1, 1, 0, 0, 0)
TRUSTED_TYPES = ("sklearn.tree._tree.Tree",)  # in addition to those that skops trusts
ADDRESS_KEY = "__id__"

DEFAULTS: Parameters = {
    "n_estimators": 100,
    "max_depth": 5,
    "min_samples_split": 50,
    "min_samples_leaf": 0.02,  # of all rows, that is a fifth of a tree's
    "max_features": 0.2,
    "max_samples": 0.1,
}


class RandomForest:
    """Depth 5, no split of fewer than 50 rows, each tree trained on a tenth of the rows."""

    suffix: ClassVar[str] = "skops"
    ranks: ClassVar[bool] = True
    learns: ClassVar[bool] = True
    uses_seed: ClassVar[bool] = True
    importance_by: ClassVar[str] = (
        "decrease in impurity in training"  # SHAP would traverse every tree in Python
    )
    required: tuple[str, ...] = ()

    def __init__(self, features: tuple[str, ...], parameters: Parameters, seed: int) -> None:
        self._features = features
        self._parameters = DEFAULTS | parameters
        self._seed = seed
        self._forest: RandomForestRegressor | None = None

    def fit(self, x: Rows, y: Vector, weights: Vector) -> None:
        from sklearn.ensemble import RandomForestRegressor

        # one thread also for prediction: with more, the order of summation varies
        fixed = {"n_jobs": THREADS, "random_state": self._seed}
        try:
            self._forest = RandomForestRegressor(**self._parameters, **fixed).fit(x, y, sample_weight=weights)
        except (TypeError, ValueError) as error:  # scikit-learn's ValueError names the parameter
            raise bad_parameters(KIND, error) from error

    def predict(self, x: Rows) -> Vector:
        if self._forest is None:
            raise not_fitted(KIND)
        return np.asarray(self._forest.predict(x), dtype=np.float64)

    def importance(self, x: Rows) -> Vector:
        del x  # importance was measured in training
        if self._forest is None:
            raise not_fitted(KIND)
        # not `feature_importances_`, which weights a tree that found little like one that found much
        trees = (each.tree_ for each in self._forest.estimators_)
        return shares(np.sum([tree.compute_feature_importances(normalize=False) for tree in trees], axis=0))

    def contributions(self, x: Rows) -> None:
        """Return None: SHAP would traverse every tree in Python."""

    def dump(self) -> bytes:
        import skops.io

        if self._forest is None:
            raise not_fitted(KIND)
        return without_addresses(skops.io.dumps(self._forest))

    def load(self, content: bytes) -> None:
        import skops.io
        from skops.io.exceptions import UntrustedTypesFoundException

        refuse_unless(content, ZIP_SIGNATURE, KIND)
        try:
            self._forest = skops.io.loads(content, trusted=list(TRUSTED_TYPES))
        except (UntrustedTypesFoundException, zipfile.BadZipFile, KeyError, TypeError, ValueError) as error:
            raise not_a_model(KIND, str(error).splitlines()[0]) from error


def without_addresses(archive: bytes) -> bytes:
    """Rewrite a skops archive so that equal forests give equal bytes.

    skops names its parts by memory address and stamps them with the time. The addresses are replaced by a running
    number, the times by a fixed date; the content of the parts stays.
    """
    with zipfile.ZipFile(io.BytesIO(archive)) as source:
        parts = {name: source.read(name) for name in source.namelist()}
    schema = parse_json(parts.pop("schema.json"))
    numbers: dict[str, str] = {}
    _renumber(schema, numbers)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as file:
        for name, content in sorted((_renamed(name, numbers), content) for name, content in parts.items()):
            file.writestr(zipfile.ZipInfo(name, ZIP_EPOCH), content, zipfile.ZIP_DEFLATED)
        text = json.dumps(schema, indent=1)
        file.writestr(zipfile.ZipInfo("schema.json", ZIP_EPOCH), text, zipfile.ZIP_DEFLATED)
    return target.getvalue()


def _renumber(node: Any, numbers: dict[str, str]) -> None:
    """Replace addresses in place, numbered in order of appearance."""
    if isinstance(node, list):
        for inside in node:
            _renumber(inside, numbers)
    if not isinstance(node, dict):
        return
    if isinstance(node.get(ADDRESS_KEY), int):
        node[ADDRESS_KEY] = int(numbers.setdefault(str(node[ADDRESS_KEY]), str(len(numbers) + 1)))
    if isinstance(node.get("file"), str):
        node["file"] = _renamed(node["file"], numbers)
    for key in node:
        _renumber(node[key], numbers)


def _renamed(part: str, numbers: dict[str, str]) -> str:
    address, dot, suffix = part.partition(".")
    return numbers.get(address, address) + dot + suffix
