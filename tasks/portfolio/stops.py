"""Stop losses: determine which names fell too far below their recent high. They are sold if held, and not bought.

Measured from closes alone. Alternatives considered: the average cost of a position, and its highest close since it was
bought. Neither is stored (a person declares shares), each would make the decision depend on how a position came about,
and neither says when a name may be bought again. A fall is the same for a name that is held and one that is not, so a
name that was sold by its stop is not bought while the stop holds.
"""

from typing import NamedTuple

import numpy as np

from config.sections import Regime
from tasks.portfolio.arrays import Mask, Matrix, Vector
from tasks.portfolio.limits import TOLERANCE


class StopWindow(NamedTuple):
    """The closes that a stop reads. `high_sessions` 0: no state has a stop."""

    high_sessions: int
    pause_sessions: int

    @property
    def sessions(self) -> int:
        """The number of sessions read, counted back from the decision's; 0 without stops."""
        return self.high_sessions + self.pause_sessions - 1 if self.high_sessions else 0


NO_STOPS = StopWindow(0, 0)


def stop_window(regime: Regime) -> StopWindow:
    """Return the closes that the stops of these settings read."""
    has_stop = any(fraction > 0 for fraction in regime.stop_loss_frac.values())
    return StopWindow(regime.stop_high_sessions, regime.stop_pause_sessions) if has_stop else NO_STOPS


def recent_fall(close: Matrix, window: StopWindow) -> Vector:
    """Return the largest fall of each name: a fraction, 0 without closes or without stops.

    For each of the last `pause_sessions` closes, the fall is measured from the highest of the `high_sessions` closes up
    to it. `close` are total-return levels, oldest first, NaN without a bar. If there are fewer sessions than the
    window, all of them are used. Splits and dividends do not count as a fall.
    """
    fall = np.zeros(close.shape[1])
    if not window.sessions:
        return fall
    known = np.where(close > 0, close, np.nan)[-window.sessions :]
    for row in range(max(len(known) - window.pause_sessions, 0), len(known)):
        high = np.fmax.reduce(known[max(row + 1 - window.high_sessions, 0) : row + 1], axis=0)
        fall = np.fmax(fall, 1 - known[row] / high)
    return fall


def is_stopped(fall: Vector, stop_loss_frac: float) -> Mask:
    """Return which names fell further than the stop; none if it is 0, and none of unknown (NaN) fall."""
    fell: Mask = fall > stop_loss_frac + TOLERANCE
    return fell if stop_loss_frac > 0 else np.zeros(len(fall), dtype=bool)
