"""Cross-validate the finalists of a weekly run, and simulate each path's portfolio after costs. Selects nothing.

The first group of a path is used only to estimate the IC that converts scores into expected returns; the portfolio is
simulated over the others. A finalist's result is stored under a hash of all that determines it (data, settings,
code, candidate, seed). Until it is complete, the scores of each of its folds are stored, so that an interrupted run
continues with the next fold. Paths are not trials: no choice depends on them.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from math import isfinite
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np

from config.sections import Candidate
from config.settings import Settings, config_hash
from tasks.backtest.combination import run_equal_weight
from tasks.backtest.matrix.tables import measure_totals
from tasks.backtest.walk import Totals
from tasks.core.ids import sha256_of_record
from tasks.core.kept_results import keep_result, kept_file, kept_result
from tasks.core.spread.fan_out import Report, workers
from tasks.core.stage import report_step
from tasks.core.versions.source_code import CODE_ROOT, code_fingerprint
from tasks.data.schema.records import Days
from tasks.models.kinds.base import Vector
from tasks.models.training.dataset import OutOfSample
from tasks.models.training.fold_by_fold import fold_workers
from tasks.models.training.splits import Fold
from tasks.models.training.walkforward import split_folds
from tasks.selection.choice import ineligible_because
from tasks.selection.net.portfolio import Book, Market, Scored, scored, walk_book
from tasks.selection.paths.cross_validation import combinatorial_folds, paths_of
from tasks.selection.paths.fold_scores import scores_by_fold
from tasks.selection.schema import CandidateResult, Equity, PathResult
from tasks.selection.selection_run import SelectionRun

log = logging.getLogger(__name__)

Seed = Callable[[str], int]


def finalists_of(results: Sequence[CandidateResult], *, most: int) -> list[CandidateResult]:
    """Return the eligible candidates that rank names, best on the selection folds first, up to the limit."""
    eligible = [each for each in results if each.ranks and not ineligible_because(each)]
    return sorted(eligible, key=lambda each: -each.choice["neutral_ic_t"])[:most]


def cross_validate(
    folder: Path,
    snapshot: str,
    market: Market,
    days: Days,
    run: SelectionRun,
    finalists: Sequence[Candidate],
    settings: Settings,
    *,
    seed: Seed,
) -> tuple[PathResult, ...]:
    """Return the result of each finalist; those of an earlier run on the same data are not computed again."""
    basis = [snapshot, config_hash(settings), code_fingerprint(CODE_ROOT)]
    identities = {
        each.name: sha256_of_record([*basis, each.model_dump(mode="json"), seed(each.name)])
        for each in finalists
    }
    missing = [each for each in finalists if not kept_file(folder, identities[each.name]).exists()]
    if missing:
        with fold_workers(run.data, run.tested, settings.models) as run_folds:
            for place, each in enumerate(missing):
                report_step("finalists cross-validated", place, len(missing))
                begun = kept_file(folder, identities[each.name]).with_suffix(".begun")
                train = partial(scores_by_fold, begun, each, run=run_folds, seed=seed(each.name))
                measured = measure_paths(market, days, run, each, train, settings)
                _store(folder, identities[each.name], measured)
                rmtree(begun, ignore_errors=True)
                log.info(
                    "paths of %s: %s", each.name, ", ".join(f"{found:.2f}" for found in measured.sharpes)
                )
    return tuple(_loaded(folder, identities[each.name], each.name) for each in finalists)


@dataclass(frozen=True)
class Measured:
    """The Sharpe ratio of each path and of equal weight over its sessions, and the walk-forward portfolio."""

    sharpes: tuple[float, ...]
    equal_weight: float
    book: Equity


def measure_paths(
    market: Market,
    days: Days,
    run: SelectionRun,
    candidate: Candidate,
    train: Callable[[Sequence[Fold]], Sequence[Vector]],
    settings: Settings,
) -> Measured:
    """Cross-validate the candidate; walk the portfolio of each path, and that of its walk-forward scores.

    `train` returns the scores of the tested rows of each fold.
    """
    walk = run.walks[candidate.name]
    sessions = np.concatenate([each.fold.test for each in walk])
    folds = combinatorial_folds(run.data, sessions, settings.models)
    paths = paths_of(folds, train(folds), run.tested)
    selecting = len(split_folds(tuple(each.fold for each in walk))[0])
    parts = [(path[:1], path[1:]) for path in paths]
    parts.append((scored(walk[:selecting]), scored(walk[selecting:])))
    work = partial(_walked, market, days, run.tested, candidate, settings)
    with workers(work, processes=settings.models.processes, cluster=settings.models.cluster) as walked:
        *books, own = walked(parts)
    equal = run_equal_weight(market.world, own.signals, settings, own.combination).totals
    found = [_sharpe(each.totals, market) for each in books]
    alike = (
        run_equal_weight(market.world, books[0].signals, settings, books[0].combination).totals
        if books
        else equal
    )
    return Measured(tuple(found), _sharpe(alike, market), _equity(own.totals, equal))


def _walked(
    market: Market,
    days: Days,
    tested: OutOfSample,
    candidate: Candidate,
    settings: Settings,
    parts: tuple[list[Scored], list[Scored]],
    report: Report,
) -> Book:
    book = walk_book(market, days, tested, *parts, candidate, settings)
    report(1)
    return book


def _sharpe(totals: Totals, market: Market) -> float:
    return measure_totals(totals, market.world, market.regime.states).figures["sharpe"].value


def _equity(own: Totals, equal: Totals) -> Equity:
    return Equity(
        tuple(str(day) for day in own.sessions),
        *(tuple((each.equity / each.equity[0]).round(6).tolist()) for each in (own, equal)),
    )


def _store(folder: Path, identity: str, measured: Measured) -> None:
    sharpes = [each if isfinite(each) else None for each in (*measured.sharpes, measured.equal_weight)]
    keep_result(folder, identity, {"sharpes": sharpes, "book": asdict(measured.book)})


def _loaded(folder: Path, identity: str, name: str) -> PathResult:
    def read(kept: dict[str, Any]) -> PathResult:
        *paths, equal = (float("nan") if each is None else float(each) for each in kept["sharpes"])
        book = Equity(**{part: tuple(values) for part, values in kept["book"].items()})
        return PathResult(name, tuple(paths), equal, book)

    return kept_result(folder, identity, read, what="The stored cross-validation")
