"""State the number of trials and the deflated Sharpe ratio, for the report and the champion's metrics."""

from math import isfinite

from tasks.core.text import counted, probability
from tasks.selection.schema import Deflation, Evidence
from tasks.selection.statement import signed_ratio

RETURNS_LEGEND = (
    "Sharpe ratios are annual, from the out-of-sample returns of all folds: the top fifth by score minus all tested"
    " names, neutral to the controls, before costs. The deflated Sharpe ratio is the probability that the true Sharpe"
    " ratio exceeds the one expected by chance: the expected maximum of as many independent trials without skill"
    " (variance under the null, 2025 convention; in parentheses the conventions of 2012 and 2014)."
)


def trial_figures(deflation: Deflation) -> dict[str, float]:
    """Return the figures that are stored with a champion."""
    counts = {"trials": float(deflation.trials), "effective_trials": deflation.effective}
    found = deflation.evidence
    if found is None:
        return counts
    return counts | {
        "sharpe": found.sharpe,
        "sharpe_sessions": float(found.sessions),
        "sharpe_low": found.sharpe_low,
        "sharpe_high": found.sharpe_high,
        "sharpe_bar": found.bar,
        "deflated_sharpe": found.deflated,
        "probabilistic_sharpe": found.probabilistic,
    }


def trials_section(deflation: Deflation, min_deflated: float) -> list[str]:
    """Return the section of the report, as lines of Markdown."""
    unknown = (
        f" The returns of {deflation.unknown} are lost; these count in full." if deflation.unknown else ""
    )
    summary = (
        f"{counted(deflation.trials, 'trial')} to date in this home, equivalent to {deflation.effective:.1f}"
        f" independent trials.{unknown} Over {deflation.min_backtest_years:.1f} years, the best of them would be"
        " expected to reach a Sharpe ratio of 1 by chance."
    )
    lines = [summary, ""]
    if deflation.evidence is None:
        lines += ["No candidate was eligible: there is no Sharpe ratio to deflate."]
    else:
        lines += [*_table(deflation.evidence, min_deflated), "", RETURNS_LEGEND]
    if isfinite(deflation.overfitting):
        lines += [
            "",
            f"Probability of backtest overfitting among this week's candidates (λ ≤ 0): {deflation.overfitting:.2f}.",
        ]
    return lines


def _table(found: Evidence, min_deflated: float) -> list[str]:
    required = f"{min_deflated:g}" if min_deflated > 0 else "none"
    least = (
        counted(found.min_track_record_sessions, "session")
        if found.min_track_record_sessions is not None
        else "no length suffices"
    )
    deflated = f"{probability(found.deflated)} ({probability(found.deflated_2014)})"
    rows = {
        "Sharpe ratio": f"{signed_ratio(found.sharpe)} (95% CI {signed_ratio(found.sharpe_low)} to"
        f" {signed_ratio(found.sharpe_high)})",
        "expected by chance": signed_ratio(found.bar),
        "deflated Sharpe ratio": f"{deflated}; required: {required}",
        "probabilistic Sharpe ratio": f"{probability(found.probabilistic)} ({probability(found.probabilistic_2012)})",
        "minimum track record": f"{least}; measured: {counted(found.sessions, 'session')}",
    }
    return [
        f"| {found.candidate} | |",
        "|---|---|",
        *[f"| {name} | {value} |" for name, value in rows.items()],
    ]
