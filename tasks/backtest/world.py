"""The point-in-time data of a backtest: everything that a session may know, as arrays over sessions × companies.

Row `t` holds what was known at the close of session `t`: bars as first delivered, membership lists as published by
then. What was corrected later is stored separately and enters trailing windows from the session on which it was known.
Companies are ordered by id, which is their first session and their symbol then, so that neither a later listing nor a
rename moves a column. Built by tasks/backtest/build.py; this module only selects.
"""

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.typing import NDArray

from tasks.backtest.accounting.money import Cents
from tasks.backtest.accounting.overnight import Night
from tasks.data.panel.as_known import Dated
from tasks.data.schema.records import Days, Mask, Matrix


@dataclass(frozen=True)
class Corrections:
    """Values that replace the values of `row` from `known_row` on, in the order they became known."""

    known_row: NDArray[np.int64]
    row: NDArray[np.int64]
    company: NDArray[np.int64]
    entries: Matrix  # one row each; its columns are named by the field that holds the corrections

    def known_by(self, row: int) -> "Corrections":
        """Return the corrections known at the close of a row."""
        count = int(np.searchsorted(self.known_row, row, side="right"))
        return Corrections(*(getattr(self, part.name)[:count] for part in fields(self)))


@dataclass(frozen=True)
class World:
    """Arrays over sessions × companies unless stated otherwise. Prices are raw, NaN or 0 cents without a bar."""

    sessions: Days
    company: NDArray[np.str_]  # id by column
    first_row: NDArray[np.int64]  # of each company
    symbol: NDArray[np.str_]  # latest of each company, for display only
    raw_close: Matrix
    raw_volume: Matrix
    total_factor: Matrix  # × raw close: the total-return level
    open_cents: Cents
    close_cents: Cents
    price_cents: Cents  # last known close per current share; 0 before the first
    is_member: Mask
    is_quarantined: Mask
    is_lost: Mask  # by session: a daily run would stop
    has_ended: Mask  # its listing was closed, and it has not traded since
    sector: Dated
    cap_class: Dated
    market: NDArray[np.float64]  # by session, as are the following two: total-return level of the benchmark
    volatility_index: NDArray[np.float64]
    risk_free: NDArray[np.float64]  # yearly yield as a fraction
    nights: tuple[Night, ...]  # events before each session's open
    restated_bars: Corrections  # columns: close, volume
    restated_index: Corrections  # column: level of the volatility index; of no company
    restated_factors: Corrections  # column: ratio of the new to the old factor of that row
    scores: Matrix | None = None  # dense out-of-sample scores; NaN where there is none

    @property
    def close(self) -> Matrix:
        """Total-return levels as first known."""
        return self.raw_close * self.total_factor

    def row(self, session: np.datetime64) -> int:
        """Return the row of a session. Raises KeyError when it is not one."""
        found = int(np.searchsorted(self.sessions, session))
        if found == len(self.sessions) or self.sessions[found] != session:
            raise KeyError(str(session))
        return found


@dataclass(frozen=True)
class Window:
    """Trailing sessions, oldest first, as known at the close of the last one."""

    close: Matrix  # total-return level
    raw_close: Matrix
    dollar_volume: Matrix


def window_at(world: World, row: int, sessions: int) -> Window:
    """Return at most `sessions` sessions up to `row`, with what had been corrected by then."""
    first = max(0, row + 1 - sessions)
    rows = slice(first, row + 1)
    raw, volume, factor = world.raw_close[rows], world.raw_volume[rows], world.total_factor[rows]
    bars = world.restated_bars.known_by(row)
    inside = np.flatnonzero(bars.row >= first)
    if len(inside):
        raw, volume = raw.copy(), volume.copy()
        for place in inside.tolist():  # in known order: the last correction of a cell counts
            cell = bars.row[place] - first, bars.company[place]
            raw[cell], volume[cell] = bars.entries[place]
    late = world.restated_factors.known_by(row)
    inside = np.flatnonzero(late.row >= first)
    if len(inside):
        factor = factor.copy()
        for place in inside.tolist():
            factor[late.row[place] - first :, late.company[place]] *= late.entries[place, 0]
    return Window(raw * factor, raw, raw * volume)


def index_at(world: World, row: int) -> NDArray[np.float64]:
    """Return the volatility index of every session up to `row`, as known at its close."""
    late = world.restated_index.known_by(row)
    levels = world.volatility_index[: row + 1]
    if len(late.row):
        levels = levels.copy()
        for place, entry in zip(
            late.row.tolist(), late.entries[:, 0].tolist(), strict=True
        ):  # in known order
            levels[place] = entry
    return levels


def corrected_companies(world: World, row: int, sessions: int) -> NDArray[np.int64]:
    """Return the companies that `window_at` gives other prices than those first known."""
    first = max(0, row + 1 - sessions)
    known = (part.known_by(row) for part in (world.restated_bars, world.restated_factors))
    return np.unique(np.concatenate([part.company[part.row >= first] for part in known]))


def until(world: World, row: int) -> World:
    """Return the world at the close of a session: no later row, company, correction or event."""
    columns = int(np.count_nonzero(world.first_row <= row))  # a prefix: ids begin with the first session
    cut = slice(None, row + 1), slice(None, columns)
    by_both = {
        name: getattr(world, name)[cut]
        for name in (
            *("raw_close", "raw_volume", "total_factor", "open_cents", "close_cents", "price_cents"),
            *("is_member", "is_quarantined", "has_ended"),
        )
    }
    return replace(
        world,
        **by_both,
        sector=Dated(world.sector.codes[cut], world.sector.names),
        cap_class=Dated(world.cap_class.codes[cut], world.cap_class.names),
        **{name: getattr(world, name)[:columns] for name in ("company", "first_row", "symbol")},
        **{
            name: getattr(world, name)[: row + 1]
            for name in ("sessions", "is_lost", "market", "volatility_index", "risk_free")
        },
        nights=world.nights[: row + 1],
        restated_bars=world.restated_bars.known_by(row),
        restated_index=world.restated_index.known_by(row),
        restated_factors=world.restated_factors.known_by(row),
        scores=None if world.scores is None else world.scores[cut],
    )
