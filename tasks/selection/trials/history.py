"""Trials, and the history of all trials."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from config.sections import Candidate


@dataclass(frozen=True)
class Trial:
    """One candidate that was trained and tested: its settings, its splits, and its out-of-sample returns."""

    candidate: Candidate
    seed: int
    splits: str  # hash of the folds and of everything else that the candidate was trained and tested with
    returns: pd.Series  # by session; see `best_fifth_returns`


@dataclass(frozen=True)
class History:
    """All trials to date. `returns`: sessions × trials; a constant column is a trial without a signal of its own.

    `unknown`: how many of the `count` trials lost their returns, because a person accepted a damaged ledger.
    """

    count: int
    unknown: int
    returns: pd.DataFrame


class TrialLedger(Protocol):
    """Records trials as they are made, and returns all of them."""

    def record(self, trial: Trial) -> None:
        """Append the trial unless it was recorded before."""

    def history(self) -> History:
        """Return every trial ever recorded."""


class MemoryLedger:
    """A ledger of one run, for trials that cannot win."""

    def __init__(self) -> None:
        self._returns: list[pd.Series] = []

    def record(self, trial: Trial) -> None:
        """Append the trial."""
        self._returns.append(trial.returns)

    def history(self) -> History:
        """Return the trials of this run."""
        return history_of(self._returns)


def history_of(returns: Sequence[pd.Series], *, unknown: int = 0) -> History:
    """Return the history of trials with these returns, and of `unknown` others."""
    return History(len(returns) + unknown, unknown, _side_by_side(returns))


def _side_by_side(returns: Sequence[pd.Series]) -> pd.DataFrame:
    """Return the series as columns; pandas would compare the indices of all series, which takes minutes for 43,000."""
    if not returns:
        return pd.DataFrame()
    days = [each.index.to_numpy() for each in returns]
    sessions = np.unique(np.concatenate(days))
    table = np.full((len(sessions), len(returns)), np.nan)
    for place, (each, own) in enumerate(zip(returns, days, strict=True)):
        table[np.searchsorted(sessions, own), place] = each.to_numpy(dtype=np.float64)
    return pd.DataFrame(table, index=pd.DatetimeIndex(sessions))
