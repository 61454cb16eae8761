"""Yahoo Finance through yfinance, an optional extra, for personal use only (docs/providers.md).

Yahoo adjusts all history for splits. The adjustment is undone here with the later splits, so that bars and dividends
are delivered unadjusted.
"""

from collections.abc import Mapping
from datetime import date
from typing import Any

import pandas as pd

from tasks.core.errors import ConfigError, TransientError
from tasks.core.homes.run import Run
from tasks.data.providers.base import Delivery, delivered
from tasks.data.providers.frames import merged_actions, typed
from tasks.data.providers.http.rate_limits import RateLimiter, with_retries
from tasks.data.providers.wanted import first_day, read_symbols, refuse_unready
from tasks.data.schema.columns import COLUMNS, EVERY_TABLE, Table

PRICE_COLUMNS = {"Open": "open", "High": "high", "Low": "low", "Close": "close"}
PLACES = 4  # decimals of the finest quotes; removes the rounding noise of the conversion


def make(run: Run) -> "YahooProvider":
    """Return the provider for the settings."""
    return YahooProvider(run)


class YahooProvider:
    """Yahoo's daily prices."""

    name = "yahoo"
    capabilities: frozenset[Table] = frozenset({"bars", "actions", "levels"})

    def __init__(self, run: Run, *, browser: Any = None) -> None:
        """`browser` is a curl_cffi session, created if None."""
        try:
            import yfinance
            from curl_cffi.requests import Session
        except ImportError as error:
            raise ConfigError(
                "yahoo needs the package yfinance.",
                remedy="Install it (pip install 'afterclose[yahoo]'), or remove yahoo from data.provider.",
                key="data.provider",
            ) from error
        self._settings = run.settings.data
        self._symbols = read_symbols(self._settings.symbols_file, self.name)
        self._limiter = RateLimiter(
            run.home.requests_file, self.name, self._settings.yahoo.rate_limit, self._settings.network
        )
        self._browser = _with_request_timeout(browser or Session(impersonate="chrome"), self._limiter)
        cache = run.home.answers / "yahoo"  # its default is in the user's own directories
        cache.mkdir(parents=True, exist_ok=True)
        yfinance.set_tz_cache_location(str(cache))
        yfinance.config.debug.hide_exceptions = False  # an error must not look like a symbol without bars

    def fetch(self, *, after: date | None, through: date, tables: frozenset[Table] = EVERY_TABLE) -> Delivery:
        """Fetch each symbol's days later than `after` and the 14 days before them, which may have been restated."""
        self._limiter.begin_refresh()
        tables &= self.capabilities
        since = first_day(after, self._settings.first_session)
        found: dict[Table, pd.DataFrame] = {}
        if tables & {"bars", "actions"}:
            days = {symbol: self._days(symbol.replace(".", "-"), since) for symbol in self._symbols}
            found["bars"] = _until(through, _bars(days))
            found["actions"] = _actions(days, since, through)
        if "levels" in tables:
            names = (self._settings.benchmark, self._settings.volatility_index)
            found["levels"] = _until(through, _levels({name: self._days(name, since) for name in names}))
        if "bars" in tables:
            refuse_unready(found["bars"], through, self.name)
        return delivered(found, tables)

    def _days(self, symbol: str, since: date) -> pd.DataFrame:
        """Return the symbol's days up to now, unadjusted; empty for a symbol that Yahoo does not know."""
        given = with_retries(self._limiter, lambda: self._ask(symbol, since))
        return _unadjusted(given) if len(given) else given

    def _ask(self, symbol: str, since: date) -> pd.DataFrame:
        import yfinance
        from yfinance.data import YfData
        from yfinance.exceptions import YFException

        YfData.cache_get.cache_clear()  # it also caches failures
        ticker = yfinance.Ticker(symbol, session=self._browser)
        try:
            days: pd.DataFrame = ticker.history(
                start=since.isoformat(),
                auto_adjust=False,
                actions=True,
            )
        except (YFException, OSError, LookupError, ValueError, TypeError, AttributeError) as error:
            if _is_unknown_symbol(error):
                return pd.DataFrame()
            raise TransientError(
                f"yahoo did not return a complete response for {symbol}: {type(error).__name__}.",
                remedy="Nothing was stored; run again later, or use another provider in data.provider.",
                provider=self.name,
            ) from error
        return days


def _with_request_timeout(browser: Any, limiter: RateLimiter) -> Any:
    """Apply the request timeout to every request that yfinance makes with the session."""
    ask = browser.request

    def request(*arguments: Any, **named: Any) -> Any:
        return ask(*arguments, **{**named, "timeout": limiter.request_timeout_s()})

    browser.request = request
    return browser


def _is_unknown_symbol(error: Exception) -> bool:
    """Return whether Yahoo says that it has no such symbol; the library raises similar errors for failures."""
    from yfinance.exceptions import YFPricesMissingError, YFTzMissingError

    if isinstance(error, YFPricesMissingError):
        return error.yahoo_reason is not None
    status = getattr(getattr(error, "response", None), "status_code", None)
    return isinstance(error, YFTzMissingError) or status == 404


def _unadjusted(given: pd.DataFrame) -> pd.DataFrame:
    """Return Yahoo's days with prices, volumes and dividends in the shares of each day."""
    splits = given["Stock Splits"].where(given["Stock Splits"] > 0, 1.0)
    later = splits[::-1].cumprod()[::-1].shift(-1, fill_value=1.0)
    prices = given[list(PRICE_COLUMNS)].mul(later, axis="index").round(PLACES).rename(columns=PRICE_COLUMNS)
    return prices.assign(
        session=pd.DatetimeIndex(given.index).tz_localize(None).normalize(),
        adj_close=given["Adj Close"],
        volume=(given["Volume"] / later).round(),
        dividend=given["Dividends"] * later,
        split=splits,
    )


def _bars(days: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    return typed("bars", _stacked(days, "symbol", list(COLUMNS["bars"])))


def _levels(days: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    return typed("levels", _stacked(days, "name", list(COLUMNS["levels"])))


def _actions(days: Mapping[str, pd.DataFrame], since: date, through: date) -> pd.DataFrame:
    every = _stacked(days, "symbol", list(COLUMNS["actions"]))
    rows = every[(every["dividend"] != 0) | (every["split"] != 1)]
    return merged_actions(list(rows.itertuples(index=False, name=None)), since=since, through=through)


def _stacked(days: Mapping[str, pd.DataFrame], label: str, columns: list[str]) -> pd.DataFrame:
    frames = [frame.assign(**{label: name}) for name, frame in days.items() if len(frame)]
    if not frames:
        return pd.DataFrame(columns=columns)
    return pd.concat(frames, ignore_index=True)[columns]


def _until(through: date, frame: pd.DataFrame) -> pd.DataFrame:
    return frame[frame["session"] <= pd.Timestamp(through)].reset_index(drop=True)
