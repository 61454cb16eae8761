"""How many sessions ago another champion was promoted, and in how many recent sessions each name was traded. Pure."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from typing import NamedTuple

from tasks.core.sessions import sessions_between
from tasks.ledger.entries import Entry

NEVER = 1_000_000  # sessions: no other champion was in production before
TRADES = frozenset({"fill", "manual_trade"})


class Promoted(NamedTuple):
    """A stored version of a champion."""

    name: str
    optimizer: str
    selected_on: date


def sessions_since_promotion(versions: Sequence[Promoted], production: Promoted, day: date) -> int:
    """Return the sessions from the day on which the champion in production replaced another one, to `day`.

    `versions`: the stored ones, oldest first. A champion that was only trained again is the same champion. NEVER if
    every version is the same: then no other champion was in production as far back as versions are kept.
    """
    since = production.selected_on
    earlier = [one for one in versions if one.selected_on < production.selected_on]
    for one in reversed(earlier):
        if (one.name, one.optimizer) != (production.name, production.optimizer):
            return max(len(sessions_between(since, day)) - 1, 0)
        since = one.selected_on
    return NEVER


def sessions_traded(entries: Iterable[Entry], recent: Iterable[date]) -> Mapping[str, int]:
    """Return in how many of the recent sessions each symbol was traded, by us or by hand."""
    among = frozenset(recent)
    sessions: dict[str, set[date]] = defaultdict(set)
    for entry in entries:
        if entry.kind in TRADES and entry.session in among:
            sessions[entry.symbol].add(entry.session)
    return {symbol: len(days) for symbol, days in sessions.items()}
