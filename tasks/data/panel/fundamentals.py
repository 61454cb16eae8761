"""Forward-fill each published item over the sessions on which it was the latest known."""

from itertools import pairwise

import numpy as np
import pandas as pd

from tasks.data.panel.companies import CompanyIndex
from tasks.data.panel.grid import Grid, days_of
from tasks.data.schema.records import Days, Matrix

MAX_FILING_AGE = np.timedelta64(456, "D")  # fifteen months: an annual report may be three months late


def fundamentals_by_session(
    grid: Grid, frame: pd.DataFrame, companies: CompanyIndex, window: Days
) -> dict[str, Matrix]:
    """Return each item of the latest period public by each session (sessions × companies); NaN when too old."""
    items = [name for name in frame.columns if name not in {"symbol", "end_date", "available_date", "known"}]
    if not items:
        return {}
    company = companies.of_frame(frame, "available_date")
    column = np.where(company >= 0, grid.column_of[company], -1)
    public = np.maximum(days_of(frame["available_date"]), days_of(frame["known"]))
    period = days_of(frame["end_date"])
    order = np.lexsort((period, public, column))
    order = order[column[order] >= 0]
    events = pd.DataFrame({"column": column[order], "period": period[order].astype(np.int64)})
    newest = events.groupby("column")["period"].cummax() == events["period"]
    order, events = order[newest], events[newest]
    values = frame[items].iloc[order].groupby(events["column"].to_numpy()).ffill().to_numpy(dtype=np.float64)
    at = np.full((len(window), grid.shape[1]), -1, dtype=np.int64)
    bounds = np.searchsorted(events["column"].to_numpy(), np.arange(grid.shape[1] + 1))
    for c, (a, b) in enumerate(pairwise(bounds.tolist())):
        since = public[order[a:b]]
        last = np.searchsorted(since, window, side="right") - 1
        is_recent = last >= 0
        is_recent[is_recent] = window[is_recent] - since[last[is_recent]] <= MAX_FILING_AGE
        at[:, c] = np.where(is_recent, a + last, -1)
    return {
        name: np.where(at >= 0, values[at, i], np.nan) if len(values) else np.full(at.shape, np.nan)
        for i, name in enumerate(items)
    }
