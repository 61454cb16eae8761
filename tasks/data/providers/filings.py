"""Compute trailing twelve-month items from quarterly and annual filings, as of the day each filing became public.

A 10-Q reports one quarter and a 10-K the whole year; the fourth quarter is never reported separately. So at a 10-Q, the
trailing twelve months are the last fiscal year, plus the year to date, minus the year to date a year earlier, all as
published by then. What cannot be computed is missing.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import pandas as pd

PERIOD = "period_focus"  # Q1, Q2, Q3 or FY; this column identifies a table of filings
FLOWS = {"net_income": "earnings", "revenues": "revenue"}
STOCKS = {"equity": "book", "assets": "assets", "cash": "cash"}
NUMBERS = (*FLOWS, *STOCKS, "eps_basic")
MIN_EPS = 0.10  # EPS is rounded to cents: below this, shares derived from it are too imprecise
YEAR_DAYS, SLACK_DAYS = 365, 20  # quarters end on nearly the same day each year
MAX_YEAR_AGE_DAYS = 300  # maximum age of the last fiscal year at a quarter's end


class _Period(NamedTuple):
    """One fiscal period: the number of its last day, and its flows."""

    end: int
    flows: tuple[float, ...]


@dataclass
class _Company:
    """The filings of one company so far."""

    years: dict[int, _Period] = field(default_factory=dict)
    quarters: dict[int, _Period] = field(default_factory=dict)

    def trailing(self, end: int) -> tuple[float, ...]:
        """Return the flows of the four quarters up to a quarter's end; NaN where a part is missing."""
        missing = (np.nan,) * len(FLOWS)
        ended = [year for year in self.years if 0 < end - year <= MAX_YEAR_AGE_DAYS]
        if not ended:
            return missing
        year = max(ended)
        since = [quarter for at, quarter in self.quarters.items() if year < at <= end]
        before = [self._year_before(quarter) for quarter in since]
        known = [quarter for quarter in before if quarter is not None]
        if len(known) < len(since) or len(since) != round((end - year) / (YEAR_DAYS / 4)):
            return missing
        total = np.array(self.years[year].flows)
        total += np.sum([quarter.flows for quarter in since], axis=0)
        total -= np.sum([quarter.flows for quarter in known], axis=0)
        return tuple(total.tolist())

    def _year_before(self, quarter: _Period) -> _Period | None:
        near = [at for at in self.quarters if abs(quarter.end - at - YEAR_DAYS) <= SLACK_DAYS]
        return self.quarters[near[0]] if near else None


def last_four_quarters(filings: pd.DataFrame) -> pd.DataFrame:
    """Return one row per filing: earnings and revenue of four quarters, balance sheet items, and shares."""
    ordered = filings.sort_values(["symbol", "available_date", "end_date"], kind="stable", ignore_index=True)
    flows = np.array(list(_trailing(ordered))).reshape(-1, len(FLOWS))
    eps = ordered["eps_basic"].where(ordered["eps_basic"].abs() >= MIN_EPS)
    shares = ordered["net_income"] / eps
    return pd.DataFrame(
        {
            **{name: ordered[name] for name in ("symbol", "end_date", "available_date")},
            **dict(zip(FLOWS.values(), flows.T, strict=True)),
            **{name: ordered[column] for column, name in STOCKS.items()},
            "shares": shares.where(shares > 0),
        }
    )


def _trailing(ordered: pd.DataFrame) -> Iterator[tuple[float, ...]]:
    companies: dict[str, _Company] = {}
    ends = ordered["end_date"].to_numpy().astype("datetime64[D]").astype(np.int64).tolist()
    flows = ordered[list(FLOWS)].to_numpy(dtype=np.float64).tolist()
    for symbol, kind, end, values in zip(ordered["symbol"], ordered[PERIOD], ends, flows, strict=True):
        company = companies.setdefault(symbol, _Company())
        period = _Period(end, tuple(values))
        if kind == "FY":
            company.years[end] = period
            yield period.flows
        else:
            company.quarters[end] = period
            yield company.trailing(end)
