"""Follow companies through their symbols: one line per company, named by the symbol it has at the cut (D5).

A symbol's bars fall into lives. A new life begins with the first bar, after a silence of more than 63 sessions,
after a delisting, and wherever a rename takes the symbol away or gives it to somebody else. A rename joins the life
that ends to the one that begins; nothing else joins lives, so a reused ticker never inherits a stranger's history.
Of several lines that end under one symbol the youngest keeps it; the others are called SYMBOL~YYYYMMDD after the
day their last life began.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.data.schema.records import Days

SILENCE_SESSIONS = 63

Ints = NDArray[np.int64]


@dataclass(frozen=True)
class Lines:
    """Companies in the order of their names. A life is a symbol from its first session to the next life's first."""

    names: NDArray[np.str_]
    first: Days  # first session of each line
    firsts_of: Mapping[str, Days]  # symbol → first sessions of its lives, ascending
    lines_of: Mapping[str, Ints]  # symbol → line of each of its lives

    def of_rows(self, symbols: NDArray[np.str_], codes: Ints, sessions: Days) -> Ints:
        """Return the line of each row, −1 where the symbol has none. `codes` index `symbols`."""
        single = np.array(
            [self.lines_of[s][0] if len(self.lines_of.get(s, ())) == 1 else -1 for s in symbols],
            dtype=np.int64,
        )
        result = single[codes] if len(symbols) else np.zeros(0, dtype=np.int64)
        for code, symbol in enumerate(symbols):
            if len(self.lines_of.get(symbol, ())) > 1:
                rows = np.flatnonzero(codes == code)
                result[rows] = self.lines_of[symbol][self._life(symbol, sessions[rows])]
        return result

    def of_frame(self, frame: pd.DataFrame, day: str) -> Ints:
        """Return the line of each row of a frame with a symbol column and the named day column."""
        codes, symbols = pd.factorize(frame["symbol"].to_numpy(dtype=object))
        return self.of_rows(np.asarray(symbols, dtype=str), codes.astype(np.int64), _days(frame[day]))

    def _life(self, symbol: str, sessions: Days) -> Ints:
        return np.maximum(np.searchsorted(self.firsts_of[symbol], sessions, side="right") - 1, 0)


def new_lives(
    bars: pd.DataFrame,
    is_new: NDArray[np.bool_],
    day: Ints,
    *,
    renames: pd.DataFrame,
    delistings: pd.DataFrame,
    trading_days: Days,
) -> pd.DataFrame:
    """Return the lives (symbol, first) that begin among these bars, sorted by symbol and session.

    `day` counts trading days. Bars that are not new are the context; what begins there is known already.
    """
    code = bars["symbol"].cat.codes.to_numpy()
    begins = np.ones(len(bars), dtype=bool)
    begins[1:] = (code[1:] != code[:-1]) | (day[1:] - day[:-1] > SILENCE_SESSIONS)
    begins &= is_new
    earliest = day.min() if len(day) else 0
    for symbol, cut in _cuts(renames, delistings, trading_days):
        if cut <= earliest or symbol not in bars["symbol"].cat.categories:
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


def lines_as_of(lives: pd.DataFrame, renames: pd.DataFrame) -> Lines:
    """Join lives into lines. Both frames are already cut at the session."""
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
    """Return (symbol, trading day from which its bars are another life's)."""
    cuts = set()
    days = np.searchsorted(trading_days, _days(renames["session"]))
    for old, new, day in zip(renames["old"], renames["new"], days.tolist(), strict=True):
        cuts |= {(str(old), day), (str(new), day)}
    days = np.searchsorted(trading_days, _days(delistings["session"]), side="right")
    cuts |= {(str(symbol), day) for symbol, day in zip(delistings["symbol"], days.tolist(), strict=True)}
    return sorted(cuts)


def _roots(spans: Mapping[str, tuple[int, int]], firsts: Days, renames: pd.DataFrame) -> Ints:
    """Return for each life the first life of its line."""
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
) -> Lines:
    """Name each line by its last life's symbol and order lines by name."""
    last = {}
    for life in np.argsort(firsts, kind="stable"):
        last[int(root[life])] = int(life)
    youngest: dict[str, int] = {}
    for life in last.values():
        symbol = str(symbols[life])
        if symbol not in youngest or firsts[life] > firsts[youngest[symbol]]:
            youngest[symbol] = life
    name_of = {
        line: str(symbols[life])
        if youngest[str(symbols[life])] == life
        else f"{symbols[life]}~{str(firsts[life]).replace('-', '')}"
        for line, life in last.items()
    }
    ordered = sorted(name_of, key=lambda line: name_of[line])
    number = {line: position for position, line in enumerate(ordered)}
    lines = np.array([number[int(line)] for line in root], dtype=np.int64)
    return Lines(
        names=np.array([name_of[line] for line in ordered], dtype=str),
        first=firsts[ordered] if ordered else np.array([], dtype="datetime64[D]"),
        firsts_of={symbol: firsts[a:b] for symbol, (a, b) in spans.items()},
        lines_of={symbol: lines[a:b] for symbol, (a, b) in spans.items()},
    )


def _days(column: pd.Series) -> Days:
    return column.to_numpy().astype("datetime64[D]")
