"""The weekly selection: build the rows, test every candidate walk-forward, select one, train it on all rows.

Pure: from a panel, features and settings to a `SelectionRun`.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from config.sections import Candidate
from config.sections import Models as ModelSettings
from tasks.core.ids import sha256_of_record
from tasks.core.stage import report_step
from tasks.core.text import counted
from tasks.data.schema.records import Panel
from tasks.features.registry import warm_up
from tasks.features.schema import FeatureMatrix
from tasks.features.sets import SETS
from tasks.models.kinds.registry import BASELINE, KINDS, YARDSTICK
from tasks.models.schema import Statistic
from tasks.models.training.controls import controls_of
from tasks.models.training.dataset import Dataset, OutOfSample, make_dataset
from tasks.models.training.fitted import Fitted
from tasks.models.training.fold_by_fold import (
    FoldResult,
    fit,
    fold_workers,
    measure_together,
    walk_forward,
)
from tasks.models.training.rows import forward_of, label_sessions, origin_of, rows_of, window_of
from tasks.models.training.splits import NOTHING, Fold, Positions
from tasks.models.training.walkforward import BLOCK, make_folds, split_folds
from tasks.selection.choice import (
    PromotionLimits,
    best_on_selection_folds,
    require_deflated,
    select_candidate,
)
from tasks.selection.schema import CandidateResult, Choice, Deflation
from tasks.selection.search.run import Ground, MemoryStudies, Studies, clear_of, search
from tasks.selection.statement import named
from tasks.selection.trials.deflation import deflate
from tasks.selection.trials.history import Trial, TrialLedger
from tasks.selection.trials.returns import best_fifth_returns

log = logging.getLogger(__name__)

Seed = Callable[[str], int]

FOLDS = "folds of the candidates"  # the step that is reported while they are tested

TRAINED_WITH = (  # the settings, besides the folds, that determine training and testing
    *("features", "target", "entry", "label_horizons", "sample_weights", "half_life_sessions"),
    *("train_sessions", "min_train_sessions", "test_sessions", "folds", "embargo_sessions"),
)
YARDSTICK_CANDIDATE = Candidate(name=YARDSTICK, kind="best_feature", parameters={})
BASELINE_CANDIDATE = Candidate(name=BASELINE, kind="equal_weight", parameters={})


@dataclass(frozen=True)
class WalkedCandidates:
    """The candidates after their walk-forward tests; nothing is selected yet."""

    candidates: tuple[Candidate, ...]  # as trained: with the parameters that were found
    results: tuple[CandidateResult, ...]
    data: Dataset
    tested: OutOfSample
    walks: dict[str, list[FoldResult]]
    returns: dict[str, pd.Series]  # out-of-sample, by candidate
    statistic: Statistic
    splits: str


@dataclass(frozen=True)
class SelectionRun:
    """The result. `fitted` is the selected candidate, or the baseline, trained up to the last complete label."""

    candidate: Candidate
    examined: CandidateResult | None  # the one that the selection folds select, confirmed or not
    choice: Choice
    deflation: Deflation
    candidates: tuple[Candidate, ...]
    results: tuple[CandidateResult, ...]
    folds: pd.DataFrame  # one row per candidate and fold
    fitted: Fitted
    trained_rows: NDArray[np.intp]  # the rows that `fitted` was trained on
    data: Dataset
    tested: OutOfSample
    walks: dict[str, list[FoldResult]]
    statistic: Statistic


def window_needed(settings: ModelSettings) -> int | None:
    """Return how many sessions, up to the last one, the selection needs; None: all."""
    if settings.train_sessions is None:
        return None
    tests = settings.folds * settings.test_sessions
    return (
        warm_up(SETS[settings.features])
        + settings.train_sessions
        + 2 * label_sessions(settings)
        + BLOCK
        + settings.embargo_sessions
        + tests
    )


def run_selection(
    panel: Panel,
    features: FeatureMatrix,
    settings: ModelSettings,
    *,
    quick: bool,
    seed: Seed,
    ledger: TrialLedger,
    studies: Studies | None = None,
) -> SelectionRun:
    """Search, train, compare and select, by the candidates' scores alone; see `run_tests` and `select`."""
    found = run_tests(panel, features, settings, quick=quick, seed=seed, ledger=ledger, studies=studies)
    return select(found, settings, seed=seed, ledger=ledger)


