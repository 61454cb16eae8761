"""Render the weekly selection as a table and a Markdown page. The same training gives the same bytes."""

from collections.abc import Sequence

import pandas as pd

from tasks.core.text import counted
from tasks.data.panel.coverage import Coverage
from tasks.models.kinds.registry import KINDS
from tasks.models.schema import Champion, Statistic
from tasks.models.training.feature_checks import DEAD, DUPLICATE, KEEP, SUSPECT
from tasks.selection.choice import PromotionLimits
from tasks.selection.diversity import diversity_section
from tasks.selection.gates import gates_section, placebo_section
from tasks.selection.live_verdict import live_section
from tasks.selection.net.statement import net_section, pairs_section
from tasks.selection.paths.statement import paths_section
from tasks.selection.schema import CandidateResult, Training
from tasks.selection.stability.statement import stability_section
from tasks.selection.statement import bounds, named, signed, signed_ratio
from tasks.selection.trials.statement import trials_section
from tasks.selection.yearly import years_section

LEGEND = (
    "Neutral IC: mean correlation, within a session, of score ranks and return ranks after both were residualized on"
    " the controls; t, CI and minimum detectable IC allow for overlapping returns. Minimum detectable IC: the smallest"
    " measured neutral IC whose t reaches min_t_statistic. Rank IC: the same without controls. Spread: forward return"
    " of the top quintile minus that of the bottom one. Gap: how many points more often a name was on the right side of"
    " the median in training than in the test."
)
COLUMNS = (
    *("neutral IC", "95% CI", "t", "minimum detectable IC", "rank IC", "ICIR"),
    *("hit rate", "spread", "monotonicity", "gap", "sessions"),
)
FEATURE_COLUMNS, MOST_FEATURES = ("feature", "importance", "rank_ic", "rank_ic_t", "recommendation"), 10
SCOPES = ("choice", "confirmation", "overall")


def comparison(training: Training, min_t: float) -> pd.DataFrame:
    """Return one row per candidate and scope with every metric, the interval, and the method of measurement."""
    statistic = training.statistic
    measured_with = {
        "entry": statistic.entry,
        "horizon_sessions": statistic.horizon_sessions,
        "controls": " ".join(statistic.controls),
    }
    return pd.DataFrame(
        [
            {"candidate": result.name, "kind": result.kind, "scope": scope}
            | getattr(result, scope)
            | bounds(getattr(result, scope), min_t)
            | {"train_test_gap": result.train_test_gap}
            | measured_with
            for result in training.results
            for scope in SCOPES
        ],
        columns=None if training.results else ["candidate", "kind", "scope"],
    )


def page(
    training: Training,
    champion: Champion,
    challenger: Champion | None,
    checks: pd.DataFrame,
    ics: pd.DataFrame,
    *,
    limits: PromotionLimits,
    promoted: bool,
    reason: str,
) -> str:
    """Return the report as Markdown; `checks` as `check_features` returns them, `ics` as `session_ics` does."""
    min_t = limits.min_t_statistic
    heading = "is promoted" if promoted else "stays champion"
    lines = [
        f"# Model selection, {training.session}",
        "",
        f"**{champion.name}** {heading}. {reason}",
        "",
        *_challenger(challenger),
        f"Data snapshot `{training.snapshot[:12]}`, feature set `{training.feature_set[:12]}`.",
        f"Trained on prices up to {training.trained_through}.",
        _measured_with(training.statistic),
        *_covered(training.coverage),
        "",
        "## Gates",
        "",
        *gates_section(training.gates, training.examined),
        "",
        *live_section(training.live),
        *placebo_section(training.placebo),
        "## Portfolio after costs",
        "",
        *net_section(training.net, training.examined or ""),
        "",
        "## Models and optimizers",
        "",
        *pairs_section(training.pairs),
        "",
        "## Cross-validation of the finalists",
        "",
        *paths_section(training.paths),
        "",
        "## Candidates on the confirmation folds",
        "These sessions were not used for the selection.",
        "",
        *_table(training.results, "confirmation", min_t),
        "",
        "## Candidates on the selection folds",
        "",
        *_table(training.results, "choice", min_t),
        "",
        LEGEND,
        "",
        *years_section(ics, training.examined, overlap=training.statistic.horizon_sessions),
        "## Diversity of the candidates",
        "",
        *diversity_section(training.diversity),
        "",
        *stability_section(training.stability),
        "## Trials",
        "",
        *trials_section(training.deflation, limits.min_deflated_sharpe),
        "",
        f"## Features of {training.candidate.name}",
        "",
        *_features(checks, KINDS[training.candidate.kind].importance_by),
        "",
    ]
    return "\n".join(lines)


