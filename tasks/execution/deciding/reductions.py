"""What standing overrides leave of the approved lines. Pure."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

from tasks.approval.schema import Line
from tasks.safety.overrides import Override, permitted_shares


@dataclass(frozen=True)
class Reduction:
    """Fewer shares than were approved: 0, or a part of a buy. `why` describes the override or the corporate action."""

    shares: int
    why: str
    cancels: bool = False  # an order that rests at the broker, too


def reductions_by(
    active: Collection[Override], lines: Sequence[Line], *, sectors: Mapping[str, str], strategy: str
) -> dict[int, Reduction]:
    """Return the reduction of each line, by row, that an active override reduces."""
    found = {}
    for row, line in enumerate(lines):
        permitted = permitted_shares(
            int(Decimal(line.shares)),
            is_sale=line.side == "SELL",
            symbol=line.symbol,
            sector=sectors.get(line.symbol, ""),
            strategy=strategy,
            active=active,
        )
        if permitted.by is not None:
            found[row] = Reduction(permitted.shares, permitted.by.description)
    return found


def reduced(line: Line, reduction: Reduction | None) -> Line:
    """Return the line with at most the permitted shares."""
    return line if reduction is None else line.model_copy(update={"shares": str(reduction.shares)})
