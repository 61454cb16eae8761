"""EDGAR, of the Securities and Exchange Commission: what companies are called and what business they are in.

The Commission's industry code stands in for a sector (sectors.py). It is undated, so it is taken as true of every day.
"""

from datetime import date, timedelta
from typing import Any

import pandas as pd

from tasks.core.run import Run
from tasks.data.providers.base import ALWAYS, COLUMNS, EVERY_TABLE, Delivery, Table, delivered
from tasks.data.providers.frames import typed
from tasks.data.providers.keys import read_keys
from tasks.data.providers.memory import remembered
from tasks.data.providers.pace import Turns
from tasks.data.providers.sectors import sector_of
from tasks.data.providers.session import PoliteSession, understanding
from tasks.data.providers.wanted import read_symbols

SITE, DATA = "https://www.sec.gov", "https://data.sec.gov"
NUMBERS_LAST, COMPANY_LASTS = timedelta(days=1), timedelta(days=30)


def make(run: Run) -> "EdgarProvider":
    """Return EDGAR with the identity of the environment."""
    return EdgarProvider(run)


class EdgarProvider:
    """EDGAR's register of companies."""

    name = "edgar"
    capabilities: frozenset[Table] = frozenset({"listings"})

    def __init__(self, run: Run, *, site_url: str = SITE, data_url: str = DATA) -> None:
        settings = run.settings.data
        self._symbols = read_symbols(settings.symbols_file, self.name)
        self._memory = run.home.answers / "edgar"
        self._site_url, self._data_url = site_url, data_url
        identity = read_keys(self.name)
        self._session = PoliteSession(Turns(run.home.requests_file, self.name, settings.edgar.pace), identity)
        self._session.headers["User-Agent"] = identity["EDGAR_IDENTITY"]  # the Commission's rule

    def fetch(
        self,
        *,
        after: date | None,  # noqa: ARG002 - the register is undated: every day's answer is the same
        through: date,  # noqa: ARG002 - as above
        tables: frozenset[Table] = EVERY_TABLE,
    ) -> Delivery:
        """Return the whole table."""
        if "listings" not in tables:
            return Delivery()
        with understanding(self.name):
            numbers = remembered(self._memory / "numbers.json", self._ask_numbers, for_=NUMBERS_LAST)
            known = [symbol for symbol in self._symbols if symbol in numbers]
            rows = [(symbol, *self._company(numbers[symbol])) for symbol in known]
            frame = pd.DataFrame(rows, columns=["symbol", "name", "sector"])
            listings = typed("listings", frame.assign(cap_class="", available_date=ALWAYS))
        return delivered({"listings": listings[list(COLUMNS["listings"])]}, tables)

    def _company(self, number: int) -> tuple[str, str]:
        def ask() -> list[str]:
            answer = self._session.get(f"{self._data_url}/submissions/CIK{number:010d}.json").json()
            return [str(answer["name"]), str(answer["sic"])]

        name, code = remembered(self._memory / f"{number}.json", ask, for_=COMPANY_LASTS)
        return name, sector_of(code)

    def _ask_numbers(self) -> dict[str, int]:
        """Return each company's number by its symbols, written as on the exchange."""
        answer: dict[str, Any] = self._session.get(f"{self._site_url}/files/company_tickers.json").json()
        return {row["ticker"].replace("-", "."): int(row["cik_str"]) for row in answer.values()}
