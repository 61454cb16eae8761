"""Select the candidate of a weekly run without selection bias.

Earlier folds select, later ones confirm: the reported metrics come from sessions that had no part in the selection. A
candidate that fails to confirm is not replaced by the next best, which would be a selection on those sessions.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from tasks.models.kinds.registry import YARDSTICK
from tasks.models.skill import deflated_words
from tasks.selection.schema import CandidateResult, Choice, Deflation
from tasks.selection.statement import NOTHING_FOUND, signed, signed_ratio, stated

NEAR_TIE = (
    1.0  # in t: about the standard deviation of the difference between two learners on the selection folds
)


@dataclass(frozen=True)
class PromotionLimits:
    """Requirements on a champion."""

    min_t_statistic: float
    max_train_test_gap: float
    max_age_days: int
    min_deflated_sharpe: float


def select_candidate(
    results: Sequence[CandidateResult], limits: PromotionLimits, *, preferred: str | None = None
) -> Choice:
    """Return the candidate that is best on the selection folds, by t, if the confirmation folds confirm it.

    By t, so that a candidate that is good by chance does not block a significant one. `results` in configured order; of
    learners with nearly equal t, the preferred one or else the first is selected. Without a candidate, `Choice.result`
    is None.
    """
    single = next((result for result in results if result.kind == YARDSTICK), None)
    best = best_on_selection_folds(results, limits, preferred=preferred)
    if best is None:
        reasons = "; ".join(
            f"{result.name} {ineligible_because(result)}" for result in results if result.ranks
        )
        return Choice(
            None,
            f"{NOTHING_FOUND}: no candidate is eligible: {reasons or 'no candidate that ranks names was trained'}."
            f"{_closest(results, limits)}",
        )
    measured = (
        f"{best.name} was selected on the selection folds (t = {signed_ratio(best.choice['neutral_ic_t'])});"
        f" on the confirmation folds its neutral IC is {stated(best.confirmation, limits.min_t_statistic)}"
    )
    if problem := _unconfirmed(best, limits):
        return Choice(None, f"{NOTHING_FOUND}. {measured}{problem}.")
    if single is None or not best.learns:
        return Choice(best, f"{measured}.")
    there = f"t = {signed_ratio(single.confirmation['neutral_ic_t'])} of the best single feature there"
    if not best.confirmation["neutral_ic_t"] > single.confirmation["neutral_ic_t"]:
        return Choice(
            None,
            f"{best.name} is not better than the best single feature: {measured}, which does not exceed {there}.",
        )
    return Choice(best, f"{measured}. It exceeds {there}.")


def require_deflated(choice: Choice, deflation: Deflation, limits: PromotionLimits) -> Choice:
    """Return the choice, or none if its deflated Sharpe ratio is below the limit."""
    if choice.result is None:
        return choice
    found = deflation.evidence
    limit = f"models.min_deflated_sharpe is {limits.min_deflated_sharpe:g}"
    if found is None:
        if limits.min_deflated_sharpe <= 0:
            return choice
        return Choice(None, f"{NOTHING_FOUND}. {choice.reason} It has too few sessions of returns; {limit}.")
    stated = deflated_words(
        found.sharpe, found.sessions, deflation.trials, deflation.effective, found.deflated
    )
    if found.deflated >= limits.min_deflated_sharpe:
        return Choice(choice.result, f"{choice.reason} {stated}.")
    return Choice(None, f"{NOTHING_FOUND}. {choice.reason} {stated}; {limit}.")


def best_on_selection_folds(
    results: Sequence[CandidateResult], limits: PromotionLimits, *, preferred: str | None = None
) -> CandidateResult | None:
    """Return the eligible candidate with the best result: a learner or a significant single feature.

    The learner is `preferred` if that is one of `nearly_best`, otherwise the first of those. A significant single
    feature is returned instead if its t exceeds that of every learner. Rules and non-significant single features are
    considered only if neither exists. None if no candidate is eligible. The factor returns of rules average near zero
    but are large and persistent, so by chance the best rule would often beat every learner.
    """
    best = nearly_best(results, limits)
    return next((each for each in best if each.name == preferred), best[0] if best else None)


def nearly_best(results: Sequence[CandidateResult], limits: PromotionLimits) -> list[CandidateResult]:
    """Return the eligible learners that the selection folds cannot tell from the best one, in order of preference.

    Only one where that is a single feature or a rule; none without an eligible candidate.
    """
    eligible = [result for result in results if not ineligible_because(result)]
    learners = [result for result in eligible if result.learns]
    single = [
        each for each in eligible if each.kind == YARDSTICK and _choice_t(each) >= limits.min_t_statistic
    ]
    best = max([*learners, *single] or eligible, key=_choice_t, default=None)
    if best in learners:
        return near_ties(learners)
    return [best] if best else []


def near_ties(learners: Sequence[CandidateResult]) -> list[CandidateResult]:
    """Return those whose t on the selection folds is within `NEAR_TIE` of the largest, in their order."""
    largest = max(map(_choice_t, learners))
    return [each for each in learners if _choice_t(each) >= largest - NEAR_TIE]


def runner_up(
    results: Sequence[CandidateResult], selected: CandidateResult | None, limits: PromotionLimits
) -> CandidateResult | None:
    """Return the candidate that the selection folds would select if the selected one were not there."""
    return best_on_selection_folds([each for each in results if each != selected], limits)


def _choice_t(result: CandidateResult) -> float:
    return result.choice["neutral_ic_t"]


def ineligible_because(result: CandidateResult) -> str:
    """Return why a candidate is not eligible, by its selection folds alone; empty if it is."""
    if not result.ranks:
        return "does not rank"
    if not _finite(result.choice):
        return "has a metric that is not a number"
    if result.choice["neutral_ic"] <= 0:
        return f"has no positive neutral IC on the selection folds ({signed(result.choice['neutral_ic'])})"
    return ""


def _unconfirmed(result: CandidateResult, limits: PromotionLimits) -> str:
    """Return why the confirmation folds do not confirm a candidate; empty if they do."""
    if not result.confirmation["neutral_ic_t"] >= limits.min_t_statistic:
        return f": the required t is {limits.min_t_statistic:g}"
    if not (_finite(result.confirmation) and isfinite(result.train_test_gap)):
        return ", but another metric there is not a number"
    over = _overfitted(result.train_test_gap, limits)
    return f", but over all folds it {over}" if over else ""


def _finite(metrics: Mapping[str, float]) -> bool:
    return all(isfinite(figure) for figure in metrics.values())


def _overfitted(gap: float, limits: PromotionLimits) -> str:
    """Return by how much a gap is too large; empty if it is not."""
    if gap <= limits.max_train_test_gap:
        return ""
    return (
        f"does {100 * gap:.1f} points better in training than in the test"
        f" (limit {100 * limits.max_train_test_gap:g})"
    )


def _closest(results: Sequence[CandidateResult], limits: PromotionLimits) -> str:
    """Return the figures of the candidate with the best t on the selection folds, as a measure of the test's power."""
    measured = [
        result
        for result in results
        if result.ranks
        and isfinite(result.choice["neutral_ic_t"])
        and isfinite(result.confirmation["neutral_ic_t"])
    ]
    if not measured:
        return ""
    best = max(measured, key=lambda result: result.choice["neutral_ic_t"])
    return f" On the later folds {best.name} has a neutral IC of {stated(best.confirmation, limits.min_t_statistic)}."
