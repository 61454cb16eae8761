"""Sum the entries of the ledger: shares, cash, receivables, equity, capital flows and time-weighted return. Exact."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal, Inexact, localcontext
from fractions import Fraction

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


def time_weighted_return(equities_cents: Sequence[int], flows_cents: Sequence[int]) -> Fraction:
    """Return the compound return over the closes, net of capital flows.

    `flows_cents[i]` is in `equities_cents[i]` for the first time: it is neither a gain nor a loss of that session. The
    first flow is ignored. Fewer than two closes have a return of zero; after an equity of zero or less there is none:
    raises DataError.
    """
    growth = Fraction(1)
    for before, after, flow in zip(equities_cents, equities_cents[1:], flows_cents[1:], strict=False):
        if before <= 0:
            raise DataError(
                f"There is no return on an equity of {before} cents.",
                remedy="Start the measurement after it.",
            )
        growth *= Fraction(after - flow, before)
    return growth - 1
