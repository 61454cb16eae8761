"""Sum the entries of the ledger: shares, cash, receivables, equity and capital flows. Exact."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
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


@dataclass(frozen=True)
class NameCash:
    """Cash and receivables attributable to each name since the ledger began: negative for what was paid.

    The key "" holds cash not attributable to any security: interest and fees without a symbol. `renames`: session, old
    and new symbol; the cash of the old one is under the new one. `opened`: the session as of which the ledger began
    with shares, whose purchase it does not know; None if it began with cash alone.
    """

    cents: Mapping[str, int] = field(default_factory=dict)
    renames: tuple[tuple[date, str, str], ...] = ()
    opened: date | None = None

    def renamed(self, session: date, changes: Mapping[str, str]) -> "NameCash":
        """Return it with the cash of each name under its new symbol; `changes`, old to new, happen at once."""
        cents: dict[str, int] = {}
        for symbol, amount in self.cents.items():
            today = changes.get(symbol, symbol)
            cents[today] = cents.get(today, 0) + amount
        renames = ((session, old, new) for old, new in changes.items())
        return replace(self, cents=cents, renames=(*self.renames, *renames))


def cash_by_name(entries: Iterable[Entry]) -> NameCash:
    """Return the cash of each name. Capital flows and the opening cash belong to none and are not earned: left out.

    Symbol changes of one session happen at once: of A to B and B to C, the second moves nothing that was A's.
    """
    cents: dict[str, int] = {}
    leaving: dict[str, str] = {}
    arrived: dict[tuple[date, str], int] = {}  # by a symbol change of the session
    renames, opened = [], None
    for entry in entries:
        amount = entry.cash_cents + entry.receivable_cents
        source, _, way = entry.source.rpartition(":")
        if entry.kind == "rename" and way == "out":
            leaving[source] = entry.symbol
        elif entry.kind == "rename" and source in leaving:
            old, to = leaving[source], (entry.session, entry.symbol)
            renames.append((entry.session, old, entry.symbol))
            stays = arrived.get((entry.session, old), 0)
            moved = cents.pop(old, 0) - stays
            if stays:
                cents[old] = stays
            arrived[to] = arrived.get(to, 0) + moved
            amount += moved
        elif entry.kind == "opening" and entry.shares:
            opened = entry.session
        if amount and entry.kind not in CAPITAL_FLOWS | {"opening"}:
            cents[entry.symbol] = cents.get(entry.symbol, 0) + amount
    return NameCash(cents, tuple(renames), opened)


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
