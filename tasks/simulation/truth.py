"""The truth behind a simulated market: for tests alone. No stage and no provider may import this module."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.data.providers.base import Delivery
from tasks.simulation.companies import Values
from tasks.simulation.delivery import deliver
from tasks.simulation.faults import plant
from tasks.simulation.ledger import Ledger
from tasks.simulation.parameters import Parameters
from tasks.simulation.regimes import CLIMATES
from tasks.simulation.walk import NOT_LISTED, Walk, walk


@dataclass(frozen=True)
class Truth:
    """What really drives the market. Frames are sessions × symbols, missing where a symbol has no bar."""

    regime: pd.Series  # BULL, NEUTRAL, BEAR or CRASH by session
    expected: pd.DataFrame  # at the close: log return of the next session beyond what all names share
    returns: pd.DataFrame  # log total return of the session, before rounding
    half_spread_bps: pd.DataFrame
    events: Ledger
    faults: tuple[tuple[str, str, date], ...]  # kind, symbol ("*": the whole session) and session


@dataclass(frozen=True)
class Simulation:
    """A market with its truth beside it."""

    delivery: Delivery
    truth: Truth


def simulate(parameters: Parameters, through: date) -> Simulation:
    """Walk the market to `through` and keep the truth."""
    expected: list[Values] = []
    walked = walk(parameters, through, witness=lambda _row, values: expected.append(values))
    return Simulation(deliver(walked, after=None), _truth(walked, np.array(expected)))


def _truth(walked: Walk, expected: Values) -> Truth:
    names = np.array([climate.name for climate in CLIMATES])
    first = walked.first
    index = pd.DatetimeIndex(walked.sessions[first:].astype("datetime64[s]"), name="session")
    returns = np.diff(walked.levels, axis=0, prepend=0.0)
    return Truth(
        regime=pd.Series(names[walked.path.regime[first:]], index=index, name="regime"),
        expected=_by_symbol(walked, expected, index),
        returns=_by_symbol(walked, returns, index),
        half_spread_bps=_by_symbol(walked, _half_spread_bps(walked), index),
        events=walked.ledger,
        faults=tuple(
            (
                fault.kind,
                walked.ledger.symbols[fault.symbol] if fault.symbol >= 0 else "*",
                walked.sessions[fault.row].item(),
            )
            for fault in plant(walked)
        ),
    )


def _by_symbol(walked: Walk, values: Values, index: pd.DatetimeIndex) -> pd.DataFrame:
    symbol = walked.symbol[walked.first :]
    rows, slots = np.nonzero(symbol != NOT_LISTED)
    seen = np.unique(symbol[rows, slots])
    spread: NDArray[np.float64] = np.full((len(index), seen.size), np.nan)
    spread[rows, np.searchsorted(seen, symbol[rows, slots])] = values[walked.first :][rows, slots]
    columns = pd.Index([walked.ledger.symbols[place] for place in seen], dtype="str", name="symbol")
    return pd.DataFrame(spread, index=index, columns=columns).sort_index(axis=1)


def _half_spread_bps(walked: Walk) -> Values:
    """Return half the quoted spread: wide for volatile and little-traded names, never below half a cent."""
    raw = np.maximum(walked.raw, 0.01)
    traded_usd = np.maximum(walked.volume * raw, 1e4)
    spread: Values = 150 * walked.volatility * (5e7 / traded_usd) ** 0.25 + 50 / raw
    return spread
