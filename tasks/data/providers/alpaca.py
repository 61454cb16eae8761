"""Alpaca: raw daily bars, corporate actions and the benchmark, through alpaca-py (docs/providers.md).

Alpaca files data under the symbol in force on each session, so a company is requested under all of its symbols. It
reports no values for spin-offs and stock mergers: the quality gates detect the price move instead.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pandas as pd

from tasks.core.homes.run import Run
from tasks.core.sessions import EXCHANGE_TIME_ZONE, sessions_ending
from tasks.data.providers.base import Delivery, delivered
from tasks.data.providers.frames import merged_actions, typed
from tasks.data.providers.http.cache import cached
from tasks.data.providers.http.keys import read_keys
from tasks.data.providers.http.rate_limits import RateLimiter
from tasks.data.providers.http.session import ProviderSession, parsing
from tasks.data.providers.wanted import batches, first_day, read_symbols, refuse_unready, with_benchmark
from tasks.data.schema.columns import COLUMNS, EVERY_TABLE, Table
from tasks.data.schema.symbols import is_safe_symbol

if TYPE_CHECKING:
    from alpaca.common.rest import RESTClient

Event = Mapping[str, Any]
Events = Mapping[str, Sequence[Event]]

NEW_YORK = ZoneInfo(EXCHANGE_TIME_ZONE)
SYMBOLS_AT_ONCE = 100  # keeps URLs short and memory small
ACTIONS_BEGIN = date(2020, 7, 1)  # bars begin in 2016, but without splits and dividends before this date
AHEAD = timedelta(days=120)  # actions are filed by processing date: for a dividend, weeks after its ex-date
ASSETS_MAX_AGE = timedelta(days=1)
SHARES: frozenset[Table] = frozenset({"bars", "actions", "renames", "delistings"})
EXCHANGES = frozenset({"NYSE", "NASDAQ"})
ACTION_TYPES = (
    "forward_split",
    "reverse_split",
    "stock_dividend",
    "cash_dividend",
    "name_change",
    "cash_merger",
    "worthless_removal",
)
SPLITS = ("forward_splits", "reverse_splits")


def make(run: Run) -> "AlpacaProvider":
    """Return the provider for the settings, with the keys from the environment."""
    return AlpacaProvider(run)


class AlpacaProvider:
    """Alpaca's market data."""

    name = "alpaca"

    def __init__(self, run: Run, *, data_url: str | None = None, trading_url: str | None = None) -> None:
        data = run.settings.data
        self._settings = data
        self._keys = read_keys(self.name)
        limiter = RateLimiter(run.home.requests_file, self.name, data.alpaca.rate_limit, data.network)
        self._session = ProviderSession(limiter, self._keys)
        self._assets_file = run.home.answers / "alpaca-assets.json"
        self._data_url, self._trading_url = data_url, trading_url

    @property
    def capabilities(self) -> frozenset[Table]:
        return with_benchmark(SHARES, self._settings.benchmark)

    def fetch(self, *, after: date | None, through: date, tables: frozenset[Table] = EVERY_TABLE) -> Delivery:
        """Fetch the sessions later than `after` and the 14 days before them, which may have been restated."""
        self._session.begin_refresh()
        tables &= self.capabilities
        since = first_day(after, self._begin)
        found: dict[Table, pd.DataFrame] = {}
        with parsing(self.name):
            if tables & SHARES:
                found |= self._shares(tables, since, through)
            if "levels" in tables:
                found["levels"] = self._levels(since, through)
        if "bars" in tables:
            refuse_unready(found["bars"], through, self.name)
        return delivered(found, tables)

    @property
    def _begin(self) -> date:
        return max(self._settings.first_session, ACTIONS_BEGIN)

    def _shares(self, tables: frozenset[Table], since: date, through: date) -> dict[Table, pd.DataFrame]:
        """Return the tables for the symbols, and for their companies under earlier symbols."""
        symbols = self._symbols()
        early = max(since - AHEAD, self._begin)  # a late dividend belongs to earlier actions of its ex-date
        events = self._events(symbols, early, through)
        renames = _renames(events, through)
        until = _former_names(symbols, renames, since)
        found: dict[Table, pd.DataFrame] = {
            "actions": _actions(events, self._begin, since, through),
            "renames": renames,
            "delistings": _delistings(events, through),
        }
        if "bars" in tables:
            found["bars"] = self._daily(symbols, since, through)
        if until:
            former = _actions(self._events(sorted(until), early, through), self._begin, since, through)
            found["actions"] = _with_former(found["actions"], former, until)
            if "bars" in tables:
                found["bars"] = _with_former(found["bars"], self._daily(sorted(until), since, through), until)
        return found

    def _symbols(self) -> tuple[str, ...]:
        if self._settings.symbols_file is not None:
            return read_symbols(self._settings.symbols_file, self.name)
        return tuple(cached(self._assets_file, self._listed, max_age=ASSETS_MAX_AGE))

    def _listed(self) -> list[str]:
        """Return every share that is tradable today on the two large exchanges."""
        from alpaca.trading.client import TradingClient
        from alpaca.trading.enums import AssetClass, AssetStatus
        from alpaca.trading.requests import GetAssetsRequest

        client = self._client(TradingClient, self._trading_url)
        wanted = GetAssetsRequest(status=AssetStatus.ACTIVE, asset_class=AssetClass.US_EQUITY)
        with parsing(self.name):
            return sorted(
                asset["symbol"]
                for asset in client.get_all_assets(wanted)
                if asset["tradable"] and asset["exchange"] in EXCHANGES and is_safe_symbol(asset["symbol"])
            )

    def _events(self, symbols: Sequence[str], begin: date, through: date) -> Events:
        from alpaca.data.enums import CorporateActionsType
        from alpaca.data.historical.corporate_actions import CorporateActionsClient
        from alpaca.data.requests import CorporateActionsRequest

        client = self._client(CorporateActionsClient, self._data_url)
        events: dict[str, list[Event]] = {}
        for portion in batches(symbols, SYMBOLS_AT_ONCE):
            request = CorporateActionsRequest(
                symbols=portion,
                types=[CorporateActionsType(name) for name in ACTION_TYPES],
                start=begin,
                end=through + AHEAD,
                limit=None,
            )
            for kind, found in client.get_corporate_actions(request).items():
                events.setdefault(kind, []).extend(found)
        return events

    def _levels(self, begin: date, through: date) -> pd.DataFrame:
        benchmark = [self._settings.benchmark]
        raw = self._daily(benchmark, begin, through)
        total = self._daily(benchmark, begin, through, adjustment="all").set_index("session")["close"]
        levels = raw.rename(columns={"symbol": "name"})
        return levels.assign(adj_close=levels["session"].map(total))[list(COLUMNS["levels"])]

    def _daily(
        self, symbols: Sequence[str], begin: date, through: date, *, adjustment: str = "raw"
    ) -> pd.DataFrame:
        from alpaca.data.enums import Adjustment, DataFeed
        from alpaca.data.historical.stock import StockHistoricalDataClient
        from alpaca.data.requests import StockBarsRequest
        from alpaca.data.timeframe import TimeFrame

        client = self._client(StockHistoricalDataClient, self._data_url)
        parts = []
        for portion in batches(symbols, SYMBOLS_AT_ONCE):
            request = StockBarsRequest(
                symbol_or_symbols=portion,
                timeframe=TimeFrame.Day,
                start=_midnight(begin),
                end=_midnight(through),  # timestamp of the last day's bar; later ones require a paid plan
                adjustment=Adjustment(adjustment),
                feed=DataFeed(self._settings.alpaca.feed),
                asof="-",  # no symbol mapping: each bar under the symbol of its day
            )
            rows = [
                (symbol, b["t"], b["o"], b["h"], b["l"], b["c"], b["v"])
                for symbol, bars in client.get_stock_bars(request).items()
                for b in bars
            ]
            parts.append(pd.DataFrame(rows, columns=list(COLUMNS["bars"])))
        frame = pd.concat(parts, ignore_index=True)
        stamps = pd.to_datetime(frame["session"], utc=True).dt.tz_convert(NEW_YORK)
        return typed("bars", frame.assign(session=stamps.dt.tz_localize(None).dt.normalize()))

    def _client(self, kind: Callable[..., "RESTClient"], url: str | None) -> Any:
        """Return a client that returns plain JSON and uses our session: its own has no timeout and fixed pauses."""
        key, secret = self._keys.values()
        client = kind(api_key=key, secret_key=secret, raw_data=True, url_override=url)
        client._session = self._session  # noqa: SLF001 - it offers no other way
        return client


