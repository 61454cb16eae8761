"""Store the model and the frames of the week, and record the training."""

import numpy as np

from tasks.core.artifacts import ArtifactRef, save_frame
from tasks.core.atomic import write_bytes
from tasks.core.homes.run import Run
from tasks.core.ids import sha256_of_bytes
from tasks.data.panel.coverage import coverage_by_year
from tasks.data.schema.records import Panel
from tasks.models.registry.champion import make_probe
from tasks.models.schema import Baseline, Probe
from tasks.models.training.baseline import make_baseline
from tasks.models.training.fitted import Fitted
from tasks.models.training.fold_by_fold import fit, predict
from tasks.selection.choice import runner_up
from tasks.selection.diversity import diversity_of
from tasks.selection.record import counted_by_session, fifths, session_ics
from tasks.selection.rival import measure_rival
from tasks.selection.schema import (
    CandidateResult,
    CountedTrials,
    Diversity,
    RunnerUp,
    Training,
)
from tasks.selection.selection_run import (
    SelectionRun,
    last_window,
    limits_of,
)
from tasks.selection.trials.ledger import history_in, require_intact, with_returns
from tasks.selection.week.examination import Examination
from tasks.selection.week.week import Week


def record_training(
    week: Week, selected: SelectionRun, examination: Examination, *, examined: CandidateResult | None
) -> Training:
    """Store the model and the frames of the week; return the record, without the pairs and the optimizer.

    `selected` is the candidate, or the baseline that replaces it; `examined` the candidate of the selection folds.
    """
    run, market, panel, data = week.run, week.market, week.panel, selected.data
    return Training(
        session=run.session.day,
        snapshot=market.snapshot.id,
        feature_set=data.feature_set,
        results=selected.results,
        folds=save_frame(run, "training_folds", selected.folds),
        feature_checks=save_frame(run, "feature_checks", examination.checks),
        choice=selected.choice,
        deflation=selected.deflation,
        candidate=selected.candidate,
        features=data.features,
        model=_dumped(run, "candidate", selected.fitted),
        seed=run.seed(f"model {selected.candidate.name}"),
        probe=_probe_of(run, selected, selected.fitted),
        trained_through=panel.sessions[-1].item(),
        statistic=selected.statistic,
        coverage=None if market.is_simulated else coverage_by_year(market.snapshot, panel.sessions),
        rival=measure_rival(run.home, panel, selected, least_sessions=run.settings.models.test_sessions),
        runner_up=_trained_runner_up(run, selected),
        examined=examined.name if examined else None,
        gates=examination.gates,
        live=examination.live,
        diversity=_diversity(selected),
        stability=examination.stability,
        placebo=examination.placebo,
        net=examination.net,
        paths=examination.paths,
        ics=save_frame(run, "session_ics", session_ics(selected, panel.sessions)),
        fifths=fifths(selected),
        counts=_counts(run),
        baseline=_baseline_of(run, panel, selected),
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
