"""Combinatorial purged cross-validation (CPCV) of a candidate: every tested session is scored by several models.

The sessions of the test windows are divided into groups. Each fold tests some of them and trains on all others, earlier
and later ones, as far as their labels touch neither a tested label nor the embargo. The parts that are tested together
are then combined into paths, each of which has every group once.
"""

from collections.abc import Sequence

import numpy as np

from config.sections import Models as ModelSettings
from tasks.models.kinds.base import Vector
from tasks.models.training.dataset import Dataset, OutOfSample
from tasks.models.training.rows import label_sessions
from tasks.models.training.splits import Embargo, Fold, Positions, path_ids, purged_folds
from tasks.selection.net.portfolio import Scored

GROUPS, TESTED_GROUPS = 6, 2  # 15 folds, 5 paths


def combinatorial_folds(data: Dataset, tested: Positions, settings: ModelSettings) -> tuple[Fold, ...]:
    """Return the folds over the sessions of the test windows; none if there are too few sessions for the groups."""
    if len(tested) < GROUPS:
        return ()
    return purged_folds(
        data.sampled,
        tested,
        tested + label_sessions(settings),
        groups=GROUPS,
        test_groups=TESTED_GROUPS,
        embargo=Embargo(settings.embargo_sessions, settings.embargo_sessions),
    )


def paths_of(folds: Sequence[Fold], scores: Sequence[Vector], tested: OutOfSample) -> list[list[Scored]]:
    """Return the groups of each path in order of time; none without folds.

    `folds`: those of `combinatorial_folds`, in their order; `scores`: of the tested rows of each.
    """
    if not folds:
        return []
    ids = path_ids(GROUPS, TESTED_GROUPS)
    paths: list[list[Scored]] = [[] for _ in range(int(ids.max()) + 1)]
    for fold, found, chosen in zip(folds, scores, ids, strict=True):
        blocks = fold.blocks
        lengths = [len(tested.data.sessions[tested.data.rows_of(block)]) for block in blocks]
        parts = np.split(found, np.cumsum(lengths)[:-1])
        for block, part, path in zip(blocks, parts, chosen, strict=True):
            paths[path].append(Scored(block, part))
    return [sorted(path, key=lambda each: int(each.sessions[0])) for path in paths]
