"""Sum the entries of the ledger: shares, cash, receivables, equity and capital flows. Exact."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact, localcontext

from tasks.core.errors import DataError
from tasks.ledger.entries import Entry

CAPITAL_FLOWS = frozenset({"deposit", "withdrawal"})
EXACT = Context(prec=60, rounding=ROUND_HALF_EVEN, traps=[Inexact])


@dataclass(frozen=True)
class Balance:
    """What is held: shares by symbol (none of zero), cash, and dividends between ex-date and payment."""

    shares: Mapping[str, Decimal]
    cash_cents: int
    receivable_cents: int


def balance_of(entries: Iterable[Entry]) -> Balance:
    """Return the sum of the entries; without entries a balance of nothing."""
    shares: dict[str, Decimal] = {}
    cash = receivable = 0
    with localcontext(EXACT):
        for entry in entries:
            if entry.shares:
                shares[entry.symbol] = shares.get(entry.symbol, Decimal(0)) + entry.shares
            cash += entry.cash_cents
            receivable += entry.receivable_cents
    held = {symbol: shares[symbol] for symbol in sorted(shares) if shares[symbol]}
    return Balance(held, cash, receivable)


def equity_cents(balance: Balance, prices: Mapping[str, Decimal]) -> int:
    """Return cash, receivables and shares at their prices, each position rounded half to even to the cent.

    Raises DataError if a position has no price.
    """
    missing = sorted(balance.shares.keys() - prices.keys())
    if missing:
        raise DataError(
            f"The equity is unknown: no price for {', '.join(missing)}.",
            remedy="Import prices for these symbols, or declare the position sold or written off.",
            symbols=missing,
        )
    with localcontext(Context(prec=60)):
        values = (shares * prices[symbol] * 100 for symbol, shares in balance.shares.items())
        worth = sum(int(value.to_integral_value(ROUND_HALF_EVEN)) for value in values)
    return worth + balance.cash_cents + balance.receivable_cents


def net_flows_cents(entries: Iterable[Entry]) -> int:
    """Return the deposits minus the withdrawals."""
    return sum(entry.cash_cents for entry in entries if entry.kind in CAPITAL_FLOWS)
