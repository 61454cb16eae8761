"""Turn a simulated history into a provider's delivery: frames of public data only.

The truth (regimes, expected returns) is not in the columns and cannot be derived from them.
"""

from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.data.providers.base import Delivery
from tasks.simulation.delivery.faults import apply_faults, draw_faults
from tasks.simulation.delivery.tape import RANGE_SHARE, bars_around, bars_of_row, make_bars
from tasks.simulation.fundamentals import ITEMS
from tasks.simulation.market_history import NOT_LISTED, MarketHistory
from tasks.simulation.parameters import SESSIONS_PER_YEAR

BENCHMARK, VOLATILITY_INDEX = "SPY", "^VIX"
BENCHMARK_START_USD, BENCHMARK_YIELD = 200.0, 0.016
LEVEL_DEVIATION = {BENCHMARK: 1.0, VOLATILITY_INDEX: 6.0}  # a day's range, in market volatilities
Rows = NDArray[np.intp]


def deliver(history: MarketHistory, *, after: date | None) -> Delivery:
    """Return the sessions later than `after` (None: all public ones), and the whole lists."""
    start = history.first
    if after is not None:
        start = max(start, int(np.searchsorted(history.sessions, np.datetime64(after), side="right")))
    rows = np.arange(start, len(history.sessions))
    if len(history.sessions) <= history.first:
        return Delivery()  # nothing is public yet
    delivery = Delivery(
        bars=_bars(history, rows),
        actions=_actions(history, rows),
        levels=_levels(history, rows),
        members=_members(history),
        listings=_listings(history),
        fundamentals=_fundamentals(history, 0 if after is None else start),
        riskfree=pd.DataFrame(
            {"session": _days(history, rows), "yield_pct": np.round(history.path.bill_yield_pct[rows], 3)}
        ),
        renames=_renames(history),
        delistings=_delistings(history),
    )
    faults = draw_faults(history)
    return apply_faults(delivery, history, faults, start=start) if faults else delivery


def _days(history: MarketHistory, rows: Rows | list[int]) -> NDArray[np.datetime64]:
    days: NDArray[np.datetime64] = history.sessions[np.asarray(rows, dtype=np.intp)].astype("datetime64[s]")
    return days


def _texts(texts: list[str], positions: NDArray[np.integer] | list[int]) -> pd.Series:
    """Return the texts at the positions, taken from one small array: there may be a million rows."""
    taken = pd.array(texts, dtype="str").take(np.asarray(positions, dtype=np.intp))
    return pd.Series(taken)


def _bars(history: MarketHistory, rows: Rows) -> pd.DataFrame:
    listed = history.symbol[rows] != NOT_LISTED
    columns = np.empty((4, int(listed.sum())))
    filled = 0
    for row in rows:
        quoted = np.stack(bars_of_row(history, row))[:, history.symbol[row] != NOT_LISTED]
        columns[:, filled : filled + quoted.shape[1]] = quoted
        filled += quoted.shape[1]
    opened, high, low, close = columns
    return pd.DataFrame(
        {
            "symbol": _texts(history.ledger.symbols, history.symbol[rows][listed]),
            "session": np.repeat(_days(history, rows), listed.sum(axis=1)),
            "open": opened,
            "high": high,
            "low": low,
            "close": close,
            "volume": history.volume[rows][listed],
        }
    )


def _levels(history: MarketHistory, rows: Rows) -> pd.DataFrame:
    path = history.path
    moves = path.drift + path.shock
    total = BENCHMARK_START_USD * np.exp(np.cumsum(moves) - moves[: history.first + 1].sum())
    paid = np.exp(-BENCHMARK_YIELD / SESSIONS_PER_YEAR * (np.arange(len(moves)) - history.first))
    index_moves = np.diff(np.log(path.volatility_index), prepend=np.log(path.volatility_index[:1]))
    frames = [
        _level(history, rows, BENCHMARK, total * paid, moves, total),
        _level(history, rows, VOLATILITY_INDEX, path.volatility_index, index_moves, path.volatility_index),
    ]
    return pd.concat(frames, ignore_index=True)


def _level(
    history: MarketHistory,
    rows: Rows,
    name: str,
    close: NDArray[np.float64],
    moves: NDArray[np.float64],
    total: NDArray[np.float64],
) -> pd.DataFrame:
    draws = np.array(
        [history.parameters.generator(f"tape of {name}", row).standard_normal(3) for row in rows]
    )
    deviation = LEVEL_DEVIATION[name] * history.path.volatility[rows]
    draws, night = draws.reshape(-1, 3).T, history.path.overnight
    if name == BENCHMARK and night is not None:
        quoted = bars_around(close[rows], moves[rows], night[rows], RANGE_SHARE * deviation, draws[1:])
    else:
        quoted = make_bars(close[rows], moves[rows], deviation, draws)
    opened, high, low, closed = quoted
    return pd.DataFrame(
        {
            "name": pd.Series([name] * len(rows), dtype="str"),
            "session": _days(history, rows),
            "open": opened,
            "high": high,
            "low": low,
            "close": closed,
            "adj_close": np.round(total[rows], 4),
        }
    )


