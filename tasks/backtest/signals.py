"""The signals of a backtest: scores, regime and skill by session, each from what was known at its close."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from config import sections
from tasks.backtest.session_decision import Signals
from tasks.backtest.world import World
from tasks.data.schema.records import Days, Matrix
from tasks.models.kinds.registry import KINDS
from tasks.models.skill import yearly_worth
from tasks.regime.exposure import Allowances, allowances


class RegimePath(NamedTuple):
    """The regime state of every session of a world, and its limits."""

    states: NDArray[np.str_]
    allowed: Allowances
    volatility_pct: NDArray[np.float64]


def regime_path(regimes: pd.DataFrame, rules: sections.Regime) -> RegimePath:
    """Return the regime of every session of a world. `regimes` is the table of tasks/backtest/regimes.py."""
    states = regimes["state"].to_numpy(dtype=str)
    volatility = regimes["volatility_pct"].to_numpy(dtype=np.float64)
    return RegimePath(states, allowances(states, volatility, rules), volatility)


def signals_of(
    world: World,
    scores: Matrix,
    folds: Sequence[Mapping[str, Any]],
    allowed: Allowances,
    *,
    kind: str,
    optimizer: str,
    models: sections.Models,
) -> Signals:
    """Return the signals of every session of the world."""
    ranks = KINDS[kind].ranks
    return Signals(
        scores=scores,
        exposure_cap=allowed.exposure_cap,
        allows_new_positions=allowed.allows_new_positions,
        size_multiplier=allowed.size_multiplier,
        max_buys_frac=allowed.max_buys_frac,
        stop_loss_frac=allowed.stop_loss_frac,
        ranks=ranks,
        score_to_return=_worth(
            world.sessions, folds, ranks=ranks, horizon_sessions=min(models.label_horizons)
        ),
        optimizer=optimizer,
    )


def _worth(
    sessions: Days, folds: Sequence[Mapping[str, Any]], *, ranks: bool, horizon_sessions: int
) -> NDArray[np.float64]:
    """Return the expected return per unit of score in each session, by the skill measured before its window."""
    worth = np.zeros(len(sessions))
    for fold in folds if ranks else ():
        skill = fold["skill"]
        worth[sessions >= np.datetime64(fold["first"])] = yearly_worth(
            skill["neutral_ic"], skill["neutral_ic_t"], horizon_sessions=horizon_sessions
        )
    return worth
