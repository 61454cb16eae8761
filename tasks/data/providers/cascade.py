"""Ask several providers, the first one first: each table comes from the first that can give it and does.

A provider delivers all it is asked for or is passed over for all of it, so that bars and their actions do not come from
two houses because one request in a hundred failed. Every passing-over is told: in the log, and in the delivery.
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

NEEDED: tuple[Table, ...] = (
    "bars",
    "actions",
)  # without them nothing can be traded; without others the day says so


class Cascade:
    """Several providers that together look like one. The lake is the first one's."""

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
        """Return every table from whoever gave it first; raise when nobody gave bars, or actions."""
        missing = tables & self.capabilities
        found: dict[Table, pd.DataFrame] = {}
        givers: dict[Table, str] = {}
        failed: list[tuple[str, frozenset[Table], AftercloseError]] = []
        for provider in self._providers:
            asked = missing & provider.capabilities
            if not asked:
                continue
            try:
                delivery = provider.fetch(after=after, through=through, tables=asked)
            except (TransientError, DataError, ConfigError) as error:
                log.warning("%s is passed over for %s: %s", provider.name, _list(asked), error.what)
                failed.append((provider.name, asked, error))
                continue
            if provider is not self._providers[0]:
                delivery = _news_only(delivery, after)
            for table in asked:
                found[table] = _joined(found.get(table), delivery.table(table), table, through)
                givers[table] = givers.get(table, provider.name)
            missing -= asked
            if "levels" in asked and not self._levels <= _names_up_to_date(found["levels"], through):
                missing |= {"levels"}
        lacking = [table for table in NEEDED if table in missing]
        if lacking:
            raise _nobody(lacking, failed)
        return replace(
            delivered(found, tables), fall_throughs=tuple(_told(*failure, givers) for failure in failed)
        )


def _news_only(delivery: Delivery, after: date | None) -> Delivery:
    """Leave what the lake holds already to its own provider: another one's figures would count as restated."""
    if after is None:
        return delivery

    def news(frame: pd.DataFrame) -> pd.DataFrame:
        return frame[frame["session"] > pd.Timestamp(after)].reset_index(drop=True)

    return replace(delivery, bars=news(delivery.bars), actions=news(delivery.actions))


def _joined(have: pd.DataFrame | None, more: pd.DataFrame, table: Table, through: date) -> pd.DataFrame:
    """Return the new rows; of levels, whole series only, and the earlier provider's where it has the session."""
    if have is None or table != "levels":
        return more
    kept = have[have["name"].isin(_names_up_to_date(have, through) | (set(have["name"]) - set(more["name"])))]
    return pd.concat([kept, more[~more["name"].isin(kept["name"])]], ignore_index=True)


def _names_up_to_date(levels: pd.DataFrame, through: date) -> frozenset[str]:
    return frozenset(levels.loc[levels["session"] == pd.Timestamp(through), "name"])


def _told(name: str, asked: frozenset[Table], error: AftercloseError, givers: dict[Table, str]) -> str:
    instead: dict[str, list[str]] = {}
    for table in COLUMNS:
        if table in asked:
            instead.setdefault(givers.get(table, "nobody"), []).append(table)
    taken = "; ".join(f"{', '.join(tables)} from {giver}" for giver, tables in instead.items())
    return f"{name} was passed over: {error.what} Taken instead: {taken}."


def _nobody(
    lacking: Sequence[Table], failed: Sequence[tuple[str, frozenset[Table], AftercloseError]]
) -> AftercloseError:
    """Return what the only failure was, or all of them in one; a rerun is worth it where one of them may pass."""
    errors = [error for _, asked, error in failed if asked & set(lacking)]
    if len(errors) == 1:
        return errors[0]
    kind = TransientError if any(isinstance(error, TransientError) for error in errors) else DataError
    return kind(
        f"No provider gave {' and '.join(lacking)}. " + " ".join(error.what for error in errors),
        remedy="Nothing was stored; mend what is named, or run again later.",
    )


def _list(tables: frozenset[Table]) -> str:
    return ", ".join(sorted(tables))
