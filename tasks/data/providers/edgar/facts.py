"""Extract a company's reports from EDGAR's company facts: one row per quarterly or annual report.

A report repeats items of earlier periods; only items of its own period are used, as reported there, so that a
correction takes effect with the report that makes it.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from tasks.data.providers.filings import NUMBERS, PERIOD

FORMS = frozenset({"10-Q", "10-K", "10-Q/A", "10-K/A"})
# the XBRL tags of an item; the first that a report has is used
TAGS: Mapping[str, tuple[str, ...]] = {
    "net_income": ("NetIncomeLoss", "ProfitLoss"),
    "revenues": (
        "Revenues",
        "RevenueFromContractWithCustomerExcludingAssessedTax",
        "RevenueFromContractWithCustomerIncludingAssessedTax",
        "SalesRevenueNet",
    ),
    "equity": (
        "StockholdersEquity",
        "StockholdersEquityIncludingPortionAttributableToNoncontrollingInterest",
    ),
    "assets": ("Assets",),
    "cash": (
        "CashAndCashEquivalentsAtCarryingValue",
        "CashCashEquivalentsRestrictedCashAndRestrictedCashEquivalents",
    ),
    "eps_basic": ("EarningsPerShareBasic", "EarningsPerShareBasicAndDiluted"),
}
UNITS = ("USD", "USD/shares")
QUARTER_DAYS, YEAR_DAYS = range(80, 101), range(340, 386)  # some years have 53 weeks

Facts = Mapping[str, Any]


def reports_of(symbol: str, facts: Facts) -> pd.DataFrame:
    """Return the company's reports with their filing dates; items that a report lacks are NaN."""
    reports: dict[str, dict[str, Any]] = {}
    for fact in _facts(facts, "net_income"):
        report = reports.get(fact["accn"])
        if _is_of_its_period(fact) and (report is None or fact["end"] > report["end_date"]):
            reports[fact["accn"]] = {"end_date": fact["end"], "filed": fact["filed"], PERIOD: fact["fp"]}
    for item in NUMBERS:
        for fact in _facts(facts, item):
            report = reports.get(fact["accn"])
            if report and fact["end"] == report["end_date"] and _is_of_its_period(fact):
                report.setdefault(item, fact["val"])
    frame = pd.DataFrame(list(reports.values()), columns=["end_date", "filed", PERIOD, *NUMBERS])
    days = {name: pd.to_datetime(frame[name]).astype("datetime64[s]") for name in ("end_date", "filed")}
    return frame.assign(symbol=symbol, **days).astype(dict.fromkeys(NUMBERS, np.float64) | {"symbol": "str"})


def _facts(facts: Facts, item: str) -> Iterator[Facts]:
    """Yield the facts for the item in quarterly and annual reports, the preferred tag first."""
    for tag in TAGS[item]:
        units = facts.get(tag, {}).get("units", {})
        for unit in UNITS:
            yield from (fact for fact in units.get(unit, ()) if fact["form"] in FORMS and fact["fp"])


def _is_of_its_period(fact: Facts) -> bool:
    """Return whether the fact covers the report's own period: a quarter or a year; True for balance sheet items."""
    if "start" not in fact:
        return True
    days = (date.fromisoformat(fact["end"]) - date.fromisoformat(fact["start"])).days + 1
    return days in (YEAR_DAYS if fact["fp"] == "FY" else QUARTER_DAYS)
