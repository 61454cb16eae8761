"""Measure a champion again, with its frozen model, if it was recorded under another statistic."""

import logging

import numpy as np

from tasks.core.errors import ModelError
from tasks.core.homes.home import Home
from tasks.data.schema.records import Panel
from tasks.models.registry.champion import parse
from tasks.models.registry.store import has_champion, read_production
from tasks.models.training.fold_by_fold import predict
from tasks.selection.schema import Rival
from tasks.selection.selection_run import SelectionRun

log = logging.getLogger(__name__)


def measure_rival(home: Home, panel: Panel, run: SelectionRun, *, least_sessions: int) -> Rival | None:
    """Return the champion in production, measured on the tested sessions after its training.

    None if it can be compared by its record, or not at all: there is none, it does not rank, it has a different feature
    set, or it cannot be read. With fewer than `least_sessions` it is not measured.
    """
    if not has_champion(home):
        return None
    try:
        stored = read_production(home)
        champion = stored.metadata.champion
        if champion.statistic == run.statistic or not champion.ranks:
            return None
        if champion.feature_set != run.data.feature_set:
            return None
        model = parse(stored)
    except ModelError as error:
        log.warning("%s", error)
        return None
    data = run.tested.data
    later = data.sampled[panel.sessions[data.sampled] > np.datetime64(champion.trained_through)]
    rows = data.rows_of(later)
    if len(later) < least_sessions:
        return Rival(champion.model_sha256, len(later), None, {})
    theirs = run.tested.measure(predict(model, data.x[rows]), rows)
    candidates = {}
    for name, walk in run.walks.items():
        folds = [result for result in walk if result.fold.test[-1] >= later[0]]
        first = data.rows_of(folds[0].fold.test).start
        scores = np.concatenate([result.scores for result in folds])[rows.start - first :]
        candidates[name] = run.tested.measure(scores, rows).neutral_ic
    return Rival(champion.model_sha256, theirs.sessions, theirs.neutral_ic, candidates)