def _midnight(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=NEW_YORK)


def _actions(events: Events, begin: date, since: date, through: date) -> pd.DataFrame:
    """Return the actions with an ex-date or a filing since `since`, none with an ex-date before `begin`."""
    filed = [(e, float(e["rate"]), 1.0) for e in events.get("cash_dividends", ())]
    filed += [(e, 0.0, 1.0 + e["rate"]) for e in events.get("stock_dividends", ())]
    filed += [(e, 0.0, e["new_rate"] / e["old_rate"]) for kind in SPLITS for e in events.get(kind, ())]
    is_news = {
        (e["symbol"], e["ex_date"]) for e, *_ in filed if max(e["ex_date"], e["process_date"]) >= str(since)
    }
    rows = [
        (e["symbol"], e["ex_date"], dividend, split)
        for e, dividend, split in filed
        if (e["symbol"], e["ex_date"]) in is_news
    ]
    return merged_actions(rows, since=begin, through=through)


def _renames(events: Events, through: date) -> pd.DataFrame:
    rows = [(e["old_symbol"], e["new_symbol"], e["process_date"]) for e in events.get("name_changes", ())]
    frame = typed("renames", pd.DataFrame(rows, columns=list(COLUMNS["renames"])))
    changed = frame[(frame["old"] != frame["new"]) & (frame["session"] <= pd.Timestamp(through))]
    return changed.drop_duplicates(ignore_index=True)


