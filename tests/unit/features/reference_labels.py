"""Every label once more, cell by cell, written to be read: no speed. Each gives values and end rows of a panel."""

from collections.abc import Callable

import numpy as np

from tasks.data.schema.records import Panel

Cells = tuple[np.ndarray, np.ndarray]
NAN = float("nan")


def _over_cells(panel: Panel, label: Callable[[int, int], tuple[float, int]]) -> Cells:
    values, ends = np.full(panel.close.shape, NAN), np.zeros(panel.close.shape, dtype=int)
    for row, column in np.ndindex(panel.close.shape):
        values[row, column], ends[row, column] = label(row, column)
    return values, ends


def _entry(panel: Panel, row: int, column: int, entry: str) -> float:
    if row + 1 >= len(panel.close):
        return NAN
    return (panel.open if entry == "next_open" else panel.close)[row + 1, column]


def _forward(panel: Panel, row: int, column: int, sessions: int, entry: str) -> float:
    last = row + sessions + (1 if entry == "next_close" else 0)
    bought = _entry(panel, row, column, entry)
    if last >= len(panel.close) or np.isnan(bought):
        return NAN
    bars = panel.close[row + 1 : last + 1, column]
    return bars[~np.isnan(bars)][-1] / bought - 1


def _rank(panel: Panel, row: int, column: int, sessions: int, entry: str) -> float:
    """Return the place among the members of the session between 0 and 1; equals share their mean place."""
    if not panel.is_member[row, column]:
        return NAN
    own = np.float32(_forward(panel, row, column, sessions, entry))
    members = np.flatnonzero(panel.is_member[row])
    others = np.array([_forward(panel, row, other, sessions, entry) for other in members], dtype=np.float32)
    others = others[~np.isnan(others)]
    if np.isnan(own):
        return NAN
    if len(others) == 1:
        return 0.5
    below, equal = (others < own).sum(), (others == own).sum()
    return (below + (equal - 1) / 2) / (len(others) - 1)


def _target(panel: Panel, row: int, column: int, entry: str) -> float:
    return (_rank(panel, row, column, 5, entry) + _rank(panel, row, column, 21, entry)) / 2


def _quintile(panel: Panel, row: int, column: int, entry: str) -> float:
    place = _rank(panel, row, column, 21, entry)
    return NAN if np.isnan(place) else min(int(np.float32(place) * np.float32(5)), 4)


def _move(panel: Panel, row: int, column: int, entry: str) -> float:
    earned = _forward(panel, row, column, 5, entry)
    if not panel.is_member[row, column] or np.isnan(earned) or abs(earned) <= 0.01:
        return NAN
    return 1.0 if earned > 0 else 0.0


def _barrier(
    panel: Panel, row: int, column: int, *, sessions: int, upper: float, lower: float, entry: str
) -> tuple[float, int]:
    """Step forward from the row until a barrier is touched, the horizon ends, or the panel ends."""
    close, highs, lows = panel.close[:, column], panel.high[:, column], panel.low[:, column]
    first = row + 1 if entry == "next_open" else row + 2
    horizon = first + sessions - 1
    bought = _entry(panel, row, column, entry)
    if row < 62:
        return NAN, horizon
    with np.errstate(invalid="ignore"):
        moves = np.log(close[1:] / close[:-1])  # the first stands on row 1
    window = np.r_[NAN, moves][row - 62 : row + 1]
    window = window[~np.isnan(window)]
    volatility = np.std(window, ddof=1) if len(window) >= 0.8 * 63 else NAN
    if np.isnan(close[row]) or np.isnan(bought) or np.isnan(volatility) or volatility == 0:
        return NAN, horizon
    width = volatility * np.sqrt(sessions)
    top, bottom = bought * np.exp(upper * width), bought * np.exp(-lower * width)
    for later in range(first, min(horizon, len(close) - 1) + 1):
        is_above, is_below = highs[later] >= top, lows[later] <= bottom
        if is_above and is_below:
            return 0.0, later
        if is_above:
            return 1.0, later
        if is_below:
            return -1.0, later
    return (0.0 if horizon < len(close) else NAN), horizon


def _references(entry: str) -> dict[str, Callable[[Panel], Cells]]:
    later = 0 if entry == "next_open" else 1
    return {
        "return": lambda panel: _over_cells(
            panel, lambda r, c: (_forward(panel, r, c, 5, entry), r + 5 + later)
        ),
        "rank": lambda panel: _over_cells(panel, lambda r, c: (_rank(panel, r, c, 5, entry), r + 5 + later)),
        "target": lambda panel: _over_cells(
            panel, lambda r, c: (_target(panel, r, c, entry), r + 21 + later)
        ),
        "quintile": lambda panel: _over_cells(
            panel, lambda r, c: (_quintile(panel, r, c, entry), r + 21 + later)
        ),
        "move": lambda panel: _over_cells(panel, lambda r, c: (_move(panel, r, c, entry), r + 5 + later)),
        "barrier": lambda panel: _over_cells(
            panel, lambda r, c: _barrier(panel, r, c, sessions=21, upper=1.0, lower=1.5, entry=entry)
        ),
    }


REFERENCE = {
    (name, entry): label
    for entry in ("next_open", "next_close")
    for name, label in _references(entry).items()
}
