"""The weekly selection stages: train and compare candidates, promote one atomically."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd

from config.settings import Settings
from tasks.core.artifacts import ArtifactRef, load_frame, save_frame
from tasks.core.atomic import replace_folder, write_bytes, write_text
from tasks.core.errors import ModelError, StorageError
from tasks.core.homes.run import Run
from tasks.core.ids import sha256_of_bytes
from tasks.core.sessions import sessions_between
from tasks.core.stage import stage
from tasks.core.text import counted
from tasks.data.panel.coverage import coverage_by_year
from tasks.data.panel.reader import read_panel
from tasks.data.schema.records import Market, Panel
from tasks.features.schema import FeatureMatrix
from tasks.features.sets import SETS
from tasks.features.store import stored_features
from tasks.models.registry.champion import make_probe
from tasks.models.registry.metadata import Metadata
from tasks.models.registry.store import has_champion, read_champion, read_versions
from tasks.models.schema import Baseline, Champion, Probe
from tasks.models.training.baseline import make_baseline
from tasks.models.training.feature_checks import SUSPECT, check_features
from tasks.models.training.fitted import Fitted
from tasks.models.training.fold_by_fold import fit, predict
from tasks.models.training.walkforward import split_folds
from tasks.selection.choice import ineligible_because, nearly_best, runner_up
from tasks.selection.diversity import diversity_of
from tasks.selection.gates import (
    leak_gate,
    live_gate,
    looks_gate,
    net_gates,
    overfitting_gate,
    placebo_gate,
    placebo_missing,
    require_gates,
    statistical_gates,
)
from tasks.selection.live_verdict import live_verdict
from tasks.selection.net.pairs import can_be_compared, compared_optimizers, walk_pairs, with_optimizer
from tasks.selection.net.portfolio import Market as WalkedMarket
from tasks.selection.net.portfolio import read_market, walk_selected
from tasks.selection.net.statement import stated_pair
from tasks.selection.pair_choice import select_pair
from tasks.selection.paths.finalists import cross_validate, finalists_of
from tasks.selection.placebo.runs import run_placebos
from tasks.selection.promotion import (
    challenger_of,
    describe,
    install,
    install_challenger,
    is_current,
    why_not_in_production,
)
from tasks.selection.record import counted_by_session, fifths, session_ics
from tasks.selection.replacement import decide_promotion
from tasks.selection.report import comparison, page
from tasks.selection.rival import measure_rival
from tasks.selection.schema import (
    CandidateResult,
    CountedTrials,
    Diversity,
    Gate,
    LiveDay,
    LiveVerdict,
    Looks,
    NetResult,
    Pairs,
    PathResult,
    Placebo,
    Promotion,
    RunnerUp,
    Stability,
    Training,
)
from tasks.selection.search.store import HomeStudies
from tasks.selection.selection_run import (
    Seed,
    SelectionRun,
    WalkedCandidates,
    last_window,
    limits_of,
    run_tests,
    select,
    window_needed,
    without_candidate,
)
from tasks.selection.stability import stability_of
from tasks.selection.trials.ledger import HomeLedger, first_session, history_in, require_intact, with_returns

log = logging.getLogger(__name__)

ReadMarket = Callable[[], WalkedMarket]  # reads it once

FOLDER, REPORT = "model_selection", "model_selection_report.md"


@stage()
def train_candidates(run: Run, market: Market, live_days: Sequence[LiveDay] = (), *, quick: bool) -> Training:
    """Test every candidate walk-forward, select one, and train it on all known labels. Promotes nothing.

    `live_days`: the realised skill of published days, by which the champion is judged.
    """
    settings = run.settings.models
    require_intact(run.home)  # before hours of training
    panel = read_panel(market.snapshot, window=window_needed(settings))
    features = stored_features(run.home.features, panel, market.snapshot, SETS[settings.features])
    ledger = HomeLedger(
        run.home, str(run.session), "weekly --quick" if quick else "weekly", market.snapshot.id
    )
    found = run_tests(
        panel,
        features,
        settings,
        quick=quick,
        seed=_seed_of(run),
        ledger=ledger,
        studies=HomeStudies(run.home.studies, f"{run.session} {market.snapshot.id[:12]}"),
    )
    read = cache(lambda: read_market(market.snapshot, panel, run.settings))
    pairs = _compared(run, read, panel, found, ledger)
    selected, optimizer = _selected(run, found, pairs, ledger)
    steered = with_optimizer(run.settings, optimizer)
    data, examined = selected.data, selected.examined
    checks = _checked(run, selected)
    net = _walked(run, read, panel, selected, steered)
    placebo = None if quick else _placebo(run, market, panel, features, selected)
    paths = () if quick else _cross_validated(run, market, read, panel, selected, steered)
    live = live_verdict(live_days, _champion_before(run), run.settings.selection)
    gates = _gates(run, selected, checks, net, placebo, live)
    choice = require_gates(selected.choice, gates)
    if selected.choice.result is not None and choice.result is None:
        log.info("%s", choice.reason)
        selected = without_candidate(selected, choice, settings, seed=_seed_of(run))
        checks = _checked(run, selected)
    model = _dumped(run, "candidate", selected.fitted)
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
        model=model,
        seed=run.seed(f"model {selected.candidate.name}"),
        probe=_probe_of(run, selected, selected.fitted),
        trained_through=panel.sessions[-1].item(),
        statistic=selected.statistic,
        coverage=None if market.is_simulated else coverage_by_year(market.snapshot, panel.sessions),
        rival=measure_rival(run.home, panel, selected, least_sessions=settings.test_sessions),
        runner_up=_trained_runner_up(run, selected),
        examined=examined.name if examined else None,
        optimizer=optimizer if selected.choice.result else run.settings.portfolio.optimizer,
        pairs=pairs,
        gates=gates,
        live=live,
        diversity=_diversity(selected),
        stability=_stability(run, selected, examined),
        placebo=placebo,
        net=net,
        paths=paths,
        ics=save_frame(run, "session_ics", session_ics(selected, panel.sessions)),
        fifths=fifths(selected),
        counts=_counts(run),
        baseline=_baseline_of(run, panel, selected),
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


def _seed_of(run: Run) -> Seed:
    return lambda name: run.seed(f"model {name}")


def _checked(run: Run, selected: SelectionRun) -> pd.DataFrame:
    limits, seed = run.settings.models.feature_checks, run.seed("feature checks")
    return check_features(selected.data, selected.trained_rows, selected.fitted, limits, seed=seed)


def _compared(
    run: Run,
    read: ReadMarket,
    panel: Panel,
    found: WalkedCandidates,
    ledger: HomeLedger,
) -> Pairs | None:
    """Walk the pairs that the selection folds compare, and select one; None if there is nothing to compare."""
    names = [each.name for each in nearly_best(found.results, limits_of(run.settings.models))]
    if not names or len(compared_optimizers(run.settings)) < 2 or not can_be_compared(found):
        return None
    pairs = walk_pairs(
        read(),
        panel.sessions,
        found,
        names,
        run.settings,
        folder=run.home.backtests,
        seed=_seed_of(run),
        ledger=ledger,
    )
    before = _champion_before(run)
    incumbent = (before.name, before.optimizer) if before else None
    return select_pair(pairs, run.settings.selection, incumbent=incumbent)


def _champion_before(run: Run) -> Champion | None:
    """Return the champion of earlier weeks: a week that is run again sees the same one."""
    champion = _champion(run)
    if champion is None or champion.selection_date >= run.session.day:
        versions = [stored.metadata.champion for stored in read_versions(run.home)]
        earlier = [each for each in versions if each.selection_date < run.session.day]
        champion = max(earlier, key=lambda each: each.selection_date, default=None)
    return champion


def _selected(
    run: Run, found: WalkedCandidates, pairs: Pairs | None, ledger: HomeLedger
) -> tuple[SelectionRun, str]:
    """Return the selection, and the optimizer of its candidate's portfolio."""
    pair = pairs.selected if pairs else None
    selected = select(
        found,
        run.settings.models,
        seed=_seed_of(run),
        ledger=ledger,
        preferred=pair.model if pair else None,
    )
    if pairs is None or pair is None:
        return selected, run.settings.portfolio.optimizer
    reason = f"{selected.choice.reason} {stated_pair(pairs)}".rstrip()
    return replace(selected, choice=replace(selected.choice, reason=reason)), pair.optimizer


