"""How often each candidate would be selected on resampled selection folds. Pure.

The sessions of the selection folds are resampled in blocks, which keeps what overlapping labels share, and the
candidate is selected by the rule of `choice` on each draw. If it is selected in less than half of the draws, the
choice was nearly arbitrary.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tasks.core.text import counted
from tasks.models.training.inference import estimate
from tasks.selection.choice import NEAR_TIE
from tasks.selection.schema import Stability

Vector = NDArray[np.float64]

DRAWS, BLOCK_SESSIONS = 200, 21
LEAST_SHARE = 0.5  # a smaller share of the draws is a warning


def stability_of(ics: Mapping[str, Vector], selected: str, *, overlap: int, seed: int) -> Stability | None:
    """Return how often each candidate is selected; None without two candidates or two blocks of sessions.

    `ics`: neutral ICs by session of the eligible learners, in order of preference, all of the same sessions.
    """
    count = len(ics.get(selected, ()))
    if len(ics) < 2 or count < 2 * BLOCK_SESSIONS:
        return None
    rng = np.random.default_rng(seed)
    wins = dict.fromkeys(ics, 0)
    for _ in range(DRAWS):
        starts = rng.integers(0, count - BLOCK_SESSIONS + 1, -(-count // BLOCK_SESSIONS))
        rows = (starts[:, None] + np.arange(BLOCK_SESSIONS)).ravel()[:count]
        ts = {name: estimate(each[rows], overlap=overlap).t for name, each in ics.items()}
        largest = max(ts.values())
        wins[next(name for name, t in ts.items() if t >= largest - NEAR_TIE)] += 1
    return Stability(selected, {name: number / DRAWS for name, number in wins.items()})


def stability_section(stability: Stability | None) -> list[str]:
    """Return the section of the report, as lines of Markdown; empty if nothing was measured."""
    if stability is None:
        return []
    shares = sorted(stability.wins.items(), key=lambda each: -each[1])
    named = ", ".join(f"{name} {100 * share:.0f}%" for name, share in shares if share)
    share = stability.wins[stability.selected]
    warning = (
        f" **{stability.selected} was selected in only {100 * share:.0f}% of them: the choice between these candidates"
        " is nearly arbitrary.**"
        if share < LEAST_SHARE
        else ""
    )
    return [
        "## Stability of the choice",
        "",
        (
            f"Share of {counted(DRAWS, 'draw')} in which each learner is selected, with the sessions of the selection"
            f" folds resampled in blocks: {named}.{warning}"
        ),
        "",
    ]