def _actions(history: MarketHistory, rows: Rows) -> pd.DataFrame:
    actions = [action for action in history.ledger.actions if rows.size and action.row >= rows[0]]
    if not actions:
        return Delivery().actions
    return pd.DataFrame(
        {
            "symbol": _texts(history.ledger.symbols, np.concatenate([action.symbols for action in actions])),
            "session": _days(history, np.repeat([a.row for a in actions], [a.symbols.size for a in actions])),
            "dividend": np.concatenate([action.dividend for action in actions]),
            "split": np.concatenate([action.split for action in actions]),
        }
    )


def _fundamentals(history: MarketHistory, start: int) -> pd.DataFrame:
    filings = [filing for filing in history.ledger.filings if filing.row >= start]
    if not filings:
        return Delivery().fundamentals
    symbols = np.concatenate([filing.symbols for filing in filings])
    keep = ~np.isin(symbols, _never_seen(history))
    items = np.concatenate([filing.items for filing in filings], axis=1)[:, keep]
    rows = np.repeat([filing.row for filing in filings], [filing.symbols.size for filing in filings])[keep]
    periods = np.concatenate([filing.period for filing in filings])[keep]
    return pd.DataFrame(
        {
            "symbol": _texts(history.ledger.symbols, symbols[keep]),
            "end_date": periods.astype("datetime64[s]"),
            "available_date": _days(history, rows),
            **dict(zip(ITEMS, items, strict=True)),
        }
    )


def _never_seen(history: MarketHistory) -> NDArray[np.int64]:
    """Return the symbols that ended before the first public session."""
    ledger = history.ledger
    delisted = [delisting.symbol for delisting in ledger.delistings if delisting.row < history.first]
    renamed = [renaming.old for renaming in ledger.renamings if renaming.row <= history.first]
    return np.array(delisted + renamed, dtype=np.int64)


def _members(history: MarketHistory) -> pd.DataFrame:
    ended = [spell for spell in history.ledger.spells if spell.end > history.first]
    ends = _days(history, [spell.end for spell in ended])
    open_ends = np.full(history.members.size, np.datetime64("NaT"), dtype=ends.dtype)
    starts = np.concatenate([[spell.start for spell in ended], history.member_since]).astype(np.intp)
    return pd.DataFrame(
        {
            "symbol": _texts(
                history.ledger.symbols, [*(spell.symbol for spell in ended), *history.members.tolist()]
            ),
            "start": _days(history, starts),
            "end": np.concatenate([ends, open_ends]),
        }
    )


def _listings(history: MarketHistory) -> pd.DataFrame:
    ledger, never_seen = history.ledger, set(_never_seen(history).tolist())
    listings = [listing for listing in ledger.listings if listing.symbol not in never_seen]
    symbols = [listing.symbol for listing in listings]
    return pd.DataFrame(
        {
            "symbol": _texts(ledger.symbols, symbols),
            "name": _texts(ledger.names, symbols),
            "sector": pd.Series([listing.sector for listing in listings], dtype="str"),
            "cap_class": pd.Series([listing.cap_class for listing in listings], dtype="str"),
            "available_date": _days(history, [listing.row for listing in listings]),
        }
    )


def _renames(history: MarketHistory) -> pd.DataFrame:
    seen = [renaming for renaming in history.ledger.renamings if renaming.row > history.first]
    return pd.DataFrame(
        {
            "old": _texts(history.ledger.symbols, [renaming.old for renaming in seen]),
            "new": _texts(history.ledger.symbols, [renaming.new for renaming in seen]),
            "session": _days(history, [renaming.row for renaming in seen]),
        }
    )


def _delistings(history: MarketHistory) -> pd.DataFrame:
    seen = [delisting for delisting in history.ledger.delistings if delisting.row >= history.first]
    return pd.DataFrame(
        {
            "symbol": _texts(history.ledger.symbols, [delisting.symbol for delisting in seen]),
            "session": _days(history, [delisting.row for delisting in seen]),
            "kind": pd.Series([delisting.kind for delisting in seen], dtype="str"),
            "last_price": np.array([delisting.last_price for delisting in seen]),
        }
    )
