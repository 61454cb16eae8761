"""State what a declaration of positions would change: names, cash and equity, before and after.

Never reads or writes a file.
"""

from collections.abc import Mapping
from typing import NamedTuple

from tasks.core.text import counted, dollars
from tasks.portfolio.holdings.positions import Positions
from tasks.portfolio.schema import CASH


class DeclaredChange(NamedTuple):
    """Shares by symbol and cash, before and after, and the last closes that the lake has of these symbols."""

    shares_before: Mapping[str, float]
    shares_after: Mapping[str, float]
    cash_before_usd: float
    cash_after_usd: float
    closes_usd: Mapping[str, float]

    @property
    def symbols(self) -> list[str]:
        """Return the symbols whose shares differ."""
        every = self.shares_before.keys() | self.shares_after.keys()
        return sorted(s for s in every if self.shares_before.get(s, 0) != self.shares_after.get(s, 0))

    @property
    def is_empty(self) -> bool:
        return not self.symbols and round(self.cash_before_usd, 2) == round(self.cash_after_usd, 2)

    def equity_usd(self, shares: Mapping[str, float], cash_usd: float) -> float:
        """Return cash and shares at the last closes; shares without a price count as 0."""
        return cash_usd + sum(count * self.closes_usd.get(symbol, 0.0) for symbol, count in shares.items())

    @property
    def equity_before_usd(self) -> float:
        return self.equity_usd(self.shares_before, self.cash_before_usd)

    @property
    def equity_after_usd(self) -> float:
        return self.equity_usd(self.shares_after, self.cash_after_usd)

    @property
    def lines(self) -> list[str]:
        """Return one line for each name that is added, removed or changed, then cash and equity."""
        named = [self._line(symbol) for symbol in self.symbols]
        kinds = [line.split()[0] for line in named]
        counts = ", ".join(f"{kinds.count(kind)} {kind}" for kind in ("removed", "added", "changed"))
        unpriced = sorted((self.shares_before.keys() | self.shares_after.keys()) - self.closes_usd.keys())
        note = (
            f", without {counted(len(unpriced), 'name')} for which the lake has no last close"
            if unpriced
            else ""
        )
        return [
            f"This would change {counted(len(named), 'name')} ({counts}):"
            if named
            else "No name would change.",
            *named,
            f"{CASH}: {dollars(self.cash_before_usd)} → {dollars(self.cash_after_usd)}",
            f"Equity at the last closes{note}: {dollars(self.equity_before_usd)} → {dollars(self.equity_after_usd)}",
        ]

    @property
    def document(self) -> dict[str, object]:
        """Return the change for a script."""
        changed = {
            symbol: {
                "before": self.shares_before.get(symbol, 0.0),
                "after": self.shares_after.get(symbol, 0.0),
            }
            for symbol in self.symbols
        }
        return {
            "shares": changed,
            "cash_usd": {"before": self.cash_before_usd, "after": self.cash_after_usd},
            "equity_usd": {"before": self.equity_before_usd, "after": self.equity_after_usd},
        }

    def _line(self, symbol: str) -> str:
        before, after = self.shares_before.get(symbol, 0.0), self.shares_after.get(symbol, 0.0)
        kind = "changed" if before and after else "removed" if before else "added"
        return f"  {kind:<8} {symbol:<12} {before:>14,g} → {after:,g}"


def shares_by_symbol(held: Positions) -> dict[str, float]:
    """Return the shares of each symbol that is held."""
    shares: dict[str, float] = {}
    for line in held.positions:
        if line.shares:
            shares[line.symbol] = shares.get(line.symbol, 0.0) + line.shares
    return shares
