"""Walk the market session by session: news, returns, prices, volumes, filings, the index, and what alpha expects next.

The walk starts a year before the first session that anybody sees, so that companies have a past. It is the one place
where the state of companies changes. Row by row it only looks back: a walk to a later session begins with this one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np
from numpy.typing import NDArray

from tasks.core.sessions import FIRST_DAY, Days, sessions_between
from tasks.simulation import alpha, events, fundamentals, membership, prices
from tasks.simulation.companies import Life, Slots, Values, first_companies, settle
from tasks.simulation.ledger import Ledger
from tasks.simulation.parameters import SESSIONS_PER_YEAR, Parameters
from tasks.simulation.regimes import MarketPath, walk_market

UNSEEN_SESSIONS = SESSIONS_PER_YEAR + 21
NOT_LISTED = -1
Witness = Callable[[int, Values], None]  # is told each row's expected returns; only the truth listens


@dataclass(frozen=True)
class Walk:
    """What happened, rows × slots. Rows before `first` were never public."""

    parameters: Parameters
    sessions: Days
    first: int
    path: MarketPath
    symbol: NDArray[np.int32]  # place in the ledger's symbols, NOT_LISTED where there is no bar
    raw: Values  # closing price, not yet rounded
    levels: Values  # log total-return level
    volume: Values  # shares
    volatility: NDArray[np.float32]  # daily deviation of each name's own moves
    ledger: Ledger
    members: NDArray[np.int64]  # the index at the end: places in the ledger's symbols
    member_since: NDArray[np.int64]


def walk(parameters: Parameters, through: date, witness: Witness | None = None) -> Walk:
    """Walk to the last session that is not after `through`."""
    early = max(FIRST_DAY, parameters.first_session - timedelta(days=2 * UNSEEN_SESSIONS))
    sessions = sessions_between(early, max(through, early))
    first = int(np.searchsorted(sessions, np.datetime64(parameters.first_session)))
    start = max(first - UNSEEN_SESSIONS, 0)
    walker = _Walker(parameters, sessions[start:])
    for row in range(len(walker.sessions)):
        walker.step(row, witness)
    companies = walker.companies
    members = np.flatnonzero(companies.is_member)
    return Walk(
        parameters=parameters,
        sessions=walker.sessions,
        first=first - start,
        path=walker.path,
        symbol=walker.symbol,
        raw=walker.raw,
        levels=walker.levels,
        volume=walker.volume,
        volatility=walker.volatility,
        ledger=walker.ledger,
        members=companies.listing[members],
        member_since=companies.member_since[members],
    )


class _Walker:
    """The state of one walk."""

    def __init__(self, parameters: Parameters, sessions: Days) -> None:
        self.parameters, self.sessions = parameters, sessions
        months = sessions.astype("datetime64[M]")
        quarters = months.astype(int) // 3
        self.last_day = months.astype("datetime64[D]") - 1  # of the month before
        self.is_new_month = np.diff(self.last_day, prepend=self.last_day[:1]) > np.timedelta64(0)
        self.is_new_quarter = np.diff(quarters, prepend=-1) != 0
        shape = (len(sessions), parameters.symbols)
        self.path = walk_market(parameters, len(sessions))
        self.raw, self.levels, self.volume = (np.zeros(shape) for _ in range(3))
        self.symbol = np.full(shape, NOT_LISTED, dtype=np.int32)
        self.volatility = np.zeros(shape, dtype=np.float32)
        self.draws = prices.Draws(parameters)
        self.news, self.lives = parameters.generator("news"), parameters.generator("lives")
        self.splits, self.filings = parameters.generator("splits"), parameters.generator("filings")
        self.companies, self.ledger = first_companies(parameters), Ledger()
        self.reports = fundamentals.Reports(parameters.symbols)
        self.memory = alpha.new_memory(self.companies)
        self.expected = np.zeros(parameters.symbols)
        self.gone = self.born = np.empty(0, dtype=np.intp)
        if len(sessions):
            self._open(np.arange(parameters.symbols), 0)

    def step(self, row: int, witness: Witness | None) -> None:
        """Walk one session."""
        companies, ledger = self.companies, self.ledger
        self._before_the_open(row)
        jumping, jumps = events.announce(companies, ledger, row, self.news)
        split = events.split(companies, ledger, row, self.splits)

        weather = prices.Weather(self.path.drift[row], self.path.volatility[row], self.path.shock[row])
        moved = prices.move(companies, weather, self.expected, self.draws)
        moved.returns[jumping] = jumps
        companies.raw *= np.exp(moved.returns)
        self.levels[row] = moved.returns if row == 0 else self.levels[row - 1] + moved.returns
        log_turnover = prices.trade(companies, weather, moved, jumping, self.draws)
        events.pay(companies, ledger, row)
        self._print(row, moved.own_volatility, log_turnover)

        fundamentals.file_reports(self.reports, companies, ledger, row, split)
        residual = moved.returns - weather.drift - weather.shock
        alpha.remember(self.memory, companies, row, self.levels[row], residual, log_turnover)
        if self.parameters.information_coefficient > 0:
            self.expected = self._expect(row, weather)
        if witness is not None:
            witness(row, self.expected)
        self.gone, self.born = events.turn(companies, ledger, row)
        companies.age += 1

    def _before_the_open(self, row: int) -> None:
        """Empty and fill slots; on a new month draw up figures, on a new quarter review the index."""
        if self.gone.size:
            events.bury(self.companies, self.ledger, self.gone, row, self.lives)
        if self.born.size:
            settle(self.companies, self.born, self.lives)
            self._open(self.born, row)
            alpha.forget(self.memory, self.companies, self.born)
        if self.is_new_month[row]:
            fundamentals.close_quarter(self.reports, self.companies, row, self.last_day[row], self.filings)
        if self.is_new_quarter[row]:
            membership.review_index(self.companies, self.ledger, row)
            membership.review_cap_classes(self.companies, self.ledger, row)

    def _open(self, slots: Slots, row: int) -> None:
        self.ledger.enlist(self.companies, slots, row)
        fundamentals.open_books(self.reports, self.companies, slots, row, self.last_day[row], self.filings)

    def _print(self, row: int, own_volatility: Values, log_turnover: Values) -> None:
        companies = self.companies
        bought = companies.life == Life.BOUGHT
        self.symbol[row] = np.where(companies.is_traded, companies.listing, NOT_LISTED)
        self.raw[row] = companies.raw
        self.volume[row] = np.rint(np.exp(log_turnover) * companies.shares)
        self.volatility[row] = np.where(bought, prices.BOUGHT_VOLATILITY, own_volatility)

    def _expect(self, row: int, weather: prices.Weather) -> Values:
        values, exists = alpha.characteristics(self.memory, self.companies, self.reports, self.levels, row)
        own = prices.own_volatility(self.companies, weather)
        spread = prices.spread_of_returns(self.companies, weather, own)
        strength = self.parameters.information_coefficient
        return alpha.expected_returns(values, exists, own, spread, strength=strength)
