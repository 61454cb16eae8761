"""Render the weekly selection as a table and a Markdown page. The same training gives the same bytes."""

from collections.abc import Sequence

import pandas as pd

from tasks.core.text import counted
from tasks.models.kinds.registry import KINDS
from tasks.models.schema import Champion
from tasks.models.training.feature_checks import DEAD, DUPLICATE, KEEP, SUSPECT
from tasks.selection.schema import CandidateResult, Training

LEGEND = (
    "Rank IC: mean rank correlation of score and forward return within a session. t: over sessions whose returns do"
    " not overlap. Spread: forward return of the best fifth less that of the worst. Gap: how many points more often"
    " a name was on the right side of the median in training than in the test."
)
FEATURE_COLUMNS, MOST_FEATURES = ("feature", "importance", "rank_ic", "rank_ic_t", "recommendation"), 10
SCOPES = ("choice", "confirmation", "overall")


def comparison(results: Sequence[CandidateResult]) -> pd.DataFrame:
    """Return one row per candidate and scope with every metric."""
    return pd.DataFrame(
        [
            {"candidate": result.name, "kind": result.kind, "scope": scope}
            | getattr(result, scope)
            | {"train_test_gap": result.train_test_gap}
            for result in results
            for scope in SCOPES
        ],
        columns=None if results else ["candidate", "kind", "scope"],
    )


def page(training: Training, champion: Champion, checks: pd.DataFrame, *, promoted: bool, reason: str) -> str:
    """Return the report as Markdown; `checks` as `check_features` returns them."""
    heading = "is the new champion" if promoted else "stays champion"
    lines = [
        f"# Model selection, {training.session}",
        "",
        f"**{champion.name}** {heading}. {reason}",
        "",
        f"Data snapshot `{training.snapshot[:12]}`, feature set `{training.feature_set[:12]}`.",
        f"Trained on prices up to {training.trained_through}.",
        "",
        "## Candidates on the confirming folds",
        "These sessions took no part in the choice.",
        "",
        *_table(training.results, "confirmation"),
        "",
        "## Candidates on the choosing folds",
        "",
        *_table(training.results, "choice"),
        "",
        LEGEND,
        "",
        f"## Features of {training.candidate.name}",
        "",
        *_features(checks, KINDS[training.candidate.kind].importance_by),
        "",
    ]
    return "\n".join(lines)


def _features(checks: pd.DataFrame, importance_by: str) -> list[str]:
    """Return the findings and the most important features; feature_checks.csv has the whole table."""
    recommendation = checks["recommendation"]
    dead, suspect = (list(checks["feature"][recommendation == what]) for what in (DEAD, SUSPECT))
    duplicates = checks[recommendation.str.startswith(DUPLICATE)]
    groups = [inside for number, inside in checks.groupby("group") if number]
    ranked = checks.dropna(subset="importance").nsmallest(MOST_FEATURES, "importance_rank")
    count = (
        f"{counted(len(checks), 'feature')}. Dead: {len(dead)}. Near-duplicates: {len(duplicates)}."
        f" May know the future: {len(suspect)}. `feature_checks.csv` has them all."
    )
    lines = [
        count,
        "",
        *[f"- **May know the future**: {name}" for name in suspect],
        *[f"- Dead: {name}" for name in dead],
        *[
            f"- Correlated: {_named(each)}; keep {_named(each[each['recommendation'] == KEEP])}"
            for each in groups
        ],
        *([""] if suspect or dead or groups else []),
    ]
    if ranked.empty:
        return [*lines, "A rule is not trained on features: there is no importance."]
    return [
        *lines,
        f"The most important, by {importance_by}:",
        "",
        "| feature | importance | rank IC alone | t | |",
        "|---" * 5 + "|",
        *[
            f"| {name} | {100 * importance:.1f}% | {rank_ic:.4f} | {t:.2f} | {what} |"
            for name, importance, rank_ic, t, what in ranked[list(FEATURE_COLUMNS)].to_numpy(dtype=object)
        ],
    ]


def _named(features: pd.DataFrame) -> str:
    return ", ".join(features["feature"]) or "none"


def _table(results: Sequence[CandidateResult], scope: str) -> list[str]:
    rows = [
        "| candidate | rank IC | t | ICIR | hit rate | spread | monotonicity | gap | sessions |",
        "|---" * 9 + "|",
    ]
    for result in results:
        figures = getattr(result, scope)
        rows.append(
            f"| {result.name} | {figures['rank_ic']:.4f} | {figures['rank_ic_t']:.2f} | {figures['icir']:.3f}"
            f" | {100 * figures['hit_rate']:.1f}% | {100 * figures['quantile_spread']:.2f}%"
            f" | {figures['monotonicity']:.2f} | {100 * result.train_test_gap:.1f} | {figures['sessions']:.0f} |"
        )
    return rows if results else ["No candidate was trained."]
