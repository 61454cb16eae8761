"""Panels with everything that goes wrong in a real one, for all tests of features."""

from dataclasses import replace

import numpy as np

from tasks.data.schema.records import Panel
from tests.builders import make_panel

LISTED_MIDWAY, DELISTED, GAPPY, QUIET, CONSTANT = range(5)
BY_SESSION_AND_SYMBOL = (
    "open",
    "high",
    "low",
    "close",
    "volume",
    "raw_close",
    "dollar_volume",
    "is_member",
    "sector_at",
)
BY_SESSION = ("sessions", "market", "volatility_index", "risk_free")
BY_SYMBOL = ("symbols", "company", "sector", "cap_class", "name")


def rough_panel(seed: int = 0, *, sessions: int = 330, symbols: int = 12) -> Panel:
    """Return a market with late listings, a delisting, missing bars, days without trades, and a constant price."""
    panel = make_panel(sessions=sessions, symbols=symbols, seed=seed)
    rng = np.random.default_rng(seed + 1)
    bars = {name: getattr(panel, name).copy() for name in BY_SESSION_AND_SYMBOL}
    bars["raw_close"] = bars["close"] * rng.uniform(0.5, 2, symbols)
    bars["volume"][rng.random(sessions) < 0.2, QUIET] = 0.0
    for name in ("open", "high", "low", "close", "raw_close"):
        bars[name][:, CONSTANT] = 42.0
    bars["volume"][:, CONSTANT] = 1_000.0
    missing = np.zeros((sessions, symbols), dtype=bool)
    missing[: sessions // 3, LISTED_MIDWAY] = True
    missing[-15:, DELISTED] = True
    missing[rng.random(sessions) < 0.05, GAPPY] = True
    missing[:, CONSTANT + 1 :] = rng.random((sessions, symbols - CONSTANT - 1)) < 0.01
    for name in ("open", "high", "low", "close", "volume", "raw_close"):
        bars[name][missing] = np.nan
    bars["dollar_volume"] = bars["raw_close"] * bars["volume"]
    bars["is_member"] = ~missing & (rng.random((sessions, symbols)) < 0.95)
    bars["sector_at"][sessions // 2 :, -1] = 0
    bars["sector_at"][: sessions // 2, -2] = -1
    return replace(panel, **bars, fundamentals=_fundamentals(rng, sessions, symbols))


def _fundamentals(rng: np.random.Generator, sessions: int, symbols: int) -> dict[str, np.ndarray]:
    shape = (sessions // 60 + 1, symbols)
    figures = {
        "earnings": rng.normal(1e8, 1e8, shape),
        "revenue": rng.uniform(1e9, 2e9, shape),
        "book": rng.normal(1e9, 5e8, shape),
        "shares": rng.uniform(1e7, 1e8, shape),
    }
    filed = {name: np.repeat(values, 60, axis=0)[:sessions] for name, values in figures.items()}
    for values in filed.values():
        values[:30, ::3] = np.nan
    return filed


def rows_of(panel: Panel, rows: slice) -> Panel:
    """Return the panel with only these sessions and all symbols."""
    names = (*BY_SESSION_AND_SYMBOL, *BY_SESSION)
    fundamentals = {name: values[rows] for name, values in panel.fundamentals.items()}
    return replace(panel, **{name: getattr(panel, name)[rows] for name in names}, fundamentals=fundamentals)


def columns_of(panel: Panel, columns: np.ndarray) -> Panel:
    """Return the panel with these symbols in this order."""
    by_both = {name: getattr(panel, name)[:, columns] for name in BY_SESSION_AND_SYMBOL}
    by_symbol = {name: getattr(panel, name)[columns] for name in BY_SYMBOL}
    fundamentals = {name: values[:, columns] for name, values in panel.fundamentals.items()}
    return replace(panel, **by_both, **by_symbol, fundamentals=fundamentals)


def with_later_rows_of(panel: Panel, other: Panel, row: int) -> Panel:
    """Return the panel with everything from `row` on taken from another one."""

    def joined(one: np.ndarray, two: np.ndarray) -> np.ndarray:
        return np.concatenate([one[:row], two[row:]])

    names = (*BY_SESSION_AND_SYMBOL, "market", "volatility_index", "risk_free")
    changed = {name: joined(getattr(panel, name), getattr(other, name)) for name in names}
    fundamentals = {
        name: joined(values, other.fundamentals[name]) for name, values in panel.fundamentals.items()
    }
    return replace(panel, **changed, fundamentals=fundamentals)
