"""The out-of-sample skill of the examined candidate by calendar year: is it steady, or one good year? Pure."""

import pandas as pd

from tasks.models.training.inference import estimate
from tasks.selection.statement import signed, signed_ratio

COLUMNS = ("year", "neutral IC", "95% CI", "t", "sessions")
LEGEND = (
    "Sessions of all folds; those of the selection folds come first. A year with few sessions has a wide interval,"
    " and of twenty years without skill, one has an interval that excludes 0 by chance."
)


def year_rows(ics: pd.DataFrame, candidate: str, *, overlap: int) -> list[tuple[str, ...]]:
    """Return the cells of COLUMNS for each year; empty if the candidate has no IC.

    `ics`: neutral ICs by session (rows) and candidate (columns); `overlap`: the horizon of the returns in sessions.
    """
    if candidate not in ics:
        return []
    own = ics[candidate]
    rows: list[tuple[str, ...]] = []
    for year, values in own.groupby(pd.DatetimeIndex(own.index).year):
        found = estimate(values.to_numpy(dtype=float), overlap=overlap)
        interval = f"{signed(found.low)} to {signed(found.high)}"
        rows.append((f"{year}", signed(found.mean), interval, signed_ratio(found.t), f"{len(values)}"))
    return rows


def years_section(ics: pd.DataFrame, candidate: str | None, *, overlap: int) -> list[str]:
    """Return the section of the report, as lines of Markdown; empty if there is nothing to show."""
    rows = year_rows(ics, candidate or "", overlap=overlap)
    if not rows:
        return []
    return [
        f"## Skill of {candidate} by year",
        "",
        f"| {' | '.join(COLUMNS)} |",
        "|---" * len(COLUMNS) + "|",
        *(f"| {' | '.join(row)} |" for row in rows),
        "",
        LEGEND,
        "",
    ]