def _walked(
    run: Run, read: ReadMarket, panel: Panel, selected: SelectionRun, settings: Settings
) -> NetResult | None:
    """Walk the portfolio of a candidate that passed the statistical tests."""
    if selected.choice.result is None:
        return None
    return walk_selected(read(), panel.sessions, selected, settings, seed=run.seed("superiority"))


def _cross_validated(
    run: Run, market: Market, read: ReadMarket, panel: Panel, selected: SelectionRun, settings: Settings
) -> tuple[PathResult, ...]:
    """Cross-validate the finalists, and walk their portfolios."""
    best = finalists_of(selected.results, most=settings.selection.finalists)
    if not best:
        return ()
    by_name = {each.name: each for each in selected.candidates}
    return cross_validate(
        run.home.paths,
        market.snapshot.id,
        read(),
        panel.sessions,
        selected,
        [by_name[each.name] for each in best],
        settings,
        seed=_seed_of(run),
    )


def _counts(run: Run) -> tuple[CountedTrials, ...]:
    """Return the lifetime trials of the home at up to ten sessions."""
    contents = require_intact(run.home)
    known = [each.session for each in with_returns(run.home, contents)]
    return counted_by_session(history_in(run.home, contents), known)


def _diversity(selected: SelectionRun) -> Diversity | None:
    """Return how different the out-of-sample scores of the candidates are that rank names."""
    scores = {
        each.name: np.concatenate([fold.scores for fold in selected.walks[each.name]])
        for each in selected.results
        if each.ranks
    }
    return diversity_of(scores, selected.tested.data.sessions)


