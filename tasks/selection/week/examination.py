"""Examine the candidate that the selection folds select: features, portfolio, placebo runs, paths, stability, gates."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import pandas as pd

from config.settings import Settings
from tasks.core.homes.run import Run
from tasks.core.sessions import sessions_between
from tasks.models.training.feature_checks import SUSPECT, check_features
from tasks.selection.choice import best_on_selection_folds
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
from tasks.selection.net.portfolio import walk_selected
from tasks.selection.paths.finalists import cross_validate, finalists_of
from tasks.selection.placebo.runs import run_placebos
from tasks.selection.schema import (
    Gate,
    LiveDay,
    LiveVerdict,
    Looks,
    NetResult,
    PathResult,
    Placebo,
    SeedChoice,
    Stability,
)
from tasks.selection.selection_run import (
    SelectionRun,
    limits_of,
    without_candidate,
)
from tasks.selection.stability.draws import draws_of
from tasks.selection.stability.seeds import other_seeds
from tasks.selection.stability.weeks import earlier_weeks
from tasks.selection.trials.ledger import first_session, require_intact
from tasks.selection.week.week import Week, champion_before, seed_of

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Examination:
    """The tests of the candidate that the selection folds select, and the gates that they decide."""

    checks: pd.DataFrame  # of the features
    net: NetResult | None
    placebo: Placebo | None
    paths: tuple[PathResult, ...]
    stability: Stability | None
    live: LiveVerdict | None
    gates: tuple[Gate, ...]


def examine(
    week: Week, selected: SelectionRun, settings: Settings, live_days: Sequence[LiveDay], *, quick: bool
) -> Examination:
    """Test the selected candidate. `settings`: with the selected optimizer. `quick`: no placebos, paths or seeds."""
    run = week.run
    checks = _checked(run, selected)
    net = _walked(week, selected, settings)
    placebo = None if quick else _placebo(week, selected)
    paths = () if quick else _cross_validated(week, selected, settings)
    stability = _stability(week, selected, quick=quick)
    live = live_verdict(live_days, champion_before(run), run.settings.selection)
    gates = _gates(run, selected, checks, net, placebo, live)
    return Examination(checks, net, placebo, paths, stability, live, gates)


def apply_gates(
    run: Run, selected: SelectionRun, examination: Examination
) -> tuple[SelectionRun, Examination]:
    """Replace a candidate that fails a gate by the baseline, whose features are checked instead."""
    choice = require_gates(selected.choice, examination.gates)
    if selected.choice.result is None or choice.result is not None:
        return selected, examination
    log.info("%s", choice.reason)
    baseline = without_candidate(selected, choice, run.settings.models, seed=seed_of(run))
    return baseline, replace(examination, checks=_checked(run, baseline))


def _checked(run: Run, selected: SelectionRun) -> pd.DataFrame:
    limits, seed = run.settings.models.feature_checks, run.seed("feature checks")
    return check_features(selected.data, selected.trained_rows, selected.fitted, limits, seed=seed)


def _walked(week: Week, selected: SelectionRun, settings: Settings) -> NetResult | None:
    """Walk the portfolio of a candidate that passed the statistical tests."""
    if selected.choice.result is None:
        return None
    seed = week.run.seed("superiority")
    return walk_selected(week.walked(), week.panel.sessions, selected, settings, seed=seed)


def _cross_validated(week: Week, selected: SelectionRun, settings: Settings) -> tuple[PathResult, ...]:
    """Cross-validate the finalists, and walk their portfolios."""
    best = finalists_of(selected.results, most=settings.selection.finalists)
    if not best:
        return ()
    by_name = {each.name: each for each in selected.candidates}
    return cross_validate(
        week.run.home.paths,
        week.market.snapshot.id,
        week.walked(),
        week.panel.sessions,
        selected,
        [by_name[each.name] for each in best],
        settings,
        seed=seed_of(week.run),
    )


def _placebo(week: Week, selected: SelectionRun) -> Placebo | None:
    """Repeat the selection on permuted features, for a candidate that passed the statistical tests."""
    run = week.run
    found = selected.choice.result
    if found is None or not run.settings.selection.placebo_runs:
        return None
    t = found.confirmation["neutral_ic_t"]
    return run_placebos(
        run.home.placebos,
        week.market.snapshot.id,
        week.panel,
        week.features,
        run.settings,
        t=t,
        seed=run.seed,
    )


def _stability(week: Week, selected: SelectionRun, *, quick: bool) -> Stability | None:
    """Compare what is selected with earlier weeks, other seeds and resampled sessions; nothing depends on it."""
    if not selected.results:
        return None
    run, settings = week.run, week.run.settings
    by_t = best_on_selection_folds(selected.results, limits_of(settings.models))
    recorded = () if quick else require_intact(run.home, returns=False).selected
    return Stability(
        selected=selected.examined.name if selected.examined else None,
        by_t=by_t.name if by_t else None,
        is_quick=quick,
        weeks=earlier_weeks(recorded, run.session.day),
        seeds=() if quick else _other_seeds(week, selected),
        draws=draws_of(selected, by_t, seed=run.seed("stability")),
    )


def _other_seeds(week: Week, selected: SelectionRun) -> tuple[SeedChoice, ...]:
    run, settings = week.run, week.run.settings
    return other_seeds(
        run.home.seeds,
        week.market.snapshot.id,
        week.panel,
        selected,
        settings,
        seed_under=lambda number: seed_of(
            replace(run, settings=settings.model_copy(update={"seed": number}))
        ),
    )


def _looks(run: Run, name: str) -> Looks:
    """Return the looks taken in this home, this week's included."""
    session = run.session.day
    first = min(date.fromisoformat(first_session(require_intact(run.home)) or str(session)), session)
    elapsed = len(sessions_between(first, session)) - 1
    champion = champion_before(run)
    is_champion = champion is not None and champion.ranks and champion.name == name
    return Looks(first, elapsed, is_champion=is_champion)


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
