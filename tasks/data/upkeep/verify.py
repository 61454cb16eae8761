"""Verify the whole lake: do the stored rows still pass every gate, and are they what was committed?

Read-only. Works year by year, so that memory does not grow with the length of the history.
"""

import logging
from collections import Counter
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from config.data_section import Quality
from tasks.core.errors import DataError
from tasks.core.homes.run import Run
from tasks.core.sessions import FIRST_DAY, sessions_between
from tasks.core.text import counted
from tasks.data.gates.context_rows import CONTEXT_SESSIONS, SET_ASIDE_RULES, Known
from tasks.data.gates.level_checks import LevelRules, level_rules
from tasks.data.gates.readiness import active_quarantine
from tasks.data.gates.session_moves import refuse_implausible_session
from tasks.data.intake.admit import admit
from tasks.data.lake.digest import COVERED, session_digests
from tasks.data.lake.head import Head, read_head
from tasks.data.lake.seals import refuse_damage
from tasks.data.lake.storage.location import lake_of
from tasks.data.lake.store import read_bar_frame, read_table
from tasks.data.panel.coverage import Coverage, coverage_on
from tasks.data.schema.batch import SessionMoves
from tasks.data.schema.finding_rows import serious_findings, to_findings
from tasks.data.schema.records import Finding, LakeLocation
from tasks.data.schema.tables import FINDING_COLUMNS, SPECS, as_seen_on, empty_table

log = logging.getLogger(__name__)

_RESTORE = "Restore the lake from a backup, or move it away and refresh again."
BROKEN_RULES = frozenset(
    {
        "missing_value",
        "price_not_positive",
        "negative_volume",
        "impossible_price",
        "impossible_volume",
        "inconsistent_bar",
        "non_trading_day",
        "conflicting_duplicate",
        "repeated_row",
    }
)  # bars that fail these are never stored: a stored one was changed from outside


@dataclass(frozen=True)
class Verification:
    """Result of a verification."""

    sessions: int
    bars: int
    symbols: int
    findings: tuple[Finding, ...]  # by symbol and session
    coverage: tuple[Coverage, ...]  # on each year's last session, where membership is known

    @property
    def by_rule(self) -> dict[str, int]:
        return dict(sorted(Counter(finding.rule for finding in self.findings).items()))


def verify_lake(run: Run) -> Verification:
    """Run the gates over all stored data; return their findings, and the findings recorded with the deliveries.

    Raises DataError where a session's rows differ from what was committed, where too many symbols have bars that fail a
    rule for single bars, or where more names are in quarantine on the last session than the settings allow.
    """
    lake, limits = lake_of(run.home, run.settings), run.settings.data.quality
    head = read_head(lake)
    if head is None or head.first_session is None or head.last_session is None:
        raise DataError("The lake is empty.", remedy="Run `afterclose refresh` first.", lake=str(lake))
    stored = _StoredLake(lake, head)
    sessions = list[SessionMoves]()
    bars, symbols, damaged, parts = 0, set[str](), list[date](), [empty_table("findings")]
    coverage = list[Coverage]()
    for year in range(head.first_session.year, head.last_session.year + 1):
        log.info("verifying %d", year)
        frame, findings, moves = stored.check_year(year, limits, level_rules(run.settings))
        sessions += moves
        bars, symbols = bars + len(frame), symbols | set(frame["symbol"].unique())
        damaged += stored.damaged_sessions(frame, year)
        last = frame["session"].max()
        traded = set(frame.loc[frame["session"] == last, "symbol"].astype(str))
        coverage += coverage_on(last.date(), traded, stored.tables["members"], stored.tables["renames"])
        parts.append(findings)
    today = pd.concat(parts, ignore_index=True)
    _refuse_damage(damaged, today, symbols=len(symbols), limit=limits.max_quarantined_frac)
    refuse_damage(lake, head)  # last: changed sessions are more informative than changed files
    refuse_implausible_session(tuple(sessions), limits, provider="The lake", remedy=_RESTORE)
    # a refused action or a bar corrected since appears only in the findings of its delivery
    found = pd.concat([stored.tables["findings"][list(FINDING_COLUMNS)], today], ignore_index=True)
    found = found.drop_duplicates(list(SPECS["findings"].key)).sort_values(["symbol", "session", "rule"])
    trading_days = sessions_between(head.first_session, head.last_session)
    quarantined = active_quarantine(found, trading_days, limits.quarantine_sessions)
    if len(quarantined) > limits.max_quarantined_frac * len(symbols):
        raise DataError(
            f"{len(quarantined)} of {len(symbols)} symbols are in quarantine on {head.last_session}: "
            f"{', '.join(quarantined[:5])}.",
            remedy="Correct the data of these symbols at the source and import or refresh again.",
        )
    return Verification(len(trading_days), bars, len(symbols), to_findings(found), tuple(coverage))


