"""Small markets for tests of the paper broker: worlds over sessions of the exchange, and a market made of literals."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np

from tasks.core.homes.home import Home
from tasks.core.sessions import session_on, sessions_between
from tasks.data.panel.companies import company_index
from tasks.execution.brokers.paper.account import begin_paper_account
from tasks.execution.brokers.paper.market import Bar, NightEvents
from tasks.execution.brokers.paper.world_market import Range, WorldMarket
from tests.homes import blank
from tests.unit.backtest.stored import table, world

DAYS = sessions_between(date(2024, 1, 2), date(2024, 12, 31))
D, F, NEXT = (DAYS[place].item() for place in (50, 51, 52))  # decision, fill session, the session after


@dataclass
class Clock:
    """A clock that a test sets."""

    at: datetime = datetime(2024, 1, 2, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def before_open(self, session: date) -> None:
        self.at = _opens_at(session) - timedelta(minutes=30)

    def after_open(self, session: date) -> None:
        self.at = _opens_at(session) + timedelta(minutes=1)

    def after_close(self, session: date) -> None:
        closes_at = session_on(session).closes_at
        assert closes_at is not None
        self.at = closes_at + timedelta(minutes=30)


def _opens_at(session: date) -> datetime:
    opens_at = session_on(session).opens_at
    assert opens_at is not None
    return opens_at


@dataclass
class LiteralMarket:
    """A market of literals: bars by session and symbol, and nights by session."""

    bars: dict[date, dict[str, Bar]]
    nights: dict[date, NightEvents] = field(default_factory=dict)
    ended: dict[date, set[str]] = field(default_factory=lambda: defaultdict(set))
    stored: date | None = None  # the last session of the lake; None: the last one of the bars
    cost: int = 100  # cents of every fill

    def last_session(self):
        return self.stored or max(self.bars)

    def night(self, session, symbols):
        return self.nights.get(session, NightEvents(session))

    def bar(self, session, symbol):
        return self.bars.get(session, {}).get(symbol)

    def last_cents(self, session, symbol):
        known = [day for day in sorted(self.bars) if day <= session and symbol in self.bars[day]]
        return self.bars[known[-1]][symbol].close_cents if known else 0

    def is_known(self, session, symbol):
        return any(symbol in bars for bars in self.bars.values())

    def has_ended(self, session, symbol):
        return symbol in self.ended[session]

    def cost_cents(self, session, symbol, shares, price_cents, *, is_sale):
        return self.cost


def account_at(
    folder, shares: Mapping[str, int], cash_cents: int, *, session: date = D, name: str = "PAPER"
) -> Home:
    """Return a home with a paper account."""
    home = Home(blank(folder))
    held = {symbol: Decimal(count) for symbol, count in shares.items()}
    begin_paper_account(home, held, cash_cents, session=session, name=name)
    return home


def traded_world(closes, *, opens=None, volume=1e6, sessions, **rows):
    """Return the world of closes by symbol and place of DAYS."""
    return world(closes, sessions=sessions, opens=opens, volume=volume, days=DAYS, **rows)


def world_market(made, closes, settings, *, renames=()):
    """Return the market over a world made by `traded_world` from these closes."""
    lives = [{"symbol": name, "first": min(days)} for name, days in closes.items()]
    companies = company_index(table("lives", *lives, days=DAYS), table("renames", *renames, days=DAYS))

    def ranges(session):
        place = int(np.searchsorted(DAYS, np.datetime64(session)))
        return {
            name: Range(days[place] + 1, days[place] - 1) for name, days in closes.items() if place in days
        }

    return WorldMarket(made, companies, ranges, settings)
