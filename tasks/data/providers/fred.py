"""FRED, of the Federal Reserve Bank of St. Louis: the three-month Treasury bill and the volatility index.

A yield is known from the session after its day, when the Federal Reserve publishes it. The volatility index is public
at its close, but FRED has it only the next morning.
"""

from collections.abc import Sequence
from datetime import date

import numpy as np
import pandas as pd

from tasks.core.errors import ConfigError, DataError
from tasks.core.homes.run import Run
from tasks.data.providers.base import Delivery, delivered
from tasks.data.providers.frames import typed
from tasks.data.providers.http.keys import read_keys
from tasks.data.providers.http.rate_limits import RateLimiter
from tasks.data.providers.http.session import ProviderSession, parsing
from tasks.data.providers.wanted import MAX_BREAK, first_day, sessions_after
from tasks.data.schema.columns import COLUMNS, EVERY_TABLE, Table

URL = "https://api.stlouisfed.org"
BILL, VOLATILITY = "DTB3", "VIXCLS"
VOLATILITY_INDEX = "^VIX"

Observation = tuple[date, float]


def make(run: Run) -> "FredProvider":
    """Return the provider with the key from the environment."""
    return FredProvider(run)


class FredProvider:
    """FRED's daily series."""

    name = "fred"

    def __init__(self, run: Run, *, url: str = URL) -> None:
        self._settings = run.settings.data
        self._url = url
        self._keys = read_keys(self.name)
        self._session = ProviderSession(
            RateLimiter(
                run.home.requests_file, self.name, self._settings.fred.rate_limit, self._settings.network
            ),
            self._keys,
        )

    @property
    def capabilities(self) -> frozenset[Table]:
        has_level = self._settings.volatility_index == VOLATILITY_INDEX
        return frozenset[Table](["riskfree", "levels"] if has_level else ["riskfree"])

    def fetch(self, *, after: date | None, through: date, tables: frozenset[Table] = EVERY_TABLE) -> Delivery:
        """Fetch the days later than `after` and the 14 days before them, because values are published late."""
        self._session.begin_refresh()
        tables &= self.capabilities
        since = first_day(after, self._settings.first_session)
        found: dict[Table, pd.DataFrame] = {}
        if "riskfree" in tables:
            found["riskfree"] = _yields(self._series(BILL, since - MAX_BREAK, through), since, through)
        if "levels" in tables:
            found["levels"] = _levels(self._series(VOLATILITY, since, through))
        return delivered(found, tables)

    def _series(self, name: str, since: date, through: date) -> Sequence[Observation]:
        query = {
            "series_id": name,
            "file_type": "json",
            "observation_start": since.isoformat(),
            "observation_end": through.isoformat(),
        }
        keyed = {**query, "api_key": self._keys["FRED_API_KEY"]}  # FRED accepts it nowhere else
        try:
            answer = self._session.get(f"{self._url}/fred/series/observations", params=keyed)
        except DataError as error:
            if "api_key" in error.what:
                raise ConfigError(
                    error.what,
                    remedy="Check FRED_API_KEY in the environment (docs/providers.md).",
                    status=400,
                ) from None
            raise
        with parsing(self.name):
            return [
                (date.fromisoformat(row["date"]), float(row["value"]))
                for row in answer.json()["observations"]
                if row["value"] != "."  # a holiday
            ]


def _yields(observed: Sequence[Observation], since: date, through: date) -> pd.DataFrame:
    """Return each yield on the session on which it was public."""
    days = np.array([day for day, _ in observed], dtype="datetime64[D]")
    published = sessions_after(days, since - MAX_BREAK, through)
    frame = pd.DataFrame({"session": published, "yield_pct": [value for _, value in observed]})
    is_wanted = (frame["session"] >= pd.Timestamp(since)) & (frame["session"] <= pd.Timestamp(through))
    # two days share a session when the bond market trades and the exchange does not: the later one wins
    return typed("riskfree", frame[is_wanted].drop_duplicates("session", keep="last", ignore_index=True))


def _levels(observed: Sequence[Observation]) -> pd.DataFrame:
    """Return the closes as levels; FRED has no open, high or low."""
    rows = [(VOLATILITY_INDEX, day, *[close] * 5) for day, close in observed]
    return typed("levels", pd.DataFrame(rows, columns=list(COLUMNS["levels"])))
