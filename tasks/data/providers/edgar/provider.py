"""EDGAR, of the Securities and Exchange Commission: companies' names, their business, and what they reported.

The Commission's industry code stands in for a sector (sectors.py). It is undated, so it is taken as true of every day.
A report counts from the session after the day it was filed on: many are filed after the close.
"""

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

import pandas as pd

from tasks.core.errors import DataError
from tasks.core.homes.run import Run
from tasks.data.providers.base import Delivery, delivered
from tasks.data.providers.edgar.facts import FORMS, reports_of
from tasks.data.providers.filings import last_four_quarters
from tasks.data.providers.frames import typed
from tasks.data.providers.http.cache import remembered
from tasks.data.providers.http.keys import IDENTITY, read_keys
from tasks.data.providers.http.pace import Turns
from tasks.data.providers.http.session import PoliteSession, understanding
from tasks.data.providers.sectors import sector_of
from tasks.data.providers.wanted import first_day, read_symbols, sessions_after
from tasks.data.schema.columns import ALWAYS, COLUMNS, EVERY_TABLE, Table, empty

SITE, DATA = "https://www.sec.gov", "https://data.sec.gov"
REGISTER_LASTS = timedelta(hours=12)  # reports are filed every day
FIRST_FILING = date(2000, 1, 3)  # facts begin in 2009

Company = Mapping[str, Any]


def make(run: Run) -> "EdgarProvider":
    """Return EDGAR with the identity of the environment."""
    return EdgarProvider(run)


class EdgarProvider:
    """EDGAR's register of companies and their reports."""

    name = "edgar"
    capabilities: frozenset[Table] = frozenset({"listings", "fundamentals"})

    def __init__(self, run: Run, *, site_url: str = SITE, data_url: str = DATA) -> None:
        self._settings = run.settings.data
        self._symbols = read_symbols(self._settings.symbols_file, self.name)
        self._memory = run.home.answers / "edgar"
        self._site_url, self._data_url = site_url, data_url
        identity = read_keys(self.name)
        turns = Turns(run.home.requests_file, self.name, self._settings.edgar.pace, self._settings.network)
        self._session = PoliteSession(turns, identity)
        self._session.headers["User-Agent"] = identity[IDENTITY]  # the Commission's rule

    def fetch(self, *, after: date | None, through: date, tables: frozenset[Table] = EVERY_TABLE) -> Delivery:
        """Return the whole register, and the reports since `after` and a fortnight before."""
        tables &= self.capabilities
        if not tables:
            return Delivery()
        self._session.begin_refresh()
        since = first_day(after, FIRST_FILING)  # what was filed before the first bar is known on it
        found: dict[Table, pd.DataFrame] = {}
        with understanding(self.name):
            numbers = remembered(self._memory / "numbers.json", self._ask_numbers, for_=REGISTER_LASTS)
            companies = {name: self._company(numbers[name]) for name in self._symbols if name in numbers}
            found["listings"] = _listings(companies)
            if "fundamentals" in tables:
                filed = {
                    name: company for name, company in companies.items() if company["filed"] >= str(since)
                }
                reports = [reports_of(name, self._facts(company)) for name, company in filed.items()]
                found["fundamentals"] = _fundamentals(reports, since, through)
        return delivered(found, tables)

    def _ask_numbers(self) -> dict[str, int]:
        """Return each company's number by its symbols, written as on the exchange."""
        answer: dict[str, Any] = self._session.get(f"{self._site_url}/files/company_tickers.json").json()
        return {row["ticker"].replace("-", "."): int(row["cik_str"]) for row in answer.values()}

    def _company(self, number: int) -> Company:
        """Return what the register says of the company, with the day of its last report."""

        def ask() -> Company:
            answer = self._session.get(f"{self._data_url}/submissions/CIK{number:010d}.json").json()
            recent = answer["filings"]["recent"]
            filed = [
                day for form, day in zip(recent["form"], recent["filingDate"], strict=True) if form in FORMS
            ]
            return {
                "number": number,
                "name": answer["name"],
                "sic": answer["sic"],
                "filed": max(filed, default=""),
            }

        return remembered(self._memory / f"{number}.json", ask, for_=REGISTER_LASTS)

    def _facts(self, company: Company) -> Mapping[str, Any]:
        """Return the company's facts by name; none of one that never reported in this form."""
        number: int = company["number"]
        try:
            answer = self._session.get(f"{self._data_url}/api/xbrl/companyfacts/CIK{number:010d}.json").json()
        except DataError as error:
            if error.fields.get("status") == 404:
                return {}
            raise
        facts: Mapping[str, Any] = answer["facts"].get("us-gaap", {})
        return facts


def _listings(companies: Mapping[str, Company]) -> pd.DataFrame:
    rows = [(symbol, c["name"], sector_of(c["sic"]), "", ALWAYS) for symbol, c in companies.items()]
    return typed("listings", pd.DataFrame(rows, columns=list(COLUMNS["listings"])))


def _fundamentals(reports: list[pd.DataFrame], since: date, through: date) -> pd.DataFrame:
    """Return the figures that features use, of each report that became public within the days."""
    if not any(len(frame) for frame in reports):
        return empty("fundamentals")
    every = pd.concat([frame for frame in reports if len(frame)], ignore_index=True)
    every = every[every["filed"] <= pd.Timestamp(through)]
    public = sessions_after(every["filed"].to_numpy().astype("datetime64[D]"), FIRST_FILING, through)
    figures = last_four_quarters(every.assign(available_date=public.astype("datetime64[s]")))
    day = figures["available_date"]
    is_wanted = (day >= pd.Timestamp(since)) & (day <= pd.Timestamp(through))
    wanted = figures[is_wanted].drop_duplicates(["symbol", "end_date", "available_date"], keep="last")
    return wanted.reset_index(drop=True)
