"""The weekly selection stages: train and compare candidates, promote one atomically."""

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from tasks.core.artifacts import ArtifactRef, load_frame
from tasks.core.atomic import replace_folder, write_text
from tasks.core.errors import StorageError
from tasks.core.homes.run import Run
from tasks.core.ids import sha256_of_bytes
from tasks.core.reading import read_bytes
from tasks.core.stage import stage
from tasks.core.text import counted
from tasks.data.schema.records import Market
from tasks.models.registry.metadata import Metadata
from tasks.models.schema import Champion
from tasks.selection.choice import nearly_best
from tasks.selection.net.pairs import can_be_compared, compared_optimizers, walk_pairs, with_optimizer
from tasks.selection.net.statement import stated_pair
from tasks.selection.pair_choice import select_pair
from tasks.selection.promotion import (
    challenger_of,
    describe,
    install,
    install_challenger,
    is_current,
    why_not_in_production,
)
from tasks.selection.replacement import decide_promotion
from tasks.selection.report import comparison, page
from tasks.selection.schema import (
    LiveDay,
    Pairs,
    Promotion,
    Training,
)
from tasks.selection.search.store import HomeStudies
from tasks.selection.selection_run import (
    SelectionRun,
    WalkedCandidates,
    limits_of,
    run_tests,
    select,
)
from tasks.selection.trials.ledger import HomeLedger, require_intact
from tasks.selection.week.examination import apply_gates, examine
from tasks.selection.week.training import record_training
from tasks.selection.week.week import Week, champion_before, read_week, seed_of

log = logging.getLogger(__name__)

FOLDER, REPORT = "model_selection", "model_selection_report.md"


@stage()
def train_candidates(run: Run, market: Market, live_days: Sequence[LiveDay] = (), *, quick: bool) -> Training:
    """Test every candidate walk-forward, select one, and train it on all known labels. Promotes nothing.

    `live_days`: the realized skill of published days, by which the champion is judged.
    """
    require_intact(run.home)  # before hours of training
    week = read_week(run, market)
    ledger = HomeLedger(
        run.home, str(run.session), "weekly --quick" if quick else "weekly", market.snapshot.id
    )
    found = run_tests(
        week.panel,
        week.features,
        run.settings.models,
        quick=quick,
        seed=seed_of(run),
        ledger=ledger,
        studies=HomeStudies(run.home.studies, f"{run.session} {market.snapshot.id[:12]}"),
    )
    pairs = _compared(week, found, ledger)
    selected, optimizer = _selected(run, found, pairs, ledger)
    if selected.results and not quick:  # quick runs have other candidates: their choice is not comparable
        ledger.record_selected(selected.examined.name if selected.examined else None)
    examination = examine(week, selected, with_optimizer(run.settings, optimizer), live_days, quick=quick)
    final, examination = apply_gates(run, selected, examination)
    training = record_training(week, final, examination, examined=selected.examined)
    log.info(
        "%s selected from %s, trained on %s",
        final.candidate.name,
        counted(len(final.results), "candidate"),
        counted(len(final.trained_rows), "row"),
    )
    return replace(
        training,
        optimizer=optimizer if final.choice.result else run.settings.portfolio.optimizer,
        pairs=pairs,
    )


@stage()
def promote_champion(run: Run, training: Training) -> Promotion:
    """Put the selected candidate into production, or retain the incumbent, and report why."""
    require_intact(run.home)
    limits = limits_of(run.settings.models)
    incumbent, decision = decide_promotion(training, run.home, limits)
    metadata = _described(run, training)
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
    challenger = _store_challenger(run, training, incumbent, promoted=promoted)
    report = _publish_report(run, training, champion, challenger, promoted=promoted, reason=reason)
    log.info("%s %s: %s", "promoted" if promoted else "retained", champion.name, reason)
    return Promotion(champion, promoted, reason, challenger, report)


def _compared(week: Week, found: WalkedCandidates, ledger: HomeLedger) -> Pairs | None:
    """Walk the pairs that the selection folds compare, and select one; None if there is nothing to compare."""
    run = week.run
    names = [each.name for each in nearly_best(found.results, limits_of(run.settings.models))]
    if not names or len(compared_optimizers(run.settings)) < 2 or not can_be_compared(found):
        return None
    pairs = walk_pairs(
        week.walked(),
        week.panel.sessions,
        found,
        names,
        run.settings,
        folder=run.home.backtests,
        seed=seed_of(run),
        ledger=ledger,
    )
    before = champion_before(run)
    incumbent = (before.name, before.optimizer) if before else None
    return select_pair(pairs, run.settings.selection, incumbent=incumbent)


def _selected(
    run: Run, found: WalkedCandidates, pairs: Pairs | None, ledger: HomeLedger
) -> tuple[SelectionRun, str]:
    """Return the selection, and the optimizer of its candidate's portfolio."""
    pair = pairs.selected if pairs else None
    selected = select(
        found,
        run.settings.models,
        seed=seed_of(run),
        ledger=ledger,
        preferred=pair.model if pair else None,
    )
    if pairs is None or pair is None:
        return selected, run.settings.portfolio.optimizer
    reason = f"{selected.choice.reason} {stated_pair(pairs)}".rstrip()
    return replace(selected, choice=replace(selected.choice, reason=reason)), pair.optimizer


def _store_challenger(
    run: Run, training: Training, incumbent: Champion | None, *, promoted: bool
) -> Champion | None:
    """Store the week's challenger; that of a past week changes nothing in production."""
    if not is_current(incumbent, training.trained_through):
        return None
    second = challenger_of(training, promoted=promoted)
    if second is None:
        install_challenger(run.home, None)
        return None
    metadata = _described(run, second)
    install_challenger(run.home, (metadata, _bytes_of(second.model)))
    return metadata.champion


def _described(run: Run, training: Training) -> Metadata:
    limits = limits_of(run.settings.models)
    return describe(training, optimizer=training.optimizer, min_t=limits.min_t_statistic)


def _bytes_of(model: ArtifactRef) -> bytes:
    content = read_bytes(model.path)
    if sha256_of_bytes(content) != model.sha256:
        raise StorageError(
            f"{model.path} was changed during the run.",
            remedy="Make sure that nothing else writes to data/work, then run again.",
            path=str(model.path),
        )
    return content


def _publish_report(
    run: Run,
    training: Training,
    champion: Champion,
    challenger: Champion | None,
    *,
    promoted: bool,
    reason: str,
) -> Path:
    """Replace the report's directory atomically, so that its files are of one week."""
    place = run.home.reports / FOLDER
    checks, ics = load_frame(training.feature_checks), load_frame(training.ics)
    limits = limits_of(run.settings.models)
    with replace_folder(place) as folder:
        table = comparison(training, limits.min_t_statistic)
        write_text(folder / "training_comparison.csv", table.to_csv(index=False))
        write_text(folder / "feature_checks.csv", checks.to_csv(index=False, float_format="%.6g"))
        write_text(
            folder / REPORT,
            page(
                training, champion, challenger, checks, ics, limits=limits, promoted=promoted, reason=reason
            ),
        )
    return place / REPORT
