"""Derive the state of each session from its inputs: quick to worsen, slow to improve.

Volatility comes first, because it turns within days; trend, breadth, correlation and drawdown, which turn within
months, confirm a bear market and can rule out a bull market. Causal, with a finite memory: a state does not depend on
where the panel begins. A missing input counts as its worst value, so that the state is the safest one that the others
support.
"""

import numpy as np
from numpy.typing import NDArray

from config import sections
from tasks.regime.inputs import RegimeInputs
from tasks.regime.schema import STATES

Ranks = NDArray[np.int64]  # positions in STATES (0 is the worst), or counts

CRASH, BEAR, NEUTRAL, BULL = range(len(STATES))


def regime_path(inputs: RegimeInputs, rules: sections.Regime) -> Ranks:
    """Return the confirmed state of each session, as positions in STATES."""
    return confirmed_states(
        raw_states(inputs, rules),
        worsen_sessions=rules.worsen_sessions,
        confirm_sessions=rules.confirm_sessions,
    )


def raw_states(inputs: RegimeInputs, rules: sections.Regime) -> Ranks:
    """Return the state of each session by its own inputs, before confirmation."""
    worst = _missing_as_worst(inputs)
    signs = signs_of_weakness(worst, rules)
    is_narrow_fall = (worst.breadth < rules.crash_breadth) & (worst.drawdown <= -rules.crash_drawdown)
    is_crash = (worst.volatility_pct >= rules.crash_volatility) & is_narrow_fall
    # realised volatility looks back: it would signal a panic for weeks after its end
    is_panic = (worst.volatility_pct >= rules.panic_volatility) & (worst.trend < 0) & ~worst.is_realised
    is_bear = (worst.volatility_pct >= rules.bear_volatility) & (signs >= rules.bear_signs)
    is_bull = (worst.volatility_pct < rules.calm_volatility) & (signs <= rules.bull_signs)
    return np.select([is_crash | is_panic, is_bear, is_bull], [CRASH, BEAR, BULL], NEUTRAL).astype(np.int64)


def signs_of_weakness(inputs: RegimeInputs, rules: sections.Regime) -> Ranks:
    """Count the signs of weakness: below the 200-session mean, narrow, correlated, far below the high."""
    signs = (
        inputs.trend < 0,
        inputs.breadth < rules.weak_breadth,
        inputs.correlation > rules.weak_correlation,
        inputs.drawdown <= -rules.weak_drawdown,
    )
    count: Ranks = np.sum(signs, axis=0, dtype=np.int64)
    return count


def confirmed_states(raw: Ranks, *, worsen_sessions: int, confirm_sessions: int) -> Ranks:
    """Return the confirmed states: each no better than the worst settled state of the last `confirm_sessions`.

    A worse state settles after `worsen_sessions` in a row, so that one bad print changes nothing; a better one must
    hold for `confirm_sessions`, so that a market at a boundary does not flip back and forth.
    """
    settled = _over_last(raw, worsen_sessions, np.maximum)
    return _over_last(settled, confirm_sessions, np.minimum)


def memory(rules: sections.Regime) -> int:
    """Return the number of earlier sessions that can affect a state."""
    return rules.worsen_sessions + rules.confirm_sessions - 2


def _over_last(ranks: Ranks, sessions: int, extreme: np.ufunc) -> Ranks:
    found = ranks.copy()
    for lag in range(1, min(sessions, len(ranks))):
        found[lag:] = extreme(found[lag:], ranks[: len(ranks) - lag])
    return found


def _missing_as_worst(inputs: RegimeInputs) -> RegimeInputs:
    return RegimeInputs(
        trend=np.nan_to_num(inputs.trend, nan=-np.inf, neginf=-np.inf),
        volatility_pct=np.nan_to_num(inputs.volatility_pct, nan=np.inf, posinf=np.inf),
        breadth=np.nan_to_num(inputs.breadth, nan=0.0),
        correlation=np.nan_to_num(inputs.correlation, nan=1.0),
        drawdown=np.nan_to_num(inputs.drawdown, nan=-1.0),
        is_realised=inputs.is_realised,
        is_cross_section=inputs.is_cross_section,
        is_all_names=inputs.is_all_names,
    )
