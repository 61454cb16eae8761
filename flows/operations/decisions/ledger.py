"""Show the decision ledger of a month: proposals, changes, and what they earned; write reports/monthly/YYYY-MM.html."""

import re
from calendar import monthrange
from collections.abc import Iterator
from dataclasses import asdict
from datetime import date
from pathlib import Path

from flows.operations.homes.inspection import aligned
from flows.terminal import Options, Result
from tasks.core.atomic import write_bytes
from tasks.core.clock import now
from tasks.core.errors import ConfigError
from tasks.core.homes.opening import find_home, settings_of
from tasks.core.sessions import last_closed_session
from tasks.core.text import counted
from tasks.monitoring.decisions.ledger import decision_ledger
from tasks.monitoring.decisions.schema import DecisionLedger
from tasks.reporting.monthly.page import earned_text, interval_text, render_month

MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


def show_decisions(options: Options, *, month: str | None) -> Result:
    """Return the month's ledger, and write its page."""
    home = find_home(options.home)
    settings = settings_of(home, options.profile).settings
    last = last_closed_session(now()).day
    named = month or f"{last:%Y-%m}"
    if not MONTH.fullmatch(named):
        raise ConfigError(
            f"{named[:40]!r} is not a month.",
            remedy="Write it as YYYY-MM, for example 2024-06.",
            month=named[:40],
        )
    first = date.fromisoformat(f"{named}-01")
    if first > last:
        raise ConfigError(
            f"{named} is in the future: the last session was on {last}.",
            remedy="Choose a month that has begun.",
        )
    end = min(first.replace(day=monthrange(first.year, first.month)[1]), last)
    ledger = decision_ledger(home, settings, first, end)
    page = home.reports / "monthly" / f"{named}.html"
    is_simulated = settings.data.is_simulated
    write_bytes(page, render_month(ledger, named, title=settings.reporting.title, is_simulated=is_simulated))
    return Result(_document(ledger, named, page), "\n".join([*_lines(ledger, named), f"Page: {page}"]))


def _lines(ledger: DecisionLedger, month: str) -> Iterator[str]:
    yield (
        f"{month}: {counted(ledger.proposed_days, 'day')} proposed, {ledger.approved_days} approved, "
        f"{ledger.rejected_days} rejected, {ledger.lapsed_days} not answered; "
        f"{ledger.changed_lines} of {counted(ledger.proposed_lines, 'line')} changed."
    )
    if ledger.totals:
        heading = ("decision", "lines", "sessions", "earned", "95% interval")
        rows = [
            (one.kind, str(one.changes), str(one.sessions), earned_text(one), interval_text(one))
            for one in ledger.totals
        ]
        yield aligned([heading, *rows])
        yield "Earned: the actual result less what the proposal would have earned over 21 sessions, after costs."


def _document(ledger: DecisionLedger, month: str, page: Path) -> dict[str, object]:
    record = asdict(ledger)
    changes = [{**one.pop("change"), **one} for one in record.pop("outcomes")]
    return {"month": month, **record, "changes": changes, "page": str(page)}
