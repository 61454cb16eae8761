"""Turn a walk into what a provider hands over: frames of public facts, nothing else.

The truth (regimes, expected returns) is not in the columns and cannot be read off them.
"""

from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.data.providers.base import Delivery
from tasks.simulation.faults import plant, spoil
from tasks.simulation.fundamentals import FIGURES
from tasks.simulation.parameters import SESSIONS_PER_YEAR
from tasks.simulation.tape import bar, quote
from tasks.simulation.walk import NOT_LISTED, Walk

BENCHMARK, VOLATILITY_INDEX = "SPY", "^VIX"
BENCHMARK_START_USD, BENCHMARK_YIELD = 200.0, 0.016
LEVEL_DEVIATION = {BENCHMARK: 1.0, VOLATILITY_INDEX: 6.0}  # of a day's range, in market volatilities
Rows = NDArray[np.intp]


def deliver(walk: Walk, *, after: date | None) -> Delivery:
    """Return the sessions of the walk later than `after` (None: all that are public), and the whole lists."""
    start = walk.first
    if after is not None:
        start = max(start, int(np.searchsorted(walk.sessions, np.datetime64(after), side="right")))
    rows = np.arange(start, len(walk.sessions))
    if len(walk.sessions) <= walk.first:
        return Delivery()  # nothing was public yet
    delivery = Delivery(
        bars=_bars(walk, rows),
        actions=_actions(walk, rows),
        levels=_levels(walk, rows),
        members=_members(walk),
        listings=_listings(walk),
        fundamentals=_fundamentals(walk, 0 if after is None else start),
        riskfree=pd.DataFrame(
            {"session": _days(walk, rows), "yield_pct": np.round(walk.path.bill_yield_pct[rows], 3)}
        ),
        renames=_renames(walk),
        delistings=_delistings(walk),
    )
    faults = plant(walk)
    return spoil(delivery, walk, faults, start=start) if faults else delivery


def _days(walk: Walk, rows: Rows | list[int]) -> NDArray[np.datetime64]:
    days: NDArray[np.datetime64] = walk.sessions[np.asarray(rows, dtype=np.intp)].astype("datetime64[s]")
    return days


def _texts(texts: list[str], places: NDArray[np.integer] | list[int]) -> pd.Series:
    """Return the texts at the places; taken from one small array, for a million rows are wanted."""
    taken = pd.array(texts, dtype="str").take(np.asarray(places, dtype=np.intp))
    return pd.Series(taken)


def _bars(walk: Walk, rows: Rows) -> pd.DataFrame:
    listed = walk.symbol[rows] != NOT_LISTED
    columns = np.empty((4, int(listed.sum())))
    filled = 0
    for row in rows:
        quoted = np.stack(quote(walk, row))[:, walk.symbol[row] != NOT_LISTED]
        columns[:, filled : filled + quoted.shape[1]] = quoted
        filled += quoted.shape[1]
    opened, high, low, close = columns
    return pd.DataFrame(
        {
            "symbol": _texts(walk.ledger.symbols, walk.symbol[rows][listed]),
            "session": np.repeat(_days(walk, rows), listed.sum(axis=1)),
            "open": opened,
            "high": high,
            "low": low,
            "close": close,
            "volume": walk.volume[rows][listed],
        }
    )


def _levels(walk: Walk, rows: Rows) -> pd.DataFrame:
    path = walk.path
    moves = path.drift + path.shock
    total = BENCHMARK_START_USD * np.exp(np.cumsum(moves) - moves[: walk.first + 1].sum())
    paid = np.exp(-BENCHMARK_YIELD / SESSIONS_PER_YEAR * (np.arange(len(moves)) - walk.first))
    index_moves = np.diff(np.log(path.volatility_index), prepend=np.log(path.volatility_index[:1]))
    frames = [
        _level(walk, rows, BENCHMARK, total * paid, moves, total),
        _level(walk, rows, VOLATILITY_INDEX, path.volatility_index, index_moves, path.volatility_index),
    ]
    return pd.concat(frames, ignore_index=True)


def _level(
    walk: Walk,
    rows: Rows,
    name: str,
    close: NDArray[np.float64],
    moves: NDArray[np.float64],
    total: NDArray[np.float64],
) -> pd.DataFrame:
    draws = np.array([walk.parameters.generator(f"tape of {name}", row).standard_normal(3) for row in rows])
    deviation = LEVEL_DEVIATION[name] * walk.path.volatility[rows]
    opened, high, low, closed = bar(close[rows], moves[rows], deviation, draws.reshape(-1, 3).T)
    return pd.DataFrame(
        {
            "name": pd.Series([name] * len(rows), dtype="str"),
            "session": _days(walk, rows),
            "open": opened,
            "high": high,
            "low": low,
            "close": closed,
            "adj_close": np.round(total[rows], 4),
        }
    )


