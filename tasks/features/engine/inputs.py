"""The inputs of features: the panel's arrays by name."""

from collections.abc import Mapping

import numpy as np

from tasks.data.schema.records import Matrix, Panel
from tasks.features.engine.calendar import CALENDAR
from tasks.features.engine.rolling import lag
from tasks.features.engine.series import Series, named

PRICES = ("open", "high", "low", "close", "volume", "raw_close", "dollar_volume")
# USD of the last four quarters (earnings, revenue), USD (book) and count (shares) as filed, where a provider gives them
FUNDAMENTALS = ("earnings", "revenue", "book", "shares")


def _change(name: str) -> Series:
    return named(name) / lag(named(name), 1) - 1


DERIVED: Mapping[str, Series] = {"returns": _change("close"), "market_returns": _change("market")}

INPUTS = (*PRICES, *FUNDAMENTALS, "market", *CALENDAR, *DERIVED)


def series_of(name: str) -> Series:
    """Return the series of an input."""
    if name not in INPUTS:
        raise ValueError(f"Unknown input {name}. The inputs are {', '.join(INPUTS)}.")
    return DERIVED.get(name, named(name))


def values_of(panel: Panel, name: str) -> Matrix:
    """Return an input as sessions × symbols, or one column if it is the same for all symbols."""
    if name in CALENDAR:
        return CALENDAR[name](panel.sessions)[:, None]
    if name == "market":
        return panel.market[:, None]
    values: Matrix | None = panel.fundamentals.get(name) if name in FUNDAMENTALS else getattr(panel, name)
    return np.full((len(panel.sessions), 1), np.nan) if values is None else values
