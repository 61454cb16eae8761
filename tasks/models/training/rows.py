"""Build the rows that candidates are trained and tested on from a panel, its features and the settings."""

from config.sections import Models as ModelSettings
from tasks.core.sessions import session_number
from tasks.data.schema.records import Panel
from tasks.features.labels import Labels, forward_return, sessions_known_after
from tasks.features.schema import FeatureMatrix
from tasks.models.training.dataset import Dataset, make_dataset
from tasks.models.training.targets import make_target
from tasks.models.training.walkforward import Window, sampled_sessions


def rows_of(panel: Panel, features: FeatureMatrix, settings: ModelSettings) -> Dataset:
    """Return the rows for training: of every n-th session, n the shortest horizon, with complete labels."""
    last = len(panel.sessions) - 1 - label_sessions(settings)
    every = min(settings.label_horizons)
    sessions = sampled_sessions(0, last, every=every, origin=origin_of(panel))
    target = make_target(settings.target, panel, settings.label_horizons, settings.entry, sessions)
    forward = forward_of(panel, settings)
    return make_dataset(features, target, forward.values, panel.is_member, sessions)


def forward_of(panel: Panel, settings: ModelSettings) -> Labels:
    """Return the forward returns over the shortest horizon, which scores are compared with."""
    return forward_return(panel, sessions=min(settings.label_horizons), entry=settings.entry)


def origin_of(panel: Panel) -> int:
    """Return the number of the panel's first session in the exchange's calendar."""
    return session_number(panel.sessions[0].item())


def label_sessions(settings: ModelSettings) -> int:
    """Return how many sessions after a decision all of its labels are known."""
    return sessions_known_after(max(settings.label_horizons), settings.entry)


def window_of(settings: ModelSettings) -> Window:
    """Return the lengths of the walk-forward windows."""
    return Window(
        train=settings.train_sessions,
        least_train=settings.min_train_sessions,
        test=settings.test_sessions,
        folds=settings.folds,
        embargo=settings.embargo_sessions,
    )
