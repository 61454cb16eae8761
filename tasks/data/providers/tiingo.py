"""Tiingo: unadjusted end-of-day prices with the dividends and splits of each day, one request per symbol."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd
import requests
from requests.auth import AuthBase

from tasks.core.errors import DataError
from tasks.core.homes.run import Run
from tasks.data.providers.base import Delivery, delivered
from tasks.data.providers.frames import merged_actions, typed
from tasks.data.providers.http.keys import read_keys
from tasks.data.providers.http.rate_limits import RateLimiter
from tasks.data.providers.http.session import ProviderSession, parsing
from tasks.data.providers.wanted import first_day, read_symbols, refuse_unready, with_benchmark
from tasks.data.schema.columns import COLUMNS, EVERY_TABLE, Table

SHARES: frozenset[Table] = frozenset({"bars", "actions"})
URL = "https://api.tiingo.com"

Row = Mapping[str, Any]


def make(run: Run) -> "TiingoProvider":
    """Return the provider for the settings, with the key from the environment."""
    return TiingoProvider(run)


class TiingoProvider:
    """Tiingo's daily prices."""

    name = "tiingo"

    def __init__(self, run: Run, *, url: str = URL) -> None:
        self._settings = run.settings.data
        self._symbols = read_symbols(self._settings.symbols_file, self.name)
        self._url = url
        keys = read_keys(self.name)
        self._session = ProviderSession(
            RateLimiter(
                run.home.requests_file, self.name, self._settings.tiingo.rate_limit, self._settings.network
            ),
            keys,
        )
        # as auth: a .netrc on the machine does not override it
        self._session.auth = _Token(keys["TIINGO_API_KEY"])

    @property
    def capabilities(self) -> frozenset[Table]:
        return with_benchmark(SHARES, self._settings.benchmark)

    def fetch(self, *, after: date | None, through: date, tables: frozenset[Table] = EVERY_TABLE) -> Delivery:
        """Fetch each symbol's days later than `after` and the 14 days before them, which may have been restated."""
        self._session.begin_refresh()
        tables &= self.capabilities
        since = first_day(after, self._settings.first_session)
        parts: dict[Table, pd.DataFrame] = {}
        if tables & {"bars", "actions"}:
            days = {symbol: self._days(symbol, since, through) for symbol in self._symbols}
            with parsing(self.name):
                parts["bars"] = _bars(days)
                parts["actions"] = _actions(days, since, through)
        if "levels" in tables:
            days = {self._settings.benchmark: self._days(self._settings.benchmark, since, through)}
            with parsing(self.name):
                parts["levels"] = _levels(days)
        if "bars" in tables:
            refuse_unready(parts["bars"], through, self.name)
        return delivered(parts, tables)

    def _days(self, symbol: str, begin: date, through: date) -> Sequence[Row]:
        """Return the symbol's days; none for one that Tiingo does not know."""
        query = {"startDate": begin.isoformat(), "endDate": through.isoformat()}
        address = f"{self._url}/tiingo/daily/{symbol.replace('.', '-')}/prices"
        try:
            answer = self._session.get(address, params=query)
        except DataError as error:
            if error.fields.get("status") == 404:
                return ()
            raise
        days: Sequence[Row] = answer.json()
        return days


class _Token(AuthBase):
    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Token {self._key}"
        return request


def _bars(days: Mapping[str, Sequence[Row]]) -> pd.DataFrame:
    rows = [
        (symbol, d["date"][:10], d["open"], d["high"], d["low"], d["close"], d["volume"])
        for symbol, given in days.items()
        for d in given
    ]
    return typed("bars", pd.DataFrame(rows, columns=list(COLUMNS["bars"])))


def _actions(days: Mapping[str, Sequence[Row]], since: date, through: date) -> pd.DataFrame:
    rows = [
        (symbol, d["date"][:10], float(d["divCash"]), float(d["splitFactor"]))
        for symbol, given in days.items()
        for d in given
        if d["divCash"] != 0 or d["splitFactor"] != 1
    ]
    return merged_actions(rows, since=since, through=through)


def _levels(days: Mapping[str, Sequence[Row]]) -> pd.DataFrame:
    rows = [
        (name, d["date"][:10], d["open"], d["high"], d["low"], d["close"], d["adjClose"])
        for name, given in days.items()
        for d in given
    ]
    return typed("levels", pd.DataFrame(rows, columns=list(COLUMNS["levels"])))
