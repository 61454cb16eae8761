"""Plant data faults in deliveries, as vendors produce them, at a configured rate. Only the truth records them.

Faults are drawn session by session from a separate random stream: the market itself is unchanged, and a longer history
begins with the faults of a shorter one.
"""

from dataclasses import replace
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.data.providers.base import Delivery
from tasks.simulation.companies import Values
from tasks.simulation.delivery.tape import bars_of_row, in_cents
from tasks.simulation.market_history import NOT_LISTED, MarketHistory

Kind = Literal[
    "missing",  # a bar is not delivered
    "ten_fold",  # its prices are multiplied or divided by ten
    "stale",  # its prices are those of the previous session
    "duplicate",  # it is delivered twice, with different closes
    "restated",  # it is off by two percent, and corrected on the next day
    "split",  # a split is not announced
    "future_dated",  # a bar is dated after the session
    "outage",  # no bar of the session is available on its day
    "rescaled",  # all its prices are ten-fold on its day, and correct on the next
    "shifted",  # all its bars are under the symbol of the next row on its day, likewise
]
OF_BARS: tuple[Kind, ...] = ("missing", "ten_fold", "stale", "duplicate", "restated")
OF_SESSIONS: tuple[Kind, ...] = ("future_dated", "outage", "rescaled", "shifted")
SPLIT_RATE, SESSION_RATE = 100.0, 10.0  # fault rates of splits and sessions, as multiples of that of bars
REST_SESSIONS = 5  # between two faults of one company, so that each can be attributed
WRONG_BY, DUPLICATE_BY, TICK_USD = 1.02, 1.005, 0.01
BAR_VALUES = ["open", "high", "low", "close", "volume"]


class PlantedFault(NamedTuple):
    """A fault on one row; `symbol` is an index into the ledger's symbols, −1 for the whole session."""

    kind: Kind
    row: int
    symbol: int


def draw_faults(history: MarketHistory) -> list[PlantedFault]:
    """Return all faults up to the last row, in order; none if the rate is 0."""
    rate = history.parameters.fault_rate
    if rate == 0:
        return []
    faults: list[PlantedFault] = []
    rest = np.zeros(history.symbol.shape[1], dtype=np.int64)
    for row in range(history.first + 1, len(history.sessions)):
        draw = history.parameters.generator("faults", row)
        hit = draw.random(len(rest)) < rate
        kinds = draw.integers(len(OF_BARS), size=len(rest))
        chances = draw.random(len(OF_SESSIONS))
        symbol = history.symbol[row]
        is_old = (symbol != NOT_LISTED) & (symbol == history.symbol[row - 1])
        slots = np.flatnonzero(hit & is_old & (rest < row))
        rest[slots] = row + REST_SESSIONS
        faults += [PlantedFault(OF_BARS[kinds[slot]], row, int(symbol[slot])) for slot in slots]
        whole = zip(OF_SESSIONS, chances, strict=True)
        faults += [PlantedFault(kind, row, -1) for kind, chance in whole if chance < SESSION_RATE * rate]
    return sorted([*faults, *_splits(history)], key=lambda fault: (fault.row, fault.symbol, fault.kind))


def _splits(history: MarketHistory) -> list[PlantedFault]:
    rate = history.parameters.fault_rate
    faults = []
    for action in history.ledger.actions:
        is_split = np.flatnonzero(action.split != 1)
        chances = history.parameters.generator("faulty splits", action.row).random(len(is_split))
        chosen = is_split[(chances < SPLIT_RATE * rate) & (action.row > history.first)]
        faults += [PlantedFault("split", action.row, int(symbol)) for symbol in action.symbols[chosen]]
    return faults


def apply_faults(
    delivery: Delivery, history: MarketHistory, faults: list[PlantedFault], *, start: int
) -> Delivery:
    """Return the delivery of the rows from `start` on with the faults applied."""
    bars = delivery.bars
    last = len(history.sessions) - 1
    values = bars[BAR_VALUES].to_numpy(copy=True)
    keep = np.ones(len(bars), dtype=bool)
    extra = _apply_to_bars(history, faults, values, keep, start)
    kinds_on_last = {fault.kind for fault in faults if fault.row == last}
    is_last = bars["session"].to_numpy() == history.sessions[last]
    if "outage" in kinds_on_last:
        keep &= ~is_last
    if "rescaled" in kinds_on_last:
        values[is_last, :4] *= 10.0
    if "shifted" in kinds_on_last:
        values[is_last] = np.roll(values[is_last], 1, axis=0)
    if "future_dated" in kinds_on_last and len(bars):
        extra.append((bars["symbol"].iloc[-1], history.sessions[last] + 1, *values[-1]))
    bars = bars.assign(**dict(zip(BAR_VALUES, values.T, strict=True)))[keep]
    if extra:
        bars = pd.concat([bars, pd.DataFrame(extra, columns=bars.columns).astype(bars.dtypes)])
    unannounced = {_key(history, fault) for fault in faults if fault.kind == "split"}
    acts = delivery.actions
    days = acts["session"].to_numpy()
    is_announced = np.array(
        [key not in unannounced for key in zip(acts["symbol"], days, strict=True)], dtype=bool
    )
    return replace(
        delivery, bars=bars.reset_index(drop=True), actions=acts[is_announced].reset_index(drop=True)
    )


def _apply_to_bars(
    history: MarketHistory, faults: list[PlantedFault], values: Values, keep: NDArray[np.bool_], start: int
) -> list[tuple[Any, ...]]:
    """Change `values` and `keep` in place; return rows to add. Bars are ordered by row and slot."""
    last = len(history.sessions) - 1
    first_of = np.concatenate([[0], np.cumsum((history.symbol[start:] != NOT_LISTED).sum(axis=1))])
    extra: list[tuple[Any, ...]] = []
    for fault in faults:
        if fault.kind == "restated" and fault.row == start - 1:
            extra.append((*_key(history, fault), *_bar(history, fault.row, fault.symbol)))
        if fault.kind not in OF_BARS or fault.row < start:
            continue
        listed = history.symbol[fault.row][history.symbol[fault.row] != NOT_LISTED]
        bar = int(first_of[fault.row - start] + np.flatnonzero(listed == fault.symbol)[0])
        if fault.kind == "missing":
            keep[bar] = False
        elif fault.kind == "ten_fold":
            values[bar, :4] = in_cents(values[bar, :4] * (10.0 if fault.row % 2 else 0.1))
        elif fault.kind == "stale":
            values[bar] = _bar(history, fault.row - 1, fault.symbol)
        elif fault.kind == "duplicate":
            other = in_cents(values[bar, :4] * DUPLICATE_BY) + TICK_USD
            extra.append((*_key(history, fault), *other, values[bar, 4]))
        elif fault.row == last:  # restated: correct from the next day on
            values[bar, :4] = in_cents(values[bar, :4] * WRONG_BY) + TICK_USD
    return extra


def _key(history: MarketHistory, fault: PlantedFault) -> tuple[str, np.datetime64]:
    symbol = history.ledger.symbols[fault.symbol] if fault.symbol >= 0 else "*"
    return symbol, history.sessions[fault.row].astype("datetime64[s]")


def _bar(history: MarketHistory, row: int, symbol: int) -> Values:
    slot = int(np.flatnonzero(history.symbol[row] == symbol)[0])
    return np.array([*(values[slot] for values in bars_of_row(history, row)), history.volume[row, slot]])
