"""How often each learner would be selected on resampled selection folds. Pure.

The sessions of the selection folds are resampled in blocks, which keeps what overlapping labels share, and the
learner is selected by the rule of `choice` on each draw.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from tasks.models.training.inference import estimate
from tasks.models.training.walkforward import split_folds
from tasks.selection.choice import NEAR_TIE, ineligible_because
from tasks.selection.schema import CandidateResult
from tasks.selection.selection_run import SelectionRun

Vector = NDArray[np.float64]

DRAWS, BLOCK_SESSIONS = 200, 21


def draws_of(run: SelectionRun, selected: CandidateResult | None, *, seed: int) -> dict[str, float]:
    """Return the share of the draws in which each eligible learner is selected; empty unless `selected` is one."""
    if selected is None or not selected.learns:
        return {}
    ics = {}
    for each in run.results:
        if each.learns and not ineligible_because(each):
            walk = run.walks[each.name]
            earlier = split_folds(tuple(fold.fold for fold in walk))[0]
            scores = np.concatenate([fold.scores for fold in walk[: len(earlier)]])
            ics[each.name] = run.tested.neutral_ics(scores, slice(0, len(scores)))
    return resampled(ics, overlap=run.tested.overlap, seed=seed)


def resampled(ics: Mapping[str, Vector], *, overlap: int, seed: int) -> dict[str, float]:
    """Return the share of the draws in which each learner is selected; empty if there is one, or under two blocks.

    `ics`: neutral ICs by session of the eligible learners, in order of preference, all of the same sessions.
    """
    count = min(map(len, ics.values()), default=0)
    if len(ics) < 2 or count < 2 * BLOCK_SESSIONS:
        return {}
    rng = np.random.default_rng(seed)
    wins = dict.fromkeys(ics, 0)
    for _ in range(DRAWS):
        starts = rng.integers(0, count - BLOCK_SESSIONS + 1, -(-count // BLOCK_SESSIONS))
        rows = (starts[:, None] + np.arange(BLOCK_SESSIONS)).ravel()[:count]
        ts = {name: estimate(each[rows], overlap=overlap).t for name, each in ics.items()}
        largest = max(ts.values())
        wins[next(name for name, t in ts.items() if t >= largest - NEAR_TIE)] += 1
    return {name: number / DRAWS for name, number in wins.items()}
