"""Train and test candidates fold by fold, measured out of sample. Learners have one thread; folds run in parallel."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from config.sections import Candidate
from config.sections import Models as ModelSettings
from tasks.core.spread.fan_out import Report, Run, workers
from tasks.models.kinds.base import Rows, Vector
from tasks.models.kinds.registry import make_model
from tasks.models.kinds.stacked_blend import StackedBlend
from tasks.models.training.dataset import Dataset, OutOfSample
from tasks.models.training.fitted import Fitted
from tasks.models.training.metrics import Metrics, metrics_of
from tasks.models.training.splits import Embargo, Fold, label_ends, purged_folds
from tasks.models.training.weights import sample_weights

log = logging.getLogger(__name__)

THREADS = 2  # of this process if no others are used; each fold is a separate model with its own seed


@dataclass(frozen=True)
class FoldResult:
    """Metrics of one candidate in one fold, and its scores of the test rows."""

    fold: Fold
    scores: Vector  # of the tested rows `rows_in(fold.blocks)`
    test: Metrics
    train: Metrics

    @property
    def gap(self) -> float:
        """The hit rate in training less the one in the test."""
        return self.train.hit_rate - self.test.hit_rate


def fit(
    candidate: Candidate, data: Dataset, rows: NDArray[np.intp], settings: ModelSettings, *, seed: int
) -> Fitted:
    """Return the candidate's model, trained on these rows."""
    model = make_model(candidate.kind, data.features, candidate.parameters, seed=seed)
    if isinstance(model, StackedBlend):
        model.use_parts(
            out_of_fold_parts(data, rows, folds=model.folds, embargo_sessions=settings.embargo_sessions)
        )
    weights = sample_weights(
        data.sessions[rows],
        data.symbols[rows],
        data.label_end[rows],
        scheme=settings.sample_weights,
        half_life_sessions=settings.half_life_sessions,
    )
    model.fit(data.x[rows], data.target[rows], weights)
    return Fitted(candidate.kind, data.features, model)


def out_of_fold_parts(
    data: Dataset, rows: NDArray[np.intp], *, folds: int, embargo_sessions: int
) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Divide training rows by purged k-fold: for each part the places, among `rows`, to train on and to score.

    Empty with fewer sessions than folds.
    """
    sessions, ends = data.sessions[rows], data.label_end[rows]
    tested = np.unique(sessions)
    if len(tested) < folds:
        return []
    return [
        (
            np.flatnonzero(np.isin(sessions, fold.train) & ~fold.closed.touched_by(sessions, ends)),
            np.flatnonzero(np.isin(sessions, fold.test)),
        )
        for fold in purged_folds(
            tested,
            tested,
            label_ends(sessions, ends, tested),
            groups=folds,
            embargo=Embargo(before=embargo_sessions, after=embargo_sessions),
        )
    ]


@dataclass(frozen=True)
class FoldWork:
    """One candidate to train and test on one fold."""

    candidate: Candidate
    fold: Fold
    seed: int


RunFolds = Run[FoldWork, FoldResult]


@contextmanager
def fold_workers(data: Dataset, tested: OutOfSample, settings: ModelSettings) -> Iterator[RunFolds]:
    """Yield a function that trains and tests on several folds at once: here, in other processes, or on a cluster.

    Limits linear algebra to one thread: a model that set the limit itself would lift it while another fold trains.
    """
    work = partial(_run_fold, data, tested, settings)
    with (
        threadpool_limits(1),
        workers(work, processes=settings.processes, threads=THREADS, cluster=settings.cluster) as run,
    ):
        yield run


def walk_forward(
    candidate: Candidate,
    folds: tuple[Fold, ...],
    run: RunFolds,
    *,
    seed: int,
    report: Callable[[int], None] = lambda _: None,
) -> list[FoldResult]:
    """Train and test the candidate on every fold, oldest first. `run`: see `fold_workers`.

    `report` receives the number of finished folds after each.
    """
    results = []
    for result in run([FoldWork(candidate, fold, seed) for fold in folds]):
        results.append(result)
        report(len(results))
        log.info(
            "%s, fold %d of %d: neutral IC %.4f, rank IC %.4f over %d sessions, in training %.4f",
            candidate.name,
            result.fold.number,
            len(folds),
            result.test.neutral_ic,
            result.test.rank_ic,
            result.test.sessions,
            result.train.rank_ic,
        )
    return results


def measure_together(results: list[FoldResult], tested: OutOfSample) -> Metrics:
    """Return the metrics over the test rows of several consecutive folds together."""
    scores = np.concatenate([result.scores for result in results])
    rows = [tested.data.rows_of(result.fold.test) for result in results]
    return tested.measure(scores, slice(rows[0].start, rows[-1].stop))


def predict(fitted: Fitted, x: Rows) -> Vector:
    """Return scores; a row that lacks a required feature gets the median score."""
    scores = fitted.model.predict(x)
    required = [fitted.features.index(name) for name in fitted.model.required]
    lacking = ~np.isfinite(x[:, required]).all(axis=1)
    middle = float(np.median(scores[~lacking])) if not lacking.all() else 0.0
    return np.where(lacking, middle, scores)


def _run_fold(
    data: Dataset, tested: OutOfSample, settings: ModelSettings, work: FoldWork, report: Report
) -> FoldResult:
    fold = work.fold
    train = data.training_rows(fold.train, fold.closed)
    test = tested.data.rows_in(fold.blocks)
    with threadpool_limits(1):  # in a process of its own, too
        fitted = fit(work.candidate, data, train, settings, seed=work.seed)
        scores = predict(fitted, tested.data.x[test])
    report(1)
    return FoldResult(
        fold,
        scores,
        test=tested.measure(scores, test),
        train=metrics_of(predict(fitted, data.x[train]), data.forward[train], data.sessions[train]),
    )
