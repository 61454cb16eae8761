"""Find a company's current symbol and the splits of its shares, across symbol changes; carry shares through splits.

A symbol and a session identify a company; a symbol alone does not, because symbols are reused. Data files state a ratio
as a decimal, which cannot express 1/3: a decimal that agrees with a simple ratio in six significant digits is read as
that ratio, so that 30 shares at 0.333333 become 10. Used by the daily run and by backtests.
"""

from collections.abc import Iterable
from datetime import date
from fractions import Fraction
from math import prod
from typing import NamedTuple

import numpy as np
import pandas as pd

from tasks.data.panel.companies import CompanyIndex

LARGEST_DENOMINATOR = 100
SAME_RATIO = Fraction(5, 10**6)  # relative difference of a number rounded to six significant digits


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


def exact_ratio(split: float) -> Fraction:
    """Return new shares per old share as a ratio. `split` is finite and positive."""
    written = Fraction(repr(float(split)))
    simple = written.limit_denominator(LARGEST_DENOMINATOR)
    return simple if abs(simple - written) <= SAME_RATIO * written else written


def split_shares(shares: float, splits: Iterable[float]) -> Fraction:
    """Return the shares, possibly a fraction, that `shares` become after these splits."""
    return Fraction(repr(float(shares))) * prod((exact_ratio(split) for split in splits), start=Fraction(1))
