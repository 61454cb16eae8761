"""Distinguish a session that the provider lost for many names from individual stale names.

In such a session many names have the previous bar or one price all day. Where that price is the previous close, the bar
adds no level that could be wrong, and the next session's bar is compared with what was stored before. The finding then
stops the run of its own session, and does not count for the sessions after it. Uses no later row.
"""

from collections.abc import Iterator

import numpy as np

from tasks.data.gates.bars.flags import FlaggedBars, select
from tasks.data.gates.price_moves import BarHistory, Ints
from tasks.data.schema.records import Mask

RULES = frozenset({"repeated_bar", "flat_bar"})
MIN_NAMES = 8  # fewer may be stale each for a reason of its own


def of_lost_sessions(
    flagged: list[FlaggedBars], bars: BarHistory, is_bar: Mask, *, max_frac: float
) -> Iterator[FlaggedBars]:
    """Yield the flagged bars, with the severity "stop" for the unchanged closes of lost sessions.

    A session is lost if RULES flag more than `max_frac` of its bars, and at least MIN_NAMES. `is_bar`: not set aside.
    """
    rows = [one.rows for one in flagged if one.rule in RULES]
    stale = np.bincount(bars.day[np.unique(np.concatenate(rows))])
    names = np.bincount(bars.day)[: len(stale)]
    is_lost = (stale >= MIN_NAMES) & (stale > max_frac * names)
    for one in flagged:
        if one.rule not in RULES:
            yield one
            continue
        days = bars.day[one.rows]
        is_stop = is_lost[days] & _is_unchanged(bars, one.rows) & is_bar[one.rows - 1]
        yield select(one.rule, "stop", one.rows, is_stop, one.evidence)
        yield select(one.rule, one.severity, one.rows, ~is_stop, one.evidence)


def _is_unchanged(bars: BarHistory, rows: Ints) -> Mask:
    """Return which rows have the previous bar's close, if that bar had prices of its own.

    A bar without any is no evidence: the level that it repeats may be a wrong one.
    """
    before = rows - 1
    is_own = (bars.high[before] > bars.low[before]) & ~bars.is_copy[before]
    result: Mask = (bars.move[rows] == 0.0) & is_own
    return result
