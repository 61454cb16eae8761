"""Find what people changed: compare the proposed lines with the approved ones. Pure."""

from collections.abc import Iterator, Sequence

from tasks.monitoring.decisions.schema import Change, DecidedDay, Kind, Line


def changes_of(day: DecidedDay) -> Iterator[Change]:
    """Yield the changes of a day; none for one that was approved as proposed."""
    proposed, approved = _by_name(day.proposed), _by_name(day.approved or ())
    rate = _cost_rate(day.proposed)
    for symbol in dict.fromkeys([*proposed, *approved]):
        before, after = proposed.get(symbol), approved.get(symbol)
        wanted, decided = (0.0 if one is None else one.shares for one in (before, after))
        if wanted == decided:
            continue
        yield Change(
            session=day.session,
            symbol=symbol,
            kind=_kind(day, wanted, decided),
            person=day.person,
            reason=day.reason,
            proposed=wanted,
            decided=decided,
            cost_usd=_cost(before, after, rate),
        )


def _kind(day: DecidedDay, wanted: float, decided: float) -> Kind:
    if day.approved is None:
        return "rejected" if day.is_rejected else "lapsed"
    if not wanted:
        return "added"
    if wanted * decided <= 0:
        return "struck"
    return "reduced" if abs(decided) < abs(wanted) else "increased"


def _cost(before: Line | None, after: Line | None, rate: float) -> float:
    """Return the estimated cost of the change: that of the proposed line in proportion, or the day's rate."""
    wanted, decided = (0.0 if one is None else abs(one.shares) for one in (before, after))
    if before is not None and wanted:
        return before.cost_usd * (decided - wanted) / wanted
    return decided * (after.price if after else 0.0) * rate


def _cost_rate(lines: Sequence[Line]) -> float:
    notional = sum(abs(line.shares) * line.price for line in lines)
    return sum(line.cost_usd for line in lines) / notional if notional else 0.0


def _by_name(lines: Sequence[Line]) -> dict[str, Line]:
    return {line.symbol: line for line in lines}
