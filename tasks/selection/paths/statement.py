"""State the Sharpe ratios of the finalists' paths, for the report."""

from collections.abc import Sequence

import numpy as np

from tasks.selection.schema import PathResult
from tasks.selection.statement import signed_ratio

LEGEND = (
    "Combinatorial purged cross-validation: the tested sessions in 6 groups, 2 of them tested by each of 15 models that"
    " were trained on the others, earlier and later ones; 5 paths. Sharpe ratios are annual and after costs, of the"
    " portfolio of each path over its last 5 groups. Nothing is selected by them, so they are not trials. The models"
    " know later sessions than those they are tested on: what would have been earned is shown by the confirmation"
    " folds, not by these paths. A wide range means that the result depends on the training sample."
)


def paths_section(paths: Sequence[PathResult]) -> list[str]:
    """Return the section of the report, as lines of Markdown."""
    if not paths:
        return ["No candidate was cross-validated."]
    return [
        "| finalist | smallest | median | largest | equal weight | paths above equal weight |",
        "|---" * 6 + "|",
        *[_row(each) for each in paths],
        "",
        LEGEND,
    ]


def _row(found: PathResult) -> str:
    known = np.array([each for each in found.sharpes if np.isfinite(each)])
    if not len(known) or not np.isfinite(found.equal_weight):
        return f"| {found.candidate} | withheld: too few sessions or trades |" + " |" * 4
    figures = " | ".join(
        signed_ratio(float(each)) for each in (known.min(), np.median(known), known.max(), found.equal_weight)
    )
    return f"| {found.candidate} | {figures} | {int((known > found.equal_weight).sum())} of {len(known)} |"
