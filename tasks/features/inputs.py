"""Hand features the panel's arrays by name, one block of symbols at a time, with what several of them share.

A block is small enough to stay in the processor's cache while all features are computed on it.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tasks.data.schema import Matrix, Panel
from tasks.features.rolling import lag

PRICES = ("open", "high", "low", "close", "volume", "raw_close", "dollar_volume")
# USD of the last four quarters (earnings, revenue), USD (book) and count (shares) as filed, where a provider gives them
FUNDAMENTALS = ("earnings", "revenue", "book", "shares")


class Block:
    """The inputs of some rows and some symbols, made when first asked for; INPUTS says which there are."""

    def __init__(self, panel: Panel, rows: slice, columns: slice) -> None:
        self._panel, self._rows, self._columns = panel, rows, columns
        self._made: dict[str, NDArray[Any]] = {}

    @property
    def shape(self) -> tuple[int, int]:
        sessions, symbols = self._panel.close[self._rows, self._columns].shape
        return sessions, symbols

    def __getitem__(self, name: str) -> NDArray[Any]:
        if name not in self._made:
            self._made[name] = self._make(name)
        return self._made[name]

    def _make(self, name: str) -> NDArray[Any]:
        if name in DERIVED:
            return DERIVED[name](self)
        if name == "session":
            return self._panel.sessions[self._rows, None]
        if name == "market":
            return self._panel.market[self._rows, None]
        values = self._panel.fundamentals.get(name) if name in FUNDAMENTALS else getattr(self._panel, name)
        if values is None:
            return np.full(self.shape, np.nan)
        return np.asfortranarray(values[self._rows, self._columns])


def _returns(block: Block) -> Matrix:
    return block["close"] / lag(block["close"], 1) - 1


def _market_returns(block: Block) -> Matrix:
    return block["market"] / lag(block["market"], 1) - 1


DERIVED: dict[str, Callable[[Block], Matrix]] = {"returns": _returns, "market_returns": _market_returns}

INPUTS = (*PRICES, *FUNDAMENTALS, "session", "market", *DERIVED)
