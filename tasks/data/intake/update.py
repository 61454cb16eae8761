"""Update the lake to a session: fetch, check, and only then commit."""

import logging
from collections.abc import Mapping
from datetime import date

import pandas as pd

from tasks.core.clock import now
from tasks.core.errors import ConfigError, DataError
from tasks.core.homes.run import Run
from tasks.core.sessions import FIRST_DAY, sessions_between
from tasks.core.text import counted
from tasks.data.gates.conform import conform, refuse_lost_items
from tasks.data.gates.context_rows import Known, context_start
from tasks.data.gates.level_checks import level_rules
from tasks.data.gates.member_checks import refuse_emptied_index
from tasks.data.gates.readiness import refuse_unfit
from tasks.data.gates.sector_checks import refuse_changed_sectors
from tasks.data.gates.session_facts import facts_of_batch
from tasks.data.gates.session_moves import refuse_implausible_session
from tasks.data.intake.admit import admit
from tasks.data.intake.failovers import with_failovers
from tasks.data.intake.second_opinions import compare_sources
from tasks.data.intake.simulated_version import simulated_version
from tasks.data.lake.commits import commit
from tasks.data.lake.head import Head, read_head
from tasks.data.lake.seals import refuse_damage
from tasks.data.lake.storage.location import lake_of
from tasks.data.lake.store import read_bar_frame, read_table
from tasks.data.providers.base import Provider
from tasks.data.schema.batch import Batch
from tasks.data.schema.columns import COLUMNS
from tasks.data.schema.records import Days, LakeLocation
from tasks.data.schema.tables import SPECS, as_seen_on, changed_rows

log = logging.getLogger(__name__)

MAX_NAMED = 10


def verified_head(run: Run) -> Head | None:
    """Return the committed head after verifying the digest of every file that it references."""
    lake = lake_of(run.home, run.settings)
    head = read_head(lake)
    if head is not None:
        refuse_damage(lake, head)
        _refuse_edited_head(lake, head)
    return head


def _refuse_edited_head(lake: LakeLocation, head: Head) -> None:
    """Refuse a head with a wrong last session: fetching from there would duplicate or skip bars."""
    last = read_table(lake, head.versions, "sessions")["session"].max()
    if pd.notna(last) and last.date() != head.last_session:
        raise DataError(
            f"{lake}/head.json ends on {head.last_session}, but the tables end on {last.date()}.",
            remedy="Restore a backup (`afterclose data restore ARCHIVE --replace`).",
            path=f"{lake}/head.json",
        )


def update_lake(
    run: Run, provider: Provider, head: Head | None, *, through: date, whole: bool = False
) -> tuple[Head, Batch]:
    """Fetch the sessions through `through`, check them, and commit the result.

    `whole` requests the whole history again. Raises with the lake unchanged when a gate refuses the delivery.
    """
    lake, limits = lake_of(run.home, run.settings), run.settings.data.quality
    refuse_other_provider(head, provider.name)
    after = head.last_session if head else None
    log.info(
        "fetching from %s: sessions after %s through %s", provider.name, after or "the beginning", through
    )
    delivery = provider.fetch(after=None if whole else after, through=through)
    tables = conform(delivery, through=through, provider=provider.name)
    trading_days = sessions_between(FIRST_DAY, through)
    known = _known(lake, head, tables, trading_days, whole=whole)
    refuse_lost_items(tables["fundamentals"], known.tables["fundamentals"], provider.name)
    failovers, source = delivery.failovers, delivery.bars_from or provider.name
    del delivery
    if not whole:  # an import reports what the source no longer holds, and a person reads it
        for table, refuse in (("members", refuse_emptied_index), ("listings", refuse_changed_sectors)):
            refuse(tables[table], known.tables[table], after=after, through=through, provider=provider.name)
        failovers += _lost_tables(provider, known)
    compared, failed = compare_sources(
        run, tables["bars"], source, after=None if whole else after, through=through
    )
    log.info("checking %s", counted(len(tables["bars"]), "bar"))
    batch = admit(
        tables,
        known,
        through=through,
        trading_days=trading_days,
        limits=limits,
        compared=compared,
        level_rules=level_rules(run.settings),
        whole=whole,
    )
    delivered = len(tables["bars"])
    del tables, compared  # may be gigabytes; the batch has the rows to store
    refuse_implausible_session(batch.sessions, limits, provider=provider.name)
    batch = with_failovers(batch, (*failovers, *failed), through)
    _report_refused(batch.refused, of=delivered, provider=provider.name)
    refuse_unfit(
        facts_of_batch(batch, known, through, trading_days, run.settings), limits, provider=provider.name
    )
    if batch.is_empty and head is not None and head.last_session == through:
        return head, batch
    log.info(
        "storing %s, %d restated, %d set aside",
        counted(len(batch.rows["bars"]), "new bar"),
        len(batch.rows["amendments"]),
        len(batch.rows["quarantine"]),
    )
    version = simulated_version(head, run.settings)
    at = now()
    committed = commit(
        lake, head, batch, provider=provider.name, through=through, at=at, simulated_version=version
    )
    return committed, batch


def _lost_tables(provider: Provider, known: Known) -> tuple[str, ...]:
    """Return a sentence for the tables that the lake has rows of and no provider offers any more."""
    lost = [
        name
        for name in COLUMNS
        if name not in provider.capabilities and name in known.tables and len(known.tables[name])
    ]
    if not lost:
        return ()
    reason = f"No provider offers {', '.join(lost)} any more. Used instead: the rows stored so far."
    log.warning("%s", reason)
    return (reason,)


def refuse_other_provider(head: Head | None, provider: str) -> None:
    """Refuse a lake of another provider, for updates and for trading: the settings mean other prices."""
    if head is not None and head.revision and head.provider != provider:
        raise ConfigError(
            f"This lake holds data from the provider {head.provider}; data from {provider} must not be mixed with it.",
            remedy=f"Set data.provider to {head.provider}, or use another home.",
            key="data.provider",
        )


def _report_refused(refused: Mapping[str, int], *, of: int, provider: str) -> None:
    """Log the symbols that the lake does not accept; raise DataError where no other bar was delivered."""
    if not refused:
        return
    bars, named = sum(refused.values()), name_refused(refused)
    if bars == of:
        raise DataError(
            f"None of the bars of {provider} ({bars:,}) can be stored, because their symbols are not valid: {named}.",
            remedy="Write symbols in capitals as on the exchange, e.g. BRK.B (docs/data.md); nothing was stored.",
            symbols=list(refused),
        )
    log.warning(
        "%s: %s refused, because the symbols are not valid: %s", provider, counted(bars, "bar"), named
    )


def name_refused(refused: Mapping[str, int]) -> str:
    """Return the symbols with the most bars, and the number of the others."""
    ordered = sorted(refused.items(), key=lambda item: (-item[1], item[0]))
    named = ", ".join(f"'{symbol}' ({bars:,})" for symbol, bars in ordered[:MAX_NAMED])
    return named + (f" and {len(refused) - MAX_NAMED} more" if len(refused) > MAX_NAMED else "")


def _known(
    lake: LakeLocation,
    head: Head | None,
    delivered: dict[str, pd.DataFrame],
    trading_days: Days,
    *,
    whole: bool,
) -> Known:
    """Read the rows that new ones are compared with: the last sessions, or from the oldest delivered row on."""
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
