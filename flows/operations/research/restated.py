"""Decide a published day again on data as corrected since then; list the trades that would differ. Changes nothing."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import date

from flows.daily import longest_window
from flows.operations.research.replay import read_published
from flows.replay import PastDay, past_day
from flows.revision import decided_again
from flows.terminal import Options, Result, progress
from tasks.core.errors import SafetyError
from tasks.core.homes.opening import find_home, settings_of
from tasks.core.sessions import sessions_ending
from tasks.core.text import counted
from tasks.data.lake.restated import RestatedRow, restated_rows

MOST_ROWS = 20


@dataclass(frozen=True)
class OtherTrade:
    """A trade that would differ. Signed shares: positive buys, negative sells, 0 none."""

    symbol: str
    published: int
    restated: int
    has_restated_rows: bool  # of the name itself; otherwise other names or the market changed it


def replay_restated(options: Options, day: str) -> Result:
    """Compute the day on data as corrected since; exit 3 if a trade would differ."""
    home = find_home(options.home)
    published = read_published(home, day)
    settings = settings_of(home, options.profile).settings
    with progress(options):
        with past_day(home, published, settings) as past:
            before = decided_again(past).signed_shares
        with past_day(home, published, settings, restated=True) as past:
            after = decided_again(past).signed_shares
        rows = _rows(past, published.session)  # outside: as known then, and since
    others = tuple(_others(before, after, {row.symbol for row in rows}))
    document = {
        "session": str(published.session),
        "equal": not others,
        "trades": [asdict(one) for one in others],
        "restated": [asdict(row) for row in rows],
    }
    text = "\n".join(_lines(published.session, others, rows))
    return Result(document, text, SafetyError.exit_code if others else 0)


def _rows(past: PastDay, session: date) -> tuple[RestatedRow, ...]:
    since = sessions_ending(session, longest_window(past.run.settings))[0].item()
    snapshot = past.market.snapshot
    return restated_rows(snapshot.lake, snapshot.versions, session, since=since)


def _others(before: Mapping[str, int], after: Mapping[str, int], restated: set[str]) -> Iterator[OtherTrade]:
    for symbol in sorted({*before, *after}):
        then, now = before.get(symbol, 0), after.get(symbol, 0)
        if then != now:
            yield OtherTrade(symbol, then, now, symbol in restated)


def _lines(session: date, others: tuple[OtherTrade, ...], rows: tuple[RestatedRow, ...]) -> Iterator[str]:
    if not rows:
        yield f"{session}: nothing that the day used has been restated since."
    else:
        yield f"{session}: restated since: {counted(len(rows), 'row')} that the day used."
    yield f"{counted(len(others), 'trade')} would differ on today's data{'.' if not others else ':'}"
    for one in others:
        why = "" if one.has_restated_rows else " (through other names)"
        yield f"  {one.symbol}: {one.published:+,} shares, restated {one.restated:+,}{why}"
    symbols = {one.symbol for one in others}
    first = sorted(rows, key=lambda row: row.symbol not in symbols)
    for row in first[:MOST_ROWS]:
        changes = ", ".join(f"{one.column} {one.then} to {one.now}" for one in row.changes)
        yield f"  {row.table} {row.symbol} of {row.day}, known since {row.known}: {changes}"
    if len(rows) > MOST_ROWS:
        yield f"  … and {counted(len(rows) - MOST_ROWS, 'row')} more (--json lists all)."