def run_tests(
    panel: Panel,
    features: FeatureMatrix,
    settings: ModelSettings,
    *,
    quick: bool,
    seed: Seed,
    ledger: TrialLedger,
    studies: Studies | None = None,
) -> WalkedCandidates:
    """Search, train and test every candidate. Seeds depend on its name, so that adding one changes no other.

    Every candidate is recorded in the ledger once it is tested, and so is every trial of a search. Without `studies`
    an interrupted search starts over.
    """
    data = rows_of(panel, features, settings)
    folds = folds_of(panel, data, settings)
    tested = out_of_sample(panel, features, folds, settings)
    statistic = Statistic(settings.entry, tested.overlap, tested.controls.names)
    log.info(
        "%s of %s, %s, neutral of %s",
        counted(len(data.x), "row"),
        counted(len(data.features), "feature"),
        counted(len(folds), "fold"),
        named(statistic.controls),
    )
    candidates = configured_candidates(settings, quick=quick) if split_folds(folds)[0] else ()
    walks: dict[str, list[FoldResult]] = {}
    returns: dict[str, pd.Series] = {}
    splits = splits_of(panel, data, folds, settings)
    with fold_workers(data, tested, settings) as run:
        candidates = tuple(
            search(
                each,
                ground_of(panel, data, tested, folds, settings),
                settings.search,
                run,
                partial(returns_of, panel, settings=settings),
                seed=seed(each.name),
                ledger=ledger,
                studies=studies or MemoryStudies(),
            )
            if each.search
            else each
            for each in candidates
        )
        report_step(FOLDS, 0, len(candidates) * len(folds))
        for place, each in enumerate(candidates):
            report = partial(_report_folds, place * len(folds), len(candidates) * len(folds))
            walks[each.name] = walk_forward(each, folds, run, seed=seed(each.name), report=report)
            returns[each.name] = returns_of(panel, tested, walks[each.name], settings)
            ledger.record(Trial(each, seed(each.name), splits, returns[each.name]))
    results = tuple(summary(each, walks[each.name], tested) for each in candidates)
    return WalkedCandidates(candidates, results, data, tested, walks, returns, statistic, splits)


def _report_folds(before: int, total: int, done: int) -> None:
    report_step(FOLDS, before + done, total)


def select(
    found: WalkedCandidates,
    settings: ModelSettings,
    *,
    seed: Seed,
    ledger: TrialLedger,
    preferred: str | None = None,
) -> SelectionRun:
    """Select a candidate, confirm it, deflate its evidence by all trials of the ledger, and train it on all rows.

    `preferred`: which of the learners that the selection folds cannot tell apart; by default the first.
    """
    limits, results, data = limits_of(settings), found.results, found.data
    best = best_on_selection_folds(results, limits, preferred=preferred)
    deflation = deflate(
        ledger.history(),
        found.returns,
        best.name if best else None,
        ranked=[result.name for result in results if result.ranks],
    )
    if results:
        choice = select_candidate(results, limits, preferred=preferred)
    else:
        choice = Choice(None, too_short(data, settings))
    choice = require_deflated(choice, deflation, limits)
    chosen = choice.result.name if choice.result else BASELINE
    candidate = {each.name: each for each in found.candidates}.get(chosen, BASELINE_CANDIDATE)
    log.info("%s", choice.reason)
    rows = data.training_rows(last_window(data, settings), NOTHING)
    fitted = fit(candidate, data, rows, settings, seed=seed(candidate.name))
    return SelectionRun(
        candidate,
        best,
        choice,
        deflation,
        found.candidates,
        results,
        _fold_table(found.walks),
        fitted,
        rows,
        data,
        found.tested,
        found.walks,
        found.statistic,
    )


def without_candidate(
    run: SelectionRun, choice: Choice, settings: ModelSettings, *, seed: Seed
) -> SelectionRun:
    """Return the run with the baseline instead of its candidate, for a choice that a later gate has stopped."""
    fitted = fit(BASELINE_CANDIDATE, run.data, run.trained_rows, settings, seed=seed(BASELINE))
    return replace(run, candidate=BASELINE_CANDIDATE, choice=choice, fitted=fitted)


def out_of_sample(
    panel: Panel, features: FeatureMatrix, folds: tuple[Fold, ...], settings: ModelSettings
) -> OutOfSample:
    """Return the rows of every session of the test windows, with the controls of the neutral IC."""
    sessions = np.concatenate([fold.test for fold in folds]) if folds else np.empty(0, dtype=np.intp)
    forward = forward_of(panel, settings)
    # nothing is trained on these rows: the target is what they are tested by
    data = make_dataset(features, forward, forward.values, panel.is_member, sessions)
    return OutOfSample(
        data, controls_of(panel, data.sessions, data.symbols), overlap=min(settings.label_horizons)
    )


