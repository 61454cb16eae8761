"""Walk the selected candidate's portfolio over the confirmation folds, after costs, with the backtest's own functions.

The scores are the out-of-sample scores of the folds: a name without a label has none. In each fold,
scores are converted to expected returns by the skill measured in earlier folds, from labels known when the fold begins.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np

from config.sections import Models as ModelSettings
from config.settings import Settings
from tasks.backtest.combination import Combination, run_combination, run_equal_weight
from tasks.backtest.halts import Halts
from tasks.backtest.matrix.tables import measure_totals
from tasks.backtest.metrics.curve import Curve
from tasks.backtest.regimes import regimes_of
from tasks.backtest.scoring.store import DIVIDEND_PAY_SESSIONS, columns_of, read_world
from tasks.backtest.signals import RegimePath, regime_path, signals_of
from tasks.backtest.world import World
from tasks.data.panel.grid import Ints
from tasks.data.schema.records import Days, Matrix, Panel, SnapshotRef
from tasks.features.labels import sessions_known_after
from tasks.models.training.fold_by_fold import FoldResult
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


def read_market(snapshot: SnapshotRef, panel: Panel, settings: Settings) -> Market:
    """Read what the walk needs from the lake."""
    world = read_world(snapshot, dividend_pay_sessions=DIVIDEND_PAY_SESSIONS)
    regime = regime_path(regimes_of(snapshot, world, settings.regime), settings.regime)
    return Market(world, regime, columns_of(snapshot, panel, world))


def walk_selected(
    market: Market, days: Days, run: SelectionRun, settings: Settings, *, seed: int
) -> NetResult:
    """Return the result of the selected candidate. `days`: the sessions of the panel that the run was made on."""
    world, walk = market.world, run.walks[run.candidate.name]
    confirming = split_folds(tuple(each.fold for each in walk))[1]
    first, last = (days[place].item() for place in (confirming[0].test[0], confirming[-1].test[-1]))
    optimizer = settings.portfolio.optimizer
    combination = Combination(
        run.candidate.name, optimizer, first, last, settings.models.entry, every_sessions=1
    )
    signals = signals_of(
        world,
        scores_of(market, days, run, walk),
        [
            {
                "first": str(days[fold.test[0]]),
                "skill": skill_before(run, walk, int(fold.test[0]), settings.models),
            }
            for fold in confirming
        ],
        market.regime.allowed,
        kind=run.candidate.kind,
        optimizer=optimizer,
        models=settings.models,
    )
    halts = Halts(world, settings, market.regime.volatility_pct, after="reset")
    own = run_combination(world, signals, settings, combination, halts)
    equal = run_equal_weight(world, signals, settings, combination)
    candidate, benchmark = (measure_totals(each.totals, world, market.regime.states) for each in (own, equal))
    weights = settings.selection.score_weights
    return NetResult(
        optimizer,
        first,
        last,
        len(own.sessions) - 1,
        net_figures(candidate, weights),
        net_figures(benchmark, weights),
        superiority(_excess(candidate.curve), _excess(benchmark.curve), seed=seed),
    )


def scores_of(market: Market, days: Days, run: SelectionRun, walk: list[FoldResult]) -> Matrix:
    """Return the out-of-sample scores of all folds by session and company of the world; NaN elsewhere."""
    world, data = market.world, run.tested.data
    values = np.full(world.raw_close.shape, np.nan)
    rows = np.searchsorted(world.sessions, days[data.sessions])
    columns = market.columns[data.sessions, data.symbols]
    known = columns >= 0
    values[rows[known], columns[known]] = np.concatenate([each.scores for each in walk])[known]
    return values


def skill_before(
    run: SelectionRun, walk: list[FoldResult], session: int, settings: ModelSettings
) -> dict[str, Any]:
    """Return the skill of the scores whose labels were known before the session, a position in the panel."""
    data = run.tested.data
    horizon = min(settings.label_horizons)
    rows = slice(
        0, int(np.searchsorted(data.sessions, session - sessions_known_after(horizon, settings.entry)))
    )
    found = run.tested.measure(np.concatenate([each.scores for each in walk])[rows], rows)
    return {"neutral_ic": found.neutral_ic, "neutral_ic_t": found.neutral_ic_t, "sessions": found.sessions}


def _excess(curve: Curve) -> np.ndarray:
    return np.asarray(curve.returns - curve.risk_free[1:])
