"""State which names an import leaves in quarantine, until when and why."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from tasks.core.text import counted

if TYPE_CHECKING:
    from tasks.data.intake.import_quarantine import SharedFinding
    from tasks.data.intake.imports import Imported

MOST_NAMED = 5
CLOSED = (
    "The exchange was closed on these days: delete these bars from the files, move data/lake away, "
    "and import the whole history again"
)
OTHERS = "Correct them at the source; what is stored already stays until data/lake is moved away and imported again"


def quarantine_lines(imported: "Imported") -> Iterator[str]:
    """Yield one line on the names in quarantine after the last session, and one per finding that many names share."""
    groups = imported.in_quarantine
    if groups:
        names = sum(len(one.symbols) for one in groups)
        why = "; ".join(
            f"{_named(one.symbols)} until {one.until} ({one.rule} on {one.found_on})"
            for one in groups[:MOST_NAMED]
        )
        more = "; …" if len(groups) > MOST_NAMED else ""
        yield f"In quarantine after {imported.last_session}, not bought: {counted(names, 'name')}: {why}{more}."
    yield from map(_shared, imported.shared_findings)


def _shared(one: "SharedFinding") -> str:
    on = (
        f"on {one.days[-1]}" if len(one.days) == 1 else f"on {len(one.days):,} days, the last {one.days[-1]},"
    )
    remedy = CLOSED if one.is_closed else OTHERS
    return (
        f"{one.rule} {on} concerns {one.names:,} of {one.of:,} names. They are in quarantine, and not bought in "
        f"backtests either, on {counted(one.sessions, 'session')}. {remedy} (docs/data.md)."
    )


def _named(symbols: tuple[str, ...]) -> str:
    if len(symbols) <= MOST_NAMED:
        return ", ".join(symbols)
    return f"{len(symbols):,} names ({', '.join(symbols[:MOST_NAMED])}, …)"
