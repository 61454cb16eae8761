"""Map symbols over time to companies; a company is named by its symbol as of the session.

A symbol's bars are divided into listing periods (`lives` in the code). A period begins with the first bar, after a gap
of more than 63 sessions, after a delisting, and where a rename takes the symbol away or assigns it. A rename joins the
period that ends to the one that begins. If the old symbol has no bars, the source has the whole history under the new
symbol; then the rename only maps membership under the old symbol to the new one (`successor`). Nothing else joins
periods, so a reused ticker never inherits another company's history. If several companies end under one symbol, the
most recent keeps it; the others are named SYMBOL~YYYYMMDD after the start of their last period.
"""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.data.schema.records import Days

MAX_GAP_SESSIONS = 63

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class CompanyIndex:
    """Companies, numbered in the order of their names, and each symbol's listing periods: which company has it when.

    An id consists of the first session and the symbol on that day, and never changes.
    """

    names: NDArray[np.str_]
    ids: NDArray[np.str_]  # 20200102~ABC; in this order, later companies come after earlier ones
    first: Days  # first session of each company
    life_starts: Mapping[str, Days]  # symbol → first sessions of its lives, ascending
    companies_of: Mapping[str, Ints]  # symbol → company of each of its lives

    def of_rows(self, symbols: NDArray[np.str_], codes: Ints, sessions: Days) -> Ints:
        """Return the company of each row, −1 where the symbol has none. `codes` index `symbols`."""
        single = np.array(
            [self.companies_of[s][0] if len(self.companies_of.get(s, ())) == 1 else -1 for s in symbols],
            dtype=np.int64,
        )
        result = single[codes] if len(symbols) else np.zeros(0, dtype=np.int64)
        for code, symbol in enumerate(symbols):
            if len(self.companies_of.get(symbol, ())) > 1:
                rows = np.flatnonzero(codes == code)
                result[rows] = self.companies_of[symbol][self._life(symbol, sessions[rows])]
        return result

    def of_frame(self, frame: pd.DataFrame, day: str) -> Ints:
        """Return the company of each row of a frame; `day` names its day column."""
        codes, symbols = pd.factorize(frame["symbol"].to_numpy(dtype=object))
        return self.of_rows(np.asarray(symbols, dtype=str), codes.astype(np.int64), _days(frame[day]))

    def _life(self, symbol: str, sessions: Days) -> Ints:
        return np.maximum(np.searchsorted(self.life_starts[symbol], sessions, side="right") - 1, 0)


def new_lives(
    bars: pd.DataFrame,
    is_new: NDArray[np.bool_],
    day: Ints,
    *,
    renames: pd.DataFrame,
    delistings: pd.DataFrame,
    trading_days: Days,
) -> pd.DataFrame:
    """Return the listing periods (symbol, first) that begin among these bars, sorted by symbol and session.

    `day` counts trading days. Bars that are not new are context: periods that begin there are stored already.
    """
    code = bars["symbol"].cat.codes.to_numpy()
    begins = np.ones(len(bars), dtype=bool)
    begins[1:] = (code[1:] != code[:-1]) | (day[1:] - day[:-1] > MAX_GAP_SESSIONS)
    begins &= is_new
    earliest = day.min() if len(day) else 0
    traded = set(bars["symbol"].cat.categories)
    for symbol, cut in _cuts(renames[renames["old"].isin(traded)], delistings, trading_days):
        if cut <= earliest or symbol not in traded:
            continue
        rows = np.flatnonzero(code == bars["symbol"].cat.categories.get_loc(symbol))
        position = int(np.searchsorted(day[rows], cut))
        if position < len(rows):
            begins[rows[position]] = True
    return pd.DataFrame(
        {
            "symbol": bars.loc[begins, "symbol"].astype("str").reset_index(drop=True),
            "first": bars.loc[begins, "session"].to_numpy(),
        }
    )


def renames_from(renames: pd.DataFrame) -> Mapping[str, list[tuple[np.datetime64, str]]]:
    """Return the renames by old symbol, oldest first: the day and the new symbol."""
    found: dict[str, list[tuple[np.datetime64, str]]] = {}
    ordered = renames.sort_values(["session", "old", "new"])
    for day, old, new in zip(_days(ordered["session"]), ordered["old"], ordered["new"], strict=True):
        found.setdefault(str(old), []).append((day, str(new)))
    return found


