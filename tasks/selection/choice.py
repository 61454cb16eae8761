"""Select the candidate of the week and compare it with the champion in production, without selection bias.

Earlier folds select, later ones confirm: the reported metrics come from sessions that had no part in the selection. A
candidate that fails to confirm is not replaced by the next best, which would be a selection on those sessions.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from math import isfinite

from tasks.models.kinds.registry import BASELINE
from tasks.models.schema import Champion
from tasks.selection.schema import CandidateResult, Choice

DAYS_TO_NEXT_WEEKLY = 7


@dataclass(frozen=True)
class PromotionLimits:
    """Requirements on a champion."""

    min_t_statistic: float
    max_train_test_gap: float
    max_age_days: int


@dataclass(frozen=True)
class Decision:
    """Whether the choice replaces the incumbent champion, and why."""

    promote: bool
    reason: str


def select_candidate(results: Sequence[CandidateResult], limits: PromotionLimits) -> Choice:
    """Return the candidate with the best rank IC on the choosing folds, if the confirming folds confirm it.

    `results` in configured order; the first of equals is selected. Without a candidate, `Choice.result` is None.
    """
    eligible = [result for result in results if not ineligible_because(result, limits)]
    if not eligible:
        reasons = "; ".join(
            f"{result.name} {ineligible_because(result, limits)}" for result in results if result.ranks
        )
        return Choice(None, f"No candidate is eligible: {reasons or 'none was trained that ranks'}.")
    best = max(eligible, key=lambda result: result.choice["rank_ic"])
    measured = _measured(best)
    if not best.confirmation["rank_ic_t"] >= limits.min_t_statistic:
        return Choice(
            None,
            f"{best.name} was best on the choosing folds, but {measured}: below the required"
            f" {limits.min_t_statistic:g}.",
        )
    return Choice(best, f"{best.name} was best on the choosing folds; on later ones {measured}.")


def ineligible_because(result: CandidateResult, limits: PromotionLimits) -> str:
    """Return why a candidate is not eligible; empty if it is."""
    if not result.ranks:
        return "does not rank"
    figures = (*result.choice.values(), *result.confirmation.values(), result.train_test_gap)
    if not all(isfinite(figure) for figure in figures):
        return "has a metric that is not a number"
    if result.choice["rank_ic"] <= 0:
        return f"has no positive rank IC on the choosing folds ({result.choice['rank_ic']:.4f})"
    if result.train_test_gap > limits.max_train_test_gap:
        return (
            f"does {100 * result.train_test_gap:.1f} points better in training than in the test"
            f" (limit {100 * limits.max_train_test_gap:g})"
        )
    return ""


def compare_with_incumbent(
    choice: Choice,
    results: Sequence[CandidateResult],
    incumbent: Champion | None,
    *,
    session: date,
    limits: PromotionLimits,
) -> Decision:
    """Return whether the choice replaces the champion in production; always if there is none."""
    if incumbent is None:
        return Decision(promote=True, reason=_first(choice))
    if choice.result is None:
        return _without_candidate(choice, incumbent, session=session, limits=limits)
    if incumbent.name == choice.result.name:
        return Decision(promote=True, reason=f"{choice.reason} Trained again on what is known now.")
    if incumbent.kind == BASELINE:
        return Decision(promote=True, reason=f"{choice.reason} It takes the place of the baseline.")
    return _compare_metrics(choice.result, choice.reason, results, incumbent)


def _first(choice: Choice) -> str:
    return f"{choice.reason} There was no champion to compare with." if choice.result else _baseline(choice)


def _baseline(choice: Choice) -> str:
    return f"{choice.reason} The equal-weight baseline stands in: no signal rather than one nobody could confirm."


def _without_candidate(
    choice: Choice, incumbent: Champion, *, session: date, limits: PromotionLimits
) -> Decision:
    if incumbent.kind == BASELINE:
        return Decision(promote=True, reason=_baseline(choice))
    age = (session - incumbent.selection_date).days
    if age + DAYS_TO_NEXT_WEEKLY > limits.max_age_days:
        return Decision(
            promote=True,
            reason=f"{_baseline(choice)} {incumbent.name} is {age} days old and would outlive its limit of"
            f" {limits.max_age_days} before the next week.",
        )
    return Decision(promote=False, reason=f"{choice.reason} {incumbent.name} stays ({age} days old).")


def _compare_metrics(
    best: CandidateResult, reason: str, results: Sequence[CandidateResult], incumbent: Champion
) -> Decision:
    """Compare rank ICs: on the same folds if the incumbent was trained too, else with its recorded metrics."""
    same_folds = [result.choice["rank_ic"] for result in results if result.name == incumbent.name]
    theirs = same_folds[0] if same_folds else incumbent.metrics.get("rank_ic", float("nan"))
    ours = best.choice["rank_ic"] if same_folds else best.confirmation["rank_ic"]
    where = "on the same folds" if same_folds else "by its record"
    if not isfinite(theirs) or ours > theirs:
        return Decision(promote=True, reason=f"{reason} It beats {incumbent.name}, {theirs:.4f} {where}.")
    return Decision(
        promote=False,
        reason=f"{best.name} ({ours:.4f}) is not better than {incumbent.name} ({theirs:.4f} {where}), which stays.",
    )


def _measured(result: CandidateResult) -> str:
    figures = result.confirmation
    return f"its rank IC is {figures['rank_ic']:.4f} with t = {figures['rank_ic_t']:.2f}"
