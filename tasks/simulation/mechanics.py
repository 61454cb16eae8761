"""The interface of a version of the market: how prices and volume move, and what alpha is planted.

Companies, events, filings, the index, bars and deliveries are the same in every version.
"""

from dataclasses import dataclass
from typing import Protocol

from tasks.simulation.companies import Slots, Values
from tasks.simulation.fundamentals import Reports
from tasks.simulation.regimes import MarketPath


@dataclass(frozen=True)
class News:
    """Overnight news of one session, by slot."""

    jumping: Slots  # takeover offers and bankruptcies
    jumps: Values  # their log returns
    reporting: Slots  # companies that file on this session


@dataclass(frozen=True)
class Own:
    """Idiosyncratic log returns: planted alpha, surprises and news."""

    returns: Values
    overnight: Values  # the part until the open


@dataclass(frozen=True)
class Move:
    """One session's log returns and what belongs to them, by slot."""

    returns: Values
    overnight: Values | None  # from close to open; None: the tape draws it
    volatility: Values  # of the session, without that of the market
    log_turnover: Values
    own: Own | None  # None: not known apart


class Mechanics(Protocol):
    """The mechanics of one version; it keeps its own state by slot."""

    @property
    def path(self) -> MarketPath:
        """The market as a whole."""

    def reset(self, slots: Slots) -> None:
        """Forget the companies that were in the slots, and complete the new ones."""

    def move(self, row: int, news: News) -> Move:
        """Draw the returns and volume of a session."""

    def expect(self, row: int, levels: Values, reports: Reports) -> Values:
        """Return the planted log returns of the next session, from what is public at the close of the row.

        `levels` are the log total-return levels, rows × slots; rows after `row` are not used.
        """
