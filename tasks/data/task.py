"""The stages of the data slice: bring the lake up to the session and hand on the market as it was known then."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path

import numpy as np
import pandas as pd

from config.settings import Settings
from tasks.core.clock import now
from tasks.core.errors import ConfigError, DataError, TransientError
from tasks.core.run import Run
from tasks.core.sessions import FIRST_DAY, sessions_between, sessions_ending
from tasks.core.stage import stage
from tasks.data.gates.conform import conform, refuse_lost_figures
from tasks.data.gates.context_rows import Known, context_start
from tasks.data.gates.level_checks import level_rules
from tasks.data.gates.readiness import (
    SessionFacts,
    count_session,
    quarantined_names,
    refuse_unfit,
    young_findings,
)
from tasks.data.gates.reconcile import Reconciled, reconcile
from tasks.data.gates.revisions import rewritten
from tasks.data.gates.session_moves import refuse_out_of_line
from tasks.data.intake.admit import admit
from tasks.data.intake.failovers import fall_throughs_of, with_fall_throughs, without_fall_throughs
from tasks.data.lake.commits import commit
from tasks.data.lake.head import Head, read_head
from tasks.data.lake.location import lake_of
from tasks.data.lake.seals import refuse_damage
from tasks.data.lake.store import make_snapshot, read_bar_frame, read_table, read_tables
from tasks.data.panel.reader import panel_rules, read_prices
from tasks.data.providers.base import Provider
from tasks.data.providers.registry import make_provider, make_second_opinions
from tasks.data.schema.batch import Batch
from tasks.data.schema.finding_rows import to_findings
from tasks.data.schema.records import Days, Finding, Market, Place, SnapshotRef
from tasks.data.schema.tables import SPECS, as_seen_on, changed_rows

log = logging.getLogger(__name__)

MOST_NAMED = 10


@dataclass(frozen=True)
class Imported:
    """What an import of a folder brought in."""

    folder: Path
    first_session: date
    last_session: date
    bars: int
    restated: int
    set_aside: int
    refused: Mapping[str, int]  # bars of each symbol that may not enter the lake
    respelled: Mapping[str, str]  # symbols that the files write otherwise, with what they became
    unknown_sectors: Mapping[str, int]  # sectors that GICS does not know, with how many rows have them
    symbols: int  # that have a bar of the last session
    without_sector: int  # of these
    findings: dict[str, int]  # how many of each rule
    rewritten: tuple[str, ...]  # which tables' history was changed or withdrawn, with examples


@stage(retries=3)
def refresh_market(run: Run) -> Market:
    """Bring the lake up to the run's session and return the market as known at its close.

    A session that the lake already holds is read, not asked for. Raises DataError, with the lake untouched, when the
    session's data is not good enough to trade on.
    """
    head = _sound_head(run)
    _refuse_mixture(head, run.settings.data.providers[0])
    _refuse_before_history(head, run.session.day)
    if head is None or head.last_session is None or head.last_session < run.session.day:
        head, _ = _bring_up(run, make_provider(run), head, through=run.session.day)
    market = _describe(run, head)
    log.info(
        "market of %s: %d bars, %d names in the universe, %d findings, snapshot %s",
        run.session,
        market.new_bars,
        market.universe_size,
        len(market.findings),
        market.snapshot.id[:12],
    )
    return market


def import_folder(run: Run, folder: Path) -> Imported:
    """Take a folder of files (docs/data.md) into the lake, up to the run's session at the latest.

    Findings on old sessions are stored and do not stop the import; the last session must be fit to trade on.
    """
    from tasks.data.providers.files.provider import FilesProvider

    provider = FilesProvider(folder)
    head = _sound_head(run)
    after = head.last_session if head else None
    through = max(min(provider.last_session(), run.session.day), after or date.min)
    head, batch = _bring_up(run, provider, head, through=through, whole=True)
    findings = batch.rows["findings"]["rule"].value_counts().sort_index()
    symbols, without_sector = _count_sectors(lake_of(run.home, run.settings), head)
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
        findings={str(rule): int(count) for rule, count in findings.items()},
        rewritten=rewritten(to_findings(batch.rows["findings"]), through),
    )


def _count_sectors(lake: Place, head: Head) -> tuple[int, int]:
    """Return how many names have a bar of the last session, and how many of them have no sector."""
    if head.last_session is None:
        return 0, 0
    last = read_bar_frame(lake, head.versions, since=head.last_session, through=head.last_session)
    listings = as_seen_on(read_table(lake, head.versions, "listings"), "listings", None)
    listings = listings.sort_values("available_date", kind="stable").drop_duplicates("symbol", keep="last")
    known = set(listings.loc[listings["sector"] != "", "symbol"].astype(str))
    symbols = set(last["symbol"].astype(str))
    return len(symbols), len(symbols - known)


def _sound_head(run: Run) -> Head | None:
    """Return the committed head, after every file that it stands on was compared with what was committed."""
    lake = lake_of(run.home, run.settings)
    head = read_head(lake)
    if head is not None:
        refuse_damage(lake, head)
        _refuse_another_last_session(lake, head)
    return head


def _refuse_another_last_session(lake: Place, head: Head) -> None:
    """Refuse a head that was edited: asking a provider from a wrong session on would store bars twice or never."""
    last = read_table(lake, head.versions, "sessions")["session"].max()
    if pd.notna(last) and last.date() != head.last_session:
        raise DataError(
            f"{lake}/head.json says that the lake ends on {head.last_session}; its tables end on {last.date()}.",
            remedy="Restore a backup (`afterclose data restore ARCHIVE --replace`).",
            path=f"{lake}/head.json",
        )


def _bring_up(
    run: Run, provider: Provider, head: Head | None, *, through: date, whole: bool = False
) -> tuple[Head, Batch]:
    """Fetch, judge, and only then commit."""
    lake, limits = lake_of(run.home, run.settings), run.settings.data.quality
    _refuse_mixture(head, provider.name)
    after = head.last_session if head else None
    log.info("asking %s for sessions after %s through %s", provider.name, after or "the beginning", through)
    delivery = provider.fetch(after=None if whole else after, through=through)
    tables = conform(delivery, through=through, provider=provider.name)
    trading_days = sessions_between(FIRST_DAY, through)
    known = _known(lake, head, tables, trading_days, whole=whole)
    refuse_lost_figures(tables["fundamentals"], known.tables["fundamentals"], provider.name)
    fall_throughs = delivery.fall_throughs
    del delivery
    compared, failed = _compare(
        run, tables["bars"], provider.name, after=None if whole else after, through=through
    )
    log.info("judging %d bars", len(tables["bars"]))
    batch = admit(
        tables,
        known,
        through=through,
        trading_days=trading_days,
        max_move_frac=limits.max_move_frac,
        compared=compared,
        level_rules=level_rules(run.settings),
        whole=whole,
    )
    delivered = len(tables["bars"])
    del tables, compared  # what was delivered may be gigabytes, and the batch has what of it is stored
    refuse_out_of_line(batch.sessions, limits, provider=provider.name)
    batch = with_fall_throughs(batch, (*fall_throughs, *failed), through)
    _tell_refused(batch.refused, of=delivered, provider=provider.name)
    refuse_unfit(
        _facts_of_batch(batch, known, through, trading_days, run.settings), limits, provider=provider.name
    )
    if batch.is_empty and head is not None and head.last_session == through:
        return head, batch
    log.info(
        "storing %d new bars, %d restated, %d set aside",
        *(len(batch.rows[name]) for name in ("bars", "amendments", "quarantine")),
    )
    return commit(lake, head, batch, provider=provider.name, through=through, at=now()), batch


def _tell_refused(refused: Mapping[str, int], *, of: int, provider: str) -> None:
    """Name the symbols that may not enter; raise DataError where no other bar was delivered."""
    if not refused:
        return
    bars, named = sum(refused.values()), name_refused(refused)
    if bars == of:
        raise DataError(
            f"None of the {bars:,} bars of {provider} can be stored, because of their symbols: {named}.",
            remedy="Write symbols in capitals as on the exchange, BRK.B (docs/data.md); nothing was stored.",
            symbols=list(refused),
        )
    log.warning("%d bars of %s were refused because of their symbols: %s", bars, provider, named)


def name_refused(refused: Mapping[str, int]) -> str:
    """Name the symbols with most bars."""
    ordered = sorted(refused.items(), key=lambda item: (-item[1], item[0]))
    named = ", ".join(f"'{symbol}' ({bars:,})" for symbol, bars in ordered[:MOST_NAMED])
    return named + (f" and {len(refused) - MOST_NAMED} more" if len(refused) > MOST_NAMED else "")


def _compare(
    run: Run, bars: pd.DataFrame, ours: str, *, after: date | None, through: date
) -> tuple[Reconciled, tuple[str, ...]]:
    """Ask the other sources for the same bars; return what they say, and why some said nothing."""
    answers: dict[str, pd.DataFrame] = {}
    failed = []
    for other in make_second_opinions(run):
        try:
            delivery = other.fetch(after=after, through=through, tables=frozenset({"bars"}))
            answers[other.name] = conform(delivery, through=through, provider=other.name)["bars"]
        except (TransientError, DataError, ConfigError) as error:
            log.warning("bars could not be compared with %s: %s", other.name, error.what)
            failed.append(f"{other.name} could not be compared with: {error.what}")
    compared = reconcile(bars, answers, ours=ours)
    return compared, (*failed, *compared.ignored)


def _known(
    lake: Place, head: Head | None, delivered: dict[str, pd.DataFrame], trading_days: Days, *, whole: bool
) -> Known:
    """Read what new rows are compared with: the last sessions, or further back where old rows come again."""
    if head is None or head.last_session is None:
        return Known()
    tables = {
        name: as_seen_on(read_table(lake, head.versions, name), name, None)
        for name in SPECS
        if name != "bars"
    }
    late = changed_rows(delivered["actions"], tables["actions"], SPECS["actions"].key)["session"].min()
    since = context_start(head.last_session, None if pd.isna(late) else late.date(), trading_days)
    oldest = delivered["bars"]["session"].min()
    since = since if pd.isna(oldest) else min(since, oldest.date())
    since = min(since, head.first_session or since) if whole else since
    bars = read_bar_frame(lake, head.versions, since=since, through=head.last_session)
    return Known(head.last_session, bars, tables)


def _facts_of_batch(
    batch: Batch, known: Known, session: date, trading_days: Days, settings: Settings
) -> SessionFacts:
    sessions = trading_days[-settings.data.quality.quarantine_sessions - 2 :]
    first = pd.Timestamp(sessions[0])

    def recent(name: str) -> pd.DataFrame:
        new = batch.rows[name]
        new = new[new["session"] >= first]
        if "symbol" in new.columns:
            new = new.astype({"symbol": "str"})
        old = known.bars if name == "bars" else known.tables[name]
        return pd.concat([old[old["session"] >= first], new], ignore_index=True)

    facts = _count(session, recent("bars"), {name: recent(name) for name in _COUNTED}, sessions, settings)
    return facts if facts.last_bar else replace(facts, last_bar=_last_bar(known.bars, batch.rows["bars"]))


def _last_bar(*bars: pd.DataFrame) -> date | None:
    """Return the latest session with a bar: a source may have ended long before the sessions that are counted."""
    latest = [frame["session"].max().date() for frame in bars if not frame.empty]
    return max(latest, default=None)


_COUNTED = ("quarantine", "findings", "renames", "delistings")


def _count(
    session: date, bars: pd.DataFrame, tables: dict[str, pd.DataFrame], sessions: Days, settings: Settings
) -> SessionFacts:
    previous = pd.Timestamp(sessions[-2]) if len(sessions) > 1 else pd.Timestamp(session)
    gone = tables["delistings"]
    renamed = tables["renames"]
    names = {
        *gone.loc[gone["session"] >= previous, "symbol"],
        *renamed.loc[renamed["session"] > previous, "old"],
    }
    return count_session(
        session,
        bars=bars,
        held=tables["quarantine"],
        findings=tables["findings"],
        gone=frozenset(str(name) for name in names),
        sessions=sessions,
        quarantine_sessions=settings.data.quality.quarantine_sessions,
    )


def _describe(run: Run, head: Head) -> Market:
    """Read the market back as of the session: the same answer on the first run and on every later one."""
    session, settings, lake = run.session.day, run.settings, lake_of(run.home, run.settings)
    length = settings.data.quality.quarantine_sessions
    sessions = sessions_ending(session, length + 2)
    bars = read_bar_frame(lake, head.versions, since=sessions[0].item(), through=session, known_on=session)
    tables = read_tables(lake, head.versions, (*_COUNTED, "amendments", "lives"), session=session)
    facts = _count(session, bars, tables, sessions, settings)
    refuse_unfit(facts, settings.data.quality, provider="the lake")
    snapshot = make_snapshot(lake, head, session, panel_rules(settings))
    universe, gained, lost = _universe(snapshot)
    amendments = tables["amendments"]
    findings = _findings(without_fall_throughs(tables["findings"]), sessions, length)
    return Market(
        snapshot=snapshot,
        provider=head.provider,
        new_bars=int((bars["session"] == pd.Timestamp(session)).sum()),
        restated_bars=int((amendments["known"] == pd.Timestamp(session)).sum()),
        findings=findings,
        quarantined=quarantined_names(tables, sessions, length),
        universe_size=universe,
        universe_gained=gained,
        universe_lost=lost,
        rewritten=rewritten(findings, session),
        fall_throughs=fall_throughs_of(tables["findings"], session),
    )


def _universe(snapshot: SnapshotRef) -> tuple[int, tuple[str, ...], tuple[str, ...]]:
    panel = read_prices(snapshot, window=2)
    now = panel.is_member[-1]
    before = panel.is_member[-2] if len(panel.sessions) > 1 else np.zeros_like(now)
    gained, lost = panel.symbols[now & ~before], panel.symbols[before & ~now]
    return int(now.sum()), tuple(gained.tolist()), tuple(lost.tolist())


def _findings(frame: pd.DataFrame, sessions: Days, length: int) -> tuple[Finding, ...]:
    """Return what was found on the session, and what still keeps a symbol out, by symbol and session."""
    today = pd.Timestamp(sessions[-1])
    young = young_findings(frame, sessions, length)
    told = frame[(frame["session"] == today) | (frame["known"] == today)]
    both = pd.concat([told, young]).drop_duplicates(["symbol", "session", "rule"])
    return to_findings(both.sort_values(["symbol", "session", "rule"]))


def _refuse_before_history(head: Head | None, session: date) -> None:
    if head is not None and head.first_session is not None and session < head.first_session:
        raise DataError(
            f"The lake begins on {head.first_session}, after {session}.",
            remedy="Name a later date, or begin the history earlier in a new home (data.first_session).",
            session=str(session),
        )


def _refuse_mixture(head: Head | None, provider: str) -> None:
    """Refuse a lake of another provider, to add to and to trade on: its prices are not the ones that were meant."""
    if head is not None and head.revision and head.provider != provider:
        raise ConfigError(
            f"This lake holds data of provider {head.provider}; {provider} would be mixed into it.",
            remedy=f"Set data.provider to {head.provider}, or use another home.",
            key="data.provider",
        )
