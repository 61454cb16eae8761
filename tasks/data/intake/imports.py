"""Import a directory of files into the lake."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from tasks.core.homes.run import Run
from tasks.core.sessions import sessions_between
from tasks.core.stage import stage
from tasks.data.gates.revisions import rewritten
from tasks.data.intake.import_quarantine import (
    InQuarantine,
    SharedFinding,
    in_quarantine,
    shared_findings,
)
from tasks.data.intake.update import update_lake, verified_head
from tasks.data.lake.head import Head
from tasks.data.lake.storage.location import lake_of
from tasks.data.lake.store import read_bar_frame, read_table, read_tables
from tasks.data.schema.columns import ALWAYS
from tasks.data.schema.finding_rows import to_findings
from tasks.data.schema.records import LakeLocation
from tasks.data.schema.tables import as_seen_on


@dataclass(frozen=True)
class Imported:
    """Result of an import."""

    folder: Path
    first_session: date
    last_session: date
    bars: int
    restated: int
    set_aside: int
    refused: Mapping[str, int]  # bars of each symbol that the lake does not accept
    respelled: Mapping[str, str]  # symbols as written in the files → as stored
    unknown_sectors: Mapping[str, int]  # sectors that GICS does not define → number of rows
    symbols: int  # with a bar on the last session
    without_sector: int  # of these
    with_dated_sector: int  # of these; features compare only such names within their sector
    findings: dict[str, int]  # count by rule
    rewritten: tuple[str, ...]  # tables whose history was changed or withdrawn, with examples
    in_quarantine: tuple[InQuarantine, ...]  # after the last session, because of any finding in the lake
    shared_findings: tuple[SharedFinding, ...]  # that kept many names in quarantine at once


@stage(retries=3)
def import_folder(run: Run, folder: Path) -> Imported:
    """Import a directory of files (docs/data.md) into the lake, up to the run's session at the latest.

    Findings on old sessions are stored and do not stop the import; the last session must be fit to trade on.
    """
    from tasks.data.providers.files.provider import FilesProvider

    provider = FilesProvider(folder)
    head = verified_head(run)
    after = head.last_session if head else None
    through = max(min(provider.last_session(), run.session.day), after or date.min)
    head, batch = update_lake(run, provider, head, through=through, whole=True)
    findings = batch.rows["findings"]["rule"].value_counts().sort_index()
    symbols, without_sector, with_dated_sector = _count_sectors(lake_of(run.home, run.settings), head)
    now_in_quarantine, shared = _quarantine(run, head)
    return Imported(
        folder=folder,
        first_session=head.first_session or through,
        last_session=head.last_session or through,
        bars=len(batch.rows["bars"]),
        restated=len(batch.rows["amendments"]),
        set_aside=len(batch.rows["quarantine"]),
        refused=batch.refused,
        respelled=provider.respelled,
        unknown_sectors=provider.unknown_sectors,
        symbols=symbols,
        without_sector=without_sector,
        with_dated_sector=with_dated_sector,
        findings={str(rule): int(count) for rule, count in findings.items()},
        rewritten=rewritten(to_findings(batch.rows["findings"]), through),
        in_quarantine=now_in_quarantine,
        shared_findings=shared,
    )


def _quarantine(run: Run, head: Head) -> tuple[tuple[InQuarantine, ...], tuple[SharedFinding, ...]]:
    """Return what is in quarantine after the last session, and the findings that many names share."""
    limits = run.settings.data.quality
    tables = read_tables(
        lake_of(run.home, run.settings), head.versions, ("sessions", "findings"), session=None
    )
    if head.first_session is None or head.last_session is None:
        return (), ()
    sessions = sessions_between(head.first_session, head.last_session)
    # the table also has the closed days of bars that were set aside
    bars = (
        tables["sessions"]
        .set_index("session")["bars"]
        .reindex(sessions.astype("datetime64[s]"), fill_value=0)
    )
    findings, length = tables["findings"], limits.quarantine_sessions
    shared = shared_findings(findings, bars, sessions, length, max_frac=limits.max_quarantined_frac)
    return in_quarantine(findings, sessions, length), shared


def _count_sectors(lake: LakeLocation, head: Head) -> tuple[int, int, int]:
    """Return the number of names with a bar on the last session, of those without a sector and with a dated one."""
    if head.last_session is None:
        return 0, 0, 0
    last = read_bar_frame(lake, head.versions, since=head.last_session, through=head.last_session)
    listings = as_seen_on(read_table(lake, head.versions, "listings"), "listings", None)
    listings = listings.sort_values("available_date", kind="stable").drop_duplicates("symbol", keep="last")
    known = set(listings.loc[listings["sector"] != "", "symbol"].astype(str))
    symbols = set(last["symbol"].astype(str))
    dated = set(
        listings.loc[(listings["sector"] != "") & (listings["available_date"] > ALWAYS), "symbol"].astype(str)
    )
    return len(symbols), len(symbols - known), len(symbols & dated)
