"""The last year of each traded name: its closes, and when it was held and how it was ranked on published days.

Positions and scores are read from the days of the last 20 sessions, which a replay has, too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from tasks.backtest.parity.recorded import DAMAGED, FILES, parse_day
from tasks.backtest.parity.schema import RecordedDay
from tasks.core.homes.home import Home
from tasks.core.reading import read_bytes
from tasks.core.sessions import sessions_ending
from tasks.data.schema.records import Panel

EARLIER_SESSIONS = 20


@dataclass(frozen=True)
class NameHistory:
    """Closes by session, oldest first, in today's terms (splits and dividends adjusted); NaN without a bar."""

    sessions: NDArray[np.datetime64]
    close: NDArray[np.float64]
    held: tuple[date, ...] = ()  # published sessions after whose close the name was held, before their trades
    percentiles: Mapping[date, float] = field(
        default_factory=dict
    )  # of its score, by published session; best: 1


def read_recorded_days(home: Home, session: date) -> tuple[RecordedDay, ...]:
    """Read the days published in the last sessions before this one, oldest first; damaged ones are skipped."""
    return tuple(day for day in recorded_through(home, session) if day.session < session)


def recorded_through(home: Home, session: date) -> tuple[RecordedDay, ...]:
    """Read the same with the day itself."""
    found = []
    for day in sessions_ending(session, EARLIER_SESSIONS + 1).tolist():
        folder = home.day_folder(day)
        if not folder.is_dir():
            continue
        try:
            recorded = parse_day(day, {name: read_bytes(folder / name) for name in FILES}, basis=None)
        except DAMAGED:
            continue
        if isinstance(recorded, RecordedDay):
            found.append(recorded)
    return tuple(found)


def name_histories(
    panel: Panel, days: Sequence[RecordedDay], symbols: Iterable[str]
) -> dict[str, NameHistory]:
    """Return the history of each of these names that the panel has. `days` end with today's decision."""
    column = {symbol: place for place, symbol in enumerate(panel.symbols.tolist())}
    ranked = [_percentiles(day.scores) for day in days]
    return {
        symbol: NameHistory(
            panel.sessions,
            _in_todays_terms(panel.close[:, column[symbol]], panel.raw_close[:, column[symbol]]),
            tuple(day.session for day in days if day.held.get(symbol)),
            {
                day.session: places[symbol]
                for day, places in zip(days, ranked, strict=True)
                if symbol in places
            },
        )
        for symbol in symbols
        if symbol in column
    }


def _in_todays_terms(close: NDArray[np.float64], raw_close: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale adjusted closes so that the last one is the last raw close."""
    known = np.flatnonzero(np.isfinite(close) & np.isfinite(raw_close) & (close > 0))
    return close * (raw_close[known[-1]] / close[known[-1]]) if len(known) else close


def _percentiles(scores: Mapping[str, float]) -> dict[str, float]:
    """Return the fraction of other names with a lower score, by symbol; 0.5 for a single name."""
    if len(scores) < 2:
        return dict.fromkeys(scores, 0.5)
    values = np.array(list(scores.values()))
    below = np.searchsorted(np.sort(values), values)
    return dict(zip(scores, (below / (len(values) - 1)).tolist(), strict=True))
