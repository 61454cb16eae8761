"""The kinds of model that learn from many features, by name in the settings. Blend members must be of these kinds."""

from tasks.models.kinds.base import Model
from tasks.models.kinds.catboost_trees import CatboostTrees
from tasks.models.kinds.forest import RandomForest
from tasks.models.kinds.lightgbm_trees import LightgbmTrees
from tasks.models.kinds.quadratic_ridge import QuadraticRidge
from tasks.models.kinds.xgboost_trees import XgboostTrees

LEARNERS: dict[str, type[Model]] = {
    "xgboost": XgboostTrees,
    "lightgbm": LightgbmTrees,
    "catboost": CatboostTrees,
    "random_forest": RandomForest,
    "quadratic_ridge": QuadraticRidge,
}
