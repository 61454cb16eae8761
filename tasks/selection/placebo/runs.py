"""Repeat the selection on permuted features, where there is nothing to find, and rank the candidate among the results.

A run is stored under a hash of all that determines it (data, settings, code, number), so repeating the weekly run
computes none.
Its trials are not trials of this home: they cannot win.
"""

import logging
from collections.abc import Callable
from pathlib import Path

from config.settings import Settings
from tasks.core.ids import sha256_of_record
from tasks.core.kept_results import keep_result, kept_file, kept_result
from tasks.core.stage import report_step
from tasks.core.versions.source_code import CODE_ROOT, code_fingerprint
from tasks.data.schema.records import Panel
from tasks.features.schema import FeatureMatrix
from tasks.selection.choice import best_on_selection_folds
from tasks.selection.placebo.permutation import permuted
from tasks.selection.schema import Placebo
from tasks.selection.selection_run import limits_of, run_selection
from tasks.selection.trials.history import MemoryLedger

log = logging.getLogger(__name__)

Seed = Callable[[str], int]


def run_placebos(
    folder: Path,
    snapshot: str,
    panel: Panel,
    features: FeatureMatrix,
    settings: Settings,
    *,
    t: float,
    seed: Seed,
) -> Placebo:
    """Return the rank of a candidate with this t on the confirmation folds among selection.placebo_runs runs."""
    found = []
    basis = [snapshot, settings.models.model_dump(mode="json"), code_fingerprint(CODE_ROOT)]
    for number in range(1, settings.selection.placebo_runs + 1):
        report_step("placebo runs", number - 1, settings.selection.placebo_runs)
        identity = sha256_of_record([*basis, number, seed(f"placebo {number}")])
        if not kept_file(folder, identity).exists():
            measured = placebo_t(panel, features, settings, seed=seed, number=number)
            keep_result(folder, identity, {"t": measured})
        found.append(
            kept_result(folder, identity, lambda kept: float(kept["t"]), what="The stored placebo run")
        )
        log.info("placebo %d of %d: t = %.2f", number, settings.selection.placebo_runs, found[-1])
    return Placebo(t, tuple(found))


def placebo_t(panel: Panel, features: FeatureMatrix, settings: Settings, *, seed: Seed, number: int) -> float:
    """Return the t, on the confirmation folds, of what the selection folds select; 0 without an eligible candidate."""
    is_member = panel.is_member[-features.values.shape[1] :]
    exchanged = permuted(features, is_member, seed=seed(f"placebo {number}"))
    run = run_selection(
        panel,
        exchanged,
        settings.models,
        quick=False,
        seed=lambda name: seed(f"placebo {number} {name}"),
        ledger=MemoryLedger(),
    )
    best = best_on_selection_folds(run.results, limits_of(settings.models))
    return best.confirmation["neutral_ic_t"] if best else 0.0
