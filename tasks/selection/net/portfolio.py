"""Walk the selected candidate's portfolio over the confirmation folds, after costs, with the backtest's own functions.

The scores are the out-of-sample scores of the folds: a name without a label has none. In each fold,
scores are converted to expected returns by the skill measured in earlier folds, from labels known when the fold begins.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from config.sections import Candidate
from config.sections import Models as ModelSettings
from config.settings import Settings
from tasks.backtest.combination import Combination, run_combination, run_equal_weight
from tasks.backtest.halts import Halts
from tasks.backtest.matrix.tables import measure_totals
from tasks.backtest.metrics.curve import Curve
from tasks.backtest.regimes import regimes_of
from tasks.backtest.scoring.store import DIVIDEND_PAY_SESSIONS, columns_of, read_world
from tasks.backtest.session_decision import Signals
from tasks.backtest.signals import RegimePath, regime_path, signals_of
from tasks.backtest.walk import Totals
from tasks.backtest.world import World
from tasks.data.panel.grid import Ints
from tasks.data.schema.records import Days, Matrix, Panel, SnapshotRef
from tasks.features.labels import sessions_known_after
from tasks.models.kinds.base import Vector
from tasks.models.training.dataset import OutOfSample
from tasks.models.training.fold_by_fold import FoldResult
from tasks.models.training.splits import Positions
from tasks.models.training.walkforward import split_folds
from tasks.selection.net.figures import net_figures
from tasks.selection.net.superiority import superiority
from tasks.selection.schema import NetResult
from tasks.selection.selection_run import SelectionRun


@dataclass(frozen=True)
class Market:
    """The world of the walk, its regime, and the column of each of the panel's symbols, by session of the panel."""

    world: World
    regime: RegimePath
    columns: Ints
    snapshot: str  # id of the data


def read_market(snapshot: SnapshotRef, panel: Panel, settings: Settings) -> Market:
    """Read what the walk needs from the lake."""
    world = read_world(snapshot, dividend_pay_sessions=DIVIDEND_PAY_SESSIONS)
    regime = regime_path(regimes_of(snapshot, world, settings.regime), settings.regime)
    return Market(world, regime, columns_of(snapshot, panel, world), snapshot.id)


@dataclass(frozen=True)
class Scored:
    """The out-of-sample scores of the tested rows of consecutive sessions."""

    sessions: Positions
    scores: Vector


@dataclass(frozen=True)
class Book:
    """A portfolio that was walked over several parts, and what it was walked with."""

    combination: Combination
    signals: Signals
    totals: Totals


def walk_selected(
    market: Market, days: Days, run: SelectionRun, settings: Settings, *, seed: int
) -> NetResult:
    """Return the result of the selected candidate. `days`: the sessions of the panel that the run was made on."""
    world, walk = market.world, run.walks[run.candidate.name]
    measured, confirming = (scored(part) for part in halves(walk))
    own = walk_book(market, days, run.tested, measured, confirming, run.candidate, settings)
    equal = run_equal_weight(world, own.signals, settings, own.combination).totals
    candidate, benchmark = (measure_totals(each, world, market.regime.states) for each in (own.totals, equal))
    weights = settings.selection.score_weights
    return NetResult(
        own.combination.optimizer,
        own.combination.first,
        own.combination.last,
        len(own.totals.sessions) - 1,
        net_figures(candidate, weights),
        net_figures(benchmark, weights),
        superiority(_excess(candidate.curve), _excess(benchmark.curve), seed=seed),
    )


def walk_book(
    market: Market,
    days: Days,
    tested: OutOfSample,
    measured: Sequence[Scored],
    traded: Sequence[Scored],
    candidate: Candidate,
    settings: Settings,
) -> Book:
    """Walk the portfolio of a candidate over the traded parts; on the parts before, only its skill is measured."""
    optimizer, parts = settings.portfolio.optimizer, [*measured, *traded]
    first, last = (days[place].item() for place in (traded[0].sessions[0], traded[-1].sessions[-1]))
    combination = Combination(candidate.name, optimizer, first, last, settings.models.entry, every_sessions=1)
    skills = skills_of(days, tested, parts, traded, settings.models)
    signals = signals_of(
        market.world,
        scores_of(market, days, tested, parts),
        skills,
        market.regime.allowed,
        kind=candidate.kind,
        optimizer=optimizer,
        models=settings.models,
    )
    halts = Halts(market.world, settings, market.regime.volatility_pct, after="reset")
    return Book(
        combination,
        signals,
        run_combination(market.world, signals, settings, combination, halts).totals,
    )


def scored(walk: Sequence[FoldResult]) -> list[Scored]:
    """Return the scores of folds with one block each."""
    return [Scored(each.fold.test, each.scores) for each in walk]


def scores_of(market: Market, days: Days, tested: OutOfSample, parts: Sequence[Scored]) -> Matrix:
    """Return the out-of-sample scores of all parts by session and company of the world; NaN elsewhere."""
    world, data = market.world, tested.data
    values = np.full(world.raw_close.shape, np.nan)
    rows = np.searchsorted(world.sessions, days[data.sessions])
    columns = market.columns[data.sessions, data.symbols]
    known = columns >= 0
    values[rows[known], columns[known]] = np.concatenate([each.scores for each in parts])[known]
    return values


def skills_of(
    days: Days,
    tested: OutOfSample,
    parts: Sequence[Scored],
    traded: Sequence[Scored],
    settings: ModelSettings,
) -> list[dict[str, Any]]:
    """Return the first session of each traded part, and the skill of the scores that was known before it."""
    return [
        {
            "first": str(days[part.sessions[0]]),
            "skill": skill_before(tested, parts, int(part.sessions[0]), settings),
        }
        for part in traded
    ]


def skill_before(
    tested: OutOfSample, parts: Sequence[Scored], session: int, settings: ModelSettings
) -> dict[str, Any]:
    """Return the skill of the scores whose labels were known before the session, a position in the panel."""
    data = tested.data
    horizon = min(settings.label_horizons)
    rows = slice(
        0, int(np.searchsorted(data.sessions, session - sessions_known_after(horizon, settings.entry)))
    )
    found = tested.measure(np.concatenate([each.scores for each in parts])[rows], rows)
    return {"neutral_ic": found.neutral_ic, "neutral_ic_t": found.neutral_ic_t, "sessions": found.sessions}


def halves(walk: list[FoldResult]) -> tuple[list[FoldResult], list[FoldResult]]:
    """Return the results of the selection folds, and those of the confirmation folds."""
    count = len(split_folds(tuple(each.fold for each in walk))[0])
    return walk[:count], walk[count:]


def _excess(curve: Curve) -> np.ndarray:
    return np.asarray(curve.returns - curve.risk_free[1:])
