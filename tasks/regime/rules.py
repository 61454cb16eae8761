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
REPLAYED_SESSIONS = (
    126  # each state replays the readings of half a year; on real prices before 2016, 63 almost suffice
)


def regime_path(inputs: RegimeInputs, rules: sections.Regime) -> Ranks:
    """Return the confirmed state of each session, as positions in STATES."""
    return confirmed_states(
        raw_states(inputs, rules),
        raw_states(inputs, rules, margin=rules.improve_margin),
        worsen_sessions=rules.worsen_sessions,
        confirm_sessions=rules.confirm_sessions,
        crash_confirm_sessions=rules.crash_confirm_sessions,
    )


def raw_states(inputs: RegimeInputs, rules: sections.Regime, *, margin: float = 0.0) -> Ranks:
    """Return the state of each session by its own inputs, before confirmation.

    `margin`: fraction by which the volatility limits of BEAR and BULL are lowered, for readings that improve a state.
    """
    worst = _missing_as_worst(inputs)
    signs = signs_of_weakness(worst, rules)
    is_crash = (worst.volatility_pct >= rules.crash_volatility) & (worst.breadth < rules.crash_breadth)
    # realized volatility looks back: it would signal a panic for weeks after its end
    is_panic = (worst.volatility_pct >= rules.panic_volatility) & (worst.trend < 0) & ~worst.is_realised
    scale = 1 - margin
    is_bear = (worst.volatility_pct >= rules.bear_volatility * scale) & (signs >= rules.bear_signs)
    is_bull = (worst.volatility_pct < rules.calm_volatility * scale) & (signs <= rules.bull_signs)
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


def confirmed_states(
    raw: Ranks,
    strict: Ranks,
    *,
    worsen_sessions: int,
    confirm_sessions: int,
    crash_confirm_sessions: int,
) -> Ranks:
    """Return the confirmed states: each replays the last REPLAYED_SESSIONS sessions, beginning at the raw state.

    A state worsens to the best of the last `worsen_sessions` raw readings, so that one bad print changes nothing. It
    improves to the worst of the last `confirm_sessions` strict readings, so that a market at a boundary does not flip
    back and forth. CRASH becomes BEAR after `crash_confirm_sessions` without a CRASH reading.
    """
    worst = _over_last(raw, worsen_sessions, np.maximum)
    left_crash = np.where(_over_last(raw, crash_confirm_sessions, np.minimum) > CRASH, BEAR, CRASH)
    best = np.maximum(_over_last(strict, confirm_sessions, np.minimum), left_crash)
    state = _before(raw, REPLAYED_SESSIONS)
    for lag in range(REPLAYED_SESSIONS - 1, -1, -1):
        state = np.minimum(np.maximum(state, _before(best, lag)), _before(worst, lag))
    return state


def confirming(rules: sections.Regime) -> int:
    """Return the number of sessions whose readings can change the last state."""
    return rules.worsen_sessions + max(rules.confirm_sessions, rules.crash_confirm_sessions) - 1


def memory(rules: sections.Regime) -> int:
    """Return the number of earlier sessions that can affect a state."""
    longest = max(rules.worsen_sessions, rules.confirm_sessions, rules.crash_confirm_sessions)
    return REPLAYED_SESSIONS + longest - 1


def _before(ranks: Ranks, lag: int) -> Ranks:
    """Return the value `lag` sessions earlier, the first one where there is none."""
    rows = np.arange(len(ranks)) - lag
    earlier: Ranks = ranks[np.maximum(rows, 0)]
    return earlier


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
