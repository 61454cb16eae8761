"""Repeat the selection on permuted features, where there is nothing to find, and rank the candidate among the results.

A run is stored under a hash of all that determines it (data, settings, code, number), so repeating the weekly run
computes none.
Its trials are not trials of this home: they cannot win.
"""

import logging
from collections.abc import Callable
from pathlib import Path

from config.settings import Settings
from tasks.core.atomic import write_text
from tasks.core.errors import StorageError
from tasks.core.ids import canonical_json, sealed, sha256_of_record, unsealed
from tasks.core.json_text import parse_json
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
        place = folder / f"{identity[:24]}.json"
        if not place.exists():
            measured = placebo_t(panel, features, settings, seed=seed, number=number)
            write_text(place, canonical_json(sealed({"identity": identity, "t": measured})) + "\n")
        found.append(_stored(place, identity))
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


def _stored(place: Path, identity: str) -> float:
    try:
        record = unsealed(parse_json(place.read_bytes()))
        return float({str(record["identity"]): record["t"]}[identity])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise StorageError(
            f"The stored placebo run {place} is damaged.",
            remedy="Delete the file; the next weekly run computes it again.",
            path=str(place),
        ) from error
