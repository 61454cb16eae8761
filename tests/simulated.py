"""A simulated market as a panel together with its truth, without a lake: for tests of learning."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.core.sessions import sessions_ending
from tasks.data.schema.records import NEWEST_SIMULATION, Matrix, Panel
from tasks.simulation.parameters import Parameters
from tasks.simulation.truth import simulate

LAST_SESSION = date(2024, 6, 14)
LEAST_AGE_SESSIONS = 253
LEAST_PRICE_USD = 5.0


@dataclass(frozen=True)
class KnownMarket:
    """A panel, the true expected excess return of each name in the next session, and the true regime.

    `own` is the part of the session's log returns that no factor explains, `own_overnight` its part until the open;
    None in version 1.
    """

    panel: Panel
    expected: Matrix
    regime: NDArray[np.str_]
    members: pd.DataFrame  # index membership: symbol, start, end
    own: Matrix | None
    own_overnight: Matrix | None


def known_market(
    *,
    seed: int,
    symbols: int,
    sessions: int,
    information_coefficient: float,
    version: int = NEWEST_SIMULATION,
) -> KnownMarket:
    """Simulate this number of sessions up to a fixed day."""
    first = sessions_ending(LAST_SESSION, sessions)[0].item()
    parameters = Parameters(seed, symbols, first, information_coefficient, version=version)
    simulation = simulate(parameters, LAST_SESSION)
    delivery, truth = simulation.delivery, simulation.truth
    index = truth.returns.index
    columns = truth.returns.columns
    place = _Places(index, columns)
    raw = {name: place.spread(delivery.bars, name) for name in ("open", "high", "low", "close", "volume")}
    has_bar = np.isfinite(raw["close"])
    growth = np.where(has_bar, truth.returns.to_numpy(), 0.0)
    growth[np.argmax(has_bar, axis=0), np.arange(len(columns))] = 0.0
    level = np.where(has_bar, np.exp(np.cumsum(growth, axis=0)), np.nan)
    factor = level / raw["close"]
    age = np.cumsum(has_bar, axis=0)
    is_member = place.spells(delivery.members) & has_bar
    is_member &= (age >= LEAST_AGE_SESSIONS) & (raw["close"] >= LEAST_PRICE_USD)
    levels = delivery.levels.pivot_table(index="session", columns="name", values="adj_close").reindex(index)
    listing = delivery.listings.drop_duplicates("symbol", keep="last").set_index("symbol").reindex(columns)
    sector = listing["sector"].fillna("Unknown").to_numpy(dtype=str)
    panel = Panel(
        sessions=index.to_numpy().astype("datetime64[D]"),
        symbols=columns.to_numpy(dtype=str),
        company=columns.to_numpy(dtype=str),
        **{name: raw[name] * factor for name in ("open", "high", "low")},
        close=level,
        volume=raw["volume"] / factor,
        raw_close=raw["close"],
        dollar_volume=raw["close"] * raw["volume"],
        is_member=is_member,
        market=levels["SPY"].to_numpy(),
        volatility_index=levels["^VIX"].to_numpy(),
        sector=sector,
        sector_at=np.tile(np.unique(sector, return_inverse=True)[1].astype(np.int8), (len(index), 1)),
        cap_class=listing["cap_class"].fillna("").to_numpy(dtype=str),
        name=listing["name"].fillna("").to_numpy(dtype=str),
        fundamentals=place.as_public(delivery.fundamentals),
        risk_free=np.zeros(len(index)),
    )
    return KnownMarket(
        panel,
        truth.expected.to_numpy(),
        truth.regime.to_numpy(dtype=str),
        delivery.members,
        None if truth.own is None else truth.own.to_numpy(),
        None if truth.own_overnight is None else truth.own_overnight.to_numpy(),
    )


class _Places:
    """Return the positions of sessions and symbols in the panel."""

    def __init__(self, index: pd.DatetimeIndex, columns: pd.Index) -> None:
        self.index, self.columns = index, columns

    def spread(self, frame: pd.DataFrame, name: str, day: str = "session") -> Matrix:
        matrix = np.full((len(self.index), len(self.columns)), np.nan)
        rows = self.index.get_indexer(pd.DatetimeIndex(frame[day]))
        columns = self.columns.get_indexer(pd.Index(frame["symbol"]))
        fits = (rows >= 0) & (columns >= 0)
        matrix[rows[fits], columns[fits]] = frame[name].to_numpy(dtype=float)[fits]
        return matrix

    def spells(self, members: pd.DataFrame) -> np.ndarray:
        inside = np.zeros((len(self.index), len(self.columns)), dtype=bool)
        columns = self.columns.get_indexer(pd.Index(members["symbol"]))
        for column, start, end in zip(columns, members["start"], members["end"], strict=True):
            if column >= 0:
                inside[(self.index >= start) & (pd.isna(end) | (self.index < end)), column] = True
        return inside

    def as_public(self, fundamentals: pd.DataFrame) -> dict[str, Matrix]:
        figures = [
            name for name in fundamentals.columns if name not in {"symbol", "end_date", "available_date"}
        ]
        later = fundamentals.assign(session=fundamentals["available_date"].clip(lower=self.index[0]))
        later = later.sort_values(["available_date", "end_date"])
        return {name: pd.DataFrame(self.spread(later, name)).ffill().to_numpy() for name in figures}