class _StoredLake:
    """The lake's small tables, read once, and its bars, read year by year."""

    def __init__(self, lake: LakeLocation, head: Head) -> None:
        self._lake, self._head = lake, head
        self.tables = {
            name: as_seen_on(read_table(lake, head.versions, name), name, None)
            for name in SPECS
            if name not in {"bars", "amendments"}
        }
        self.trading_days = sessions_between(FIRST_DAY, head.last_session or FIRST_DAY)

    def check_year(
        self, year: int, limits: Quality, rules: LevelRules
    ) -> tuple[pd.DataFrame, pd.DataFrame, tuple[SessionMoves, ...]]:
        """Return the year's bars, and the gates' findings and session statistics as if they were delivered now."""
        first, last = date(year, 1, 1), date(year, 12, 31)
        before = self.trading_days[self.trading_days < np.datetime64(first)]
        context = before[-CONTEXT_SESSIONS:]
        bars = self._bars(first, last)
        set_aside = self.tables["quarantine"]
        set_aside = set_aside[set_aside["rule"].isin(SET_ASIDE_RULES)]
        columns = list(SPECS["bars"].columns)
        delivered = {name: empty_table(name).drop(columns="known") for name in SPECS}
        delivered["bars"] = pd.concat([bars, _within(set_aside, first, last)[columns]], ignore_index=True)
        delivered["actions"] = _within(self.tables["actions"], first, last)[
            ["symbol", "session", "dividend", "split"]
        ]
        delivered["levels"] = _within(self.tables["levels"], first, last)
        known = Known()
        if len(context):
            since, after = context[0].item(), before[-1].item()
            tables = {
                **known.tables,
                "quarantine": _within(set_aside, since, after),
                "actions": _within(self.tables["actions"], since, after),
                "levels": _within(self.tables["levels"], since, after),
                "renames": self.tables["renames"],
                "delistings": self.tables["delistings"],
            }
            known = Known(after, self._bars(since, after), tables)
        batch = admit(
            delivered,
            known,
            through=last,
            trading_days=self.trading_days,
            limits=limits,
            level_rules=rules,
        )
        return bars, batch.rows["findings"], batch.sessions

    def damaged_sessions(self, bars: pd.DataFrame, year: int) -> list[date]:
        """Return the sessions whose rows do not match the committed digest, sorted."""
        first, last = date(year, 1, 1), date(year, 12, 31)
        findings = self.tables["findings"]
        rows = {name: _within(self.tables[name], first, last) for name in COVERED if name != "bars"}
        rows["findings"] = _within(serious_findings(findings), first, last)
        digests = session_digests({**rows, "bars": bars})
        committed = _within(self.tables["sessions"], first, last)
        days = committed["session"].to_numpy().astype("datetime64[D]").tolist()
        expected = dict(zip(days, committed["digest"], strict=True))
        return sorted(day for day in {*digests, *expected} if digests.get(day) != expected.get(day))

    def _bars(self, since: date, through: date) -> pd.DataFrame:
        return read_bar_frame(self._lake, self._head.versions, since=since, through=through)


def _refuse_damage(damaged: list[date], found: pd.DataFrame, *, symbols: int, limit: float) -> None:
    if damaged:
        raise DataError(
            f"The rows of {counted(len(damaged), 'session')} differ from what was committed; "
            f"the first is {damaged[0]}.",
            remedy=_RESTORE,
            sessions=len(damaged),
        )
    broken = found[found["rule"].isin(BROKEN_RULES)]["symbol"].nunique()
    if broken > limit * symbols:
        raise DataError(
            f"{broken} of {symbols} symbols have stored bars that fail a gate.",
            remedy=_RESTORE,
            symbols=broken,
        )


def _within(frame: pd.DataFrame, first: date, last: date) -> pd.DataFrame:
    return frame[(frame["session"] >= pd.Timestamp(first)) & (frame["session"] <= pd.Timestamp(last))]
