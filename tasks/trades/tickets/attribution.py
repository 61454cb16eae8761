"""Split each trade exactly into causes: a sequential (waterfall) attribution.

Each step is a complete rerun of the day's decision: candidates, optimizer, regime, limits, costs, tolerance bands,
cuts, whole shares. Without a decision, nothing is traded. The first step is the decision of the last published session,
for today's holdings at today's prices (drift); each later one takes one more cause from today, and the last is the
published decision. So a part contains all that its cause changes, through any rule. Trades are whole shares at
prices in cents: the parts sum to them exactly.

The score is last: its part is the effect of today's scores, with everything else as it is today.
docs/adr/0025-a-trade-is-split-by-complete-decisions.md gives the reasons for this order.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tasks.portfolio.arrays import Held, Mask, Vector
from tasks.portfolio.limits import Rules
from tasks.trades.lines import cents_of
from tasks.trades.tickets.schema import CAUSES, Cause, Part
from tasks.trades.tickets.situation import GROUPS, Group, Situation, decided_shares, differs, mixed

Cents = NDArray[np.int64]


@dataclass(frozen=True)
class Comparison:
    """Both situations and today's holdings, from which today's trades are explained."""

    before: Situation
    now: Situation
    held: Held
    flow_usd: float  # deposits minus withdrawals since the last published session
    rules: Rules
    settled: Vector | None = (
        None  # weights at which the earlier rules traded nothing; None: rules are the same
    )


def split_trades(comparison: Comparison, trade_cents: Cents) -> dict[int, tuple[Part, ...]]:
    """Return the parts of each trade, by the place of its name; `trade_cents` is 0 for names that are not traded."""
    totals = {cause: np.zeros(len(trade_cents), dtype=np.int64) for cause in CAUSES}
    reached = np.zeros(len(trade_cents), dtype=np.int64)
    for cause, cents in _decisions(comparison):
        totals[cause] += cents - reached
        reached = cents
    totals["score"] += trade_cents - reached
    return {
        place: tuple(Part(cause, int(totals[cause][place])) for cause in CAUSES)
        for place in np.flatnonzero(trade_cents).tolist()
    }


def _decisions(comparison: Comparison) -> Iterator[tuple[Cause, Cents]]:
    """Yield the trades of every name after each cause but the last, which leads to the published trade."""
    before, now, held = comparison.before, comparison.now, comparison.held
    price_cents = cents_of(np.nan_to_num(now.names.price))
    equity_usd = held.equity_usd - comparison.flow_usd
    without_flow = replace(
        held,
        weight=held.weight * held.equity_usd / equity_usd,
        cash_usd=held.cash_usd - comparison.flow_usd,
        equity_usd=equity_usd,
    )

    def cents(replaced: tuple[Group, ...], holdings: Held) -> Cents:
        shares = decided_shares(mixed(before, now, replaced), holdings, rules=comparison.rules)
        return shares * price_cents

    if comparison.settled is not None:
        yield "constraints", cents((), _held_at(comparison.settled, equity_usd, now.names.price))
    yield "drift", cents((), without_flow)
    if comparison.flow_usd:
        yield "cash", cents((), held)
    for count, group in enumerate(GROUPS, start=1):
        if differs(before, now, group):
            yield group, cents(GROUPS[:count], held)


def _held_at(weights: Vector, equity_usd: float, price: Vector) -> Held:
    """Return holdings of exactly these weights, in fractional shares; a name without a price is not held."""
    is_held: Mask = (weights > 0) & (price > 0)
    weight = np.where(is_held, weights, 0.0)
    shares = np.divide(weight * equity_usd, price, out=np.zeros(len(weight)), where=is_held)
    return Held(shares, weight, equity_usd * (1 - float(weight.sum())), equity_usd)
