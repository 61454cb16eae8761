"""The weekly selection stages: train and compare candidates, promote one atomically."""

import logging
from dataclasses import replace
from pathlib import Path

from tasks.core.artifacts import ArtifactRef, load_frame, save_frame
from tasks.core.atomic import replace_folder, write_bytes, write_text
from tasks.core.errors import StorageError
from tasks.core.homes.run import Run
from tasks.core.ids import sha256_of_bytes
from tasks.core.stage import stage
from tasks.core.text import counted
from tasks.data.panel.coverage import coverage_by_year
from tasks.data.panel.reader import read_panel
from tasks.data.schema.records import Market
from tasks.features.sets import SETS
from tasks.features.store import stored_features
from tasks.models.registry.champion import make_probe
from tasks.models.schema import Champion
from tasks.models.training.feature_checks import check_features
from tasks.selection.promotion import decide_promotion, describe, install, why_not_in_production
from tasks.selection.report import comparison, page
from tasks.selection.rival import measure_rival
from tasks.selection.schema import Promotion, Training
from tasks.selection.selection_run import last_window, limits_of, run_selection, window_needed
from tasks.selection.trials.ledger import HomeLedger, require_intact

log = logging.getLogger(__name__)

FOLDER, REPORT = "model_selection", "model_selection_report.md"


@stage()
def train_candidates(run: Run, market: Market, *, quick: bool) -> Training:
    """Test every candidate walk-forward, select one, and train it on all known labels. Promotes nothing."""
    settings = run.settings.models
    require_intact(run.home)  # before hours of training
    panel = read_panel(market.snapshot, window=window_needed(settings))
    features = stored_features(run.home.features, panel, market.snapshot, SETS[settings.features])
    ledger = HomeLedger(
        run.home, str(run.session), "weekly --quick" if quick else "weekly", market.snapshot.id
    )
    selected = run_selection(
        panel, features, settings, quick=quick, seed=lambda name: run.seed(f"model {name}"), ledger=ledger
    )
    model, data = selected.fitted.model, selected.data
    content = model.dump()
    place = run.home.work / str(run.session) / f"candidate.{model.suffix}"
    write_bytes(place, content)
    checks = check_features(
        data, selected.trained_rows, selected.fitted, settings.feature_checks, seed=run.seed("feature checks")
    )
    log.info(
        "%s selected from %s, trained on %s",
        selected.candidate.name,
        counted(len(selected.results), "candidate"),
        counted(len(selected.trained_rows), "row"),
    )
    return Training(
        session=run.session.day,
        snapshot=market.snapshot.id,
        feature_set=data.feature_set,
        results=selected.results,
        folds=save_frame(run, "training_folds", selected.folds),
        feature_checks=save_frame(run, "feature_checks", checks),
        choice=selected.choice,
        deflation=selected.deflation,
        candidate=selected.candidate,
        features=data.features,
        model=ArtifactRef("candidate", place, sha256_of_bytes(content)),
        seed=run.seed(f"model {selected.candidate.name}"),
        probe=make_probe(model, data.x[data.rows_of(last_window(data, settings))]),
        trained_through=panel.sessions[-1].item(),
        statistic=selected.statistic,
        coverage=None if market.is_simulated else coverage_by_year(market.snapshot, panel.sessions),
        rival=measure_rival(run.home, panel, selected, least_sessions=settings.test_sessions),
    )


@stage()
def promote_champion(run: Run, training: Training) -> Promotion:
    """Put the selected candidate into production, or retain the incumbent, and report why."""
    require_intact(run.home)
    limits = limits_of(run.settings.models)
    incumbent, decision = decide_promotion(training, run.home, limits)
    metadata = describe(training, optimizer=run.settings.portfolio.optimizer, min_t=limits.min_t_statistic)
    promoted, reason = False, decision.reason
    if incumbent is not None and not decision.promote:
        champion = incumbent
    else:
        champion = replace(metadata.champion, selection_reason=reason)
        promoted = install(
            run.home, replace(metadata, champion=champion), _bytes_of(training.model), incumbent
        )
        if not promoted and incumbent is not None:
            champion, reason = incumbent, f"{reason} {why_not_in_production(incumbent, training.session)}"
    report = _publish_report(run, training, champion, promoted=promoted, reason=reason)
    log.info("%s %s: %s", "promoted" if promoted else "retained", champion.name, reason)
    return Promotion(champion, promoted, reason, report)


def _bytes_of(model: ArtifactRef) -> bytes:
    content = model.path.read_bytes()
    if sha256_of_bytes(content) != model.sha256:
        raise StorageError(
            f"{model.path} was changed during the run.",
            remedy="Make sure that nothing else writes to data/work, then run again.",
            path=str(model.path),
        )
    return content


def _publish_report(run: Run, training: Training, champion: Champion, *, promoted: bool, reason: str) -> Path:
    """Replace the report's folder atomically, so that its files are of one week."""
    place = run.home.reports / FOLDER
    checks, limits = load_frame(training.feature_checks), limits_of(run.settings.models)
    with replace_folder(place) as folder:
        table = comparison(training, limits.min_t_statistic)
        write_text(folder / "training_comparison.csv", table.to_csv(index=False))
        write_text(folder / "feature_checks.csv", checks.to_csv(index=False, float_format="%.6g"))
        write_text(
            folder / REPORT, page(training, champion, checks, limits=limits, promoted=promoted, reason=reason)
        )
    return place / REPORT
