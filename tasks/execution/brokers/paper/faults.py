"""Faults of a paper account, for tests and drills: by seed, the same on every run. None by default."""

import hashlib
from dataclasses import dataclass


@dataclass(frozen=True)
class Faults:
    """The frequency of each fault, from 0 to 1."""

    seed: int = 0
    refuses: float = 0.0  # at once, when the order is submitted
    rejects: float = 0.0  # at the open, after it was accepted
    partial: float = 0.0  # only a part is filled at the open; the rest stays open
    delays: float = 0.0  # nothing fills at the open, everything at the close, at the price of the open
    halts: float = 0.0  # of a symbol, for a whole session

    def refuse(self, order_id: str) -> bool:
        return self._draw("refuse", order_id) < self.refuses

    def reject(self, order_id: str) -> bool:
        return self._draw("reject", order_id) < self.rejects

    def delay(self, order_id: str) -> bool:
        return self._draw("delay", order_id) < self.delays

    def halted(self, symbol: str, session: object) -> bool:
        return self._draw("halt", f"{symbol}:{session}") < self.halts

    def fillable(self, order_id: str, shares: int) -> int:
        """Return how many of the shares are ever filled."""
        if self._draw("partial", order_id) >= self.partial:
            return shares
        return int(shares * self._draw("part", order_id))

    def _draw(self, what: str, key: str) -> float:
        digest = hashlib.sha256(f"{self.seed}:{what}:{key}".encode()).digest()
        return int.from_bytes(digest[:6], "big") / 2**48


NO_FAULTS = Faults()
