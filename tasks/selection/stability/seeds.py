"""Test the candidates again under other seeds, on the selection folds alone, and select by the rule of `choice`.

A diagnostic: nothing that is trained here can be promoted, so none of it is a trial of this home (ADR 29). A candidate
with a search keeps the parameters that the run found; a kind that uses no seed keeps its results. Each result is
stored under a hash of all that determines it, so that an interrupted weekly run continues.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from math import isfinite
from pathlib import Path
from typing import Any

from config.sections import Candidate
from config.settings import Settings
from tasks.core.ids import sha256_of_record
from tasks.core.kept_results import keep_result, kept_file, kept_result
from tasks.core.stage import report_step
from tasks.core.versions.source_code import CODE_ROOT, code_fingerprint
from tasks.data.schema.records import Panel
from tasks.models.kinds.registry import KINDS
from tasks.models.training.fold_by_fold import fold_workers, measure_together, walk_forward
from tasks.models.training.splits import Fold
from tasks.models.training.walkforward import split_folds
from tasks.selection.choice import best_on_selection_folds
from tasks.selection.schema import SeedChoice
from tasks.selection.selection_run import Seed, SelectionRun, limits_of, splits_of


@dataclass(frozen=True)
class _Test:
    """One candidate under another seed, and where its metrics are kept."""

    candidate: Candidate
    number: int  # the setting `seed`
    seed: int  # the candidate's own
    identity: str
    folder: Path


def other_seeds(
    folder: Path,
    snapshot: str,
    panel: Panel,
    run: SelectionRun,
    settings: Settings,
    *,
    seed_under: Callable[[int], Seed],
) -> tuple[SeedChoice, ...]:
    """Return what each of the `selection.other_seeds` seeds after that of the run selects; empty without candidates.

    `seed_under`: the seeds of the candidates under a setting `seed`.
    """
    if not run.results:
        return ()
    folds = split_folds(tuple(each.fold for each in next(iter(run.walks.values()))))[0]
    basis = [snapshot, splits_of(panel, run.data, folds, settings.models), code_fingerprint(CODE_ROOT)]
    numbers = range(settings.seed + 1, settings.seed + 1 + settings.selection.other_seeds)
    tests = [
        _test_of(each, number, seed_under(number)(each.name), folder, basis)
        for number in numbers
        for each in run.candidates
        if KINDS[each.kind].uses_seed
    ]
    _measure([each for each in tests if not kept_file(folder, each.identity).exists()], folds, run, settings)
    return tuple(
        _choice(
            number,
            run,
            {each.candidate.name: _stored(each) for each in tests if each.number == number},
            settings,
        )
        for number in numbers
    )


def _test_of(candidate: Candidate, number: int, seed: int, folder: Path, basis: list[str]) -> _Test:
    identity = sha256_of_record([*basis, candidate.model_dump(mode="json"), seed])
    return _Test(candidate, number, seed, identity, folder)


def _measure(missing: list[_Test], folds: tuple[Fold, ...], run: SelectionRun, settings: Settings) -> None:
    """Train and test each of them on the selection folds, and store its metrics at once."""
    if not missing:
        return
    with fold_workers(run.data, run.tested, settings.models) as run_folds:
        for done, each in enumerate(missing):
            report_step("candidates tested under other seeds", done, len(missing))
            walk = walk_forward(each.candidate, folds, run_folds, seed=each.seed)
            measured = asdict(measure_together(walk, run.tested))
            metrics = {name: value if isfinite(value) else None for name, value in measured.items()}
            keep_result(each.folder, each.identity, {"metrics": metrics})


def _choice(
    number: int, run: SelectionRun, measured: Mapping[str, dict[str, float]], settings: Settings
) -> SeedChoice:
    """Select among the candidates with these metrics; those that are not given keep the run's."""
    results = [replace(each, choice=measured.get(each.name, each.choice)) for each in run.results]
    best = best_on_selection_folds(results, limits_of(settings.models))
    if best is None:
        return SeedChoice(number, None)
    own = next(each.choice for each in run.results if each.name == best.name)
    return SeedChoice(
        number,
        best.name,
        t=best.choice["neutral_ic_t"],
        neutral_ic=best.choice["neutral_ic"],
        own_t=own["neutral_ic_t"],
        own_neutral_ic=own["neutral_ic"],
    )


def _stored(test: _Test) -> dict[str, float]:
    def read(kept: dict[str, Any]) -> dict[str, float]:
        metrics = kept["metrics"].items()
        return {name: float("nan") if value is None else float(value) for name, value in metrics}

    return kept_result(test.folder, test.identity, read, what="The stored result of another seed")
