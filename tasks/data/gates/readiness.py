"""Decide whether a session's data is fit to trade on: timely, complete, fresh, with few names in quarantine.

Checks the facts of one session, from a delivery that is not stored yet or from the lake. Stores nothing. A
past session stops a run only while too many names are in quarantine because of it.
"""

from dataclasses import dataclass
from datetime import date

import pandas as pd

from config.data_section import Quality
from tasks.core.errors import DataError
from tasks.core.text import counted
from tasks.data.panel.companies import company_index
from tasks.data.panel.membership import quarantine_rows
from tasks.data.schema.finding_rows import serious_findings
from tasks.data.schema.records import Days
from tasks.data.schema.tables import OHLCV


@dataclass(frozen=True)
class SessionFacts:
    """Counts of one session."""

    session: date
    last_bar: date | None  # the latest session with any bar
    delivered: int  # symbols with a bar, good or set aside
    expected: int  # symbols with a bar on the previous session, less those known to be gone
    missing: tuple[str, ...]  # expected and not delivered
    comparable: int  # symbols with a bar on both sessions
    repeated: int  # of those, bars equal in all five values
    quarantined: tuple[str, ...]  # symbols in quarantine
    causes: dict[str, int]  # number of those findings by rule
    found_on: tuple[date, ...]  # the days of those findings
    is_lost: bool  # the provider lost the session for many names (gates/bars/lost_sessions)


def count_session(
    session: date,
    *,
    bars: pd.DataFrame,
    set_aside: pd.DataFrame,
    findings: pd.DataFrame,
    gone: frozenset[str],
    sessions: Days,
    quarantine_sessions: int,
) -> SessionFacts:
    """Count the facts for `refuse_unfit`. `sessions` are the trading days up to this one."""
    day = pd.Timestamp(session)
    today = bars[bars["session"] == day].set_index("symbol")
    before = today.iloc[:0]
    if len(sessions) > 1:
        before = bars[bars["session"] == pd.Timestamp(sessions[-2])].set_index("symbol")
    delivered = set(today.index.astype(str)) | set(
        set_aside.loc[set_aside["session"] == day, "symbol"].astype(str)
    )
    expected = set(before.index.astype(str)) - gone
    both = before.index.intersection(today.index)
    same = (before.loc[both, list(OHLCV)] == today.loc[both, list(OHLCV)]).all(axis=1)
    active = active_findings(findings, sessions, quarantine_sessions)
    return SessionFacts(
        session=session,
        last_bar=None if bars.empty else bars["session"].max().date(),
        delivered=len(delivered),
        expected=len(expected),
        missing=tuple(sorted(expected - delivered)),
        comparable=len(both),
        repeated=int(same.sum()),
        quarantined=tuple(sorted(set(active["symbol"].astype(str)))),
        causes={str(rule): int(count) for rule, count in active["rule"].value_counts().sort_index().items()},
        found_on=tuple(sorted(set(active["session"].to_numpy().astype("datetime64[D]").tolist()))),
        is_lost=bool((active["severity"] == "stop").any()),
    )


def active_quarantine(findings: pd.DataFrame, sessions: Days, quarantine_sessions: int) -> tuple[str, ...]:
    """Return the symbols whose last quarantine finding is at most `quarantine_sessions` old, sorted."""
    active = active_findings(findings, sessions, quarantine_sessions)
    return tuple(sorted(set(active["symbol"].astype(str))))


def active_findings(findings: pd.DataFrame, sessions: Days, quarantine_sessions: int) -> pd.DataFrame:
    """Return the findings that keep a symbol in quarantine on the last of the sessions."""
    if len(sessions) == 0:
        return findings.iloc[:0]
    serious = serious_findings(findings)
    first, last = quarantine_rows(serious, sessions, quarantine_sessions)
    now = len(sessions) - 1
    active: pd.DataFrame = serious[(first <= now) & (now <= last)]
    return active


