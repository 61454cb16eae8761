"""The inputs of a decision that depend on neither scores nor portfolio: quotes and risk, as known at the close.

Computed once per session: the combinations of a matrix share one `SessionInputs` and advance together, session by
session.
"""

from functools import cached_property, lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from config.settings import Settings
from tasks.backtest.accounting.money import CENTS_PER_USD
from tasks.backtest.world import World, corrected_companies, index_at, window_at
from tasks.costs.model import multiplier_of
from tasks.data.panel.returns import daily_returns
from tasks.data.schema.records import Mask, Matrix
from tasks.portfolio.arrays import Places, Vector
from tasks.portfolio.quotes import (
    VOLATILITY_SESSIONS,
    VOLUME_SESSIONS,
    WINDOW,
    average_volume,
    daily_volatility,
)
from tasks.portfolio.stops import recent_fall, stop_window
from tasks.risk.covariance import Estimator, estimable, estimator_of

KEPT_ROWS = 4  # the last decision's facts are used again by its fills


class Facts(NamedTuple):
    """The data known for each company after a session's close."""

    price: NDArray[np.float64]  # USD in whole cents
    adv_usd: Vector
    daily_volatility: Vector
    fall: Vector
    index_multiplier: float


class Risk(NamedTuple):
    """Which companies' covariance can be estimated, and its estimator."""

    is_estimable: Mask  # by company
    estimator: Estimator  # its columns are the estimable companies


class SessionInputs:
    """The inputs by row of the world; the most recent ones are cached."""

    def __init__(self, world: World, settings: Settings) -> None:
        self._world, self._settings = world, settings
        self.facts = lru_cache(KEPT_ROWS)(self._facts)
        self.risk = lru_cache(KEPT_ROWS)(self._risk)

    def covariance(self, row: int, considered: Places) -> Matrix:
        """Return the daily covariance of the companies considered; NaN without an estimate."""
        risk = self.risk(row)
        is_known = risk.is_estimable[considered]
        columns = np.cumsum(risk.is_estimable) - 1
        covariance = np.full((len(considered), len(considered)), np.nan)
        covariance[np.ix_(is_known, is_known)] = risk.estimator.among(columns[considered[is_known]])
        return covariance

    def _facts(self, row: int) -> Facts:
        stops = stop_window(self._settings.regime)
        window = window_at(self._world, row, max(WINDOW, stops.sessions))
        return Facts(
            self._world.price_cents[row] / CENTS_PER_USD,
            average_volume(window.dollar_volume[-VOLUME_SESSIONS:]),
            daily_volatility(window.close[-VOLATILITY_SESSIONS - 1 :]),
            recent_fall(window.close, stops),
            multiplier_of(index_at(self._world, row), index=self._settings.costs.volatility_index),
        )

    def _returns(self, row: int, sessions: int) -> Matrix:
        """Return the returns of the last sessions as known at the row: those first known, with what was corrected."""
        returns = self._first_known[max(1, row + 1 - sessions) : row + 1]
        corrected = corrected_companies(self._world, row, sessions + 1)
        if len(corrected):
            returns = returns.copy()
            close = window_at(self._world, row, sessions + 1).close[:, corrected]
            returns[:, corrected] = daily_returns(close)[-len(returns) :]
        return returns

    @cached_property
    def _first_known(self) -> Matrix:
        return daily_returns(self._world.close)

    def _risk(self, row: int) -> Risk:
        settings = self._settings.risk
        returns = self._returns(row, settings.window_sessions)
        is_estimable = estimable(returns, min_history_frac=settings.min_history_frac)
        # `take` keeps the rows contiguous; a mask would not, and every later copy would have to transpose
        return Risk(is_estimable, estimator_of(returns.take(np.flatnonzero(is_estimable), axis=1), settings))
