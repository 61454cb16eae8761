"""Decide whether a session's data is good enough to trade on: timely, complete, fresh, with few names in quarantine.

Looks at facts about one session, whether they come from a delivery that is not stored yet or from the lake. Never
stores, and never stops a run for a past session that nobody is about to trade on.
"""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from config.data_section import Quality
from tasks.core.errors import DataError
from tasks.data.panel.companies import lines_as_of
from tasks.data.schema.records import Days
from tasks.data.schema.tables import OHLCV


@dataclass(frozen=True)
class SessionFacts:
    """What was counted on one session."""

    session: date
    last_bar: date | None  # the latest session with any bar
    delivered: int  # symbols with a bar, good or set aside
    expected: int  # symbols with a bar on the session before, less those known to be gone
    missing: tuple[str, ...]  # expected and not delivered
    comparable: int  # symbols with a bar on both sessions
    repeated: int  # of those, bars equal in all five figures
    quarantined: tuple[str, ...]  # symbols with a finding young enough to keep them out
    causes: dict[str, int]  # how many of those findings there are of each rule


def count_session(
    session: date,
    *,
    bars: pd.DataFrame,
    held: pd.DataFrame,
    findings: pd.DataFrame,
    gone: frozenset[str],
    sessions: Days,
    quarantine_sessions: int,
) -> SessionFacts:
    """Count what readiness is judged by. `sessions` are the trading days that end with this one."""
    day = pd.Timestamp(session)
    today = bars[bars["session"] == day].set_index("symbol")
    before = today.iloc[:0]
    if len(sessions) > 1:
        before = bars[bars["session"] == pd.Timestamp(sessions[-2])].set_index("symbol")
    delivered = set(today.index.astype(str)) | set(held.loc[held["session"] == day, "symbol"].astype(str))
    expected = set(before.index.astype(str)) - gone
    both = before.index.intersection(today.index)
    same = (before.loc[both, list(OHLCV)] == today.loc[both, list(OHLCV)]).all(axis=1)
    young = young_findings(findings, sessions, quarantine_sessions)
    return SessionFacts(
        session=session,
        last_bar=None if bars.empty else bars["session"].max().date(),
        delivered=len(delivered),
        expected=len(expected),
        missing=tuple(sorted(expected - delivered)),
        comparable=len(both),
        repeated=int(same.sum()),
        quarantined=tuple(sorted(set(young["symbol"].astype(str)))),
        causes={str(rule): int(count) for rule, count in young["rule"].value_counts().sort_index().items()},
    )


def active_quarantine(findings: pd.DataFrame, sessions: Days, quarantine_sessions: int) -> tuple[str, ...]:
    """Return the symbols whose last finding is at most so many sessions old, sorted."""
    young = young_findings(findings, sessions, quarantine_sessions)
    return tuple(sorted(set(young["symbol"].astype(str))))


def young_findings(findings: pd.DataFrame, sessions: Days, quarantine_sessions: int) -> pd.DataFrame:
    """Return the findings that keep a symbol out on the last of the sessions."""
    if len(sessions) == 0:
        return findings.iloc[:0]
    first = sessions[max(0, len(sessions) - 1 - quarantine_sessions)]
    days = findings["session"].to_numpy().astype("datetime64[D]")
    # a finding of a closed day counts from the next session on, so one just before the first is still young
    rows = np.searchsorted(sessions, days, side="left")
    start = int(np.searchsorted(sessions, first))
    is_young = (rows >= start) & (days <= sessions[-1]) & (findings["severity"] == "quarantine").to_numpy()
    young: pd.DataFrame = findings[is_young]
    return young


def refuse_unfit(facts: SessionFacts, limits: Quality, *, provider: str) -> None:
    """Raise the DataError that names what is wrong with the session; return when it can be traded on."""
    session = facts.session
    if facts.last_bar is None:
        raise DataError(
            f"There is no bar of {provider} up to {session}.",
            remedy="If its history begins later, name a later date; else wait until the provider has the session.",
            session=str(session),
        )
    if facts.last_bar != session or facts.delivered == 0:
        raise DataError(
            f"The last bar of {provider} is of {facts.last_bar}, not of {session}.",
            remedy="Wait until the provider has the session (files: add it to the folder), or name a date that it has: "
            f"--date {facts.last_bar}.",
            session=str(session),
            last_bar=str(facts.last_bar),
        )
    if facts.comparable and facts.repeated / facts.comparable > limits.max_repeated_frac:
        raise DataError(
            f"{facts.repeated} of {facts.comparable} bars of {session} repeat the session before: "
            f"{provider} serves stale data.",
            remedy="Refresh again later; if it stays so, ask the provider.",
            session=str(session),
            repeated=facts.repeated,
        )
    present = facts.expected - len(facts.missing)
    if facts.expected and present / facts.expected < limits.min_present_frac:
        raise DataError(
            f"Only {present} of {facts.expected} expected symbols have a bar on {session} "
            f"(missing: {_some(facts.missing)}).",
            remedy="Wait until the provider is complete, or see whether these names were delisted.",
            session=str(session),
            missing=len(facts.missing),
        )
    if len(facts.quarantined) > limits.max_quarantined_frac * max(facts.delivered, facts.expected, 1):
        raise DataError(
            f"{len(facts.quarantined)} of {facts.delivered} symbols are in quarantine on {session} "
            f"({_some(facts.quarantined)}; findings: {_counts(facts.causes)}).",
            remedy="Mend these names at the source, or see docs/data.md for what each finding means.",
            session=str(session),
            quarantined=len(facts.quarantined),
        )


def _some(symbols: tuple[str, ...]) -> str:
    return ", ".join(symbols[:5]) + (f" and {len(symbols) - 5} more" if len(symbols) > 5 else "")


def _counts(causes: dict[str, int]) -> str:
    return ", ".join(f"{rule} {count}" for rule, count in causes.items())


def quarantined_names(tables: dict[str, pd.DataFrame], sessions: Days, length: int) -> tuple[str, ...]:
    """Return who is in quarantine by today's names: a rename in between must not set anybody free."""
    lines = lines_as_of(tables["lives"], tables["renames"])
    who = lines.of_frame(young_findings(tables["findings"], sessions, length), "session")
    return tuple(sorted({str(name) for name in lines.names[who[who >= 0]]}))
