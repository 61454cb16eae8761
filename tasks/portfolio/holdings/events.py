"""Find a company's current symbol and the splits of its shares, across symbol changes.

A symbol and a session identify a company; a symbol alone does not, because symbols are reused. Used by the daily run
and by backtests.
"""

from datetime import date
from typing import NamedTuple

import numpy as np
import pandas as pd

from tasks.data.panel.companies import CompanyIndex


class Events(NamedTuple):
    """Companies, and their splits by today's symbol: columns symbol, session, split (new shares per old one)."""

    companies: CompanyIndex
    splits: pd.DataFrame


def events_of(actions: pd.DataFrame, companies: CompanyIndex) -> Events:
    """Return the splits among the actions, each under its company's current symbol."""
    rows = actions[(actions["split"] > 0) & (actions["split"] != 1)]
    company = companies.of_frame(rows, "session") if len(rows) else np.zeros(0, dtype=np.int64)
    today = [
        str(companies.names[position]) if position >= 0 else str(symbol)
        for position, symbol in zip(company, rows["symbol"], strict=True)
    ]
    splits = pd.DataFrame({"symbol": pd.Series(today, dtype="str"), "session": rows["session"].to_numpy()})
    return Events(companies, splits.assign(split=rows["split"].to_numpy(dtype=float)))


def symbol_today(symbol: str, session: date, companies: CompanyIndex) -> str:
    """Return the current symbol of the company that had `symbol` on the session; an unknown one is unchanged."""
    position = companies.of_rows(
        np.array([symbol]), np.zeros(1, dtype=np.int64), np.array([session], dtype="datetime64[D]")
    )[0]
    return symbol if position < 0 else str(companies.names[position])
