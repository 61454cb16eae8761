"""Compute the target weights of one session: a pure function for the daily run and backtests alike.

The ladder sets the candidates' weights, then every limit is applied. Current holdings matter in two cases only: names
in quarantine may be held but not increased, and if no method succeeds the holdings are unchanged.
"""

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from config.sections import Portfolio as PortfolioSettings
from tasks.core.text import percent
from tasks.portfolio.candidates import Candidates, expected_returns
from tasks.portfolio.caps import Cut, cap_book
from tasks.portfolio.ladder import HOLD, Solution, solve
from tasks.portfolio.limits import (
    UNKNOWN_SECTOR,
    Limits,
    limits_for,
    unknown_sector_words,
)
from tasks.portfolio.optimizers.problem import Problem
from tasks.portfolio.schema import LadderStep

SESSIONS_PER_YEAR = 252
CASH_ONLY = "cash"  # when the regime allows no exposure: no optimizer is called
WORTH_TELLING = 1e-6  # smaller cuts are rounding


@dataclass(frozen=True)
class View:
    """The scores and the regime's limits for the session."""

    scores: pd.Series  # by symbol, higher is better
    ranks: bool  # False: the scores do not rank names, by design
    score_to_return: (
        float  # yearly return of a name one standard deviation above the mean score, per unit of volatility
    )
    optimizer: str
    exposure_cap: float
    allows_new_positions: bool


@dataclass(frozen=True)
class Target:
    """Weights by symbol in alphabetical order, without cash; `why` explains the weight of every name."""

    weights: pd.Series
    why: dict[str, str]
    method: str
    steps: tuple[LadderStep, ...]
    notes: tuple[str, ...]


def target_portfolio(
    view: View,
    candidates: Candidates,
    assets: pd.DataFrame,
    covariance: pd.DataFrame,
    held: pd.Series,
    *,
    settings: PortfolioSettings,
) -> Target:
    """Return the target portfolio.

    `assets`: the frame of tasks/portfolio/quotes.py. `covariance`: daily returns of candidates and holdings, by
    symbol. `held`: the current weights without cash. The result satisfies all limits; its sum is at most the exposure
    cap.
    """
    solution = _solve(view, candidates, assets, covariance, settings)
    wanted = _with_held(solution, candidates, assets, held)
    if not view.allows_new_positions:
        wanted = wanted.clip(upper=held.reindex(wanted.index).fillna(0.0))
    limits = limits_for(
        assets.reindex(wanted.index), covariance, exposure_cap=view.exposure_cap, settings=settings
    )
    cuts = cap_book(wanted.to_numpy(dtype=float), limits)
    weights = pd.Series(cuts[-1].weights, index=wanted.index)
    return Target(
        weights,
        _why(view, candidates, assets, wanted, cuts, solution.method),
        solution.method,
        solution.steps,
        tuple(_notes(view, candidates, assets, limits, weights, settings)),
    )


def _solve(
    view: View,
    candidates: Candidates,
    assets: pd.DataFrame,
    covariance: pd.DataFrame,
    settings: PortfolioSettings,
) -> Solution:
    if view.exposure_cap <= 0:
        return Solution(None, CASH_ONLY, (LadderStep(CASH_ONLY, "used: the regime allows no exposure"),))
    names = list(candidates.symbols)
    yearly = covariance.loc[names, names] * SESSIONS_PER_YEAR
    volatility = pd.Series(np.sqrt(np.diag(yearly)), index=names)
    problem = Problem(
        expected_returns(view.scores, volatility, score_to_return=view.score_to_return),
        yearly.to_numpy(dtype=float),
        # the regime scales the portfolio as a whole
        limits_for(assets.reindex(names), covariance, exposure_cap=1.0, settings=settings),
        settings.solver_max_iterations,
        settings.methods,
    )
    return solve(problem, optimizer=view.optimizer, ranks=view.ranks)


def _with_held(
    solution: Solution, candidates: Candidates, assets: pd.DataFrame, held: pd.Series
) -> pd.Series:
    """Return desired weights of candidates and held names; names that may only be sold get 0."""
    if solution.method == HOLD:
        return held.sort_index()
    names = sorted({*candidates.symbols, *held.index})
    wanted = pd.Series(0.0, index=pd.Index(names, name="symbol"))
    if solution.weights is None:
        return wanted
    facts = assets.reindex(held.index)
    stays = held[(facts["is_quarantined"] & facts["has_quote"]).to_numpy(dtype=bool)]
    wanted[list(candidates.symbols)] = solution.weights * max(1.0 - stays.sum(), 0.0)
    wanted[stays.index] = stays
    return wanted


def _why(
    view: View,
    candidates: Candidates,
    assets: pd.DataFrame,
    wanted: pd.Series,
    cuts: tuple[Cut, ...],
    method: str,
) -> dict[str, str]:
    rank = view.scores.dropna().rank(ascending=False, method="first").astype(int)
    considered = set(candidates.symbols)
    why: dict[str, str] = {}
    for place, symbol in enumerate(wanted.index):
        said = [f"rank {rank[symbol]} of {len(rank)} by score"] if view.ranks and symbol in rank.index else []
        if method == HOLD:
            said.append("unchanged: no method returned a portfolio")
        elif symbol not in considered:
            said.append(_why_left(symbol, candidates, assets))
        elif method == CASH_ONLY:
            said.append("the regime allows no exposure")
        elif wanted.iloc[place] < WORTH_TELLING:
            said.append(
                "no weight from the optimizer" if view.allows_new_positions else "no new positions now"
            )
        elif not view.ranks:
            said.append("one of the names considered, which the champion does not rank")
        said += [
            f"cut from {percent(before.weights[place])} to {percent(after.weights[place])} by {after.why}"
            for before, after in pairwise(cuts[:-1])
            if before.weights[place] - after.weights[place] > WORTH_TELLING
        ]
        why[symbol] = "; ".join(said)
    return why


def _why_left(symbol: str, candidates: Candidates, assets: pd.DataFrame) -> str:
    if symbol not in assets.index or not assets.loc[symbol, "has_quote"]:
        return "no quote on the session (halted or delisted): exit only"
    if assets.loc[symbol, "is_quarantined"]:
        return "in quarantine: kept or reduced, never bought"
    return candidates.left_out.get(symbol, "left the universe")


def _notes(
    view: View,
    candidates: Candidates,
    assets: pd.DataFrame,
    limits: Limits,
    weights: pd.Series,
    settings: PortfolioSettings,
) -> list[str]:
    notes = [f"{len(candidates.symbols)} of {len(view.scores)} scored names were considered, by score alone."]
    if not view.ranks:
        notes.append(
            "The baseline expects no return of any name: it only brings positions back to their target weights."
        )
    if view.exposure_cap < 1:
        notes.append(f"The regime limits exposure to {percent(view.exposure_cap)} of the portfolio.")
    if not view.allows_new_positions:
        notes.append("The regime allows no new positions and no increases.")
    sectors = assets.reindex(weights.index[weights > 0])["sector"].fillna(UNKNOWN_SECTOR)
    unknown = int((sectors == UNKNOWN_SECTOR).sum())
    if unknown:
        notes.append(f"The sector of {unknown} names is unknown: {unknown_sector_words(settings)}.")
    if limits.pairs:
        notes.append(
            f"{len(limits.pairs)} pairs of names are highly correlated: "
            "the sum of each pair is within the limit of one position."
        )
    if 0 < weights.sum() < min(view.exposure_cap, 1.0) - 0.01:
        notes.append(f"The limits leave {percent(1 - weights.sum())} of the portfolio in cash.")
    return notes
