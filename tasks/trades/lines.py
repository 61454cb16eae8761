"""The input of trade sizing: aligned arrays with one line per name, money in whole cents.

Money is spent in whole numbers, so that overspending is excluded by arithmetic, not by a tolerance.
"""

from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from tasks.costs.model import Conditions
from tasks.portfolio.arrays import Held, Names, Places, Vector, adv_in_shares
from tasks.portfolio.limits import Limits, limits_among
from tasks.portfolio.target import Target, without_increases

Numbers = NDArray[np.float64]
Shares = NDArray[np.int64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Trading:
    """When and how a session's trades are made."""

    trade_date: date  # the session in which they are filled
    index_multiplier: float = 1.0  # of the daily volatilities, from the volatility index
    reductions_only: bool = False  # new risk is halted: no weight may exceed the current one


@dataclass(frozen=True)
class Lines:
    """Every name with a holding or a target, in the order of the session's names."""

    held: Numbers  # shares; fractions may be held, never traded
    weight: Numbers  # target
    price_cents: Shares
    adv_shares: Numbers  # NaN where unknown
    volatility: Numbers  # daily
    has_quote: Mask
    is_quarantined: Mask
    limits: Limits  # without correlated pairs: their limit applies to the target, not to its rounding
    cash_cents: int
    equity_cents: float
    trading: Trading

    @cached_property
    def conditions(self) -> Conditions:
        return Conditions(
            self.price_cents / 100,
            self.volatility,
            self.adv_shares,
            self.trading.trade_date,
            self.trading.index_multiplier,
        )

    @cached_property
    def value_cents(self) -> Numbers:
        return self.held * self.price_cents

    @cached_property
    def may_buy(self) -> Mask:
        tradable: Mask = self.has_quote & (self.price_cents > 0) & (self.adv_shares > 0)
        return tradable & ~self.is_quarantined

    @cached_property
    def is_exit(self) -> Mask:
        exits: Mask = (self.weight == 0) & (self.held > 0)
        return exits


def cents_of(price: Vector) -> Shares:
    """Return prices in USD as whole cents."""
    return np.round(price * 100).astype(np.int64)


def traded_places(target: Target, held: Held) -> Places:
    """Return which entries of the target become lines: those with a weight or a holding."""
    return np.flatnonzero((target.weights > 0) | (held.shares[target.places] > 0))


def lines_towards(target: Target, names: Names, held: Held, trading: Trading) -> Lines:
    """Return the lines of the target's names."""
    weight = target.weights
    if trading.reductions_only:
        weight = without_increases(weight, held.weight[target.places])
    kept = traded_places(target, held)
    places = target.places[kept]
    return Lines(
        held=held.shares[places],
        weight=weight[kept],
        price_cents=cents_of(names.price[places]),
        adv_shares=adv_in_shares(names.adv_usd[places], names.price[places]),
        volatility=names.daily_volatility[places],
        has_quote=names.has_quote[places],
        is_quarantined=names.is_quarantined[places],
        limits=replace(limits_among(target.limits, kept), pairs=()),
        cash_cents=round(held.cash_usd * 100),
        equity_cents=held.equity_usd * 100,
        trading=trading,
    )
