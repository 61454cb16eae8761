"""Spoil what the market delivers, as vendors do, at a rate that the settings name. What is planted is known only here
and to the truth.

Faults are drawn session by session from numbers of their own: the market behind them stays the same, and a longer
walk begins with the faults of a shorter one.
"""

from dataclasses import replace
from typing import Any, Literal, NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.data.providers.base import Delivery
from tasks.simulation.companies import Values
from tasks.simulation.tape import in_cents, quote
from tasks.simulation.walk import NOT_LISTED, Walk

Kind = Literal[
    "missing",  # a bar is not delivered
    "ten_fold",  # its prices are ten times what they were, or a tenth
    "stale",  # its prices are those of the session before
    "duplicate",  # it comes twice, with two closes
    "restated",  # it comes wrong by some percent, and right on the next day
    "split",  # a split takes place and is not announced
    "future_dated",  # a bar is dated after the session
    "outage",  # no bar of the session is there when it is asked for
    "rescaled",  # all its prices are ten-fold when it is asked for, and right on the next day
    "shifted",  # all its bars stand under the symbol of the next row when it is asked for, likewise
]
OF_BARS: tuple[Kind, ...] = ("missing", "ten_fold", "stale", "duplicate", "restated")
OF_SESSIONS: tuple[Kind, ...] = ("future_dated", "outage", "rescaled", "shifted")
SPLITS_SPOILED, SESSIONS_SPOILED = (
    100.0,
    10.0,
)  # splits and sessions are spoiled so many times as often as bars
REST_SESSIONS = 5  # between two faults of one company, so that each can be judged by itself
WRONG_BY, DUPLICATE_BY, TICK_USD = 1.02, 1.005, 0.01
FIGURES = ["open", "high", "low", "close", "volume"]


class Fault(NamedTuple):
    """What is wrong on a row of the walk; `symbol` is a place in the ledger's symbols, −1 for the whole session."""

    kind: Kind
    row: int
    symbol: int


def plant(walk: Walk) -> list[Fault]:
    """Return all faults up to the walk's last row, in order; none where the rate is 0."""
    rate = walk.parameters.fault_rate
    if rate == 0:
        return []
    faults: list[Fault] = []
    rest = np.zeros(walk.symbol.shape[1], dtype=np.int64)
    for row in range(walk.first + 1, len(walk.sessions)):
        draw = walk.parameters.generator("faults", row)
        hit = draw.random(len(rest)) < rate
        kinds = draw.integers(len(OF_BARS), size=len(rest))
        chances = draw.random(len(OF_SESSIONS))
        symbol = walk.symbol[row]
        is_old = (symbol != NOT_LISTED) & (symbol == walk.symbol[row - 1])
        slots = np.flatnonzero(hit & is_old & (rest < row))
        rest[slots] = row + REST_SESSIONS
        faults += [Fault(OF_BARS[kinds[slot]], row, int(symbol[slot])) for slot in slots]
        whole = zip(OF_SESSIONS, chances, strict=True)
        faults += [Fault(kind, row, -1) for kind, chance in whole if chance < SESSIONS_SPOILED * rate]
    return sorted([*faults, *_splits(walk)], key=lambda fault: (fault.row, fault.symbol, fault.kind))


def _splits(walk: Walk) -> list[Fault]:
    rate = walk.parameters.fault_rate
    faults = []
    for action in walk.ledger.actions:
        is_split = np.flatnonzero(action.split != 1)
        chances = walk.parameters.generator("faulty splits", action.row).random(len(is_split))
        chosen = is_split[(chances < SPLITS_SPOILED * rate) & (action.row > walk.first)]
        faults += [Fault("split", action.row, int(symbol)) for symbol in action.symbols[chosen]]
    return faults


def spoil(delivery: Delivery, walk: Walk, faults: list[Fault], *, start: int) -> Delivery:
    """Return the delivery of the rows from `start` on as a vendor with these faults hands it over."""
    bars = delivery.bars
    last = len(walk.sessions) - 1
    figures = bars[FIGURES].to_numpy(copy=True)
    keep = np.ones(len(bars), dtype=bool)
    extra = _spoil_bars(walk, faults, figures, keep, start)
    spoilt = {fault.kind for fault in faults if fault.row == last}
    is_last = bars["session"].to_numpy() == walk.sessions[last]
    if "outage" in spoilt:
        keep &= ~is_last
    if "rescaled" in spoilt:
        figures[is_last, :4] *= 10.0
    if "shifted" in spoilt:
        figures[is_last] = np.roll(figures[is_last], 1, axis=0)
    if "future_dated" in spoilt and len(bars):
        extra.append((bars["symbol"].iloc[-1], walk.sessions[last] + 1, *figures[-1]))
    bars = bars.assign(**dict(zip(FIGURES, figures.T, strict=True)))[keep]
    if extra:
        bars = pd.concat([bars, pd.DataFrame(extra, columns=bars.columns).astype(bars.dtypes)])
    unannounced = {_key(walk, fault) for fault in faults if fault.kind == "split"}
    acts = delivery.actions
    days = acts["session"].to_numpy()
    told = np.array([key not in unannounced for key in zip(acts["symbol"], days, strict=True)], dtype=bool)
    return replace(delivery, bars=bars.reset_index(drop=True), actions=acts[told].reset_index(drop=True))


def _spoil_bars(
    walk: Walk, faults: list[Fault], figures: Values, keep: NDArray[np.bool_], start: int
) -> list[tuple[Any, ...]]:
    """Change figures and what is kept, in place; return rows to add. Bars stand as walk and slots have them."""
    last = len(walk.sessions) - 1
    first_of = np.concatenate([[0], np.cumsum((walk.symbol[start:] != NOT_LISTED).sum(axis=1))])
    extra: list[tuple[Any, ...]] = []
    for fault in faults:
        if fault.kind == "restated" and fault.row == start - 1:
            extra.append((*_key(walk, fault), *_bar(walk, fault.row, fault.symbol)))
        if fault.kind not in OF_BARS or fault.row < start:
            continue
        listed = walk.symbol[fault.row][walk.symbol[fault.row] != NOT_LISTED]
        bar = int(first_of[fault.row - start] + np.flatnonzero(listed == fault.symbol)[0])
        if fault.kind == "missing":
            keep[bar] = False
        elif fault.kind == "ten_fold":
            figures[bar, :4] = in_cents(figures[bar, :4] * (10.0 if fault.row % 2 else 0.1))
        elif fault.kind == "stale":
            figures[bar] = _bar(walk, fault.row - 1, fault.symbol)
        elif fault.kind == "duplicate":
            other = in_cents(figures[bar, :4] * DUPLICATE_BY) + TICK_USD
            extra.append((*_key(walk, fault), *other, figures[bar, 4]))
        elif fault.row == last:  # restated: right from the next day on
            figures[bar, :4] = in_cents(figures[bar, :4] * WRONG_BY) + TICK_USD
    return extra


def _key(walk: Walk, fault: Fault) -> tuple[str, np.datetime64]:
    symbol = walk.ledger.symbols[fault.symbol] if fault.symbol >= 0 else "*"
    return symbol, walk.sessions[fault.row].astype("datetime64[s]")


def _bar(walk: Walk, row: int, symbol: int) -> Values:
    slot = int(np.flatnonzero(walk.symbol[row] == symbol)[0])
    return np.array([*(values[slot] for values in quote(walk, row)), walk.volume[row, slot]])
