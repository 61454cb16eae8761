"""Compute the portfolio after all trades are filled at their prices and their costs are paid.

Weights are those of whole shares: weight × equity equals shares × price on every line.
"""

import numpy as np
import pandas as pd

from tasks.portfolio.schema import CASH
from tasks.trades.lines import Lines
from tasks.trades.plan import Plan


def cash_after_cents(lines: Lines, plan: Plan) -> int:
    """Return the remaining cash, to the cent."""
    moved = (plan.sells - plan.buys) * lines.price_cents
    return lines.cash_cents + int(moved.sum()) - plan.cost_cents


def book_after(lines: Lines, plan: Plan) -> pd.DataFrame:
    """Return shares, price and weight by symbol; CASH last, in dollars at a price of 1."""
    shares = lines.held - plan.sells + plan.buys
    kept = np.flatnonzero(shares > 0)
    cash_usd = cash_after_cents(lines, plan) / 100
    frame = pd.DataFrame(
        {
            "shares": [*shares[kept], cash_usd],
            "price": [*(lines.price_cents[kept] / 100), 1.0],
        },
        index=pd.Index([*(lines.symbols[line] for line in kept), CASH], name="symbol"),
        dtype=float,
    )
    value = frame["shares"] * frame["price"]
    return frame.assign(weight=value / value.sum())
