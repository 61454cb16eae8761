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


def _forward(panel: Panel, row: int, column: int, sessions: int) -> float:
    if row + sessions >= len(panel.close):
        return NAN
    bars = panel.close[row : row + sessions + 1, column]
    if np.isnan(bars[0]):
        return NAN
    return bars[~np.isnan(bars)][-1] / bars[0] - 1


def _rank(panel: Panel, row: int, column: int, sessions: int) -> float:
    """Return the place among the members of the session between 0 and 1; equals share their mean place."""
    if not panel.is_member[row, column]:
        return NAN
    own = np.float32(_forward(panel, row, column, sessions))
    members = np.flatnonzero(panel.is_member[row])
    others = np.array([_forward(panel, row, other, sessions) for other in members], dtype=np.float32)
    others = others[~np.isnan(others)]
    if np.isnan(own):
        return NAN
    if len(others) == 1:
        return 0.5
    below, equal = (others < own).sum(), (others == own).sum()
    return (below + (equal - 1) / 2) / (len(others) - 1)


def _target(panel: Panel, row: int, column: int) -> float:
    return (_rank(panel, row, column, 5) + _rank(panel, row, column, 21)) / 2


def _quintile(panel: Panel, row: int, column: int) -> float:
    place = _rank(panel, row, column, 21)
    return NAN if np.isnan(place) else min(int(np.float32(place) * np.float32(5)), 4)


def _move(panel: Panel, row: int, column: int) -> float:
    earned = _forward(panel, row, column, 5)
    if not panel.is_member[row, column] or np.isnan(earned) or abs(earned) <= 0.01:
        return NAN
    return 1.0 if earned > 0 else 0.0


def _barrier(
    panel: Panel, row: int, column: int, *, sessions: int, upper: float, lower: float, intraday: bool
) -> tuple[float, int]:
    """Step forward from the row until a barrier is touched, the horizon ends, or the panel ends."""
    close = panel.close[:, column]
    highs, lows = (panel.high[:, column], panel.low[:, column]) if intraday else (close, close)
    horizon = row + sessions
    if row < 62:
        return NAN, horizon
    with np.errstate(invalid="ignore"):
        moves = np.log(close[1:] / close[:-1])  # the first stands on row 1
    window = np.r_[NAN, moves][row - 62 : row + 1]
    window = window[~np.isnan(window)]
    volatility = np.std(window, ddof=1) if len(window) >= 0.8 * 63 else NAN
    if np.isnan(close[row]) or np.isnan(volatility) or volatility == 0:
        return NAN, horizon
    width = volatility * np.sqrt(sessions)
    top, bottom = close[row] * np.exp(upper * width), close[row] * np.exp(-lower * width)
    for later in range(row + 1, min(horizon, len(close) - 1) + 1):
        is_above, is_below = highs[later] >= top, lows[later] <= bottom
        if is_above and is_below:
            return 0.0, later
        if is_above:
            return 1.0, later
        if is_below:
            return -1.0, later
    return (0.0 if horizon < len(close) else NAN), horizon


REFERENCE: dict[str, Callable[[Panel], Cells]] = {
    "return": lambda panel: _over_cells(panel, lambda r, c: (_forward(panel, r, c, 5), r + 5)),
    "rank": lambda panel: _over_cells(panel, lambda r, c: (_rank(panel, r, c, 5), r + 5)),
    "target": lambda panel: _over_cells(panel, lambda r, c: (_target(panel, r, c), r + 21)),
    "quintile": lambda panel: _over_cells(panel, lambda r, c: (_quintile(panel, r, c), r + 21)),
    "move": lambda panel: _over_cells(panel, lambda r, c: (_move(panel, r, c), r + 5)),
    "barrier": lambda panel: _over_cells(
        panel, lambda r, c: _barrier(panel, r, c, sessions=21, upper=1.0, lower=1.5, intraday=True)
    ),
    "close barrier": lambda panel: _over_cells(
        panel, lambda r, c: _barrier(panel, r, c, sessions=10, upper=1.0, lower=1.0, intraday=False)
    ),
}
