"""The controls on which a neutral IC is residualized, by least squares in each session: sector, beta, volatility, size.

A score that is only a bet on one of them is not skill, and the returns that they explain are most of the noise of a
session's IC. Unknown controls are omitted, and the names of the controls used are reported with every figure.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.data.schema.records import Panel
from tasks.features.compute import compute_raw
from tasks.features.registry import selected

Vector = NDArray[np.float64]
Labels = NDArray[np.intp]

BETA, VOLATILITY, MARKET_CAP, TRADED = "beta_252", "volatility_63", "log_market_cap", "log_dollar_volume_21"
CONTROLS = (BETA, VOLATILITY, MARKET_CAP, TRADED)
SECTOR = "sector"
LEAST_KNOWN_FRAC = 0.5  # of the rows; a control that is known for fewer is left out


@dataclass(frozen=True)
class Controls:
    """The controls of rows that are ordered by session: one entry per row in every array."""

    names: tuple[str, ...]
    session: Labels
    group: Labels  # session and sector
    axes: tuple[Vector, ...]  # the factors without group means, orthonormal within each session

    def of(self, rows: NDArray[np.bool_] | NDArray[np.intp] | slice) -> "Controls":
        """Return the controls of these rows, which must be whole sessions."""
        return Controls(
            self.names,
            _numbered(self.session[rows]),
            _numbered(self.group[rows]),
            tuple(axis[rows] for axis in self.axes),
        )

    def cleaned(self, values: Vector) -> Vector:
        """Return the residuals of the values on the controls, within each session."""
        left = values - _mean(values, self.group)
        for axis in self.axes:
            left = left - axis * np.bincount(self.session, weights=axis * values)[self.session]
        return left


def make_controls(sessions: Labels, sector: Labels | None, factors: Mapping[str, Vector]) -> Controls:
    """Return the controls; `sector` has a number per row, factors are NaN where unknown, which counts as average.

    Factors are ranked within the session. One that the sectors and the factors before it explain is ignored there.
    """
    session = _numbered(sessions)
    group = session if sector is None else _numbered(session * (int(sector.max(initial=0)) + 1) + sector)
    names = (*(() if sector is None else (SECTOR,)), *factors)
    axes: list[Vector] = []
    for values in factors.values():
        ranks = pd.Series(values).groupby(session).rank(pct=True).to_numpy(dtype=np.float64)
        known = np.isfinite(ranks)
        axis = np.where(known, ranks - _mean(np.where(known, ranks, 0.0), group, known), 0.0)
        for other in axes:
            axis = axis - other * np.bincount(session, weights=other * axis)[session]
        length = np.sqrt(np.bincount(session, weights=axis * axis))
        is_flat = length < 1e-6
        axes.append(axis * np.where(is_flat, 0.0, 1.0 / np.where(is_flat, 1.0, length))[session])
    return Controls(names, session, group, tuple(axes))


def controls_of(panel: Panel, sessions: Labels, symbols: Labels, *, also: tuple[str, ...] = ()) -> Controls:
    """Return the controls of these cells of the panel, each as known in its session; `also` names more features.

    A sector counts from the day on which it became known: an undated one is not used, and names without a sector
    form a separate group. Size is the market value where it is known, else the dollar volume.
    """
    wanted = (*CONTROLS, *also)
    raw = dict(
        zip(
            wanted, compute_raw(panel, selected(wanted))[:, sessions, symbols].astype(np.float64), strict=True
        )
    )
    market_cap = raw[MARKET_CAP]
    size = {"market_cap": market_cap} if _is_known(market_cap) else {"dollar_volume": raw[TRADED]}
    factors = {"beta": raw[BETA], "volatility": raw[VOLATILITY]} | size | {name: raw[name] for name in also}
    sector = panel.sector_at[sessions, symbols].astype(np.intp)
    return make_controls(
        sessions,
        sector - sector.min() if len(sector) and (sector >= 0).mean() >= LEAST_KNOWN_FRAC else None,
        {name: values for name, values in factors.items() if _is_known(values)},
    )


def _is_known(values: Vector) -> bool:
    return bool(len(values)) and float(np.isfinite(values).mean()) >= LEAST_KNOWN_FRAC


def _numbered(labels: Labels) -> Labels:
    return np.unique(labels, return_inverse=True)[1].astype(np.intp)


def _mean(values: Vector, group: Labels, counted: NDArray[np.bool_] | None = None) -> Vector:
    """Return each row's mean over its group, of the counted rows; 0 where there are none."""
    count = np.bincount(group, weights=counted)
    return np.asarray((np.bincount(group, weights=values) / np.maximum(count, 1))[group])
