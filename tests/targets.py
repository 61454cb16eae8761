"""Targets from frames, as the portfolio stage computes them, for tests that think in symbols."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from tasks.core.sessions import session_after
from tasks.portfolio.arrays import Held
from tasks.portfolio.candidates import Obstacle, choose_candidates
from tasks.portfolio.explanation import notes_of, obstacle_words, reasons_of
from tasks.portfolio.frame import SessionArrays, by_symbol, matrix_of, session_arrays
from tasks.portfolio.limits import rules_of
from tasks.portfolio.rebalancing.rebalance import Costing
from tasks.portfolio.schema import Book, LadderStep
from tasks.portfolio.target import View, target_weights
from tests.builders import FRIDAY, make_settings

COSTING = Costing(session_after(FRIDAY), 1.0, make_settings().costs)
NOBODY = Book(FRIDAY, (), 1.0, 1.0)


@dataclass(frozen=True)
class ScoredView:
    """A view of the session together with the scores by symbol."""

    scores: pd.Series
    ranks: bool
    score_to_return: float
    optimizer: str
    exposure_cap: float
    allows_new_positions: bool
    size_multiplier: float = 1.0
    stop_loss_frac: float = 0.0

    def view(self) -> View:
        """Return the view alone."""
        return View(
            self.ranks,
            self.score_to_return,
            self.optimizer,
            self.exposure_cap,
            self.allows_new_positions,
            self.size_multiplier,
            self.stop_loss_frac,
        )


class Chosen(NamedTuple):
    """The symbols of the candidates, and why each other name is none."""

    symbols: tuple[str, ...]
    left_out: dict[str, str]


@dataclass(frozen=True)
class FoundTarget:
    """A target by symbol."""

    weights: pd.Series
    why: dict[str, str]
    method: str
    steps: tuple[LadderStep, ...]
    notes: tuple[str, ...]


def session_of(scores, assets, has_risk, held) -> SessionArrays:
    """Return the arrays of a session in which `held` are the current weights by symbol, of one USD."""
    session = session_arrays(scores, assets.reindex(assets.index.union(held.index)), has_risk, NOBODY)
    weight = held.reindex(session.symbols).to_numpy(dtype=float)
    return session._replace(held=Held(np.isfinite(weight).astype(float), np.nan_to_num(weight), 0.0, 1.0))


def target_of(scored, assets, covariance, held, *, settings) -> FoundTarget:
    """Return the target for scores, quotes, covariances and current weights by symbol."""
    view, session = scored.view(), session_of(scored.scores, assets, covariance.index, held)
    rules = rules_of(settings, session.sectors)
    candidates = choose_candidates(
        session.names, session.held, rules=rules, stop_loss_frac=view.stop_loss_frac
    )
    known = matrix_of(covariance, session.at(candidates.considered))
    target = target_weights(
        view, session.names, session.held, candidates, known, rules=rules, costing=COSTING
    )
    frame = by_symbol(session, target, reasons_of(target, view, session.names, candidates, rules))
    notes = notes_of(target, view, session.names, candidates, session.sectors, settings=settings)
    return FoundTarget(frame["weight"], frame["note"].to_dict(), target.method, target.steps, tuple(notes))


def chosen_from(scores, assets, has_risk, *, max_positions, held=(), keep_rank_multiple=1.0) -> Chosen:
    """Return the candidates by symbol; `held` are symbols."""
    session = session_of(scores, assets, has_risk, pd.Series(0.01, index=list(held), dtype=float))
    settings = make_settings().portfolio.model_copy(
        update={"max_positions": max_positions, "keep_rank_multiple": keep_rank_multiple}
    )
    rules = rules_of(settings, session.sectors)
    candidates = choose_candidates(session.names, session.held, rules=rules, stop_loss_frac=0.0)
    left_out = {
        str(symbol): obstacle_words(Obstacle(code), rules, candidates)
        for symbol, code in zip(session.symbols, candidates.obstacle.tolist(), strict=True)
        if code
    }
    return Chosen(tuple(session.at(candidates.chosen)), left_out)
