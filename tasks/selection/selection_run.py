"""The weekly selection: build the rows, test every candidate walk-forward, select one, train it on all rows.

Pure: from a panel, features and settings to a `SelectionRun`.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from config.sections import Candidate
from config.sections import Models as ModelSettings
from tasks.core.text import counted
from tasks.data.schema.records import Panel
from tasks.features.labels import forward_return, sessions_known_after
from tasks.features.registry import warm_up
from tasks.features.schema import FeatureMatrix
from tasks.features.sets import SETS
from tasks.models.kinds.registry import BASELINE, KINDS
from tasks.models.training.dataset import Dataset, make_dataset
from tasks.models.training.fitted import Fitted
from tasks.models.training.fold_by_fold import FoldResult, fit, measure_together, walk_forward
from tasks.models.training.targets import make_target
from tasks.models.training.walkforward import (
    Fold,
    Positions,
    Window,
    make_folds,
    sampled_sessions,
    split_folds,
)
from tasks.selection.choice import PromotionLimits, select_candidate
from tasks.selection.schema import CandidateResult, Choice

log = logging.getLogger(__name__)

Seed = Callable[[str], int]

BASELINE_CANDIDATE = Candidate(name=BASELINE, kind="equal_weight", parameters={})


@dataclass(frozen=True)
class SelectionRun:
    """The result. `fitted` is the selected candidate, or the baseline, trained up to the last complete label."""

    candidate: Candidate
    choice: Choice
    results: tuple[CandidateResult, ...]
    folds: pd.DataFrame  # one row per candidate and fold
    fitted: Fitted
    trained_rows: NDArray[np.intp]  # the rows that `fitted` was trained on
    data: Dataset


def window_needed(settings: ModelSettings) -> int:
    """Return how many sessions, up to the last one, the selection needs."""
    tests = settings.folds * settings.test_sessions
    return (
        warm_up(SETS[settings.features])
        + settings.train_sessions
        + 2 * _label_sessions(settings)
        + settings.embargo_sessions
        + tests
    )


def run_selection(
    panel: Panel, features: FeatureMatrix, settings: ModelSettings, *, quick: bool, seed: Seed
) -> SelectionRun:
    """Train, compare and select. Seeds depend on the candidate's name, so that adding one changes no other."""
    data = rows_of(panel, features, settings)
    folds = folds_of(data, settings)
    log.info(
        "%s of %s, %s",
        counted(len(data.x), "row"),
        counted(len(data.features), "feature"),
        counted(len(folds), "fold"),
    )
    candidates = configured_candidates(settings, quick=quick) if split_folds(folds)[0] else ()
    walks = {
        each.name: walk_forward(each, data, folds, settings, seed=seed(each.name)) for each in candidates
    }
    results = tuple(summary(each, walks[each.name], data) for each in candidates)
    choice = (
        select_candidate(results, limits_of(settings)) if results else Choice(None, too_short(data, settings))
    )
    chosen = choice.result.name if choice.result else BASELINE
    candidate = {each.name: each for each in candidates}.get(chosen, BASELINE_CANDIDATE)
    log.info("%s", choice.reason)
    rows = data.training_rows(last_window(data, settings), known_before=len(panel.sessions))
    fitted = fit(candidate, data, rows, settings, seed=seed(candidate.name))
    return SelectionRun(candidate, choice, results, _fold_table(walks), fitted, rows, data)


def rows_of(panel: Panel, features: FeatureMatrix, settings: ModelSettings) -> Dataset:
    """Return the rows of every n-th session, n the shortest horizon, counted back from the last complete label."""
    horizons = settings.label_horizons
    label = make_target(settings.target, panel, horizons, settings.entry)
    forward = forward_return(panel, sessions=min(horizons), entry=settings.entry)
    last = len(panel.sessions) - 1 - _label_sessions(settings)
    sampled = sampled_sessions(0, last, every=min(horizons))
    return make_dataset(features, label, forward.values, panel.is_member, sampled)


def folds_of(data: Dataset, settings: ModelSettings) -> tuple[Fold, ...]:
    """Return the walk-forward windows over the rows' sessions."""
    window = Window(
        train=settings.train_sessions,
        least_train=settings.least_train_sessions,
        test=settings.test_sessions,
        folds=settings.folds,
        embargo=settings.embargo_sessions,
    )
    return make_folds(data.sampled, label_sessions=_label_sessions(settings), window=window)


def last_window(data: Dataset, settings: ModelSettings) -> Positions:
    """Return the training window of the final model: the last `train_sessions` with complete labels."""
    sampled = data.sampled
    return sampled[sampled > sampled[-1] - settings.train_sessions] if sampled.size else sampled


def configured_candidates(settings: ModelSettings, *, quick: bool) -> tuple[Candidate, ...]:
    """Return the candidates to train: all, or the quick ones."""
    return tuple(each for each in settings.candidates if not quick or each.name in settings.quick_candidates)


def limits_of(settings: ModelSettings) -> PromotionLimits:
    """Return the requirements on a champion."""
    return PromotionLimits(settings.min_t_statistic, settings.max_train_test_gap, settings.max_age_days)


def summary(candidate: Candidate, walk: Sequence[FoldResult], data: Dataset) -> CandidateResult:
    """Return a candidate's metrics on the choosing folds, on the confirming ones, and on all."""
    numbers = [{fold.number for fold in part} for part in split_folds(tuple(result.fold for result in walk))]
    earlier, later = ([result for result in walk if result.fold.number in part] for part in numbers)
    kind = KINDS[candidate.kind]
    return CandidateResult(
        name=candidate.name,
        kind=candidate.kind,
        ranks=kind.ranks,
        choice=asdict(measure_together(earlier, data)),
        confirmation=asdict(measure_together(later, data)),
        overall=asdict(measure_together(list(walk), data)),
        train_test_gap=float(np.mean([result.gap for result in walk])) if kind.learns else 0.0,
    )


def too_short(data: Dataset, settings: ModelSettings) -> str:
    """Return the reason for a choice without candidates."""
    needed = settings.least_train_sessions + 2 * settings.test_sessions + _label_sessions(settings)
    spanned = int(data.sampled[-1] - data.sampled[0]) + 1 if data.sampled.size else 0
    return (
        f"The history is too short to select and confirm a candidate: {spanned} sessions are usable,"
        f" {needed + settings.embargo_sessions} are needed."
    )


def _label_sessions(settings: ModelSettings) -> int:
    """Return how many sessions after a decision all of its labels are known."""
    return sessions_known_after(max(settings.label_horizons), settings.entry)


def _fold_table(walks: dict[str, list[FoldResult]]) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {
                "candidate": name,
                "fold": result.fold.number,
                **asdict(result.test),
                "train_rank_ic": result.train.rank_ic,
                "train_hit_rate": result.train.hit_rate,
                "gap": result.gap,
            }
            for name, walk in walks.items()
            for result in walk
        ],
        columns=None if walks else ["candidate", "fold"],
    )
