"""Look over the whole lake: does what it holds still pass every gate, and is it what was committed?

Never changes anything. It goes year by year, so that memory does not grow with the length of the history.
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
from tasks.data.gates.context_rows import CONTEXT_SESSIONS, HOLDING_RULES, Known
from tasks.data.gates.level_checks import LevelRules, level_rules
from tasks.data.gates.readiness import active_quarantine
from tasks.data.gates.session_moves import refuse_out_of_line
from tasks.data.intake.admit import admit
from tasks.data.lake.digest import COVERED, session_digests
from tasks.data.lake.head import Head, read_head
from tasks.data.lake.location import lake_of
from tasks.data.lake.seals import refuse_damage
from tasks.data.lake.store import read_bar_frame, read_table
from tasks.data.schema.batch import SessionMoves
from tasks.data.schema.finding_rows import to_findings
from tasks.data.schema.records import Finding, Place
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
        "no_trading_day",
        "conflicting_duplicate",
        "repeated_row",
    }
)  # what no stored bar may show: it never gets past the gates, so the lake was changed from outside


@dataclass(frozen=True)
class Coverage:
    """How many members of the index have a bar on one session: those without are gone, and missing in the data."""

    session: date
    members: int
    priced: int


@dataclass(frozen=True)
class Verification:
    """What the gates say about the stored data today."""

    sessions: int
    bars: int
    symbols: int
    findings: tuple[Finding, ...]  # by symbol and session
    coverage: tuple[Coverage, ...]  # of each year's last session, where membership is known

    @property
    def by_rule(self) -> dict[str, int]:
        return dict(sorted(Counter(finding.rule for finding in self.findings).items()))


def verify_lake(run: Run) -> Verification:
    """Run the gates again over everything that is stored, and list that with what was found when it came in.

    Raises DataError where a session's bars are not those that were committed, where stored bars fail a gate that no
    bar may fail, or where more names are in quarantine on the last session than the settings allow.
    """
    lake, limits = lake_of(run.home, run.settings), run.settings.data.quality
    head = read_head(lake)
    if head is None or head.first_session is None or head.last_session is None:
        raise DataError("The lake is empty.", remedy="Run `afterclose refresh` first.", lake=str(lake))
    stored = _Stored(lake, head)
    sessions = list[SessionMoves]()
    bars, symbols, damaged, parts = 0, set[str](), list[date](), [empty_table("findings")]
    coverage = list[Coverage]()
    for year in range(head.first_session.year, head.last_session.year + 1):
        log.info("verifying %d", year)
        frame, findings, moves = stored.judge_year(year, limits, level_rules(run.settings))
        sessions += moves
        bars, symbols = bars + len(frame), symbols | set(frame["symbol"].unique())
        damaged += stored.damaged_sessions(frame, year)
        coverage += _coverage(frame, stored.tables["members"])
        parts.append(findings)
    today = pd.concat(parts, ignore_index=True)
    _refuse_damage(damaged, today, symbols=len(symbols), limit=limits.max_quarantined_frac)
    refuse_damage(lake, head)  # last: which sessions were changed says more than which files
    refuse_out_of_line(tuple(sessions), limits, provider="The lake", remedy=_RESTORE)
    # a refused action, or a bar that was mended since, is seen nowhere but among what was found on arrival
    found = pd.concat([stored.tables["findings"][list(FINDING_COLUMNS)], today], ignore_index=True)
    found = found.drop_duplicates(list(SPECS["findings"].key)).sort_values(["symbol", "session", "rule"])
    trading_days = sessions_between(head.first_session, head.last_session)
    quarantined = active_quarantine(found, trading_days, limits.quarantine_sessions)
    if len(quarantined) > limits.max_quarantined_frac * len(symbols):
        raise DataError(
            f"{len(quarantined)} of {len(symbols)} symbols are in quarantine on {head.last_session}: "
            f"{', '.join(quarantined[:5])}.",
            remedy="Mend these names at the source and import or refresh again.",
        )
    return Verification(len(trading_days), bars, len(symbols), to_findings(found), tuple(coverage))


def _coverage(bars: pd.DataFrame, members: pd.DataFrame) -> list[Coverage]:
    """Count on the last session of the bars who is in the index then, and who of them has a bar."""
    last = bars["session"].max()
    inside = members[(members["start"] <= last) & (members["end"].isna() | (members["end"] > last))]
    if inside.empty:
        return []
    priced = inside["symbol"].isin(bars.loc[bars["session"] == last, "symbol"])
    return [Coverage(last.date(), inside["symbol"].nunique(), int(inside.loc[priced, "symbol"].nunique()))]


class _Stored:
    """The lake's small tables, read once, and its bars, read year by year."""

    def __init__(self, lake: Place, head: Head) -> None:
        self._lake, self._head = lake, head
        self.tables = {
            name: as_seen_on(read_table(lake, head.versions, name), name, None)
            for name in SPECS
            if name not in {"bars", "amendments"}
        }
        self.trading_days = sessions_between(FIRST_DAY, head.last_session or FIRST_DAY)

    def judge_year(
        self, year: int, limits: Quality, rules: LevelRules
    ) -> tuple[pd.DataFrame, pd.DataFrame, tuple[SessionMoves, ...]]:
        """Return the year's bars, and what the gates find in them and in its sessions as if they came now."""
        first, last = date(year, 1, 1), date(year, 12, 31)
        before = self.trading_days[self.trading_days < np.datetime64(first)]
        context = before[-CONTEXT_SESSIONS:]
        bars = self._bars(first, last)
        held = self.tables["quarantine"]
        held = held[held["rule"].isin(HOLDING_RULES)]
        columns = list(SPECS["bars"].columns)
        delivered = {name: empty_table(name).drop(columns="known") for name in SPECS}
        delivered["bars"] = pd.concat([bars, _within(held, first, last)[columns]], ignore_index=True)
        delivered["actions"] = _within(self.tables["actions"], first, last)[
            ["symbol", "session", "dividend", "split"]
        ]
        delivered["levels"] = _within(self.tables["levels"], first, last)
        known = Known()
        if len(context):
            since, after = context[0].item(), before[-1].item()
            tables = {
                **known.tables,
                "quarantine": _within(held, since, after),
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
            max_move_frac=limits.max_move_frac,
            level_rules=rules,
        )
        return bars, batch.rows["findings"], batch.sessions

    def damaged_sessions(self, bars: pd.DataFrame, year: int) -> list[date]:
        """Return the sessions whose rows do not have the digest that was committed with them."""
        first, last = date(year, 1, 1), date(year, 12, 31)
        findings = self.tables["findings"]
        rows = {name: _within(self.tables[name], first, last) for name in COVERED if name != "bars"}
        rows["findings"] = _within(findings[findings["severity"] == "quarantine"], first, last)
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
            f"The rows of {len(damaged)} sessions are not those that were committed, the first {damaged[0]}.",
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
