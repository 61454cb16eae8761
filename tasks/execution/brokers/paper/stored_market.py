"""The market of a paper account from the lake: its committed bars, read again when the lake has been refreshed.

Only the sessions that the account asks for are read, with the sessions before them that cost estimates need.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import date

from config.settings import Settings
from tasks.backtest.accounting.money import Cents, Shares
from tasks.backtest.build import known_companies
from tasks.backtest.scoring.store import DIVIDEND_PAY_SESSIONS, read_revisions, read_world
from tasks.core.sessions import session_number
from tasks.data.lake.head import Head, read_head
from tasks.data.lake.store import read_bar_frame
from tasks.data.panel.companies import MAX_GAP_SESSIONS
from tasks.data.panel.reader import panel_rules
from tasks.data.schema.records import LakeLocation, SnapshotRef
from tasks.execution.brokers.paper.market import Bar, NightEvents
from tasks.execution.brokers.paper.world_market import Range, WorldMarket
from tasks.portfolio.quotes import WINDOW
from tasks.portfolio.stops import stop_window

# what became known about sessions before those that are read is assigned to the first row
MARGIN_SESSIONS = 5
BEFORE = (
    1  # sessions before the one asked for: costs of a fill are estimated from the session of its decision
)


class StoredMarket:
    """A `Market` that reads the lake. It never refreshes it."""

    def __init__(self, lake: LakeLocation, settings: Settings) -> None:
        self._lake, self._settings = lake, settings
        self._read: tuple[Head, int, WorldMarket] | None = None  # head, number of the first session served

    def last_session(self) -> date | None:
        head = read_head(self._lake)
        return None if head is None else head.last_session

    def night(self, session: date, symbols: Collection[str]) -> NightEvents:
        return self._market(session).night(session, symbols)

    def bar(self, session: date, symbol: str) -> Bar | None:
        return self._market(session).bar(session, symbol)

    def open_cents(self, session: date, symbol: str) -> int:
        """Return the open; 0 if the symbol did not trade."""
        bar = self.bar(session, symbol)
        return 0 if bar is None else bar.open_cents

    def last_cents(self, session: date, symbol: str) -> int:
        return self._market(session).last_cents(session, symbol)

    def is_known(self, session: date, symbol: str) -> bool:
        return self._market(session).is_known(session, symbol)

    def has_ended(self, session: date, symbol: str) -> bool:
        return self._market(session).has_ended(session, symbol)

    def cost_cents(self, session: date, symbol: str, shares: int, price_cents: int, *, is_sale: bool) -> int:
        return self._market(session).cost_cents(session, symbol, shares, price_cents, is_sale=is_sale)

    def costs_after(
        self, decided: date, symbols: Sequence[str], shares: Shares, price_cents: Cents, *, is_sale: bool
    ) -> Cents:
        """Return the costs of trades in the session after `decided`, whether or not its bars are stored."""
        return self._market(decided).costs_after(decided, symbols, shares, price_cents, is_sale=is_sale)

    def _market(self, session: date) -> WorldMarket:
        number = session_number(session)
        if self._read is not None:
            head, first, market = self._read
            if number >= first and (market.last_session() or session) >= session:
                return market
        head, first = read_head(self._lake) or Head(""), number - BEFORE
        market = self._built(head, session, first)
        self._read = head, first, market
        return market

    def _built(self, head: Head, session: date, first: int) -> WorldMarket:
        last = head.last_session or session
        rules = panel_rules(self._settings)
        snapshot = SnapshotRef("", self._lake, last, dict(head.versions), rules)  # nobody asks for its id
        before = max(WINDOW, stop_window(self._settings.regime).sessions, MAX_GAP_SESSIONS + 1)
        window = session_number(last) - first + 1 + before + MARGIN_SESSIONS
        world = read_world(snapshot, dividend_pay_sessions=DIVIDEND_PAY_SESSIONS, window=max(window, 1))
        companies = known_companies(read_revisions(snapshot, ("lives", "renames")), world.sessions)
        return WorldMarket(world, companies, _Ranges(snapshot), self._settings)


class _Ranges:
    """Read the highs and lows of one session as known at its close."""

    def __init__(self, snapshot: SnapshotRef) -> None:
        self._snapshot = snapshot

    def __call__(self, session: date) -> Mapping[str, Range]:
        bars = read_bar_frame(
            self._snapshot.lake,
            self._snapshot.versions,
            since=session,
            through=session,
            known_on=session,
        )
        rows = zip(bars["symbol"].astype(str), bars["high"], bars["low"], strict=True)
        return {symbol: Range(float(high), float(low)) for symbol, high, low in rows}