def _stability(run: Run, selected: SelectionRun, examined: CandidateResult | None) -> Stability | None:
    """Return how often the learner of the selection folds is selected when their sessions are resampled."""
    if examined is None or not examined.learns:
        return None
    tested = selected.tested
    ics = {}
    for each in selected.results:
        if each.learns and not ineligible_because(each):
            walk = selected.walks[each.name]
            earlier = split_folds(tuple(fold.fold for fold in walk))[0]
            scores = np.concatenate([fold.scores for fold in walk[: len(earlier)]])
            ics[each.name] = tested.neutral_ics(scores, slice(0, len(scores)))
    return stability_of(ics, examined.name, overlap=tested.overlap, seed=run.seed("stability"))


def _looks(run: Run, name: str) -> Looks:
    """Return the looks taken in this home, this week's included."""
    session = run.session.day
    first = min(date.fromisoformat(first_session(require_intact(run.home)) or str(session)), session)
    elapsed = len(sessions_between(first, session)) - 1
    champion = _champion_before(run)
    is_champion = champion is not None and champion.ranks and champion.name == name
    return Looks(first, elapsed, is_champion=is_champion)


def _champion(run: Run) -> Champion | None:
    """Return the champion in production; None without any, and for a damaged one, which is replaced."""
    try:
        return read_champion(run.home) if has_champion(run.home) else None
    except ModelError:
        return None


def _placebo(
    run: Run, market: Market, panel: Panel, features: FeatureMatrix, selected: SelectionRun
) -> Placebo | None:
    """Repeat the selection on permuted features, for a candidate that passed the statistical tests."""
    found = selected.choice.result
    if found is None or not run.settings.selection.placebo_runs:
        return None
    t = found.confirmation["neutral_ic_t"]
    return run_placebos(
        run.home.placebos, market.snapshot.id, panel, features, run.settings, t=t, seed=run.seed
    )


def _gates(
    run: Run,
    selected: SelectionRun,
    checks: pd.DataFrame,
    net: NetResult | None,
    placebo: Placebo | None,
    live: LiveVerdict | None,
) -> tuple[Gate, ...]:
    """Return every gate, for the candidate of the selection folds."""
    examined = selected.examined
    if examined is None:
        return ()
    settings, limits = run.settings.selection, limits_of(run.settings.models)
    suspects = checks["feature"][checks["recommendation"] == SUSPECT]
    return (
        *statistical_gates(examined, selected.results, selected.deflation, limits),
        looks_gate(examined, _looks(run, examined.name), limits.min_t_statistic, settings),
        *((live_gate(examined, live),) if live else ()),
        leak_gate(list(suspects), settings),
        overfitting_gate(selected.deflation.overfitting, settings),
        *((placebo_gate(placebo, settings),) if placebo else ()),
        *((placebo_missing(settings),) if not placebo and settings.max_placebo_p_value < 1 else ()),
        *(net_gates(net, settings) if net else ()),
    )


def _trained_runner_up(run: Run, selected: SelectionRun) -> RunnerUp | None:
    """Train the second candidate of the week on the rows of the selected one."""
    settings = run.settings.models
    second = runner_up(selected.results, selected.choice.result, limits_of(settings))
    if second is None:
        return None
    candidate = next(each for each in selected.candidates if each.name == second.name)
    seed = run.seed(f"model {candidate.name}")
    fitted = fit(candidate, selected.data, selected.trained_rows, settings, seed=seed)
    return RunnerUp(
        candidate, second, _dumped(run, "runner_up", fitted), seed, _probe_of(run, selected, fitted)
    )


def _dumped(run: Run, name: str, fitted: Fitted) -> ArtifactRef:
    """Write the model's bytes into the run's working directory."""
    content = fitted.model.dump()
    place = run.home.work / str(run.session) / f"{name}.{fitted.model.suffix}"
    write_bytes(place, content)
    return ArtifactRef(name, place, sha256_of_bytes(content))


def _probe_of(run: Run, selected: SelectionRun, fitted: Fitted) -> Probe:
    data = selected.data
    return make_probe(fitted.model, data.x[data.rows_of(last_window(data, run.settings.models))])


def _baseline_of(run: Run, panel: Panel, selected: SelectionRun) -> Baseline | None:
    """Return the baseline of the training rows; None if the model was trained on none."""
    data, rows = selected.data, selected.trained_rows
    if not len(rows):
        return None
    scores = predict(selected.fitted, data.x[rows]), data.sessions[rows]
    block = run.settings.monitoring.drift_sessions
    return make_baseline(panel, data.features, data.sessions[rows], scores, block_sessions=block)


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
    content = model.path.read_bytes()
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
    """Replace the report's folder atomically, so that its files are of one week."""
    place = run.home.reports / FOLDER
    checks, limits = load_frame(training.feature_checks), limits_of(run.settings.models)
    with replace_folder(place) as folder:
        table = comparison(training, limits.min_t_statistic)
        write_text(folder / "training_comparison.csv", table.to_csv(index=False))
        write_text(folder / "feature_checks.csv", checks.to_csv(index=False, float_format="%.6g"))
        write_text(
            folder / REPORT,
            page(training, champion, challenger, checks, limits=limits, promoted=promoted, reason=reason),
        )
    return place / REPORT
