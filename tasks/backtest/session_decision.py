"""Take the daily run's decision on a row of the world: the arrays it needs, the core that decides, the orders.

No rule is implemented here: candidates, weights, sizes, limits and costs come from the functions of the daily run
(tasks/risk, tasks/portfolio, tasks/trades, tasks/costs). As in the daily run, a dividend receivable is not money to
invest until it is paid.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from config.settings import Settings
from tasks.backtest.account import Account
from tasks.backtest.money import CENTS_PER_USD, Cents, Shares
from tasks.backtest.world import World, window_at
from tasks.core.sessions import session_after
from tasks.costs.model import Conditions, estimate, multiplier_of, whole_cents
from tasks.data.panel.returns import daily_returns
from tasks.data.schema.records import Mask, Matrix
from tasks.portfolio.arrays import Names, Places, Vector, value_held
from tasks.portfolio.candidates import choose_candidates
from tasks.portfolio.frame import cap_class_codes, matrix_of
from tasks.portfolio.limits import Rules, rules_of
from tasks.portfolio.quotes import (
    VOLATILITY_SESSIONS,
    VOLUME_SESSIONS,
    WINDOW,
    average_volume,
    daily_volatility,
)
from tasks.portfolio.schema import CASH
from tasks.portfolio.target import View
from tasks.risk.covariance import covariance_of, estimable, estimator_of
from tasks.trades.decision import Decision, decide
from tasks.trades.fills import Orders
from tasks.trades.lines import Trading, adv_in_shares
from tasks.trades.rules import trade_rules_of

KEPT_ROWS = 4  # the last decision's facts are used again by its fills


@dataclass(frozen=True)
class Signals:
    """What the champion and the regime say, by session; scores by session and company."""

    scores: Matrix  # out of sample; NaN: none
    exposure_cap: Vector
    allows_new_positions: Mask
    ranks: bool  # False: the scores do not rank names, by design
    score_to_return: Vector  # by session, of what was known then
    optimizer: str
    size_multiplier: Vector
    max_buys_frac: Vector

    def view(self, row: int) -> View:
        return View(
            ranks=self.ranks,
            score_to_return=float(self.score_to_return[row]),
            optimizer=self.optimizer,
            exposure_cap=float(self.exposure_cap[row]),
            allows_new_positions=bool(self.allows_new_positions[row]),
            size_multiplier=float(self.size_multiplier[row]),
        )


class Facts(NamedTuple):
    """What is known of each company after a session's close."""

    price: NDArray[np.float64]  # USD in whole cents
    adv_usd: Vector
    daily_volatility: Vector
    index_multiplier: float


class SessionDecision:
    """The daily run's decision and its costs, as functions for `walk`."""

    def __init__(self, world: World, signals: Signals, settings: Settings) -> None:
        self._world, self._signals, self._settings = world, signals, settings
        self._rules: Rules = rules_of(settings.portfolio, world.sector.names)
        self._cap_class = cap_class_codes(pd.Series(world.cap_class.names, dtype=object))
        # by the symbol of its id: what its later symbols are was not known
        self._is_reserved = np.array([name.partition("~")[2] == CASH for name in world.company], dtype=bool)
        self._facts = lru_cache(KEPT_ROWS)(self._measure)

    def orders(self, world: World, row: int, account: Account) -> Orders:
        """Return the orders of the session, by company. `world` is the one this was made for."""
        decision = self.decide(row, account)
        zero = np.zeros(len(world.company), dtype=np.int64)
        sells, buys, ceiling = zero.copy(), zero.copy(), zero
        sells[decision.places], buys[decision.places] = decision.plan.sells, decision.plan.buys
        ceiling[decision.places] = decision.plan.buys * decision.lines.price_cents
        return Orders(sells, buys, ceiling)

    def costs(self, world: World, row: int, shares: Shares, price_cents: Cents, *, is_sale: bool) -> Cents:
        """Return the estimated costs of fills on `row`, by what was known when they were decided."""
        traded = np.flatnonzero(shares)
        cents = np.zeros(len(shares), dtype=np.int64)
        if not len(traded):
            return cents
        facts = self._facts(row - 1)
        conditions = Conditions(
            price_cents[traded] / CENTS_PER_USD,
            facts.daily_volatility[traded],
            adv_in_shares(facts.adv_usd[traded], facts.price[traded]),
            world.sessions[row].astype("datetime64[D]").item(),
            facts.index_multiplier,
        )
        sales = np.full(len(traded), is_sale)
        costs = estimate(shares[traded].astype(np.float64), sales, conditions, costs=self._settings.costs)
        cents[traded] = whole_cents(costs.commission_usd) + whole_cents(costs.slippage_usd)
        return cents

    def decide(self, row: int, account: Account) -> Decision:
        """Return the decision after the close of a session."""
        returns = self._returns(row)
        known = estimable(returns, min_history_frac=self._settings.risk.min_history_frac)
        names = self._names(row, known)
        held = value_held(account.shares.astype(np.float64), names.price, account.cash_cents / CENTS_PER_USD)
        candidates = choose_candidates(names, held, max_positions=self._rules.max_positions)
        session = self._world.sessions[row].astype("datetime64[D]").item()
        return decide(
            self._signals.view(row),
            names,
            held,
            candidates,
            self._covariance(returns, np.flatnonzero(known), candidates.considered),
            rules=self._rules,
            trade_rules=trade_rules_of(self._settings, max_buys_frac=float(self._signals.max_buys_frac[row])),
            trading=Trading(session_after(session), self._facts(row).index_multiplier),
        )

    def _covariance(self, returns: Matrix, known: Places, considered: Places) -> Matrix:
        """Return the covariance of the companies considered; NaN without an estimate."""
        estimated = pd.DataFrame(returns[:, known], columns=known)
        shrinkage, factors = estimator_of(returns[:, known], self._settings.risk)
        covariance = covariance_of(estimated, considered.tolist(), shrinkage, factors=factors)
        return matrix_of(covariance, pd.Index(considered))

    def _returns(self, row: int) -> Matrix:
        window = window_at(self._world, row, self._settings.risk.window_sessions + 1)
        return daily_returns(window.close)[1:]

    def _names(self, row: int, has_risk: Mask) -> Names:
        world, facts = self._world, self._facts(row)
        is_member = world.is_member[row]
        return Names(
            score=np.where(is_member, self._signals.scores[row], np.nan),
            is_scored=is_member,
            price=facts.price,
            has_quote=np.isfinite(world.raw_close[row]) & (world.raw_close[row] > 0),
            is_quarantined=world.is_quarantined[row],
            is_reserved=self._is_reserved,
            has_risk=has_risk,
            adv_usd=facts.adv_usd,
            daily_volatility=facts.daily_volatility,
            sector=world.sector.codes[row].astype(np.int64),
            cap_class=self._cap_class[world.cap_class.codes[row]],
        )

    def _measure(self, row: int) -> Facts:
        window = window_at(self._world, row, WINDOW)
        levels = self._world.volatility_index[: row + 1]
        return Facts(
            self._world.price_cents[row] / CENTS_PER_USD,
            average_volume(window.dollar_volume[-VOLUME_SESSIONS:]),
            daily_volatility(window.close[-VOLATILITY_SESSIONS - 1 :]),
            multiplier_of(levels, index=self._settings.costs.volatility_index),
        )
