"""Dense out-of-sample scores: every session's companies, scored by the model of the walk-forward window it is in.

The first window begins at the first session that has enough history and whose number in the exchange's calendar is a
multiple of BLOCK; each later one begins `test_sessions` later. So no boundary depends on a later session, and the last
window may be short. A model is trained once, on what was known at the close of the session before its window.

The sessions are divided into spans: within one, nothing became known about earlier sessions (restated bars, late
actions), and no company changed its name. One panel, as of the span's end, is then valid for all its sessions.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from config.sections import Candidate
from config.sections import Models as ModelSettings
from tasks.core.sessions import session_number
from tasks.data.panel.as_known import in_known_order, row_of
from tasks.data.panel.assemble import sessions_of
from tasks.data.panel.companies import CompanyIndex
from tasks.data.panel.grid import Ints, days_of
from tasks.data.schema.columns import ALWAYS
from tasks.data.schema.finding_rows import serious_findings
from tasks.data.schema.records import Days, Matrix, Panel
from tasks.data.schema.tables import SPECS
from tasks.features.labels import sessions_known_after
from tasks.features.registry import warm_up
from tasks.features.schema import FeatureMatrix
from tasks.features.sets import SETS
from tasks.models.training.controls import CONTROLS, controls_of
from tasks.models.training.fitted import Fitted
from tasks.models.training.fold_by_fold import fit
from tasks.models.training.metrics import metrics_of
from tasks.models.training.rows import forward_of, label_sessions, rows_of, window_of
from tasks.models.training.targets import TREND
from tasks.models.training.walkforward import BLOCK, fold_before

KNOWLEDGE = (
    *("amendments", "actions", "levels", "members", "listings"),
    *("renames", "lives", "findings", "fundamentals"),
)


@dataclass(frozen=True)
class Known:
    """Sessions up to the end of a span as known there; `features` end with the panel, and may begin later."""

    end: int  # the row after the panel's last
    panel: Panel
    features: FeatureMatrix
    columns: Ints  # sessions of the panel × symbols: the column of the scores; −1 for none


@dataclass(frozen=True)
class Skill:
    """The skill of the scores of earlier windows, by labels known before the window; 0 without any."""

    neutral_ic: float = 0.0
    neutral_ic_t: float = 0.0
    sessions: int = 0


@dataclass(frozen=True)
class TrainedFold:
    """A test window and its model. Rows are places among the sessions."""

    first: int
    last: int
    train_first: int
    train_last: int
    rows: int  # trained on
    fitted: Fitted
    skill: Skill = Skill()


@dataclass(frozen=True)
class DenseScores:
    """Scores by session and company; NaN before the first fold and where a company could not be scored."""

    values: Matrix
    folds: tuple[TrainedFold, ...]


class ReadKnown(Protocol):
    """Read the sessions from row `first` to the end of the span as known there."""

    def __call__(self, first: int, span: range, *, trains: bool) -> Known: ...


Report = Callable[[int], None]  # the number of sessions that are done; of a fold, when it begins


def dense_scores(
    sessions: Days,
    companies: int,
    spans: tuple[range, ...],
    read: ReadKnown,
    candidate: Candidate,
    settings: ModelSettings,
    *,
    seed: int,
    report: Report | None = None,
) -> DenseScores:
    """Return the candidate's scores of these sessions. `spans` cover them, in order."""
    values = np.full((len(sessions), companies), np.nan)
    folds: list[TrainedFold] = []
    for span in spans:
        previous = folds[-1].first if folds else None
        starts = _possible_starts(span, sessions, previous, settings)
        if folds or starts:
            first = _first_row(span, starts, settings) if folds else 0
            known = read(first, span, trains=bool(starts))
            end = min(span.stop + 1, len(sessions))
            new = _trained(known, starts, previous, candidate, settings, end=end, seed=seed, report=report)
            _score(values, known, span, [*folds, *new])
            first_scored = (*folds, *new)[0].first if folds or new else 0
            folds += [_measured(fold, known, values, first_scored, settings) for fold in new]
        if report is not None:
            report(span.stop)
    ends = [*(fold.first for fold in folds[1:]), len(sessions)]
    closed = (replace(fold, last=end - 1) for fold, end in zip(folds, ends, strict=bool(folds)))
    return DenseScores(values, tuple(closed))


