"""Decide whether the week's choice replaces the champion in production.

A champion of a past week never replaces one trained on later prices; one that no longer earns its place live, or was
trained on another feature set, is not compared.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from math import isfinite

from tasks.core.errors import ModelError
from tasks.core.homes.home import Home
from tasks.models.kinds.registry import BASELINE
from tasks.models.registry.champion import refuse_unknown_optimizer
from tasks.models.registry.store import has_champion, read_production
from tasks.models.schema import Champion, Statistic
from tasks.selection.choice import PromotionLimits
from tasks.selection.live_verdict import stated_verdict
from tasks.selection.schema import CandidateResult, Choice, Rival, Training
from tasks.selection.statement import signed

log = logging.getLogger(__name__)

DAYS_TO_NEXT_WEEKLY = 7


@dataclass(frozen=True)
class Decision:
    """Whether the choice replaces the incumbent champion, and why."""

    promote: bool
    reason: str


def decide_promotion(
    training: Training, home: Home, limits: PromotionLimits
) -> tuple[Champion | None, Decision]:
    """Return the champion in production, if readable, and whether the week's choice replaces it."""
    incumbent, problem = _incumbent(home)
    if incumbent is not None and _is_from_this_training(incumbent, training):
        return incumbent, Decision(
            promote=True, reason=incumbent.selection_reason
        )  # a rerun: the same bytes again
    rival = incumbent
    if incumbent is not None and incumbent.feature_set != training.feature_set:
        rival, problem = (
            None,
            f"{incumbent.name} was trained on a different feature set from the current one.",
        )
    if incumbent is not None and incumbent.trained_through > training.trained_through:
        rival = None  # trained on later prices: not compared, and not replaced (`is_current` in promotion.py)
    live, anew = training.live, training.rival
    if rival is not None and live is not None and live.model == rival.name and not live.earns_its_place:
        rival, problem = None, f"{live.model} no longer earns its place: {stated_verdict(live)}."
    decision = compare_with_incumbent(
        training.choice,
        training.results,
        rival,
        session=training.session,
        limits=limits,
        statistic=training.statistic,
        rival=anew if anew and rival and anew.model_sha256 == rival.model_sha256 else None,
    )
    return incumbent, replace(decision, reason=f"{decision.reason} {problem}".rstrip())


def compare_with_incumbent(
    choice: Choice,
    results: Sequence[CandidateResult],
    incumbent: Champion | None,
    *,
    session: date,
    limits: PromotionLimits,
    statistic: Statistic,
    rival: Rival | None = None,
) -> Decision:
    """Return whether the choice replaces the champion in production; always if there is none.

    A champion recorded under another statistic than this week's is compared only if it was measured again (`rival`).
    """
    if incumbent is None:
        return Decision(promote=True, reason=_first(choice))
    if choice.result is None:
        return _without_candidate(choice, incumbent, session=session, limits=limits)
    if incumbent.name == choice.result.name:
        return Decision(promote=True, reason=f"{choice.reason} Retrained on all data known now.")
    if incumbent.kind == BASELINE:
        return Decision(promote=True, reason=f"{choice.reason} It replaces the baseline.")
    if incumbent.statistic != statistic:
        return _compare_anew(choice.result, choice.reason, incumbent, rival)
    return _compare_metrics(choice.result, choice.reason, results, incumbent)


def _first(choice: Choice) -> str:
    return f"{choice.reason} There was no champion to compare with." if choice.result else _baseline(choice)


def _baseline(choice: Choice) -> str:
    return f"{choice.reason} The equal-weight baseline is used, because an unconfirmed signal is worse than none."


def _without_candidate(
    choice: Choice, incumbent: Champion, *, session: date, limits: PromotionLimits
) -> Decision:
    if incumbent.kind == BASELINE:
        return Decision(promote=True, reason=_baseline(choice))
    age = (session - incumbent.selection_date).days
    if age + DAYS_TO_NEXT_WEEKLY > limits.max_age_days:
        return Decision(
            promote=True,
            reason=f"{_baseline(choice)} {incumbent.name} is {age} days old and would exceed its age limit of"
            f" {limits.max_age_days} days before the next week.",
        )
    return Decision(promote=False, reason=f"{choice.reason} {incumbent.name} stays ({age} days old).")


def _compare_metrics(
    best: CandidateResult, reason: str, results: Sequence[CandidateResult], incumbent: Champion
) -> Decision:
    """Compare neutral ICs: on the same folds if the incumbent was trained too, else with its recorded metrics."""
    same_folds = [result.choice["neutral_ic"] for result in results if result.name == incumbent.name]
    theirs = same_folds[0] if same_folds else incumbent.metrics.get("neutral_ic", float("nan"))
    ours = best.choice["neutral_ic"] if same_folds else best.confirmation["neutral_ic"]
    where = "both on the selection folds" if same_folds else "by its recorded metrics"
    return _better(best.name, ours, reason, incumbent.name, theirs, where)


def _compare_anew(best: CandidateResult, reason: str, incumbent: Champion, rival: Rival | None) -> Decision:
    if rival is None or rival.neutral_ic is None:
        measurable = (
            f"; {rival.sessions} sessions after its training are too few to measure it again" if rival else ""
        )
        return Decision(
            promote=True,
            reason=f"{reason} {incumbent.name} was recorded with a different statistic and is not"
            f" compared{measurable}.",
        )
    where = f"measured again on {rival.sessions} sessions after its training"
    return _better(best.name, rival.candidates[best.name], reason, incumbent.name, rival.neutral_ic, where)


def _better(name: str, ours: float, reason: str, incumbent: str, theirs: float, where: str) -> Decision:
    if not isfinite(theirs) or ours > theirs:
        return Decision(
            promote=True,
            reason=f"{reason} It beats {incumbent}: {signed(ours)} against {signed(theirs)}, {where}.",
        )
    return Decision(
        promote=False,
        reason=f"{name} ({signed(ours)}) is not better than {incumbent} ({signed(theirs)}, {where}), which stays.",
    )


def _is_from_this_training(incumbent: Champion, training: Training) -> bool:
    own = training.session, training.model.sha256, training.feature_set, training.optimizer
    theirs = (
        incumbent.selection_date,
        incumbent.model_sha256,
        incumbent.feature_set,
        incumbent.optimizer,
    )
    return theirs == own and incumbent.selection_reason.startswith(training.choice.reason)


def _incumbent(home: Home) -> tuple[Champion | None, str]:
    """Return the champion in production, or None and why it cannot be used."""
    if not has_champion(home):
        return None, ""
    try:
        found = read_production(home).metadata.champion
        refuse_unknown_optimizer(found)
    except ModelError as error:
        log.warning("%s", error)
        return None, f"The old champion could not be used: {error.what}"
    return found, ""
