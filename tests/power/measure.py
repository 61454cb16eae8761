"""The weekly selection, with the shipped settings, on one market: what it found, and whether it was confirmed."""

import zlib
from typing import Any

import numpy as np

from tasks.data.schema.records import Matrix, Panel
from tasks.models.training.metrics import Vector, metrics_of
from tasks.models.training.walkforward import split_folds
from tasks.selection.choice import best_on_selection_folds, near_ties, select_candidate
from tasks.selection.selection_run import SelectionRun, limits_of, run_selection, window_needed
from tests.builders import make_settings
from tests.champions import MemoryLedger, features_of
from tests.power.looks import confirmed_weeks
from tests.simulated import known_market
from tests.unit.features.panels import rows_of

VERSION = 2
SYMBOLS, SESSIONS = 300, 2142  # 8.5 years
SHIPPED = make_settings()
SETTINGS = SHIPPED.models

Result = dict[str, Any]  # JSON; see `measure_panel`


def measure_market(planted: float, seed: int, *, symbols: int = SYMBOLS, sessions: int = SESSIONS) -> Result:
    """Simulate a market with this information coefficient and measure it."""
    market = known_market(
        seed=seed,
        symbols=symbols,
        sessions=sessions,
        information_coefficient=planted,
        version=VERSION,
    )
    return {"planted": planted, "seed": seed} | measure_panel(market.panel, market.expected)


def measure_panel(panel: Panel, expected: Matrix | None = None) -> Result:
    """Run the selection on the sessions that the weekly flow would read; `expected` are true expected returns.

    `found` holds metrics of the confirmation folds, on which nothing was selected. Deviations are of all sessions.
    """
    last = slice(max(len(panel.sessions) - window_needed(SETTINGS), 0), None)
    panel, expected = rows_of(panel, last), None if expected is None else expected[last]
    run = run_selection(
        panel,
        features_of(panel, SETTINGS),
        SETTINGS,
        quick=False,
        seed=lambda name: zlib.crc32(name.encode()),
        ledger=MemoryLedger(),
    )
    selected = best_on_selection_folds(run.results, limits_of(SETTINGS))
    learner = near_ties([each for each in run.results if each.learns])[0]
    return {
        "gate": SETTINGS.min_t_statistic,
        "controls": list(run.statistic.controls),
        "selected": selected.name if selected else None,
        "learner": learner.name,  # of those that learn, the one that the selection folds select, eligible or not
        "confirmed": run.choice.result is not None,
        "confirmed_by_t": select_candidate(run.results, limits_of(SETTINGS)).result is not None,
        "deflated": run.deflation.evidence.deflated if run.deflation.evidence else None,
        "selection": {each.name: each.choice for each in run.results if each.ranks},
        "gap": {each.name: each.train_test_gap for each in run.results if each.ranks},
        "found": {each.name: each.confirmation for each in run.results if each.ranks},
        "truth": None if expected is None else _truth(run, expected),
        "recovered": {each.name: _recovered(run, each.name, expected) for each in run.results if each.ranks},
        "confirmed_weeks": _looks(run),
        "deviation": {each.name: _deviations(run, each.name) for each in run.results if each.ranks},
    }


def _truth(run: SelectionRun, expected: Matrix) -> dict[str, float]:
    """Return the metrics of the true expected returns on the confirmation folds."""
    folds = tuple(result.fold for result in next(iter(run.walks.values())))
    _, confirming = split_folds(folds)
    data = run.tested.data
    rows = data.rows_of(np.concatenate([fold.test for fold in confirming]))
    metrics = run.tested.measure(expected[data.sessions[rows], data.symbols[rows]], rows)
    return {"neutral_ic": metrics.neutral_ic, "rank_ic": metrics.rank_ic}


def _recovered(run: SelectionRun, name: str, expected: Matrix | None) -> float:
    """Return the mean neutral rank correlation of score and true expectation; it has no noise of returns."""
    if expected is None:
        return 0.0
    data, scores = run.tested.data, _scores(run, name)
    truth = expected[data.sessions, data.symbols]
    return metrics_of(scores, truth, data.sessions, controls=run.tested.controls).neutral_ic


def _deviations(run: SelectionRun, name: str) -> dict[str, float]:
    """Return the standard deviation of a session's rank IC and neutral IC."""
    data, scores = run.tested.data, _scores(run, name)
    plain = metrics_of(scores, data.forward, data.sessions, overlap=1, controls=run.tested.controls)
    root = float(np.sqrt(plain.sessions))
    return {"rank_ic": plain.rank_ic_se * root, "neutral_ic": plain.neutral_ic_se * root}


def _looks(run: SelectionRun) -> list[int]:
    """Return which of 26 consecutive weeks would confirm a candidate, of the sessions tested."""
    every = slice(None)
    ics = {
        each.name: run.tested.neutral_ics(_scores(run, each.name), every)
        for each in run.results
        if each.ranks
    }
    level = SHIPPED.selection.max_false_promotions
    return confirmed_weeks(run.results, ics, limits_of(SETTINGS), overlap=run.tested.overlap, level=level)


def _scores(run: SelectionRun, name: str) -> Vector:
    """Return the out-of-sample scores of all folds."""
    return np.concatenate([result.scores for result in run.walks[name]])