def spans_of(tables: Mapping[str, pd.DataFrame], sessions: Days, *, benchmark: str) -> tuple[range, ...]:
    """Return spans of sessions within which the features of earlier sessions do not change.

    `tables` hold every revision up to the last session. A new span begins where a row about an earlier session became
    known, where a company took another name (the order of companies alters sums in their last bits), and where a sector
    was first named.
    """
    known = {name: tables[name] for name in KNOWLEDGE}
    cuts = {0, *late_rows(known, sessions, levels=(benchmark,)), *_renamings(tables, sessions)}
    rows = sorted(row for row in cuts if 0 <= row < len(sessions))
    return tuple(range(first, after) for first, after in pairwise([*rows, len(sessions)]))


def columns_by_session(
    sessions: Days, as_of: CompanyIndex, world: CompanyIndex, symbols: NDArray[np.str_]
) -> Ints:
    """Return the column of each symbol of a panel in each session, in the order of the world's company ids.

    A rename that became known late joins two companies of the world in later panels.
    """
    order = np.argsort(np.argsort(world.ids))
    column_of = {key: int(order[company]) for key, company in _lives(world)}
    lives = sorted(
        (day, company, column_of.get((symbol, day), -1)) for (symbol, day), company in _lives(as_of)
    )
    place = np.searchsorted(as_of.names, symbols)
    current = np.full(len(as_of.names), -1, dtype=np.int64)
    result = np.empty((len(sessions), len(symbols)), dtype=np.int64)
    waiting = iter([*lives, None])
    life = next(waiting)
    for row, session in enumerate(sessions):
        while life is not None and life[0] <= session:
            current[life[1]] = life[2]
            life = next(waiting)
        result[row] = current[place]
    return result


def _lives(companies: CompanyIndex) -> list[tuple[tuple[str, np.datetime64], int]]:
    return [
        ((symbol, day), int(company))
        for symbol, days in companies.life_starts.items()
        for day, company in zip(days, companies.companies_of[symbol], strict=True)
    ]


def _possible_starts(
    span: range, sessions: Days, previous: int | None, settings: ModelSettings
) -> tuple[int, ...]:
    """Return where windows may begin whose models know what was known in the span.

    Before the first window, these are the multiples of BLOCK: it begins at the first with enough history.
    """
    candidates = range(span.start + 1, min(span.stop + 1, len(sessions)))
    if previous is not None:
        return tuple(row for row in candidates if (row - previous) % settings.test_sessions == 0)
    least = settings.min_train_sessions + label_sessions(settings) + settings.embargo_sessions
    origin = session_number(sessions[0].item())
    return tuple(row for row in candidates if row >= least and (row + origin) % BLOCK == 0)


def _first_row(span: range, starts: tuple[int, ...], settings: ModelSettings) -> int:
    """Return the first session that scores of the span, or the training of its models, depend on."""
    scored = max(0, span.start - warm_up(SETS[settings.features]))
    return min([scored, *(_first_training_row(start, settings) for start in starts)])


def _first_training_row(start: int, settings: ModelSettings) -> int:
    """Return the first session that the model of a window depends on, features and residuals of labels included."""
    if settings.train_sessions is None:
        return 0
    training = settings.train_sessions + label_sessions(settings) + settings.embargo_sessions
    return max(0, start - training - _longest_window(settings))


def _longest_window(settings: ModelSettings) -> int:
    return max(warm_up(SETS[settings.features]), warm_up((*CONTROLS, *TREND)))


def _trained(
    known: Known,
    starts: tuple[int, ...],
    previous: int | None,
    candidate: Candidate,
    settings: ModelSettings,
    *,
    end: int,
    seed: int,
    report: Report | None,
) -> list[TrainedFold]:
    """Train a model for each window that begins at one of `starts`, or after the first of them, before row `end`."""
    if not starts:
        return []

    def fold(start: int) -> TrainedFold | None:
        if report is not None:
            report(start)
        return _fold(known, start, candidate, settings, seed=seed)

    if previous is not None:
        return [trained for trained in map(fold, starts) if trained is not None]
    first = next((trained for trained in map(fold, starts) if trained is not None), None)
    if first is None:
        return []
    later = range(first.first + settings.test_sessions, end, settings.test_sessions)
    return [first, *(trained for trained in map(fold, later) if trained is not None)]


