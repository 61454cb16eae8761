"""The kinds of model by their name in the settings. Adding one takes a class and one line here or in `learners`."""

from tasks.core.errors import ConfigError
from tasks.models.kinds.base import Model, Parameters
from tasks.models.kinds.best_feature import BestFeature
from tasks.models.kinds.learners import LEARNERS
from tasks.models.kinds.rank_blend import RankBlend
from tasks.models.kinds.rules import EqualWeight, Momentum52Week
from tasks.models.kinds.stacked_blend import StackedBlend

KINDS: dict[str, type[Model]] = {
    **LEARNERS,
    "rank_blend": RankBlend,
    "stacked_blend": StackedBlend,
    "momentum_52_week": Momentum52Week,
    "best_feature": BestFeature,
    "equal_weight": EqualWeight,
}

BASELINE = "equal_weight"
YARDSTICK = "best_feature"  # a learner must beat it


def make_model(kind: str, features: tuple[str, ...], parameters: Parameters, *, seed: int) -> Model:
    """Return an unfitted model of the kind."""
    if kind not in KINDS:
        raise ConfigError(
            f"Unknown kind of model: {kind!r}.",
            remedy=f"Use one of {', '.join(sorted(KINDS))} in models.candidates.",
            key="models.candidates",
        )
    return KINDS[kind](features, parameters, seed)
