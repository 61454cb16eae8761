"""What the page of a selection draws beyond its figures: by session, by fifth of the scores, and by week of trials."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tasks.data.schema.records import Days
from tasks.models.training.metrics import quintiles_of, sessions_with_enough
from tasks.selection.schema import CountedTrials
from tasks.selection.selection_run import SelectionRun
from tasks.selection.trials.deflation import bar_of, effective_number
from tasks.selection.trials.history import History

MOST_COUNTS = 10  # sessions at which the effective number is recomputed
YEARS = 3  # of returns, as in the folds of the default settings


def session_ics(run: SelectionRun, days: Days) -> pd.DataFrame:
    """Return the neutral IC of each tested session (rows) and candidate that ranks names (columns)."""
    tested = run.tested
    sessions = np.unique(tested.data.sessions[sessions_with_enough(tested.data.sessions)])
    found = {name: tested.neutral_ics(scores, slice(0, len(scores))) for name, scores in _scores(run).items()}
    return pd.DataFrame(found, index=pd.DatetimeIndex(days[sessions], name="session"))


def fifths(run: SelectionRun) -> dict[str, tuple[float, ...]]:
    """Return the mean excess forward return of each fifth by score, worst first, by candidate that ranks names."""
    data = run.tested.data
    found = {name: quintiles_of(scores, data.forward, data.sessions) for name, scores in _scores(run).items()}
    return {name: tuple(float(each) for each in values) for name, values in found.items() if len(values)}


def counted_by_session(history: History, sessions: Sequence[str]) -> tuple[CountedTrials, ...]:
    """Return the trials up to some of the sessions on which any was made, and what the best reaches by chance.

    `sessions`: of the trials whose returns are known, in the order of the ledger.
    """
    found = np.unique(np.array(sessions, dtype=str))
    places = np.unique(np.linspace(0, len(found) - 1, min(MOST_COUNTS, len(found))).round().astype(int))
    counts = []
    for session in found[places]:
        made = [place for place, each in enumerate(sessions) if each <= session]
        until = History(len(made), 0, history.returns.iloc[:, made])
        counts.append(CountedTrials(str(session), len(made), bar_of(effective_number(until), years=YEARS)))
    return tuple(counts)


def _scores(run: SelectionRun) -> dict[str, np.ndarray]:
    return {
        each.name: np.concatenate([fold.scores for fold in run.walks[each.name]])
        for each in run.results
        if each.ranks
    }
