"""Search the parameters of a candidate on the selection folds. Every trial counts in the trial ledger.

A search does not see the confirmation folds: neither their labels nor sessions that selection labels reach.
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pandas as pd

from config.sections import Candidate, Search
from tasks.core.errors import StorageError
from tasks.core.ids import sha256_of_record
from tasks.core.stage import report_step
from tasks.models.kinds.base import Parameters
from tasks.models.training.dataset import OutOfSample
from tasks.models.training.fold_by_fold import FoldResult, FoldWork, RunFolds, measure_together
from tasks.models.training.splits import Fold
from tasks.selection.search.study import Measured, best_parameters, proposals, run_batch
from tasks.selection.trials.history import Trial, TrialLedger

if TYPE_CHECKING:
    from optuna.trial import FrozenTrial

log = logging.getLogger(__name__)

BEGIN_ANEW = "Delete data/searches: the search starts over. Recorded trials are not counted twice."


class Studies(Protocol):
    """Stores finished trials, so that an interrupted search continues."""

    def finished(self, name: str) -> "list[FrozenTrial]":
        """Return the finished trials of the study in order; none if it is new."""

    def add(self, name: str, trials: "Sequence[FrozenTrial]") -> None:
        """Append finished trials to the study."""


class MemoryStudies:
    """Studies in memory, lost when the process ends."""

    def __init__(self) -> None:
        self._trials: dict[str, list[FrozenTrial]] = {}

    def finished(self, name: str) -> "list[FrozenTrial]":
        return list(self._trials.get(name, []))

    def add(self, name: str, trials: "Sequence[FrozenTrial]") -> None:
        self._trials[name] = [*self.finished(name), *trials]


class Returns(Protocol):
    """Return the out-of-sample returns, by session, of what was tested on some folds."""

    def __call__(self, tested: OutOfSample, walk: Sequence[FoldResult]) -> pd.Series: ...


@dataclass(frozen=True)
class Ground:
    """The data of a search: the selection folds, their rows, and a hash of both and of how models are trained."""

    folds: tuple[Fold, ...]
    tested: OutOfSample
    splits: str


def clear_of(folds: tuple[Fold, ...], *, before: int, label_sessions: int) -> tuple[Fold, ...]:
    """Return the folds without tested sessions whose labels reach the session `before`; without folds left empty."""
    kept = [
        replace(fold, blocks=tuple(block[block + label_sessions < before] for block in fold.blocks))
        for fold in folds
    ]
    return tuple(fold for fold in kept if fold.test.size)


def search(
    candidate: Candidate,
    ground: Ground,
    settings: Search,
    run: RunFolds,
    returns_of: Returns,
    *,
    seed: int,
    ledger: TrialLedger,
    studies: Studies,
) -> Candidate:
    """Return the candidate with the best parameters on the selection folds, by the t of the neutral IC.

    Trials that are already in the study are not repeated. Raises StorageError if this search did not make them, as they
    might not be in the ledger. A batch is recorded in the ledger, in the order of its trials, before it is stored in
    the study; recording it twice counts once.
    """
    name = study_name(candidate, ground, settings, seed=seed)
    finished = studies.finished(name)
    _require_own(finished, candidate, settings.batch, seed=seed)
    already = len(finished)
    while len(finished) < settings.trials:
        report_step(f"trials of {candidate.name}", len(finished) - already, settings.trials - already)
        complete = len(finished) // settings.batch * settings.batch
        size = min(settings.batch, settings.trials - complete)
        made = _batch(finished[:complete], candidate, ground, run, seed=seed, size=size)
        for parameters, walk in made.walks:
            tested = _rows_of(ground, walk)
            ledger.record(Trial(_with(candidate, parameters), seed, ground.splits, returns_of(tested, walk)))
        new = made.trials[len(finished) - complete :]
        studies.add(name, new)
        finished = [*finished, *new]
        log.info(
            "%s: %d of %d trials, t of the best %.2f",
            candidate.name,
            len(finished),
            settings.trials,
            max((trial.value for trial in finished if trial.value is not None), default=float("nan")),
        )
    return _with(candidate, best_parameters(finished[: settings.trials]))


def study_name(candidate: Candidate, ground: Ground, settings: Search, *, seed: int) -> str:
    """Return a name that differs for every search whose trials would differ; their number is not a part of it."""
    record = [candidate.model_dump(mode="json"), ground.splits, seed, settings.batch]
    return f"{candidate.name} {sha256_of_record(record)[:12]}"


@dataclass(frozen=True)
class _Batch:
    trials: "list[FrozenTrial]"
    walks: list[tuple[Parameters, list[FoldResult]]]  # in the order of the trials; fewer folds where pruned


def _batch(
    finished: "Sequence[FrozenTrial]",
    candidate: Candidate,
    ground: Ground,
    run: RunFolds,
    *,
    seed: int,
    size: int,
) -> _Batch:
    walks: list[tuple[Parameters, list[FoldResult]]] = []

    def evaluate(step: int, remaining: Sequence[tuple[int, Parameters]]) -> list[Measured]:
        if step == 0:
            walks.extend((parameters, []) for _, parameters in remaining)
        work = [
            FoldWork(_with(candidate, parameters), ground.folds[step], seed) for _, parameters in remaining
        ]
        measured = []
        for (place, _), result in zip(remaining, run(work), strict=True):
            walk = walks[place][1]
            walk.append(result)
            t = measure_together(walk, ground.tested).neutral_ic_t
            measured.append(Measured(t, float(np.mean([each.gap for each in walk]))))
        return measured

    trials = run_batch(
        finished,
        candidate.search,
        seed=_batch_seed(seed, len(finished)),
        size=size,
        steps=len(ground.folds),
        evaluate=evaluate,
    )
    return _Batch(trials, walks)


def _batch_seed(seed: int, start: int) -> int:
    return int(sha256_of_record([seed, start])[:8], 16)


def _require_own(finished: "Sequence[FrozenTrial]", candidate: Candidate, batch: int, *, seed: int) -> None:
    """Raise StorageError unless these are the trials that the search proposes, batch by batch."""
    for start in range(0, len(finished), batch):
        stored = [trial.params for trial in finished[start : start + batch]]
        own = proposals(finished[:start], candidate.search, seed=_batch_seed(seed, start), size=len(stored))
        if stored != own:
            raise StorageError(
                f"The study of {candidate.name} contains trials that this search did not make.",
                remedy=BEGIN_ANEW,
                trial=start,
            )


def _with(candidate: Candidate, parameters: Parameters) -> Candidate:
    return candidate.model_copy(update={"parameters": candidate.parameters | parameters, "search": {}})


def _rows_of(ground: Ground, walk: Sequence[FoldResult]) -> OutOfSample:
    """Return the tested rows of the folds, which are the first ones."""
    return ground.tested.of_sessions(np.concatenate([result.fold.test for result in walk]))