def refuse_unfit(facts: SessionFacts, limits: Quality, *, provider: str) -> None:
    """Raise DataError naming the first reason why the session is unfit to trade on; return when it is fit."""
    session = facts.session
    if facts.last_bar != session and facts.delivered:
        raise DataError(
            f"{provider} delivered {counted(facts.delivered, 'bar')} for {session}, and none can be used "
            f"(findings: {_counts(facts.causes)}).",
            remedy="Correct these rows at the source; docs/data.md describes each finding. Nothing was stored.",
            session=str(session),
            delivered=facts.delivered,
        )
    if facts.last_bar is None:
        raise DataError(
            f"{provider} has no bars up to {session}.",
            remedy="If its history begins later, use a later date; otherwise wait until the provider has the session.",
            session=str(session),
        )
    if facts.last_bar != session:
        raise DataError(
            f"The last bar of {provider} is for {facts.last_bar}, not for {session}.",
            remedy="Wait until the provider has the session (files: add it to the directory), or use a date that it "
            f"has: --date {facts.last_bar}.",
            session=str(session),
            last_bar=str(facts.last_bar),
        )
    if facts.comparable and facts.repeated / facts.comparable > limits.max_repeated_frac:
        raise DataError(
            f"{facts.repeated} of {facts.comparable} bars of {session} repeat the previous session: "
            f"the data of {provider} is stale.",
            remedy="Refresh again later; if it persists, contact the provider.",
            session=str(session),
            repeated=facts.repeated,
        )
    present = facts.expected - len(facts.missing)
    if facts.expected and present / facts.expected < limits.min_present_frac:
        raise DataError(
            f"Only {present} of {facts.expected} expected symbols have a bar on {session} "
            f"(missing: {_examples(facts.missing)}).",
            remedy="Wait until the provider has delivered these symbols, or check whether they were delisted.",
            session=str(session),
            missing=len(facts.missing),
        )
    most = limits.max_quarantined_frac * max(facts.delivered, facts.expected, 1)
    if facts.is_lost or len(facts.quarantined) > most:
        raise DataError(
            f"{len(facts.quarantined)} of {facts.delivered} symbols are in quarantine on {session} "
            f"({_examples(facts.quarantined)}; findings: {_counts(facts.causes)}, "
            f"on {_examples(tuple(map(str, facts.found_on)))}). "
            f"The limit is {limits.max_quarantined_frac:.1%} (data.quality.max_quarantined_frac).",
            remedy=_remedy(facts),
            session=str(session),
            quarantined=len(facts.quarantined),
        )


def _remedy(facts: SessionFacts) -> str:
    if facts.is_lost:
        return (
            "Refresh again when the provider has corrected the session. Otherwise run the next one: by then, names "
            "with an unchanged close are out of quarantine."
        )
    if "restated_far" in facts.causes:  # refused on every later session too, because the stored closes remain
        return (
            "The provider rewrote stored closes. If the new ones are right, move data/lake away and refresh or "
            "import the whole history again; otherwise correct them at the source."
        )
    if set(facts.causes) == {"non_trading_day"}:
        return "Delete the rows of the days on which the exchange was closed, at the source."
    return "Correct the data of these symbols at the source, or see docs/data.md for what each finding means."


def _examples(symbols: tuple[str, ...]) -> str:
    return ", ".join(symbols[:5]) + (f" and {len(symbols) - 5} more" if len(symbols) > 5 else "")


def _counts(causes: dict[str, int]) -> str:
    return ", ".join(f"{rule} {count}" for rule, count in causes.items())


def quarantined_names(tables: dict[str, pd.DataFrame], sessions: Days, length: int) -> tuple[str, ...]:
    """Return the quarantined names by their current symbols: a rename does not end a quarantine."""
    companies = company_index(tables["lives"], tables["renames"])
    company = companies.of_frame(active_findings(tables["findings"], sessions, length), "session")
    return tuple(sorted({str(name) for name in companies.names[company[company >= 0]]}))
