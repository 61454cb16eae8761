"""EDGAR, of the Securities and Exchange Commission (SEC): company names, industries and reports.

The SEC's industry code is mapped to a sector (providers/sectors). It is undated, so it applies to every day. A report
is known from the session after its filing date: many are filed after the close.
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
from tasks.data.providers.http.cache import cached
from tasks.data.providers.http.keys import IDENTITY, read_keys
from tasks.data.providers.http.rate_limits import RateLimiter
from tasks.data.providers.http.session import ProviderSession, parsing
from tasks.data.providers.sectors import sector_of
from tasks.data.providers.wanted import first_day, read_symbols, sessions_after
from tasks.data.schema.columns import ALWAYS, COLUMNS, EVERY_TABLE, Table, empty

SITE, DATA = "https://www.sec.gov", "https://data.sec.gov"
REGISTER_MAX_AGE = timedelta(hours=12)  # reports are filed every day
FIRST_FILING = date(2000, 1, 3)  # facts begin in 2009

Company = Mapping[str, Any]


def make(run: Run) -> "EdgarProvider":
    """Return the provider with the identity from the environment."""
    return EdgarProvider(run)


class EdgarProvider:
    """EDGAR's register of companies and their reports."""

    name = "edgar"
    capabilities: frozenset[Table] = frozenset({"listings", "fundamentals"})

    def __init__(self, run: Run, *, site_url: str = SITE, data_url: str = DATA) -> None:
        self._settings = run.settings.data
        self._symbols = read_symbols(self._settings.symbols_file, self.name)
        self._cache_dir = run.home.answers / "edgar"
        self._site_url, self._data_url = site_url, data_url
        identity = read_keys(self.name)
        limiter = RateLimiter(
            run.home.requests_file, self.name, self._settings.edgar.rate_limit, self._settings.network
        )
        self._session = ProviderSession(limiter, identity)
        self._session.headers["User-Agent"] = identity[IDENTITY]  # required by the SEC

    def fetch(self, *, after: date | None, through: date, tables: frozenset[Table] = EVERY_TABLE) -> Delivery:
        """Return the whole register, and the reports from 14 days before `after` on."""
        tables &= self.capabilities
        if not tables:
            return Delivery()
        self._session.begin_refresh()
        since = first_day(after, FIRST_FILING)  # earlier filings are known on the first bar
        found: dict[Table, pd.DataFrame] = {}
        with parsing(self.name):
            numbers = cached(self._cache_dir / "numbers.json", self._fetch_numbers, max_age=REGISTER_MAX_AGE)
            companies = {name: self._company(numbers[name]) for name in self._symbols if name in numbers}
            found["listings"] = _listings(companies)
            if "fundamentals" in tables:
                filed = {
                    name: company for name, company in companies.items() if company["filed"] >= str(since)
                }
                reports = [reports_of(name, self._facts(company)) for name, company in filed.items()]
                found["fundamentals"] = _fundamentals(reports, since, through)
        return delivered(found, tables)

    def _fetch_numbers(self) -> dict[str, int]:
        """Return the CIK number by symbol, symbols as on the exchange."""
        answer: dict[str, Any] = self._session.get(f"{self._site_url}/files/company_tickers.json").json()
        return {row["ticker"].replace("-", "."): int(row["cik_str"]) for row in answer.values()}

    def _company(self, number: int) -> Company:
        """Return the company's register entry with the date of its last report."""

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

        return cached(self._cache_dir / f"{number}.json", ask, max_age=REGISTER_MAX_AGE)

    def _facts(self, company: Company) -> Mapping[str, Any]:
        """Return the company's facts by tag; empty for a company that never reported in XBRL."""
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
    """Return the items of each report that became public from `since` through `through`."""
    if not any(len(frame) for frame in reports):
        return empty("fundamentals")
    every = pd.concat([frame for frame in reports if len(frame)], ignore_index=True)
    every = every[every["filed"] <= pd.Timestamp(through)]
    public = sessions_after(every["filed"].to_numpy().astype("datetime64[D]"), FIRST_FILING, through)
    items = last_four_quarters(every.assign(available_date=public.astype("datetime64[s]")))
    day = items["available_date"]
    is_wanted = (day >= pd.Timestamp(since)) & (day <= pd.Timestamp(through))
    wanted = items[is_wanted].drop_duplicates(["symbol", "end_date", "available_date"], keep="last")
    return wanted.reset_index(drop=True)
