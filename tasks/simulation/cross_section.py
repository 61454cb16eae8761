"""Ranks of the names of one session, and the year's high of each name: public facts that both versions use."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tasks.simulation.companies import Slots, Values

MONTH, YEAR = 21, 252


@dataclass
class YearHigh:
    """The maximum log level of each of the last months, newest first, by slot; −inf before listing."""

    blocks: Values

    def update(self, row: int, level: Values) -> None:
        """Add a session's log levels."""
        if row % MONTH == 0:
            self.blocks[1:] = self.blocks[:-1].copy()
            self.blocks[0] = -np.inf
        np.maximum(self.blocks[0], level, out=self.blocks[0])

    def reset(self, slots: Slots) -> None:
        """Forget the companies that were in the slots."""
        self.blocks[:, slots] = -np.inf

    def distance(self, level: Values) -> Values:
        """Return the log distance to the high, zero or below. Ties, of which there are many, are broken by slot."""
        # for the same order on every processor
        distance: Values = (level - self.blocks.max(axis=0)) + 1e-12 * np.arange(level.size)
        return distance


def new_year_high(count: int) -> YearHigh:
    """Return the state before the first session."""
    return YearHigh(np.full((YEAR // MONTH + 1, count), -np.inf))


def ranks(values: Values, exists: NDArray[np.bool_]) -> Values:
    """Return the rank of each value in its row, −1 to 1, among those that exist; larger numbers where it does not."""
    place, places = np.empty(values.shape), np.arange(values.shape[1], dtype=np.float64)
    for row, order in zip(place, np.argsort(np.where(exists, values, np.inf), axis=1), strict=True):
        row[order] = places
    count = np.maximum(exists.sum(axis=1, keepdims=True), 1)
    ranked: Values = (2 * place + 1) / count - 1
    return ranked