def _delistings(events: Events, through: date) -> pd.DataFrame:
    """Return cash mergers and worthless removals; `session` is the last one before the effective date."""
    rows = [
        (e["acquiree_symbol"], e["effective_date"], "merger", float(e["rate"]))
        for e in events.get("cash_mergers", ())
    ]
    rows += [
        (e["symbol"], e["process_date"], "bankruptcy", 0.0) for e in events.get("worthless_removals", ())
    ]
    rows_through = [
        (symbol, _session_before(date.fromisoformat(day)), kind, price)
        for symbol, day, kind, price in rows
        if date.fromisoformat(day) <= through
    ]
    return typed("delistings", pd.DataFrame(rows_through, columns=list(COLUMNS["delistings"])))


def _session_before(day: date) -> date:
    before: date = sessions_ending(day - timedelta(days=1), 1)[0].item()
    return before


def _with_former(
    frame: pd.DataFrame, former: pd.DataFrame, until: Mapping[str, pd.Timestamp]
) -> pd.DataFrame:
    """Add the rows of earlier symbols, for as long as they were the company's."""
    is_ours = former["session"] < former["symbol"].map(until)
    return pd.concat([frame, former[is_ours]], ignore_index=True)


def _former_names(symbols: Sequence[str], renames: pd.DataFrame, since: date) -> dict[str, pd.Timestamp]:
    """Return each earlier symbol with the session from which it no longer belonged to the company."""
    return {
        old: session
        for old, session in _backwards(set(symbols), renames)
        if session > pd.Timestamp(since) and old not in symbols
    }


def _backwards(names: set[str], renames: pd.DataFrame) -> Iterator[tuple[str, pd.Timestamp]]:
    """Yield the renames that lead to one of the names, latest first, so that chains are followed."""
    latest_first = renames.sort_values("session", ascending=False, kind="stable")
    for old, new, session in latest_first.itertuples(index=False):
        if new in names:
            names.add(old)
            yield old, session
