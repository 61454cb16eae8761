"""Load the champion of a session; raise ModelError if it is too old or no longer reproduces its scores.

Parses only bytes whose hash `store` has checked.
"""

from dataclasses import dataclass
from datetime import date
from typing import get_args

import numpy as np

from config.section import OptimizerName
from tasks.core.errors import ModelError
from tasks.core.homes.home import Home
from tasks.core.ids import sha256_of_bytes
from tasks.core.versions.libraries import installed_versions
from tasks.features.registry import feature_set
from tasks.models.kinds.base import Model, Rows
from tasks.models.kinds.registry import BASELINE, make_model
from tasks.models.registry.metadata import TRAIN_AGAIN
from tasks.models.registry.store import Stored, read_production, read_versions
from tasks.models.schema import Champion, Probe
from tasks.models.training.fitted import Fitted

LIBRARIES = {
    "xgboost": ("xgboost-cpu", "xgboost"),
    "lightgbm": ("lightgbm",),
    "catboost": ("catboost",),
    "random_forest": ("scikit-learn", "skops"),
}
PROBE_ROWS = 16


@dataclass(frozen=True)
class LoadedChampion:
    """The champion of a session, ready to score; later promotions do not affect it."""

    champion: Champion
    fitted: Fitted
    notes: tuple[str, ...]


def load_champion(
    home: Home, *, session: date, features: tuple[str, ...], max_age_days: int
) -> LoadedChampion:
    """Return the champion in production; for a past session, the newest version trained on nothing later.

    Without such a version, the equal-weight baseline. Raises ModelError if the champion is older than `max_age_days`.
    """
    present, stored = _chosen(home, session, max_age_days)
    if stored is None:
        return _baseline(present.optimizer, session, features)
    champion = stored.metadata.champion
    scored_by = f"Scored by {champion.name}, selected on {champion.selection_date}"
    later = f"{scored_by}: the current champion was trained on later prices."
    return LoadedChampion(champion, parse(stored), () if champion == present else (later,))


def refuse_unusable_champion(home: Home, *, session: date, max_age_days: int) -> None:
    """Raise what `load_champion` would raise without market data: missing, damaged, too old, unknown optimizer."""
    _chosen(home, session, max_age_days)


def _chosen(home: Home, session: date, max_age_days: int) -> tuple[Champion, Stored | None]:
    """Return the champion in production, and the version that scores the session; None where the baseline does."""
    production = read_production(home)
    present = production.metadata.champion
    is_known = present.trained_through <= session
    stored = production if is_known else _newest_known_by(read_versions(home), session)
    refuse_unknown_optimizer(present if stored is None else stored.metadata.champion)
    if stored is not None:
        _refuse_old(stored.metadata.champion, session, max_age_days)
    return present, stored


def parse(stored: Stored) -> Fitted:
    """Parse checked bytes into a model. Raises ModelError if it does not reproduce its stored scores exactly."""
    metadata = stored.metadata
    model = make_model(metadata.champion.kind, metadata.features, metadata.parameters, seed=metadata.seed)
    model.load(stored.model)
    if probe_scores(model, probe_rows(metadata.probe)) != metadata.probe[1]:
        raise ModelError(
            f"The champion does not reproduce its scores: it was written with {_named(metadata.libraries)};"
            f" installed: {_named(library_versions(metadata.champion.kind))}.",
            remedy="Install the versions in requirements.lock, or run `afterclose weekly` to train a new champion.",
        )
    return Fitted(metadata.champion.kind, metadata.features, model)


def refuse_unknown_optimizer(champion: Champion) -> None:
    """Raise ModelError if the champion's portfolio was selected with an optimizer that this build does not have."""
    known = get_args(OptimizerName)
    if champion.optimizer not in known:
        raise ModelError(
            f"The champion {champion.name} was selected with the optimizer {str(champion.optimizer)[:40]!r}, which this"
            f" build does not have (only {', '.join(known)}).",
            remedy=f"Install the build that has it, or restore production/ from a backup. {TRAIN_AGAIN}",
        )


def make_probe(model: Model, x: Rows) -> Probe:
    """Return a few evenly spaced training rows with their scores by the model."""
    chosen = x[np.linspace(0, len(x) - 1, PROBE_ROWS).astype(np.intp)] if len(x) else x
    rows = tuple(tuple(None if np.isnan(value) else float(value) for value in row) for row in chosen)
    return rows, probe_scores(model, np.ascontiguousarray(chosen))


def probe_rows(probe: Probe) -> Rows:
    """Return the rows of a probe as input of a model."""
    return np.array(
        [[np.nan if value is None else value for value in row] for row in probe[0]], dtype=np.float32
    )


def probe_scores(model: Model, x: Rows) -> tuple[float | None, ...]:
    """Return the model's scores; None for NaN."""
    if not len(x):
        return ()
    return tuple(None if np.isnan(score) else float(score) for score in model.predict(x))


def library_versions(kind: str) -> dict[str, str]:
    """Return the installed versions of the libraries of a kind."""
    return installed_versions(LIBRARIES.get(kind, ()))


def _newest_known_by(versions: list[Stored], session: date) -> Stored | None:
    early = [stored for stored in versions if stored.metadata.champion.trained_through <= session]
    # of equal dates the last one, which replaced the other
    return max(reversed(early), key=lambda stored: stored.metadata.champion.trained_through, default=None)


def _baseline(optimizer: str, session: date, features: tuple[str, ...]) -> LoadedChampion:
    """Return the baseline, for a session before any champion was trained."""
    model = make_model(BASELINE, features, {}, seed=0)
    reason = (
        "Every champion was trained on later prices, so the equal-weight baseline is used."
        f" `afterclose weekly --date {session}` trains a champion for that date."
    )
    champion = Champion(
        name=BASELINE,
        kind=BASELINE,
        optimizer=optimizer,
        model_sha256=sha256_of_bytes(model.dump()),
        feature_set=feature_set(features),
        trained_through=session,
        selection_date=session,
        selection_reason=reason,
        weighted_score=0.0,
        metrics={},
        ranks=model.ranks,
    )
    return LoadedChampion(champion, Fitted(BASELINE, features, model), (reason,))


def _refuse_old(champion: Champion, session: date, max_age_days: int) -> None:
    age = (session - champion.selection_date).days
    if age > max_age_days:
        raise ModelError(
            f"The champion {champion.name} was selected on {champion.selection_date}, {age} days before {session};"
            f" models.max_age_days is {max_age_days}.",
            remedy=f"Run `afterclose weekly --date {session}` to train a new one.",
            age_days=age,
        )


def _named(libraries: dict[str, str]) -> str:
    return ", ".join(f"{name} {version}" for name, version in sorted(libraries.items())) or "no library"
