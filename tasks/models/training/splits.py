"""Splits of sessions into training and test, and the purging of training rows.

A row spans the sessions from its own to the last that its label depends on. A training row is used only if its span
shares no session with the span of a tested session, nor with the embargo before and after it. Test sessions are blocks
of consecutive sessions: nothing is ever shuffled.
"""

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.intp]  # of sessions in the panel, ascending
Ends = NDArray[np.integer]


@dataclass(frozen=True)
class Embargo:
    """Number of sessions excluded from training, before a tested session and after the end of its label."""

    before: int
    after: int


@dataclass(frozen=True)
class Spans:
    """Spans of sessions, both ends included, ordered by start."""

    start: Positions
    end: Ends

    def touched_by(self, start: Positions, end: Ends) -> NDArray[np.bool_]:
        """Return which of these other spans share a session with any of the spans."""
        reached = np.r_[np.iinfo(np.int64).min, np.maximum.accumulate(self.end)]
        return np.asarray(reached[np.searchsorted(self.start, end, side="right")] >= start)


NOTHING = Spans(np.empty(0, dtype=np.intp), np.empty(0, dtype=np.intp))


@dataclass(frozen=True)
class Fold:
    """Sessions to train on and the tested ones, as positions. Training labels must not touch the closed spans."""

    number: int  # from 1
    train: Positions
    blocks: tuple[Positions, ...]  # of tested sessions, consecutive within each block
    closed: Spans

    @property
    def test(self) -> Positions:
        """All tested sessions."""
        return np.concatenate(self.blocks)


def closed_by(tested: Positions, ends: Ends, embargo: Embargo) -> Spans:
    """Return the spans that tested sessions close; `ends`: the last session that labels of each depend on."""
    return Spans(tested - embargo.before, ends + embargo.after)


def label_ends(sessions: Positions, ends: Ends, tested: Positions) -> Ends:
    """Return the last session that any label of each tested session depends on; its own where it has no row.

    `sessions` and `ends` have one entry per row.
    """
    latest = tested.copy()
    found = np.searchsorted(tested, sessions)
    inside = found < len(tested)
    inside[inside] = tested[found[inside]] == sessions[inside]
    np.maximum.at(latest, found[inside], ends[inside])
    return latest


def purged_folds(
    sampled: Positions, tested: Positions, ends: Ends, *, groups: int, embargo: Embargo, test_groups: int = 1
) -> tuple[Fold, ...]:
    """Return the folds of combinatorial purged cross-validation; with one test group, of purged k-fold.

    `tested` sessions are divided into `groups` blocks of nearly equal length. Each fold tests `test_groups` of them, in
    lexicographic order, and trains on the `sampled` sessions of the others. `ends`: see `closed_by`. Raises ValueError
    unless 1 ≤ test_groups < groups ≤ the number of tested sessions.
    """
    if not 1 <= test_groups < groups <= len(tested):
        raise ValueError(f"{test_groups} of {groups} groups cannot be tested over {len(tested)} sessions")
    blocks, block_ends = np.array_split(tested, groups), np.array_split(ends, groups)
    folds = []
    for number, chosen in enumerate(combinations(range(groups), test_groups), 1):
        test = tuple(blocks[group] for group in chosen)
        closed = closed_by(
            np.concatenate(test), np.concatenate([block_ends[group] for group in chosen]), embargo
        )
        folds.append(Fold(number, sampled[~np.isin(sampled, np.concatenate(test))], test, closed))
    return tuple(folds)


def path_ids(groups: int, test_groups: int) -> NDArray[np.intp]:
    """Return the path of each test block (folds × test groups), in the order of `purged_folds`.

    A path has every group once, tested by different models: comb(groups − 1, test_groups − 1) paths.
    """
    used = np.zeros(groups, dtype=np.intp)
    paths = np.empty((comb(groups, test_groups), test_groups), dtype=np.intp)
    for fold, chosen in enumerate(combinations(range(groups), test_groups)):
        paths[fold] = used[list(chosen)]
        used[list(chosen)] += 1
    return paths
