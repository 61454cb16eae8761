"""Decide which names may be bought on each session: members, priced, liquid, seasoned, not in quarantine.

A row depends only on itself and earlier rows. Never uses scores or holdings.
"""

import numpy as np
from numpy.typing import NDArray

from tasks.data.schema.records import Mask, Matrix, PanelRules

VOLUME_SESSIONS = 21
LOOKBACK_SESSIONS = VOLUME_SESSIONS - 1  # rows needed before the first decided row

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
    """Return the universe (sessions × companies). `age` counts sessions since a company's first bar, 1 on that day.

    A missing bar counts as zero volume; a name without a bar on the session is not in the universe.
    """
    with np.errstate(invalid="ignore"):
        is_priced = raw_close >= rules.min_price_usd  # False where NaN
        is_traded = dollar_volume >= rules.min_dollar_volume_usd
    return (
        is_priced & in_index & ~quarantined & (age >= rules.min_history_sessions) & median_reaches(is_traded)
    )


def median_reaches(is_enough: Mask) -> Mask:
    """Return where the median of the last 21 values reaches a floor, given which values reach it.

    The median of an odd number of values reaches a floor exactly when more than half of them do, so counting
    replaces sorting. Rows before the first count as below the floor.
    """
    counted = np.cumsum(is_enough, axis=0, dtype=np.int32)
    counted[VOLUME_SESSIONS:] -= counted[:-VOLUME_SESSIONS].copy()
    return counted > VOLUME_SESSIONS // 2