def _challenger(challenger: Champion | None) -> list[str]:
    if challenger is None:
        return []
    return [f"Challenger: {challenger.name}. {challenger.selection_reason}", ""]


def _covered(coverage: Sequence[Coverage] | None) -> list[str]:
    """Return how many index members have prices, by year; if members are missing, results have survivorship bias."""
    if coverage is None:
        return []
    if not coverage:
        return [
            "The members of the index are unknown: names that have left it are missing from these results."
        ]
    years = ", ".join(f"{each.priced:,} of {each.members:,} in {each.session.year}" for each in coverage)
    return [f"Index members with prices at the end of the year: {years}."]


def _features(checks: pd.DataFrame, importance_by: str) -> list[str]:
    """Return the findings and the most important features; feature_checks.csv has the whole table."""
    recommendation = checks["recommendation"]
    dead, suspect = (list(checks["feature"][recommendation == what]) for what in (DEAD, SUSPECT))
    duplicates = checks[recommendation.str.startswith(DUPLICATE)]
    groups = [inside for number, inside in checks.groupby("group") if number]
    ranked = checks.dropna(subset="importance").nsmallest(MOST_FEATURES, "importance_rank")
    count = (
        f"{counted(len(checks), 'feature')}. Dead: {len(dead)}. Near-duplicates: {len(duplicates)}."
        f" Possible look-ahead: {len(suspect)}. All features: `feature_checks.csv`."
    )
    lines = [
        count,
        "",
        *[f"- **Possible look-ahead**: {name}" for name in suspect],
        *[f"- Dead: {name}" for name in dead],
        *[
            f"- Correlated: {_named(each)}; keep {_named(each[each['recommendation'] == KEEP])}"
            for each in groups
        ],
        *([""] if suspect or dead or groups else []),
    ]
    if ranked.empty:
        return [*lines, "A rule is not trained on features: no importance is computed."]
    return [
        *lines,
        f"The most important, by {importance_by}:",
        "",
        "| feature | importance | rank IC alone | t | |",
        "|---" * 5 + "|",
        *[
            f"| {name} | {100 * importance:.1f}% | {signed(rank_ic)} | {signed_ratio(t)} | {what} |"
            for name, importance, rank_ic, t, what in ranked[list(FEATURE_COLUMNS)].to_numpy(dtype=object)
        ],
    ]


def _named(features: pd.DataFrame) -> str:
    return ", ".join(features["feature"]) or "none"


def _measured_with(statistic: Statistic) -> str:
    horizon = counted(statistic.horizon_sessions, "session")
    return (
        f"Measured from the {statistic.entry.replace('_', ' ')} over {horizon}, on every session;"
        f" residualized on {named(statistic.controls)}."
    )


def _table(results: Sequence[CandidateResult], scope: str, min_t: float) -> list[str]:
    rows = [
        f"| candidate | {' | '.join(COLUMNS)} |",
        "|---" * (len(COLUMNS) + 1) + "|",
    ]
    for result in results:
        figures = getattr(result, scope)
        at = bounds(figures, min_t)
        rows.append(
            f"| {result.name} | {signed(figures['neutral_ic'])} | {signed(at['neutral_ic_low'])} to"
            f" {signed(at['neutral_ic_high'])} | {signed_ratio(figures['neutral_ic_t'])} | {at['detectable_ic']:.4f}"
            f" | {signed(figures['rank_ic'])} | {signed_ratio(figures['icir'])}"
            f" | {100 * figures['hit_rate']:.1f}% | {signed_ratio(100 * figures['quantile_spread'])}%"
            f" | {signed_ratio(figures['monotonicity'])} | {f'{100 * result.train_test_gap:.1f}'.replace('-', '−')}"
            f" | {figures['sessions']:.0f} |"
        )
    return rows if results else ["No candidate was trained."]
