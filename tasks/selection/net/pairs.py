"""Simulate the pairs of model and optimizer over the selection folds, after costs, as a matrix of the backtest.

The first selection fold is used only to estimate the IC that converts scores into expected returns; the portfolios are
simulated over the others. A finished pair is stored with the combinations of other matrices, so that an interrupted
week does not repeat it. Every pair is a trial, recorded before any is selected.
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from config.sections import Candidate
from config.settings import Settings
from tasks.backtest.combination import Combination, fallbacks
from tasks.backtest.matrix.outcome import Outcome
from tasks.backtest.matrix.run import ScoredCandidate, equal_weight_totals, plan_matrix, run_plan
from tasks.backtest.matrix.tables import measure_totals
from tasks.backtest.scoring.stored_scores import StoredScores
from tasks.backtest.walk import Totals
from tasks.core.ids import sha256_of_bytes
from tasks.core.stage import report_step
from tasks.data.schema.records import Days
from tasks.selection.net.figures import net_figures
from tasks.selection.net.portfolio import Market, halves, scored, scores_of, skills_of
from tasks.selection.schema import NetFigures, PairResult, Pairs
from tasks.selection.selection_run import WalkedCandidates
from tasks.selection.trials.books import trial_of
from tasks.selection.trials.history import TrialLedger

Seed = Callable[[str], int]


def compared_optimizers(settings: Settings) -> tuple[str, ...]:
    """Return the optimizers of a weekly run in order of preference, each once: portfolio.optimizer first."""
    return tuple(dict.fromkeys([settings.portfolio.optimizer, *settings.selection.optimizers]))


def with_optimizer(settings: Settings, optimizer: str) -> Settings:
    """Return the settings with this optimizer instead of portfolio.optimizer."""
    portfolio = settings.portfolio.model_copy(update={"optimizer": optimizer})
    return settings.model_copy(update={"portfolio": portfolio})


def can_be_compared(found: WalkedCandidates) -> bool:
    """Return whether a selection fold remains to be traded after the one that measures the skill."""
    walk = next(iter(found.walks.values()), [])
    return len(halves(walk)[0]) > 1


def walk_pairs(
    market: Market,
    days: Days,
    found: WalkedCandidates,
    models: Sequence[str],
    settings: Settings,
    *,
    folder: Path,
    seed: Seed,
    ledger: TrialLedger,
) -> Pairs:
    """Return the figures of every pair of these models and the compared optimizers; none is selected yet.

    `days`: the sessions of the panel that the candidates were tested on; `folder`: of finished combinations.
    """
    candidates = {each.name: each for each in found.candidates if each.name in models}
    entries = tuple(_scored_candidate(market, days, found, candidates[name], settings) for name in models)
    traded = halves(found.walks[models[0]])[0][1:]
    first, last = (days[place].item() for place in (traded[0].fold.test[0], traded[-1].fold.test[-1]))
    combinations = [
        Combination(name, optimizer, first, last, settings.models.entry, every_sessions=1)
        for name in models
        for optimizer in compared_optimizers(settings)
    ]
    plan = plan_matrix(market.world, market.regime, entries, combinations, settings, folder)
    outcomes = run_plan(
        plan, processes=settings.models.processes, report=_report_sessions(plan.sessions_missing)
    )
    scores = {each.name: each.scores.id for each in entries}
    for each in outcomes:
        if each.totals is not None:
            name = each.combination.model
            ledger.record(
                trial_of(
                    candidates[name],
                    each.combination,
                    each.totals,
                    seed=seed(name),
                    scores=scores[name],
                    costs_multiple=settings.costs.multiple,
                )
            )
    equal = equal_weight_totals(plan)
    return Pairs(
        first,
        last,
        len(equal.sessions) - 1,
        tuple(_result(each, market, settings) for each in outcomes),
        _figures(equal, market, settings),
    )


def _report_sessions(total: int) -> Callable[[int], None]:
    """Return a function that takes the sessions simulated since its last call, and reports all of them."""
    done = 0

    def report(more: int) -> None:
        nonlocal done
        done += more
        report_step("sessions of the compared pairs", done, total)

    report(0)
    return report


def _scored_candidate(
    market: Market,
    days: Days,
    found: WalkedCandidates,
    candidate: Candidate,
    settings: Settings,
) -> ScoredCandidate:
    """Return the scores of the selection folds; their id is a hash of the snapshot, the scores and their skill."""
    selecting = scored(halves(found.walks[candidate.name])[0])
    tested = found.tested.of_sessions(np.concatenate([each.sessions for each in selecting]))
    values = scores_of(market, days, tested, selecting)
    skills = skills_of(days, tested, selecting, selecting[1:], settings.models)
    content = repr((market.snapshot, skills)).encode() + values.tobytes()
    return ScoredCandidate(
        candidate.name,
        candidate.kind,
        StoredScores(sha256_of_bytes(content), values, tuple(skills), is_fresh=True),
    )


def _result(outcome: Outcome, market: Market, settings: Settings) -> PairResult:
    combination = outcome.combination
    figures = None if outcome.totals is None else _figures(outcome.totals, market, settings)
    return PairResult(
        combination.model,
        combination.optimizer,
        figures,
        outcome.reason,
        sum(outcome.methods.values()),
        fallbacks(outcome.methods, combination.optimizer),
    )


def _figures(totals: Totals, market: Market, settings: Settings) -> NetFigures:
    measured = measure_totals(totals, market.world, market.regime.states)
    return net_figures(measured, settings.selection.score_weights)
