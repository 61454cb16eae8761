"""Distinguish a session that the provider lost for many names from individual stale names.

In such a session many names have the previous bar or one price all day. Where that price is the previous close, the bar
adds no level that could be wrong, and the next session's bar is compared with what was stored before. The finding then
counts for its own session, which is not traded on, and not for the sessions after it. Uses no later row.
"""

from collections.abc import Iterable, Iterator

import numpy as np

from tasks.data.gates.bars.flags import FlaggedBars, select
from tasks.data.gates.price_moves import BarHistory
from tasks.data.schema.records import Mask

RULES = frozenset({"repeated_bar", "flat_bar"})
MIN_NAMES = 8  # fewer may be stale each for a reason of its own


def of_lost_sessions(
    flagged: Iterable[FlaggedBars], bars: BarHistory, is_bar: Mask, *, max_frac: float
) -> Iterator[FlaggedBars]:
    """Yield the flagged bars, with the severity "stop" for the unchanged closes of lost sessions.

    A session is lost if the rules flag more than `max_frac` of its bars, and at least MIN_NAMES. `is_bar`: not set
    aside.
    """
    flagged = list(flagged)
    rows = np.unique(
        np.concatenate([np.zeros(0, np.int64), *(one.rows for one in flagged if one.rule in RULES)])
    )
    days = np.bincount(bars.day) if len(rows) else np.zeros(0)
    stale = np.bincount(bars.day[rows], minlength=len(days))
    is_lost = (stale >= MIN_NAMES) & (stale > max_frac * days)
    for one in flagged:
        if one.rule not in RULES or not is_lost.any():
            yield one
            continue
        with np.errstate(invalid="ignore"):
            is_unchanged = is_lost[bars.day[one.rows]] & (bars.move[one.rows] == 0.0) & is_bar[one.rows - 1]
        yield select(one.rule, "stop", one.rows, is_unchanged, one.evidence)
        yield select(one.rule, one.severity, one.rows, ~is_unchanged, one.evidence)
