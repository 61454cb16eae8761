"""A small market as a provider delivers it, and a provider that serves it session by session, in memory."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from config.settings import Settings
from tasks.core.homes.home import Home
from tasks.core.homes.run import Run
from tasks.core.sessions import session_on, sessions_ending
from tasks.data import task
from tasks.data.providers.base import Delivery
from tasks.data.schema.columns import COLUMNS, EVERY_TABLE, Table
from tasks.data.schema.records import Market
from tests.builders import FRIDAY, make_settings

SMALL = {
    "data.universe.min_history_sessions": 5,
    "data.quality.max_quarantined_frac": 0.5,
    "data.quality.min_present_frac": 0.5,
}
DATED = {"listings": "available_date", "fundamentals": "available_date", "members": "start"}


def make_bars(*rows: tuple[Any, ...]) -> pd.DataFrame:
    """Return bars from (symbol, day, open, high, low, close, volume) or from (symbol, day, close)."""
    full = [row if len(row) == 7 else (*row[:2], *[row[2]] * 4, 1_000_000) for row in rows]
    return typed("bars", pd.DataFrame(full, columns=list(COLUMNS["bars"])))


def typed(table: Table, frame: pd.DataFrame) -> pd.DataFrame:
    """Return the frame with the column types of the schema."""
    kinds = {"text": "str", "day": "datetime64[s]", "number": "float64"}
    columns = {name: kinds[kind] for name, kind in COLUMNS[table].items() if name in frame.columns}
    days = {name: pd.to_datetime(frame[name]) for name, kind in columns.items() if kind == "datetime64[s]"}
    return frame.assign(**days).astype(columns)


def make_delivery(*, sessions: int = 60, symbols: int = 6, last: date = FRIDAY, seed: int = 0) -> Delivery:
    """Return a random walk of S00, S01, …: S00 pays a dividend, S01 splits two for one, S02 files quarterly."""
    rng = np.random.default_rng(seed)
    days = sessions_ending(last, sessions).astype("datetime64[s]")
    names = [f"S{i:02d}" for i in range(symbols)]
    shape = (sessions, symbols)
    close = 40 * np.exp(np.cumsum(rng.normal(0, 0.015, shape), axis=0))
    splits = np.ones(shape)
    splits[sessions // 2 :, 1] = 2.0
    close = np.round(close / splits, 4)
    open_ = np.round(close * np.exp(rng.normal(0, 0.004, shape)), 4)
    bars = pd.DataFrame(
        {
            "symbol": np.tile(names, sessions),
            "session": np.repeat(days, symbols),
            "open": open_.ravel(),
            "high": np.maximum(open_, close).ravel() * 1.01,
            "low": np.minimum(open_, close).ravel() * 0.99,
            "close": close.ravel(),
            "volume": np.round(rng.uniform(5e5, 9e5, shape)).ravel(),
        }
    )
    middle, third = days[sessions // 2], days[sessions // 3]
    actions = [("S00", third, 0.5, 1.0), ("S01", middle, 0.0, 2.0)]
    market = np.round(100 * np.exp(np.cumsum(rng.normal(0, 0.01, sessions))), 4)
    return Delivery(
        bars=typed("bars", bars),
        actions=typed("actions", pd.DataFrame(actions, columns=list(COLUMNS["actions"]))),
        levels=typed("levels", pd.concat([_level("SPY", days, market), _level("^VIX", days, market / 5)])),
        listings=typed(
            "listings",
            pd.DataFrame(
                [(name, f"Company {name}", "Energy", "large", days[0]) for name in names],
                columns=list(COLUMNS["listings"]),
            ),
        ),
        members=typed(
            "members",
            pd.DataFrame([(name, days[0], None) for name in names], columns=list(COLUMNS["members"])),
        ),
        fundamentals=typed(
            "fundamentals",
            pd.DataFrame(
                [("S02", days[0], third, 1.5, 10.0), ("S02", third, middle, 1.7, 11.0)],
                columns=["symbol", "end_date", "available_date", "eps", "book"],
            ),
        ),
        riskfree=typed(
            "riskfree", pd.DataFrame({"session": days, "yield_pct": 4.0 + np.arange(sessions) / 100})
        ),
    )


def _level(name: str, days: np.ndarray, close: np.ndarray) -> pd.DataFrame:
    figures = dict.fromkeys(("open", "high", "low", "close"), close)
    return pd.DataFrame({"name": name, "session": days, **figures, "adj_close": close * 0.9})


class Served:
    """A provider with the whole delivery; returns what was known at the requested close."""

    name = "simulated"  # as the settings of `make_run` say
    capabilities: frozenset[Table] = frozenset(COLUMNS)

    def __init__(self, everything: Delivery) -> None:
        self.everything = everything
        self.asked: list[tuple[date | None, date]] = []

    def fetch(self, *, after: date | None, through: date, tables: frozenset[Table] = EVERY_TABLE) -> Delivery:
        self.asked.append((after, through))
        return cut(self.everything, after=after, through=through).only(tables)


def cut(delivery: Delivery, *, after: date | None, through: date) -> Delivery:
    """Return the rows of the sessions later than `after`; levels one session more, whole tables up to `through`."""
    parts: dict[str, pd.DataFrame] = {}
    for name in COLUMNS:
        frame = delivery.table(name)
        day = frame[DATED.get(name, "session")]
        keep = day <= pd.Timestamp(through)
        if after is not None and name in {"bars", "actions", "riskfree"}:
            keep &= day > pd.Timestamp(after)
        if after is not None and name == "levels":
            keep &= day >= pd.Timestamp(after)
        parts[name] = frame[keep].reset_index(drop=True)
    members = parts["members"]
    parts["members"] = members.assign(end=members["end"].where(members["end"] <= pd.Timestamp(through)))
    return Delivery(**parts)


def with_bars(delivery: Delivery, change: Mapping[tuple[str, date], Mapping[str, float]]) -> Delivery:
    """Return the delivery with some values of some bars replaced."""
    bars = delivery.bars.copy()
    for (symbol, day), figures in change.items():
        row = (bars["symbol"] == symbol) & (bars["session"] == pd.Timestamp(day))
        for name, value in figures.items():
            bars.loc[row, name] = value
    return replace(delivery, bars=bars)


def scaled(delivery: Delivery, symbol: str, day: date, factor: float) -> Delivery:
    """Return the delivery with all prices of one bar multiplied."""
    bars = delivery.bars.copy()
    row = (bars["symbol"] == symbol) & (bars["session"] == pd.Timestamp(day))
    for name in ("open", "high", "low", "close"):
        bars.loc[row, name] *= factor
    return replace(delivery, bars=bars)


def with_one_price(delivery: Delivery, names: int, day: date, times: float = 1.0) -> Delivery:
    """Return the delivery with the previous close, or a multiple of it, as the only price of these names."""
    bars = delivery.bars.sort_values(["symbol", "session"])
    before = bars.groupby("symbol")["close"].shift()[bars["session"] == pd.Timestamp(day)]
    symbols = bars.loc[before.index, "symbol"]
    figures = {
        (symbol, day): {**dict.fromkeys(("open", "high", "low", "close"), times * close), "volume": 1e6}
        for symbol, close in list(zip(symbols, before, strict=True))[-names:]
    }
    return with_bars(delivery, figures)


def without_bars(delivery: Delivery, keep: "pd.Series[bool]") -> Delivery:
    """Return the delivery with only the bars that the mask keeps."""
    return replace(delivery, bars=delivery.bars[keep].reset_index(drop=True))


def refresh(
    patch: pytest.MonkeyPatch, home: Path, provider: Served | Delivery, day: date = FRIDAY, **overrides: Any
) -> Market:
    """Refresh the home from the provider as a run of that day would."""
    source = Served(provider) if isinstance(provider, Delivery) else provider
    patch.setattr(task, "make_provider", lambda _run: source)
    return task.refresh_market(small_run(home, day, **overrides))


def small_run(home: Path, day: date = FRIDAY, **overrides: Any) -> Run:
    """Return a run with limits that a market of six names can meet."""
    session = session_on(day)
    if session.closes_at is None:
        raise ValueError(f"{day} is closed")
    return Run(Home(home), session, session.closes_at, _settings(**{**SMALL, **overrides}))


@cache
def _settings(**overrides: Any) -> Settings:
    return make_settings(**overrides)


def days_of(delivery: Delivery) -> list[date]:
    """Return the sessions of the delivery, ascending."""
    return [day.date() for day in sorted(delivery.bars["session"].unique())]
