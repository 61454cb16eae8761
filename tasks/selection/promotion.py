"""Put a decision into production: describe the new champion, keep it as a version, make it the one that scores.

A champion of a past week never takes the place of one that knows later prices; it is kept as a version for its time.
"""

import logging
from dataclasses import replace
from datetime import date

from tasks.core.errors import ModelError
from tasks.core.homes.home import Home
from tasks.models.kinds.registry import KINDS
from tasks.models.registry.champion import library_versions
from tasks.models.registry.metadata import Metadata
from tasks.models.registry.store import (
    has_champion,
    promote_version,
    prune_versions,
    read_production,
    write_version,
)
from tasks.models.schema import Champion
from tasks.selection.choice import Decision, Limits, decide
from tasks.selection.schema import CandidateResult, Training

log = logging.getLogger(__name__)

REPORTED = (
    "rank_ic",
    "rank_ic_t",
    "ic",
    "icir",
    "hit_rate",
    "quantile_spread",
    "monotonicity",
)
UNMEASURED = dict.fromkeys((*REPORTED, "train_test_gap"), 0.0) | {
    "hit_rate": 0.5
}  # the baseline's, by design


def describe(training: Training, *, optimizer: str) -> Metadata:
    """Return what will stand beside the champion's bytes. Its figures come from the confirming folds alone."""
    candidate, result = training.candidate, training.choice.result
    champion = Champion(
        name=candidate.name,
        kind=candidate.kind,
        optimizer=optimizer,
        model_sha256=training.model.sha256,
        feature_set=training.feature_set,
        trained_through=training.trained_through,
        selection_date=training.session,
        selection_reason=training.choice.reason,
        weighted_score=result.choice["rank_ic"] if result else 0.0,
        metrics=_figures(result) if result else UNMEASURED,
        ranks=KINDS[candidate.kind].ranks,
    )
    return Metadata(
        champion=champion,
        suffix=KINDS[candidate.kind].suffix,
        features=training.features,
        parameters=candidate.parameters,
        seed=training.seed,
        snapshot=training.snapshot,
        libraries=library_versions(candidate.kind),
        probe=training.probe,
    )


def judge(training: Training, home: Home, limits: Limits) -> tuple[Champion | None, Decision]:
    """Return the champion in production, if it can be read, and whether the week's choice takes its place."""
    incumbent, trouble = _incumbent(home)
    if incumbent is not None and _is_of_this_training(incumbent, training):
        return incumbent, Decision(
            promote=True, reason=incumbent.selection_reason
        )  # a rerun: the same bytes again
    rival = incumbent
    if incumbent is not None and incumbent.feature_set != training.feature_set:
        rival, trouble = None, f"{incumbent.name} was trained on other features than there are now."
    if incumbent is not None and incumbent.trained_through > training.trained_through:
        rival = None  # what it knows lies ahead of this week: no rival, and not replaced either
    decision = decide(training.choice, training.results, rival, session=training.session, limits=limits)
    return incumbent, replace(decision, reason=f"{decision.reason} {trouble}".rstrip())


def install(home: Home, metadata: Metadata, model: bytes, incumbent: Champion | None) -> bool:
    """Keep the version, and make it production's unless that one knows later prices. Return whether it is."""
    version = write_version(home, metadata, model)
    goes_live = incumbent is None or incumbent.trained_through <= metadata.champion.trained_through
    if goes_live:
        promote_version(home, version)
    prune_versions(home)
    return goes_live


def kept_for_its_time(incumbent: Champion, session: date) -> str:
    """Say why a champion of a past week is not in production."""
    return (
        f"It is kept for sessions from {session} on; production stays with {incumbent.name},"
        f" which has seen prices up to {incumbent.trained_through}."
    )


def _figures(result: CandidateResult) -> dict[str, float]:
    return {name: result.confirmation[name] for name in REPORTED} | {"train_test_gap": result.train_test_gap}


def _is_of_this_training(incumbent: Champion, training: Training) -> bool:
    return (incumbent.selection_date, incumbent.model_sha256, incumbent.feature_set) == (
        training.session,
        training.model.sha256,
        training.feature_set,
    ) and incumbent.selection_reason.startswith(training.choice.reason)


def _incumbent(home: Home) -> tuple[Champion | None, str]:
    """Return the champion in production, or why there is none that counts."""
    if not has_champion(home):
        return None, ""
    try:
        return read_production(home).metadata.champion, ""
    except ModelError as error:
        log.warning("%s", error)
        return None, f"The old champion could not be read: {error.what}"
