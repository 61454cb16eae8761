"""Decide who may be bought on each session: in the index, priced, liquid, old enough, not in quarantine (D8).

Every row is decided by that row and earlier ones alone. Never looks at scores, holdings or what came after.
"""

import numpy as np
from numpy.typing import NDArray

from tasks.data.schema.records import Mask, Matrix, PanelRules

VOLUME_SESSIONS = 21
LOOKBACK_SESSIONS = VOLUME_SESSIONS - 1  # rows before the first decided one that a decision needs

Ints = NDArray[np.int64]


def decide_members(
    raw_close: Matrix,
    dollar_volume: Matrix,
    *,
    in_index: Mask,
    quarantined: Mask,
    age: Ints,
    rules: PanelRules,
) -> Mask:
    """Return who is in the universe. `age` counts sessions since a company's first bar, 1 on that day.

    A missing bar counts as no trading; a name without a bar on the session is not in the universe.
    """
    with np.errstate(invalid="ignore"):
        is_priced = raw_close >= rules.min_price_usd  # False where NaN
        is_traded = dollar_volume >= rules.min_dollar_volume_usd
    return (
        is_priced & in_index & ~quarantined & (age >= rules.min_history_sessions) & median_reaches(is_traded)
    )


def median_reaches(is_enough: Mask) -> Mask:
    """Tell where the median of the last 21 values reaches a floor, given which values reach it.

    The median of an odd number of values reaches a floor exactly when more than half of them do, so that counting
    replaces sorting. Rows before the first count as falling short.
    """
    counted = np.cumsum(is_enough, axis=0, dtype=np.int32)
    counted[VOLUME_SESSIONS:] -= counted[:-VOLUME_SESSIONS].copy()
    return counted > VOLUME_SESSIONS // 2
