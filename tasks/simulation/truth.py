"""The truth behind a simulated market, for tests only. No stage and no provider may import this module."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.data.providers.base import Delivery
from tasks.simulation.companies import Values
from tasks.simulation.delivery.faults import draw_faults
from tasks.simulation.delivery.frames import deliver
from tasks.simulation.ledger import Ledger
from tasks.simulation.market_history import NOT_LISTED, MarketHistory, simulate_history
from tasks.simulation.mechanics import Own
from tasks.simulation.parameters import Parameters
from tasks.simulation.regimes import REGIMES


@dataclass(frozen=True)
class Truth:
    """What drives the market. Frames are sessions × symbols, NaN where a symbol has no bar."""

    regime: pd.Series  # BULL, NEUTRAL, BEAR or CRASH by session
    expected: pd.DataFrame  # at the close: planted log return of the next session, in excess of all names
    returns: pd.DataFrame  # log total return of the session, before rounding
    own: (
        pd.DataFrame | None
    )  # of those, what no factor explains: alpha, surprises, news; None: not known apart
    own_overnight: pd.DataFrame | None  # the part of it until the open
    half_spread_bps: pd.DataFrame
    events: Ledger
    faults: tuple[tuple[str, str, date], ...]  # kind, symbol ("*": the whole session) and session


@dataclass(frozen=True)
class Simulation:
    """A market and its truth."""

    delivery: Delivery
    truth: Truth


def simulate(parameters: Parameters, through: date) -> Simulation:
    """Simulate the market to `through` with its truth."""
    expected: list[Values] = []
    own: list[Own | None] = []

    def observe(_row: int, values: Values, part: Own | None) -> None:
        expected.append(values)
        own.append(part)

    history = simulate_history(parameters, through, observer=observe)
    return Simulation(deliver(history, after=None), _truth(history, np.array(expected), own))


def _truth(history: MarketHistory, expected: Values, own: list[Own | None]) -> Truth:
    names = np.array([regime.name for regime in REGIMES])
    first = history.first
    index = pd.DatetimeIndex(history.sessions[first:].astype("datetime64[s]"), name="session")
    returns = np.diff(history.levels, axis=0, prepend=0.0)
    return Truth(
        regime=pd.Series(names[history.path.regime[first:]], index=index, name="regime"),
        expected=_by_symbol(history, expected, index),
        returns=_by_symbol(history, returns, index),
        own=_part(history, [part.returns for part in own if part], index),
        own_overnight=_part(history, [part.overnight for part in own if part], index),
        half_spread_bps=_by_symbol(history, _half_spread_bps(history), index),
        events=history.ledger,
        faults=tuple(
            (
                fault.kind,
                history.ledger.symbols[fault.symbol] if fault.symbol >= 0 else "*",
                history.sessions[fault.row].item(),
            )
            for fault in draw_faults(history)
        ),
    )


def _part(history: MarketHistory, rows: list[Values], index: pd.DatetimeIndex) -> pd.DataFrame | None:
    return _by_symbol(history, np.array(rows), index) if rows else None


def _by_symbol(history: MarketHistory, values: Values, index: pd.DatetimeIndex) -> pd.DataFrame:
    symbol = history.symbol[history.first :]
    rows, slots = np.nonzero(symbol != NOT_LISTED)
    seen = np.unique(symbol[rows, slots])
    spread: NDArray[np.float64] = np.full((len(index), seen.size), np.nan)
    spread[rows, np.searchsorted(seen, symbol[rows, slots])] = values[history.first :][rows, slots]
    columns = pd.Index([history.ledger.symbols[position] for position in seen], dtype="str", name="symbol")
    return pd.DataFrame(spread, index=index, columns=columns).sort_index(axis=1)


def _half_spread_bps(history: MarketHistory) -> Values:
    """Return half the quoted spread: wide for volatile and little-traded names, never below half a cent."""
    raw = np.maximum(history.raw, 0.01)
    traded_usd = np.maximum(history.volume * raw, 1e4)
    spread: Values = 150 * history.volatility * (5e7 / traded_usd) ** 0.25 + 50 / raw
    return spread
