"""Estimate a portfolio's loss in a scenario: a historical or hypothetical market return and sector returns.

A name's return is its sector's return in the scenario plus the scenario's market return × (its beta − the mean beta of
every name of its sector with enough history, whether a member of the universe or not). Names of a sector that the
scenario does not list move with their beta alone.
"""

import math
from collections.abc import Mapping
from typing import NamedTuple, Protocol

from tasks.risk.concentration import MARKET_BETA


class Shock(Protocol):
    """A scenario: returns of the market and of sectors, as fractions."""

    @property
    def market(self) -> float: ...
    @property
    def sectors(self) -> Mapping[str, float]: ...


class ScenarioLoss(NamedTuple):
    """The portfolio's loss (positive) in a scenario, and each position's, largest first, both as fractions of it."""

    name: str
    market: float
    loss: float
    positions: tuple[tuple[str, float], ...]


def scenario_losses(
    invested: Mapping[str, float],
    betas: Mapping[str, float],
    sectors: Mapping[str, str],
    scenarios: Mapping[str, Shock],
) -> tuple[ScenarioLoss, ...]:
    """Return the loss in each scenario, in the order given.

    `invested`: weights by symbol without cash. `betas` by symbol, of every name whose risk is estimated: their
    means by sector are over members of the universe and others alike. A held name without a beta has 1, one without a
    sector moves with its beta.
    """
    mean_beta = _mean_by_sector(betas, sectors)
    return tuple(_loss(name, shock, invested, betas, sectors, mean_beta) for name, shock in scenarios.items())


def _loss(
    name: str,
    shock: Shock,
    invested: Mapping[str, float],
    betas: Mapping[str, float],
    sectors: Mapping[str, str],
    mean_beta: Mapping[str, float],
) -> ScenarioLoss:
    lost = {}
    for symbol, weight in invested.items():
        beta, sector = betas.get(symbol, MARKET_BETA), sectors.get(symbol, "")
        move = beta * shock.market
        if sector in shock.sectors:
            move += shock.sectors[sector] - mean_beta.get(sector, MARKET_BETA) * shock.market
        lost[symbol] = -weight * max(move, -1.0)
    positions = tuple(sorted(lost.items(), key=lambda position: (-position[1], position[0])))
    return ScenarioLoss(name, shock.market, math.fsum(lost.values()), positions)


def _mean_by_sector(betas: Mapping[str, float], sectors: Mapping[str, str]) -> dict[str, float]:
    by_sector: dict[str, list[float]] = {}
    for symbol, beta in betas.items():
        by_sector.setdefault(sectors.get(symbol, ""), []).append(beta)
    return {sector: math.fsum(found) / len(found) for sector, found in by_sector.items()}
