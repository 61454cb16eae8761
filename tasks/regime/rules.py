"""Turn measurements into a state: rules anyone can follow, quick to believe the worse and slow to believe the better.

Volatility speaks first, because it turns within days; trend, breadth, correlation and drawdown, which turn within
months, confirm a bear and can veto a bull. Causal and finite: a session's state depends on its own and the few
sessions before it, never on how far back the reader began. A missing measurement counts as the worst it could be,
so the state is the safest one that the other measurements support (fault 26).
"""

import numpy as np
from numpy.typing import NDArray

from config import sections
from tasks.regime.inputs import Inputs
from tasks.regime.schema import STATES

Ranks = NDArray[np.int64]  # positions in STATES (0 is the worst), or counts

CRASH, BEAR, NEUTRAL, BULL = range(len(STATES))


def regime_path(inputs: Inputs, rules: sections.Regime) -> Ranks:
    """Return the believed state of every session, as positions in STATES."""
    return believe(
        reading(inputs, rules), worsen_sessions=rules.worsen_sessions, confirm_sessions=rules.confirm_sessions
    )


def reading(inputs: Inputs, rules: sections.Regime) -> Ranks:
    """Return what each session says by itself, before anything is confirmed."""
    worst = _missing_as_worst(inputs)
    signs = signs_of_weakness(worst, rules)
    is_narrow_fall = (worst.breadth < rules.crash_breadth) & (worst.drawdown <= -rules.crash_drawdown)
    is_crash = (worst.volatility_pct >= rules.crash_volatility) & is_narrow_fall
    # realised volatility looks back: it would call a panic for weeks after its end
    is_panic = (worst.volatility_pct >= rules.panic_volatility) & (worst.trend < 0) & ~worst.is_realised
    is_bear = (worst.volatility_pct >= rules.bear_volatility) & (signs >= rules.bear_signs)
    is_bull = (worst.volatility_pct < rules.calm_volatility) & (signs <= rules.bull_signs)
    return np.select([is_crash | is_panic, is_bear, is_bull], [CRASH, BEAR, BULL], NEUTRAL).astype(np.int64)


def signs_of_weakness(inputs: Inputs, rules: sections.Regime) -> Ranks:
    """Count how many of four hold: below the mean of 200 sessions, narrow, in step, far below the high."""
    signs = (
        inputs.trend < 0,
        inputs.breadth < rules.weak_breadth,
        inputs.correlation > rules.weak_correlation,
        inputs.drawdown <= -rules.weak_drawdown,
    )
    counted: Ranks = np.sum(signs, axis=0, dtype=np.int64)
    return counted


def believe(readings: Ranks, *, worsen_sessions: int, confirm_sessions: int) -> Ranks:
    """Return the state that is believed: no better than the worst of the last `confirm_sessions`.

    A worse reading counts once it has stood `worsen_sessions` in a row, so one bad print moves nothing; an
    improvement has to stand through the whole confirmation, so a market at a boundary does not flap (fault 27).
    """
    settled = _over_last(readings, worsen_sessions, np.maximum)
    return _over_last(settled, confirm_sessions, np.minimum)


def memory(rules: sections.Regime) -> int:
    """Return how many earlier readings can bear on a session's state."""
    return rules.worsen_sessions + rules.confirm_sessions - 2


def _over_last(ranks: Ranks, sessions: int, extreme: np.ufunc) -> Ranks:
    found = ranks.copy()
    for lag in range(1, min(sessions, len(ranks))):
        found[lag:] = extreme(found[lag:], ranks[: len(ranks) - lag])
    return found


def _missing_as_worst(inputs: Inputs) -> Inputs:
    return Inputs(
        trend=np.nan_to_num(inputs.trend, nan=-np.inf, neginf=-np.inf),
        volatility_pct=np.nan_to_num(inputs.volatility_pct, nan=np.inf, posinf=np.inf),
        breadth=np.nan_to_num(inputs.breadth, nan=0.0),
        correlation=np.nan_to_num(inputs.correlation, nan=1.0),
        drawdown=np.nan_to_num(inputs.drawdown, nan=-1.0),
        is_realised=inputs.is_realised,
        is_cross_section=inputs.is_cross_section,
        is_everybody=inputs.is_everybody,
    )
