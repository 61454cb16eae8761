"""Run the daily decision for one session of a backtest: build its arrays, call `decide`, return the orders.

No rule is implemented here: candidates, weights, sizes, limits and costs come from the functions of the daily run
(tasks/risk, tasks/portfolio, tasks/trades, tasks/costs). As in the daily run, a dividend receivable is not money to
invest until it is paid.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from config.settings import Settings
from tasks.backtest.accounting.account import Account
from tasks.backtest.accounting.money import CENTS_PER_USD, Cents, Shares
from tasks.backtest.fill_costs import fill_costs
from tasks.backtest.session_inputs import SessionInputs
from tasks.backtest.world import World
from tasks.core.sessions import session_after, sessions_between
from tasks.data.schema.records import Mask, Matrix
from tasks.models.scoring import are_usable
from tasks.portfolio.arrays import Names, Vector, value_held
from tasks.portfolio.candidates import choose_candidates
from tasks.portfolio.frame import cap_class_codes
from tasks.portfolio.limits import Rules, rules_of
from tasks.portfolio.schema import CASH
from tasks.portfolio.target import View
from tasks.trades.decision import Decision, decide
from tasks.trades.fills import Orders
from tasks.trades.lines import Trading
from tasks.trades.rules import trade_rules_of


@dataclass(frozen=True)
class Signals:
    """Scores and regime limits, by session; scores by session and company."""

    scores: Matrix  # out of sample; NaN: none
    exposure_cap: Vector
    allows_new_positions: Mask
    ranks: bool  # False: the scores do not rank names, by design
    score_to_return: Vector  # by session, of what was known then
    optimizer: str
    size_multiplier: Vector
    max_buys_frac: Vector
    stop_loss_frac: Vector

    def view(self, row: int) -> View:
        return View(
            ranks=self.ranks,
            score_to_return=float(self.score_to_return[row]),
            optimizer=self.optimizer,
            exposure_cap=float(self.exposure_cap[row]),
            allows_new_positions=bool(self.allows_new_positions[row]),
            size_multiplier=float(self.size_multiplier[row]),
            stop_loss_frac=float(self.stop_loss_frac[row]),
        )


class SessionDecision:
    """The daily run's decision and its costs, as functions for `walk`.

    `inputs`: for the same world and settings, if several backtests share them.
    """

    def __init__(
        self, world: World, signals: Signals, settings: Settings, inputs: SessionInputs | None = None
    ) -> None:
        self._world, self._signals, self._settings = world, signals, settings
        self._inputs = inputs or SessionInputs(world, settings)
        first, last = (world.sessions[row].item() for row in (0, -1))
        self._exchange = sessions_between(first, session_after(last))
        self._rules: Rules = rules_of(settings.portfolio, world.sector.names)
        self._cap_class = cap_class_codes(pd.Series(world.cap_class.names, dtype=object))
        # by the symbol of its id: what its later symbols are was not known
        self._is_reserved = np.array([name.partition("~")[2] == CASH for name in world.company], dtype=bool)

    def orders(self, _world: World, row: int, account: Account) -> Orders | None:
        """Return the orders of the session, by company; None without a decision.

        The world must be the one given at construction.
        """
        decision = self.decide(row, account)
        return None if decision is None else self.orders_of(decision)

    def orders_of(self, decision: Decision) -> Orders:
        """Return the orders of a decision, by company."""
        zero = np.zeros(len(self._world.company), dtype=np.int64)
        sells, buys, ceiling = zero.copy(), zero.copy(), zero
        sells[decision.places], buys[decision.places] = decision.plan.sells, decision.plan.buys
        ceiling[decision.places] = decision.plan.buys * decision.lines.price_cents
        return Orders(sells, buys, ceiling)

    def costs(self, world: World, row: int, shares: Shares, price_cents: Cents, *, is_sale: bool) -> Cents:
        """Return the estimated costs of fills on `row`, by what was known when they were decided."""
        return fill_costs(
            self._inputs.facts(row - 1),
            shares,
            price_cents,
            is_sale=is_sale,
            splits=world.nights[row].splits,
            trade_date=world.sessions[row].astype("datetime64[D]").item(),
            costs=self._settings.costs,
        )

    def decide(self, row: int, account: Account, *, reductions_only: bool = False) -> Decision | None:
        """Return the decision after the close of a session; None if the daily run would stop there.

        It stops at a lost session, and at scores that it rejects.
        """
        names = self._names(row)
        if self._world.is_lost[row] or not are_usable(
            names.score[np.isfinite(names.score)], ranks=self._signals.ranks
        ):
            return None
        held = value_held(account.shares.astype(np.float64), names.price, account.cash_cents / CENTS_PER_USD)
        view = self._signals.view(row)
        candidates = choose_candidates(names, held, rules=self._rules, stop_loss_frac=view.stop_loss_frac)
        return decide(
            view,
            names,
            held,
            candidates,
            self._inputs.covariance(row, candidates.considered),
            rules=self._rules,
            trade_rules=trade_rules_of(self._settings, max_buys_frac=float(self._signals.max_buys_frac[row])),
            trading=Trading(self._trade_date(row), self._inputs.facts(row).index_multiplier, reductions_only),
        )

    def _trade_date(self, row: int) -> date:
        following = np.searchsorted(self._exchange, self._world.sessions[row], side="right")
        day: date = self._exchange[following].item()
        return day

    def _names(self, row: int) -> Names:
        world, facts = self._world, self._inputs.facts(row)
        is_member = world.is_member[row]
        return Names(
            score=np.where(is_member, self._signals.scores[row], np.nan),
            is_scored=is_member,
            price=facts.price,
            has_quote=np.isfinite(world.raw_close[row]) & (world.raw_close[row] > 0),
            is_quarantined=world.is_quarantined[row],
            is_reserved=self._is_reserved,
            has_risk=self._inputs.risk(row).is_estimable,
            adv_usd=facts.adv_usd,
            daily_volatility=facts.daily_volatility,
            fall=facts.fall,
            sector=world.sector.codes[row].astype(np.int64),
            cap_class=self._cap_class[world.cap_class.codes[row]],
        )
