"""Promote a champion: describe it, store it as a version, put it into production.

A champion of a past week never replaces one trained on later prices; it is stored as a version for its time.
"""

import logging
from dataclasses import replace
from datetime import date

from tasks.core.homes.home import Home
from tasks.models.kinds.registry import KINDS
from tasks.models.registry.champion import library_versions
from tasks.models.registry.metadata import Metadata
from tasks.models.registry.store import (
    clear_challenger,
    promote_version,
    prune_versions,
    write_challenger,
    write_version,
)
from tasks.models.schema import Champion
from tasks.selection.net.statement import net_figures_of
from tasks.selection.schema import CandidateResult, Choice, Training
from tasks.selection.statement import bounds, signed_ratio
from tasks.selection.trials.statement import trial_figures

log = logging.getLogger(__name__)

REPORTED = (
    "neutral_ic",
    "neutral_ic_se",
    "neutral_ic_t",
    "rank_ic",
    "rank_ic_se",
    "rank_ic_t",
    "ic",
    "icir",
    "hit_rate",
    "quantile_spread",
    "monotonicity",
    "sessions",
)
BOUNDS = ("neutral_ic_low", "neutral_ic_high", "detectable_ic")
UNMEASURED = dict.fromkeys((*REPORTED, *BOUNDS, "train_test_gap"), 0.0) | {
    "hit_rate": 0.5
}  # of the baseline, by definition


def describe(training: Training, *, optimizer: str, min_t: float) -> Metadata:
    """Return the metadata of the trained candidate. Its metrics come from the confirmation folds only."""
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
        weighted_score=training.net.candidate.score if training.net and result else 0.0,
        metrics=(_figures(result, min_t) if result else UNMEASURED)
        | trial_figures(training.deflation)
        | net_figures_of(training.net if result else None),
        ranks=KINDS[candidate.kind].ranks,
        statistic=training.statistic if result else None,
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
        baseline=training.baseline,
    )


def install(home: Home, metadata: Metadata, model: bytes, incumbent: Champion | None) -> bool:
    """Store the version; promote it unless the incumbent was trained on later prices. Return whether it was."""
    version = write_version(home, metadata, model)
    goes_live = is_current(incumbent, metadata.champion.trained_through)
    if goes_live:
        promote_version(home, version)
    prune_versions(home)
    return goes_live


def challenger_of(training: Training, *, promoted: bool) -> Training | None:
    """Return the week's challenger as a training of its own: the best candidate that is not the champion.

    The selected candidate, if the incumbent stays; else the runner-up. None if no other candidate is eligible.
    """
    if training.choice.result is not None and not promoted:
        return training
    second = training.runner_up
    if second is None:
        return None
    t = second.result.choice["neutral_ic_t"]
    return replace(
        training,
        candidate=second.candidate,
        choice=Choice(second.result, f"It was the runner-up on the selection folds (t = {signed_ratio(t)})."),
        deflation=replace(training.deflation, evidence=None),  # which is that of the best candidate
        net=None,  # so is its portfolio
        model=second.model,
        seed=second.seed,
        probe=second.probe,
        baseline=None,
    )


def install_challenger(home: Home, challenger: tuple[Metadata, bytes] | None) -> None:
    """Replace the challenger; without one, remove that of an earlier week."""
    if challenger is None:
        clear_challenger(home)
    else:
        write_challenger(home, *challenger)


def is_current(incumbent: Champion | None, trained_through: date) -> bool:
    """Return whether a week's models may go into production: the champion there knows no later prices."""
    return incumbent is None or incumbent.trained_through <= trained_through


def why_not_in_production(incumbent: Champion, session: date) -> str:
    """Return why a champion of a past week is not in production."""
    return (
        f"The champion of this week is retained for sessions from {session} on; production stays with {incumbent.name},"
        f" which was trained on prices up to {incumbent.trained_through}."
    )


def _figures(result: CandidateResult, min_t: float) -> dict[str, float]:
    figures = result.confirmation
    return (
        {name: figures[name] for name in REPORTED}
        | bounds(figures, min_t)
        | {"train_test_gap": result.train_test_gap}
    )
