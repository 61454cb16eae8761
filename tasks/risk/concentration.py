"""Measure a portfolio's sources of risk: betas, concentration, shares of risk by name, clusters of correlated names."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from tasks.data.schema.records import Matrix
from tasks.risk.ratios import NO_SPREAD, Numbers

MIN_SESSIONS = 60  # fewer estimate no beta
MARKET_BETA = 1.0  # of a name without an estimate


class Cluster(NamedTuple):
    """Names that move together, heaviest first, and their weight."""

    names: tuple[str, ...]
    weight: float


def betas(returns: pd.DataFrame, market: Numbers) -> pd.Series:
    """Return each name's beta to the market, by symbol; 1 with fewer than 60 common sessions.

    `returns`: sessions × names, NaN where missing; `market`: returns of the same sessions.
    """
    own = returns.to_numpy(dtype=float)
    both = np.isfinite(own) & np.isfinite(market)[:, None]
    sessions = both.sum(axis=0)
    count = np.maximum(sessions, 1)
    own, other, weight = np.where(both, own, 0.0), np.nan_to_num(market), both.astype(np.float64)
    # einsum sums in the same order on any number of cores
    mean = np.einsum("t,tn->n", other, weight) / count
    shared = np.einsum("t,tn->n", other, own) / count - own.sum(axis=0) / count * mean
    variance = np.einsum("t,tn->n", other**2, weight) / count - mean**2
    known = (sessions >= MIN_SESSIONS) & (variance > NO_SPREAD**2)
    estimated = np.where(known, shared / np.where(known, variance, 1.0), MARKET_BETA)
    return pd.Series(estimated, index=returns.columns)


def effective_names(invested: pd.Series) -> float:
    """Return the number of equal positions with the same concentration (1 over the sum of squared shares)."""
    gross = invested.abs().to_numpy(dtype=float)
    return float(gross.sum() ** 2 / (gross**2).sum()) if (gross > 0).any() else 0.0


def risk_shares(invested: pd.Series, returns: pd.DataFrame) -> pd.Series:
    """Return each name's share of the portfolio's variance, by symbol; the shares sum to 1, NaN without movement.

    A missing return, or a name without returns, is replaced by the average name of the session.
    """
    history = _filled(invested, returns)
    moved = history @ invested.to_numpy(dtype=float)
    centred = moved - moved.mean() if len(moved) else moved
    total = float(centred @ centred)
    if total <= NO_SPREAD**2:
        return pd.Series(float("nan"), index=invested.index)
    return pd.Series((history.T @ centred) * invested.to_numpy(dtype=float) / total, index=invested.index)


def clusters(invested: pd.Series, returns: pd.DataFrame, *, min_correlation: float) -> tuple[Cluster, ...]:
    """Group names whose average correlation is at least `min_correlation`, heaviest cluster first.

    Average linkage on 1 − correlation. A name without returns forms its own cluster.
    """
    from scipy.cluster.hierarchy import fcluster, linkage
    from scipy.spatial.distance import squareform

    known = [name for name in invested.index if name in returns.columns]
    label_of = {name: -place for place, name in enumerate(invested.index, 1)}
    if len(known) > 1:
        correlation = returns[known].corr(min_periods=MIN_SESSIONS).to_numpy(copy=True)
        distance = 1 - np.clip(np.nan_to_num(correlation, nan=0.0), -1, 1)
        np.fill_diagonal(distance, 0.0)
        tree = linkage(squareform((distance + distance.T) / 2, checks=False), method="average")
        cut = fcluster(tree, 1 - min_correlation + NO_SPREAD, criterion="distance")
        label_of |= dict(zip(known, cut.tolist(), strict=True))
    members: dict[int, list[tuple[float, str]]] = {}
    for name, weight in invested.items():
        members.setdefault(label_of[name], []).append((-float(weight), str(name)))
    found = [
        Cluster(tuple(name for _, name in sorted(group)), -sum(weight for weight, _ in group))
        for group in members.values()
    ]
    return tuple(sorted(found, key=lambda cluster: (-cluster.weight, cluster.names)))


def _filled(invested: pd.Series, returns: pd.DataFrame) -> Matrix:
    history = returns.reindex(columns=invested.index).to_numpy(dtype=float)
    if np.isfinite(history).all():
        return history
    average = returns.mean(axis=1).to_numpy(dtype=float)
    filled: Matrix = np.where(np.isfinite(history), history, np.nan_to_num(average)[:, None])
    return filled
