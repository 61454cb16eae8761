"""Describe what the findings in the lake keep in quarantine: which names, until when, why. Pure.

Reports only. A finding that most names share, such as a bar on a holiday, says nothing about any one of them; the
quarantine holds nevertheless, because the same finding is what shifted dates look like.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from tasks.core.sessions import session_after
from tasks.data.panel.grid import days_of
from tasks.data.panel.membership import quarantine_rows
from tasks.data.schema.finding_rows import serious_findings
from tasks.data.schema.records import Days

LEAST_SHARED = 2  # names


@dataclass(frozen=True)
class InQuarantine:
    """Names that a finding of one day keeps in quarantine after the last session."""

    rule: str
    found_on: date
    until: date  # the last session on which they are in quarantine
    symbols: tuple[str, ...]


@dataclass(frozen=True)
class SharedFinding:
    """A finding that concerned more than `max_quarantined_frac` of the names on some days."""

    rule: str
    days: tuple[date, ...]
    is_closed: bool  # whether the exchange was closed on all of these days
    names: int  # on the day with the most
    of: int  # names with a bar on that day, on a closed day in the session before
    sessions: int  # stored sessions on which names are in quarantine because of it


def in_quarantine(findings: pd.DataFrame, sessions: Days, length: int) -> tuple[InQuarantine, ...]:
    """Return what is in quarantine on the last of the sessions, the most names first; a name once, by its last end."""
    if not len(sessions):
        return ()
    serious = serious_findings(findings)
    first, last = quarantine_rows(serious, sessions, length)
    now = len(sessions) - 1
    ends = serious[["symbol", "session", "rule"]].astype({"symbol": "str", "rule": "str"}).assign(row=last)
    active = ends[(first <= now) & (now <= last)].sort_values(["row", "session", "rule"], kind="stable")
    groups: dict[tuple[str, date, int], list[str]] = {}
    kept = active.drop_duplicates("symbol", keep="last")
    days: list[date] = days_of(kept["session"]).tolist()
    for rule, day, row, symbol in zip(kept["rule"], days, kept["row"], kept["symbol"], strict=True):
        groups.setdefault((rule, day, row), []).append(symbol)
    found = [
        InQuarantine(rule, day, _session_at(row, sessions), tuple(sorted(symbols)))
        for (rule, day, row), symbols in sorted(groups.items())
    ]
    return tuple(sorted(found, key=lambda one: -len(one.symbols)))


def shared_findings(
    findings: pd.DataFrame, bars: pd.Series, sessions: Days, length: int, *, max_frac: float
) -> tuple[SharedFinding, ...]:
    """Return the findings that concerned more than `max_frac` of the names of a day, by rule.

    `bars` is the number of bars of each of the sessions.
    """
    if not len(sessions):
        return ()
    keeping = findings[findings["severity"] == "quarantine"].astype({"symbol": "str", "rule": "str"})
    counts = keeping.groupby(["rule", "session"])["symbol"].nunique().rename("names").reset_index()
    day = days_of(counts["session"])
    before = np.maximum(np.searchsorted(sessions, day, side="right") - 1, 0)
    counts["of"] = bars.to_numpy()[before]
    counts["is_closed"] = sessions[before] != day
    is_shared = (counts["names"] > max_frac * counts["of"]) & (counts["names"] >= LEAST_SHARED)
    return tuple(
        _shared(str(rule), days, sessions, length)
        for rule, days in counts[is_shared].groupby("rule", sort=True)
    )


def _shared(rule: str, days: pd.DataFrame, sessions: Days, length: int) -> SharedFinding:
    first, last = quarantine_rows(days.assign(severity="quarantine"), sessions, length)
    rows = np.arange(len(sessions))
    is_kept = ((first[:, None] <= rows) & (rows <= last[:, None])).any(axis=0)
    worst = days.iloc[int(days["names"].to_numpy().argmax())]
    return SharedFinding(
        rule,
        tuple(days_of(days["session"]).tolist()),
        bool(days["is_closed"].all()),
        int(worst["names"]),
        max(int(worst["of"]), int(worst["names"])),  # a session of which every bar was set aside has none
        int(is_kept.sum()),
    )


def _session_at(row: int, sessions: Days) -> date:
    """Return the session at the row, which may be after the last of the sessions."""
    day: date = sessions[min(row, len(sessions) - 1)].item()
    for _ in range(row - len(sessions) + 1):
        day = session_after(day)
    return day