def _actions(walk: Walk, rows: Rows) -> pd.DataFrame:
    actions = [action for action in walk.ledger.actions if rows.size and action.row >= rows[0]]
    if not actions:
        return Delivery().actions
    return pd.DataFrame(
        {
            "symbol": _texts(walk.ledger.symbols, np.concatenate([action.symbols for action in actions])),
            "session": _days(walk, np.repeat([a.row for a in actions], [a.symbols.size for a in actions])),
            "dividend": np.concatenate([action.dividend for action in actions]),
            "split": np.concatenate([action.split for action in actions]),
        }
    )


def _fundamentals(walk: Walk, start: int) -> pd.DataFrame:
    filings = [filing for filing in walk.ledger.filings if filing.row >= start]
    if not filings:
        return Delivery().fundamentals
    symbols = np.concatenate([filing.symbols for filing in filings])
    keep = ~np.isin(symbols, _never_seen(walk))
    figures = np.concatenate([filing.figures for filing in filings], axis=1)[:, keep]
    rows = np.repeat([filing.row for filing in filings], [filing.symbols.size for filing in filings])[keep]
    periods = np.concatenate([filing.period for filing in filings])[keep]
    return pd.DataFrame(
        {
            "symbol": _texts(walk.ledger.symbols, symbols[keep]),
            "end_date": periods.astype("datetime64[s]"),
            "available_date": _days(walk, rows),
            **dict(zip(FIGURES, figures, strict=True)),
        }
    )


def _never_seen(walk: Walk) -> NDArray[np.int64]:
    """Return the symbols that were gone before the first public session."""
    ledger = walk.ledger
    delisted = [gone.symbol for gone in ledger.delistings if gone.row < walk.first]
    renamed = [renaming.old for renaming in ledger.renamings if renaming.row <= walk.first]
    return np.array(delisted + renamed, dtype=np.int64)


def _members(walk: Walk) -> pd.DataFrame:
    over = [spell for spell in walk.ledger.spells if spell.end > walk.first]
    ends = _days(walk, [spell.end for spell in over])
    still = np.full(walk.members.size, np.datetime64("NaT"), dtype=ends.dtype)
    starts = np.concatenate([[spell.start for spell in over], walk.member_since]).astype(np.intp)
    return pd.DataFrame(
        {
            "symbol": _texts(
                walk.ledger.symbols, [*(spell.symbol for spell in over), *walk.members.tolist()]
            ),
            "start": _days(walk, starts),
            "end": np.concatenate([ends, still]),
        }
    )


def _listings(walk: Walk) -> pd.DataFrame:
    ledger, never_seen = walk.ledger, set(_never_seen(walk).tolist())
    listings = [listing for listing in ledger.listings if listing.symbol not in never_seen]
    symbols = [listing.symbol for listing in listings]
    return pd.DataFrame(
        {
            "symbol": _texts(ledger.symbols, symbols),
            "name": _texts(ledger.names, symbols),
            "sector": pd.Series([listing.sector for listing in listings], dtype="str"),
            "cap_class": pd.Series([listing.cap_class for listing in listings], dtype="str"),
            "available_date": _days(walk, [listing.row for listing in listings]),
        }
    )


def _renames(walk: Walk) -> pd.DataFrame:
    seen = [renaming for renaming in walk.ledger.renamings if renaming.row > walk.first]
    return pd.DataFrame(
        {
            "old": _texts(walk.ledger.symbols, [renaming.old for renaming in seen]),
            "new": _texts(walk.ledger.symbols, [renaming.new for renaming in seen]),
            "session": _days(walk, [renaming.row for renaming in seen]),
        }
    )


def _delistings(walk: Walk) -> pd.DataFrame:
    seen = [gone for gone in walk.ledger.delistings if gone.row >= walk.first]
    return pd.DataFrame(
        {
            "symbol": _texts(walk.ledger.symbols, [gone.symbol for gone in seen]),
            "session": _days(walk, [gone.row for gone in seen]),
            "kind": pd.Series([gone.kind for gone in seen], dtype="str"),
            "last_price": np.array([gone.last_price for gone in seen]),
        }
    )
