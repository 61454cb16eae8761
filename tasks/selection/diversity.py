"""How different the candidates' predictions are: a blend of nearly equal ones gains nothing. Pure."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.selection.schema import Diversity

Vector = NDArray[np.float64]

NEAR_EQUAL = 0.7  # a higher mean correlation of two candidates is a warning
LEAST_DIVERSITY = 0.2  # a lower diversity score is a warning


def diversity_of(scores: Mapping[str, Vector], sessions: NDArray[np.intp]) -> Diversity | None:
    """Return the agreement of candidates that rank names; None for fewer than two.

    `scores`: of the same rows, by candidate; `sessions`: of each row. Correlations are of ranks, within a session; the
    mean is over sessions.
    """
    if len(scores) < 2:
        return None
    groups = pd.DataFrame(scores).groupby(sessions)
    ranks = groups.rank() - 0.5
    size = groups.transform("size").to_numpy()[:, None]
    sides = np.sign(ranks.to_numpy() - size / 2)
    centred = ranks - ranks.groupby(sessions).transform("mean")
    squares = (centred**2).groupby(sessions).transform("sum").to_numpy()
    unit = centred.to_numpy() / np.sqrt(np.where(squares > 0, squares, 1.0))
    count = groups.ngroups
    correlation = np.clip(unit.T @ unit / count, -1.0, 1.0)
    weight = 1 / size[:, 0]
    pairs = [[float(((one == other) * weight).sum() / count) for other in sides.T] for one in sides.T]
    upper = np.triu_indices(len(scores), k=1)
    return Diversity(
        tuple(scores),
        tuple(tuple(float(each) for each in row) for row in correlation),
        agreement=float(np.array(pairs)[upper].mean()),
        score=float(1 - correlation[upper].mean()),
    )


def diversity_section(diversity: Diversity | None) -> list[str]:
    """Return the section of the report, as lines of Markdown."""
    if diversity is None:
        return ["Fewer than two candidates rank names."]
    names = diversity.names
    summary = (
        f"Diversity score {diversity.score:.2f} (1 − mean correlation). Two candidates put a name on the same side of"
        f" the median in {100 * diversity.agreement:.0f}% of cases, on average; 50% by chance."
    )
    rows = [
        f"| {name} | {' | '.join(f'{each:.2f}'.replace('-', '−') for each in row)} |"
        for name, row in zip(names, diversity.correlation, strict=True)
    ]
    warnings = [
        f"- {one} and {other} predict nearly the same: correlation {diversity.correlation[i][j]:.2f},"
        f" above {NEAR_EQUAL:g}."
        for i, one in enumerate(names)
        for j, other in enumerate(names)
        if i < j and diversity.correlation[i][j] > NEAR_EQUAL
    ]
    if diversity.score < LEAST_DIVERSITY:
        warnings.append(
            f"- The candidates hardly differ: diversity score {diversity.score:.2f}, below {LEAST_DIVERSITY:g}."
        )
    return [
        summary,
        "",
        f"| rank correlation | {' | '.join(names)} |",
        "|---" * (len(names) + 1) + "|",
        *rows,
        *(["", *warnings] if warnings else []),
    ]
