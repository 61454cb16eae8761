"""The costs of fills, by what was known when they were decided: charged by the backtest and by the paper account."""

from collections.abc import Iterable
from datetime import date

import numpy as np

from config.costs_section import Costs
from tasks.backtest.accounting.money import CENTS_PER_USD, Cents, Shares
from tasks.backtest.session_inputs import Facts
from tasks.costs.model import Conditions, estimate, whole_cents
from tasks.portfolio.arrays import adv_in_shares


def fill_costs(
    facts: Facts,
    shares: Shares,
    price_cents: Cents,
    *,
    is_sale: bool,
    splits: Iterable[tuple[int, float]],
    trade_date: date,
    costs: Costs,
) -> Cents:
    """Return commission and slippage by company, each rounded up to whole cents; 0 where no shares are traded.

    `facts` are those of the decision, by company; `splits` (company, ratio) happened between it and the fill.
    """
    traded = np.flatnonzero(shares)
    cents = np.zeros(len(shares), dtype=np.int64)
    if not len(traded):
        return cents
    adv_shares = adv_in_shares(facts.adv_usd, facts.price)
    for company, split in splits:  # the shares that are traded are new ones
        adv_shares[company] *= split
    conditions = Conditions(
        price_cents[traded] / CENTS_PER_USD,
        facts.daily_volatility[traded],
        adv_shares[traded],
        trade_date,
        facts.index_multiplier,
    )
    sales = np.full(len(traded), is_sale)
    estimated = estimate(shares[traded].astype(np.float64), sales, conditions, costs=costs)
    cents[traded] = whole_cents(estimated.commission_usd) + whole_cents(estimated.slippage_usd)
    return cents
