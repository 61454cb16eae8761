"""Forward-fill each published item over the sessions on which it was the latest known."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd

from tasks.data.panel.companies import CompanyIndex
from tasks.data.panel.grid import days_of
from tasks.data.schema.records import Matrix, Panel

MAX_FILING_AGE = np.timedelta64(456, "D")  # fifteen months: an annual report may be three months late


def with_fundamentals(panel: Panel, filings: pd.DataFrame, companies: CompanyIndex) -> Panel:
    """Return the panel with each item of `filings`, the stored table; without items, with none."""
    return replace(panel, fundamentals=_by_session(panel, filings, companies))


def _by_session(panel: Panel, frame: pd.DataFrame, companies: CompanyIndex) -> dict[str, Matrix]:
    """Return each item of the latest period public by each session (sessions × companies); NaN when too old."""
    items = [name for name in frame.columns if name not in {"symbol", "end_date", "available_date", "known"}]
    if not items:
        return {}
    company = companies.of_frame(frame, "available_date")
    column_of = np.full(len(companies.names) + 1, -1)  # the last one: of rows without a company
    column_of[np.searchsorted(companies.names, panel.symbols)] = np.arange(len(panel.symbols))
    column = column_of[company]
    public = np.maximum(days_of(frame["available_date"]), days_of(frame["known"]))
    period = days_of(frame["end_date"])
    order = np.lexsort((period, public, column))
    order = order[column[order] >= 0]
    events = pd.DataFrame({"column": column[order], "period": period[order].astype(np.int64)})
    newest = events.groupby("column")["period"].cummax() == events["period"]
    order, events = order[newest], events[newest]
    values = frame[items].iloc[order].groupby(events["column"].to_numpy()).ffill().to_numpy(dtype=np.float64)
    window, columns = panel.sessions, len(panel.symbols)
    at = np.full((len(window), columns), -1, dtype=np.int64)
    bounds = np.searchsorted(events["column"].to_numpy(), np.arange(columns + 1))
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