def successor(
    symbol: str,
    since: np.datetime64,
    renames: Mapping[str, list[tuple[np.datetime64, str]]],
    traded: Container[str],
) -> str:
    """Return the symbol that has the company's bars: the given one, or one that it was renamed to from `since` on.

    The given one if none of these has bars.
    """
    current, day = symbol, since
    while current not in traded:
        later = [(at, new) for at, new in renames.get(current, ()) if at >= day]
        if not later:
            return symbol
        at, current = later[0]
        day = at + np.timedelta64(1, "D")
    return current


def company_index(lives: pd.DataFrame, renames: pd.DataFrame) -> CompanyIndex:
    """Join listing periods into companies. Both frames hold what is known as of the session."""
    ordered = lives.sort_values(["symbol", "first"], ignore_index=True)
    symbols = ordered["symbol"].to_numpy(dtype=str)
    firsts = _days(ordered["first"])
    bounds = (
        np.r_[np.flatnonzero(np.r_[True, symbols[1:] != symbols[:-1]]), len(symbols)] if len(symbols) else [0]
    )
    spans = {str(symbols[a]): (int(a), int(b)) for a, b in pairwise(bounds)}
    root = _roots(spans, firsts, renames)
    return _named(symbols, firsts, spans, root)


def _cuts(renames: pd.DataFrame, delistings: pd.DataFrame, trading_days: Days) -> list[tuple[str, int]]:
    """Return (symbol, trading day on which a new listing period of it begins)."""
    cuts = set()
    days = np.searchsorted(trading_days, _days(renames["session"]))
    for old, new, day in zip(renames["old"], renames["new"], days.tolist(), strict=True):
        cuts |= {(str(old), day), (str(new), day)}
    days = np.searchsorted(trading_days, _days(delistings["session"]), side="right")
    cuts |= {(str(symbol), day) for symbol, day in zip(delistings["symbol"], days.tolist(), strict=True)}
    return sorted(cuts)


def _roots(spans: Mapping[str, tuple[int, int]], firsts: Days, renames: pd.DataFrame) -> Ints:
    """Return for each listing period the first one of its company."""
    count = max((end for _, end in spans.values()), default=0)
    before = np.arange(count)
    ordered = renames.sort_values(["session", "old", "new"])
    for day, former, later in zip(_days(ordered["session"]), ordered["old"], ordered["new"], strict=True):
        ends, begins = spans.get(str(former)), spans.get(str(later))
        if ends is None or begins is None:
            continue
        old = ends[0] + int(np.searchsorted(firsts[slice(*ends)], day, side="left")) - 1
        new = begins[0] + int(np.searchsorted(firsts[slice(*begins)], day, side="left"))
        if old >= ends[0] and new < begins[1]:
            before[new] = old
    root = before.copy()
    while (root != before[root]).any():
        root = before[root]
    return root


def _named(
    symbols: NDArray[np.str_], firsts: Days, spans: Mapping[str, tuple[int, int]], root: Ints
) -> CompanyIndex:
    """Name each company by the symbol of its last listing period, and number companies by name."""
    last = {}
    for life in np.argsort(firsts, kind="stable"):
        last[int(root[life])] = int(life)
    youngest: dict[str, int] = {}
    for life in last.values():
        symbol = str(symbols[life])
        if symbol not in youngest or firsts[life] > firsts[youngest[symbol]]:
            youngest[symbol] = life
    name_of = {
        first: str(symbols[life])
        if youngest[str(symbols[life])] == life
        else f"{symbols[life]}~{str(firsts[life]).replace('-', '')}"
        for first, life in last.items()
    }
    ordered = sorted(name_of, key=lambda first: name_of[first])
    number = {first: position for position, first in enumerate(ordered)}
    company = np.array([number[int(first)] for first in root], dtype=np.int64)
    return CompanyIndex(
        names=np.array([name_of[first] for first in ordered], dtype=str),
        ids=np.array(
            [f"{str(firsts[life]).replace('-', '')}~{symbols[life]}" for life in ordered], dtype=str
        ),
        first=firsts[ordered] if ordered else np.array([], dtype="datetime64[D]"),
        life_starts={symbol: firsts[a:b] for symbol, (a, b) in spans.items()},
        companies_of={symbol: company[a:b] for symbol, (a, b) in spans.items()},
    )


def _days(column: pd.Series) -> Days:
    return column.to_numpy().astype("datetime64[D]")
