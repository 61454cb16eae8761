"""Simulate the market session by session: news, returns, prices, volumes, filings, the index, and planted alpha.

The simulation starts a year before the first public session, so that companies have a history. It alone changes the
state of companies. A row depends only on earlier ones: a longer history begins with the same rows.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from tasks.core.sessions import FIRST_DAY, Days, sessions_between
from tasks.simulation import events, fundamentals, membership
from tasks.simulation.companies import Companies, Slots, Status, Values, fill_slots, first_companies
from tasks.simulation.ledger import Ledger
from tasks.simulation.mechanics import Mechanics, Move, News, Own
from tasks.simulation.parameters import SESSIONS_PER_YEAR, Parameters
from tasks.simulation.regimes import MarketPath
from tasks.simulation.trading import ACQUIRED_VOLATILITY
from tasks.simulation.version_1.mechanics import FirstMechanics
from tasks.simulation.version_2.mechanics import SecondMechanics

UNSEEN_SESSIONS = SESSIONS_PER_YEAR + 21
NOT_LISTED = -1
MECHANICS: dict[int, Callable[[Parameters, Companies, int], Mechanics]] = {
    1: FirstMechanics,
    2: SecondMechanics,
}
# called with each row's planted returns and the names' own part of its returns; used by simulation/truth
Observer = Callable[[int, Values, Own | None], None]


@dataclass(frozen=True)
class MarketHistory:
    """A simulated history, rows × slots. Rows before `first` were never public."""

    parameters: Parameters
    sessions: Days
    first: int
    path: MarketPath
    symbol: NDArray[np.int32]  # index into the ledger's symbols, NOT_LISTED without a bar
    raw: Values  # closing price, before rounding
    levels: Values  # log total-return level
    overnight: Values | None  # log return from close to open; None: drawn by the tape
    volume: Values  # shares
    volatility: NDArray[np.float32]  # daily idiosyncratic volatility
    ledger: Ledger
    members: NDArray[np.int64]  # index members at the end: indices into the ledger's symbols
    member_since: NDArray[np.int64]


def simulate_history(
    parameters: Parameters, through: date, observer: Observer | None = None
) -> MarketHistory:
    """Simulate to the last session that is not after `through`."""
    early = max(FIRST_DAY, parameters.first_session - timedelta(days=2 * UNSEEN_SESSIONS))
    sessions = sessions_between(early, max(through, early))
    first = int(np.searchsorted(sessions, np.datetime64(parameters.first_session)))
    start = max(first - UNSEEN_SESSIONS, 0)
    simulation = _Simulation(parameters, sessions[start:])
    for row in range(len(simulation.sessions)):
        simulation.step(row, observer)
    companies = simulation.companies
    members = np.flatnonzero(companies.is_member)
    return MarketHistory(
        parameters=parameters,
        sessions=simulation.sessions,
        first=first - start,
        path=simulation.mechanics.path,
        symbol=simulation.symbol,
        raw=simulation.raw,
        levels=simulation.levels,
        overnight=simulation.overnight,
        volume=simulation.volume,
        volatility=simulation.volatility,
        ledger=simulation.ledger,
        members=companies.listing[members],
        member_since=companies.member_since[members],
    )


class _Simulation:
    """The state of one simulation."""

    def __init__(self, parameters: Parameters, sessions: Days) -> None:
        self.parameters, self.sessions = parameters, sessions
        months = sessions.astype("datetime64[M]")
        quarters = months.astype(int) // 3
        self.last_day = months.astype("datetime64[D]") - 1  # of the month before
        self.is_new_month = np.diff(self.last_day, prepend=self.last_day[:1]) > np.timedelta64(0)
        self.is_new_quarter = np.diff(quarters, prepend=-1) != 0
        shape = (len(sessions), parameters.symbols)
        self.raw, self.levels, self.volume = (np.zeros(shape) for _ in range(3))
        self.symbol = np.full(shape, NOT_LISTED, dtype=np.int32)
        self.volatility = np.zeros(shape, dtype=np.float32)
        self.overnight: Values | None = None
        self.news, self.lives = parameters.generator("news"), parameters.generator("lives")
        self.splits, self.filings = parameters.generator("splits"), parameters.generator("filings")
        self.companies, self.ledger = first_companies(parameters), Ledger()
        self.reports = fundamentals.Reports(parameters.symbols)
        self.mechanics = MECHANICS[parameters.version](parameters, self.companies, len(sessions))
        self.delisted = self.listed = np.empty(0, dtype=np.intp)
        if len(sessions):
            self._open(np.arange(parameters.symbols), 0)

    def step(self, row: int, observer: Observer | None) -> None:
        """Simulate one session."""
        companies, ledger = self.companies, self.ledger
        self._before_the_open(row)
        jumping, jumps = events.announce(companies, ledger, row, self.news)
        split = events.split(companies, ledger, row, self.splits)

        (reporting,) = (self.reports.due == row).nonzero()
        moved = self.mechanics.move(row, News(jumping, jumps, reporting))
        companies.raw *= np.exp(moved.returns)
        self.levels[row] = moved.returns if row == 0 else self.levels[row - 1] + moved.returns
        events.pay_dividends(companies, ledger, row)
        self._record(row, moved)

        fundamentals.file_reports(self.reports, companies, ledger, row, split)
        expected = self.mechanics.expect(row, self.levels, self.reports)
        if observer is not None:
            observer(row, expected, moved.own)
        self.delisted, self.listed = events.end_session(companies, ledger, row)
        companies.age += 1

    def _before_the_open(self, row: int) -> None:
        """Empty and fill slots; in a new month prepare filings, in a new quarter review the index."""
        if self.delisted.size:
            events.empty_slots(self.companies, self.ledger, self.delisted, row, self.lives)
        if self.listed.size:
            fill_slots(self.companies, self.listed, self.lives)
            self._open(self.listed, row)
            self.mechanics.reset(self.listed)
        if self.is_new_month[row]:
            fundamentals.close_quarter(self.reports, self.companies, row, self.last_day[row], self.filings)
        if self.is_new_quarter[row]:
            membership.review_index(self.companies, self.ledger, row)
            membership.review_cap_classes(self.companies, self.ledger, row)

    def _open(self, slots: Slots, row: int) -> None:
        self.ledger.enlist(self.companies, slots, row)
        fundamentals.initialise_reports(
            self.reports, self.companies, slots, row, self.last_day[row], self.filings
        )

    def _record(self, row: int, moved: Move) -> None:
        companies = self.companies
        is_acquired = companies.status == Status.ACQUIRED
        self.symbol[row] = np.where(companies.is_traded, companies.listing, NOT_LISTED)
        self.raw[row] = companies.raw
        self.volume[row] = np.rint(np.exp(moved.log_turnover) * companies.shares)
        self.volatility[row] = np.where(is_acquired, ACQUIRED_VOLATILITY, moved.volatility)
        if moved.overnight is not None:
            if self.overnight is None:
                self.overnight = np.zeros(self.raw.shape)
            self.overnight[row] = moved.overnight
