"""Walk-forward folds: training windows, each followed by its test window.

Splits are by session, never shuffled, so that no session is in both windows. A training row is used only if its label
was known, plus an embargo, before the first test session (see `splits`).
"""

from dataclasses import dataclass, replace

import numpy as np

from tasks.models.training.splits import Embargo, Fold, Positions, closed_by

BLOCK = 21  # sessions; the boundaries of folds move once in a month, not with every day


@dataclass(frozen=True)
class Window:
    """Lengths of the windows in sessions of the exchange."""

    train: int | None  # None: all sessions before the test (an expanding window)
    least_train: int  # a fold with less history before it is omitted
    test: int
    folds: int
    embargo: int


def sampled_sessions(first: int, last: int, *, every: int, origin: int) -> Positions:
    """Return every n-th position, so that labels of n sessions do not overlap.

    `origin` is the calendar number of position 0: which sessions are sampled does not depend on the last one, so that
    one more day adds at most one session and changes none.
    """
    positions = np.arange(first, last + 1, dtype=np.intp)
    return np.asarray(positions[(positions + origin) % every == 0])


def make_folds(
    sampled: Positions, *, last: int, origin: int, label_sessions: int, window: Window
) -> tuple[Fold, ...]:
    """Return the folds, oldest first: contiguous test windows up to `last`, the last session that can be tested.

    Windows start at multiples of BLOCK in the exchange calendar (`origin`: calendar number of position 0). So for BLOCK
    sessions, about a month, the folds stay the same and only the last test window grows, up to BLOCK − 1 sessions
    beyond its length. A label is known at most `label_sessions` after its session; a training window is counted back
    from the last session whose labels are all known. Folds with less history than `least_train` are omitted, possibly
    all.
    """
    if not sampled.size:
        return ()
    folds: list[Fold] = []
    test_end = last + 1
    test_start = test_end - window.test
    test_start -= (test_start + origin) % BLOCK
    while len(folds) < window.folds:
        test = np.arange(test_start, test_end)
        fold = fold_before(test, sampled, label_sessions=label_sessions, window=window)
        if fold is None:
            break
        folds.append(fold)
        test_start, test_end = test_start - window.test, test_start
    return tuple(replace(fold, number=number) for number, fold in enumerate(reversed(folds), 1))


def fold_before(test: Positions, sampled: Positions, *, label_sessions: int, window: Window) -> Fold | None:
    """Return the fold with this test window, numbered 0; None with less history before it than `least_train`."""
    known_before = int(test[0]) - window.embargo
    all_known = known_before - label_sessions
    oldest = int(sampled[0]) if sampled.size else all_known
    train_start = oldest if window.train is None else max(all_known - window.train, oldest)
    if all_known - train_start < window.least_train:
        return None
    closed = closed_by(test, test + label_sessions, Embargo(before=window.embargo, after=0))
    return Fold(0, _between(sampled, train_start, known_before), (test,), closed)


def split_folds(folds: tuple[Fold, ...]) -> tuple[tuple[Fold, ...], tuple[Fold, ...]]:
    """Return the first third of the folds, which selects, and the later ones, which confirm.

    Candidates differ little, so that few sessions suffice to select one; every confirming session adds power. At least
    one fold selects. With fewer than two folds both are empty.
    """
    if len(folds) < 2:
        return (), ()
    first = max(len(folds) // 3, 1)
    return folds[:first], folds[first:]


def _between(positions: Positions, start: int, end: int) -> Positions:
    """Return the positions in [start, end)."""
    return positions[(positions >= start) & (positions < end)]