def _fold(
    known: Known, start: int, candidate: Candidate, settings: ModelSettings, *, seed: int
) -> TrainedFold | None:
    """Train on the sessions before `start` alone; None with too few."""
    first = _first_training_row(start, settings)
    begin = known.end - len(known.panel.sessions)
    rows_before = slice(first - begin, start - begin)
    data = rows_of(sessions_of(known.panel, rows_before), known.features.of_sessions(rows_before), settings)
    fold = fold_before(
        np.array([start - first]),
        data.sampled,
        label_sessions=label_sessions(settings),
        window=window_of(settings),
    )
    if fold is None:
        return None
    rows = data.training_rows(fold.train, fold.closed)
    if not len(rows):
        return None
    trained = data.sessions[rows]
    fitted = fit(candidate, data, rows, settings, seed=seed)
    return TrainedFold(start, start, int(trained[0]) + first, int(trained[-1]) + first, len(rows), fitted)


def _score(values: Matrix, known: Known, span: range, folds: list[TrainedFold]) -> None:
    """Score the span's sessions one by one, as the daily run does, each with the model of its window."""
    panel, features = known.panel, known.features
    for row in span:
        fold = next((fold for fold in reversed(folds) if fold.first <= row), None)
        if fold is None:
            continue
        back = row - span.stop  # negative, from the end
        inside = panel.is_member[back] & (known.columns[back] >= 0)
        if not inside.any():
            continue
        frame = pd.DataFrame(features.of_session(back)[inside], columns=list(features.names))
        scores = fold.fitted.score(frame)
        if not np.isfinite(scores.to_numpy()).all():  # unusable: the daily run would make no decision
            continue
        columns = known.columns[back][inside]
        values[row, columns[scores.index.to_numpy()]] = scores.to_numpy()


def _measured(
    fold: TrainedFold, known: Known, values: Matrix, first: int, settings: ModelSettings
) -> TrainedFold:
    """Return the fold with the skill of the scores before it, over as many sessions as it was trained on."""
    if not fold.fitted.model.ranks:
        return fold
    panel, horizon = known.panel, min(settings.label_horizons)
    begin = known.end - len(panel.sessions)
    ready = begin + _longest_window(settings) if begin else 0
    rows = np.arange(max(first, ready), fold.first - sessions_known_after(horizon, settings.entry))
    if not len(rows):
        return fold
    places, columns = rows - begin, known.columns[rows - begin]
    forward = np.take(forward_of(panel, settings).values, places, axis=0)
    scores = np.where(columns >= 0, values[rows[:, None], columns], np.nan)
    session, symbol = np.nonzero(np.isfinite(scores) & np.isfinite(forward))
    metrics = metrics_of(
        scores[session, symbol],
        forward[session, symbol],
        session,
        overlap=horizon,
        controls=controls_of(panel, places[session], symbol),
    )
    return replace(fold, skill=Skill(metrics.neutral_ic, metrics.neutral_ic_t, metrics.sessions))


def late_rows(tables: Mapping[str, pd.DataFrame], sessions: Days, *, levels: tuple[str, ...]) -> set[int]:
    """Return the rows at which data about an earlier session became known.

    Of `levels`, only the named ones count; of findings, only those that cause a quarantine.
    """
    late: set[int] = set()
    for name, stored in tables.items():
        frame = stored
        if name == "levels":
            frame = frame[frame["name"].isin(levels)]
        elif name == "findings":
            frame = serious_findings(frame)
        elif name == "listings":
            frame = frame[frame["available_date"] > ALWAYS]
        known = row_of(days_of(frame["known"]), sessions)
        late |= set(known[known > row_of(days_of(frame[SPECS[name].day]), sessions)].tolist())
    return late


def _renamings(tables: Mapping[str, pd.DataFrame], sessions: Days) -> set[int]:
    """Return the rows at which a company's name changed, and those at which a sector was named for the first time."""
    lives = tables["lives"]
    again = lives["symbol"].duplicated(keep=False)
    listings = tables["listings"][tables["listings"]["available_date"] > ALWAYS]
    named = in_known_order(listings, sessions).drop_duplicates("sector", keep="first")
    days = [tables["renames"]["known"], lives["known"][again], lives["first"][again], named["known"]]
    return {row for column in days for row in row_of(days_of(column), sessions).tolist()}