def returns_of(
    panel: Panel, tested: OutOfSample, walk: Sequence[FoldResult], settings: ModelSettings
) -> pd.Series:
    """Return the out-of-sample returns of a candidate over all folds, by session."""
    scores = np.concatenate([result.scores for result in walk])
    return best_fifth_returns(panel, tested, scores, horizon=tested.overlap, entry=settings.entry)


def ground_of(
    panel: Panel, data: Dataset, tested: OutOfSample, folds: tuple[Fold, ...], settings: ModelSettings
) -> Ground:
    """Return what a search may see: the selection folds, up to the last label that ends before the confirmation."""
    earlier, later = split_folds(folds)
    seen = clear_of(earlier, before=int(later[0].test[0]), label_sessions=label_sessions(settings))
    sessions = np.concatenate([fold.test for fold in seen])
    return Ground(seen, tested.of_sessions(sessions), splits_of(panel, data, seen, settings))


def splits_of(panel: Panel, data: Dataset, folds: tuple[Fold, ...], settings: ModelSettings) -> str:
    """Return a hash of the folds, the features and the settings that every candidate is trained and tested with."""
    days = panel.sessions.astype("datetime64[D]").astype(str)
    windows = [
        [days[each.train].tolist(), days[each.test].tolist(), str(days[each.closed.start[0]])]
        for each in folds
    ]
    given = settings.model_dump(mode="json", include=set(TRAINED_WITH))
    return sha256_of_record({"folds": windows, "feature_set": data.feature_set, "settings": given})


def folds_of(panel: Panel, data: Dataset, settings: ModelSettings) -> tuple[Fold, ...]:
    """Return the walk-forward windows, up to the last session whose labels are all known."""
    return make_folds(
        data.sampled,
        last=len(panel.sessions) - 1 - label_sessions(settings),
        origin=origin_of(panel),
        label_sessions=label_sessions(settings),
        window=window_of(settings),
    )


def last_window(data: Dataset, settings: ModelSettings) -> Positions:
    """Return the training window of the final model: the last `train_sessions` with complete labels, or all."""
    sampled, length = data.sampled, settings.train_sessions
    return sampled if length is None or not sampled.size else sampled[sampled > sampled[-1] - length]


def configured_candidates(settings: ModelSettings, *, quick: bool) -> tuple[Candidate, ...]:
    """Return the candidates to train: all, or the quick ones, and always the best single feature.

    Those with a search space are omitted unless searching is enabled; the quick ones are never searched.
    """
    names, searches = settings.quick_candidates, settings.search.enabled and not quick
    wanted = tuple(
        each
        for each in settings.candidates
        if (not quick or each.name in names) and (searches or not each.search)
    )
    has_yardstick = any(each.kind == YARDSTICK for each in wanted)
    return wanted if has_yardstick else (*wanted, YARDSTICK_CANDIDATE)


def limits_of(settings: ModelSettings) -> PromotionLimits:
    """Return the requirements on a champion."""
    return PromotionLimits(
        settings.min_t_statistic,
        settings.max_train_test_gap,
        settings.max_age_days,
        settings.min_deflated_sharpe,
    )


def summary(candidate: Candidate, walk: Sequence[FoldResult], tested: OutOfSample) -> CandidateResult:
    """Return a candidate's metrics on the selection folds, on the confirmation folds, and on all."""
    numbers = [{fold.number for fold in part} for part in split_folds(tuple(result.fold for result in walk))]
    earlier, later = ([result for result in walk if result.fold.number in part] for part in numbers)
    kind = KINDS[candidate.kind]
    return CandidateResult(
        name=candidate.name,
        kind=candidate.kind,
        ranks=kind.ranks,
        learns=kind.learns,
        choice=asdict(measure_together(earlier, tested)),
        confirmation=asdict(measure_together(later, tested)),
        overall=asdict(measure_together(list(walk), tested)),
        train_test_gap=float(np.mean([result.gap for result in walk])) if kind.learns else 0.0,
    )


def too_short(data: Dataset, settings: ModelSettings) -> str:
    """Return the reason for a choice without candidates."""
    tests = 2 * settings.test_sessions + BLOCK - 1
    needed = settings.min_train_sessions + tests + label_sessions(settings)
    spanned = int(data.sampled[-1] - data.sampled[0]) + 1 if data.sampled.size else 0
    return (
        f"The history is too short to select and confirm a candidate: {spanned} sessions are usable,"
        f" {needed + settings.embargo_sessions} are needed."
    )


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
