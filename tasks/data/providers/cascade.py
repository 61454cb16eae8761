"""Fall back from one provider to the next: each table comes from the first one that supports it and succeeds.

A provider either delivers everything that was requested of it or is skipped for all of it, so that bars and their
actions do not come from two sources because one request failed. Every failure is recorded in the log and in the
delivery.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import pandas as pd

from tasks.core.errors import AftercloseError, ConfigError, DataError, TransientError
from tasks.data.providers.base import Delivery, Provider, delivered
from tasks.data.schema.columns import COLUMNS, EVERY_TABLE, Table

log = logging.getLogger(__name__)

REQUIRED: tuple[Table, ...] = ("bars", "actions")  # other missing tables are reported, not fatal


class Cascade:
    """Several providers behind the interface of one; the lake belongs to the first."""

    def __init__(self, providers: Sequence[Provider], *, levels: Sequence[str]) -> None:
        self._providers = tuple(providers)
        self._levels = frozenset(levels)

    @property
    def name(self) -> str:
        return self._providers[0].name

    @property
    def capabilities(self) -> frozenset[Table]:
        return frozenset[Table]().union(*(provider.capabilities for provider in self._providers))

    def fetch(self, *, after: date | None, through: date, tables: frozenset[Table] = EVERY_TABLE) -> Delivery:
        """Return every table from the first provider that delivers it; raise where none delivers bars or actions."""
        missing = tables & self.capabilities
        found: dict[Table, pd.DataFrame] = {}
        sources: dict[Table, str] = {}
        failed: list[tuple[str, frozenset[Table], AftercloseError]] = []
        for provider in self._providers:
            asked = missing & provider.capabilities
            if not asked:
                continue
            try:
                delivery = provider.fetch(after=after, through=through, tables=asked)
            except (TransientError, DataError, ConfigError) as error:
                log.warning("%s failed, skipped for %s: %s", provider.name, _list(asked), error.what)
                failed.append((provider.name, asked, error))
                continue
            if provider is not self._providers[0]:
                delivery = _new_rows_only(delivery, after)
            for table in asked:
                found[table] = _joined(found.get(table), delivery.table(table), table, through)
                sources[table] = sources.get(table, provider.name)
            missing -= asked
            if "levels" in asked and not self._levels <= _names_up_to_date(found["levels"], through):
                missing |= {"levels"}
        lacking = [table for table in REQUIRED if table in missing]
        if lacking:
            raise _no_provider(lacking, failed)
        return replace(
            delivered(found, tables),
            failovers=tuple(_describe_failure(*failure, sources) for failure in failed),
            bars_from=sources.get("bars", ""),
        )


def _new_rows_only(delivery: Delivery, after: date | None) -> Delivery:
    """Drop rows of stored sessions: another provider's values would count as restatements."""
    if after is None:
        return delivery

    def new_rows(frame: pd.DataFrame) -> pd.DataFrame:
        return frame[frame["session"] > pd.Timestamp(after)].reset_index(drop=True)

    return replace(delivery, bars=new_rows(delivery.bars), actions=new_rows(delivery.actions))


def _joined(first: pd.DataFrame | None, more: pd.DataFrame, table: Table, through: date) -> pd.DataFrame:
    """Return the new rows; of levels whole series, from the earlier provider where it has the session."""
    if first is None or table != "levels":
        return more
    current = first[
        first["name"].isin(_names_up_to_date(first, through) | (set(first["name"]) - set(more["name"])))
    ]
    return pd.concat([current, more[~more["name"].isin(current["name"])]], ignore_index=True)


def _names_up_to_date(levels: pd.DataFrame, through: date) -> frozenset[str]:
    return frozenset(levels.loc[levels["session"] == pd.Timestamp(through), "name"])


def _describe_failure(
    name: str, asked: frozenset[Table], error: AftercloseError, sources: dict[Table, str]
) -> str:
    instead: dict[str, list[str]] = {}
    for table in COLUMNS:
        if table in asked:
            instead.setdefault(sources.get(table, "no provider"), []).append(table)
    used = "; ".join(f"{', '.join(tables)} from {source}" for source, tables in instead.items())
    return f"{name} failed: {error.what} Used instead: {used}."


def _no_provider(
    lacking: Sequence[Table], failed: Sequence[tuple[str, frozenset[Table], AftercloseError]]
) -> AftercloseError:
    """Return the only failure, or one error for all; transient where one of them is."""
    errors = [error for _, asked, error in failed if asked & set(lacking)]
    if len(errors) == 1:
        return errors[0]
    kind = TransientError if any(isinstance(error, TransientError) for error in errors) else DataError
    return kind(
        f"No provider delivered {' and '.join(lacking)}. " + " ".join(error.what for error in errors),
        remedy="Nothing was stored; fix the cause, or run again later.",
    )


def _list(tables: frozenset[Table]) -> str:
    return ", ".join(sorted(tables))
