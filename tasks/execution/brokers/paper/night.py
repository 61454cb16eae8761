"""Apply the events of a night to a paper account, by the rules of the backtest, and state each as an activity."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal

import numpy as np

from tasks.backtest.accounting.account import Account, Receivable
from tasks.backtest.accounting.overnight import Closing, Dividend, Night, Split, pass_night
from tasks.execution.brokers.base import Activity, ActivityKind
from tasks.execution.brokers.paper.market import NightEvents


@dataclass(frozen=True)
class Due:
    """A dividend between its ex-date and its pay date."""

    symbol: str  # on the ex-date
    ex_date: date
    cents: int
    sessions_left: int  # until it is paid


@dataclass(frozen=True)
class Holdings:
    """Shares by symbol, cash, and dividends receivable."""

    shares: Mapping[str, int]
    cash_cents: int
    due: tuple[Due, ...] = ()


def after_night(before: Holdings, events: NightEvents) -> tuple[Holdings, tuple[Activity, ...]]:
    """Return the holdings at the open, under the symbols of the session, and the activities that explain the change.

    The order is that of `pass_night`: interest, splits, dividends, payments, closings; symbol changes come last.
    """
    symbols = sorted(before.shares)
    place = {symbol: number for number, symbol in enumerate(symbols)}
    account = Account(
        np.array([before.shares[symbol] for symbol in symbols], dtype=np.int64),
        before.cash_cents,
        tuple(Receivable(place.get(due.symbol, -1), due.cents, due.sessions_left - 1) for due in before.due),
    )
    night = _night(events, place)
    price_cents = np.array([events.last_cents.get(symbol, 0) for symbol in symbols], dtype=np.int64)
    still_listed, moved = pass_night(account, replace(night, closings=()), price_cents=price_cents)
    account, everything = pass_night(account, night, price_cents=price_cents)
    closed = everything.proceeds - moved.proceeds

    log = _Log(events.session)
    log.add("interest", "", cash=everything.interest)
    for symbol, number in place.items():
        held, split = before.shares[symbol], int(still_listed.shares[number])
        if symbol in events.splits:
            log.add("split", symbol, shares=split - held, note=f"ratio {events.splits[symbol]:g}")
            log.add("cash_in_lieu", symbol, cash=int(moved.proceeds[number]))
        log.add("dividend_due", symbol, receivable=int(moved.dividends[number]))
    due = [
        *(replace(item, sessions_left=item.sessions_left - 1) for item in before.due),
        *_declared(events, moved.dividends.tolist(), symbols),
    ]
    for item in due:
        if item.sessions_left <= 0:
            log.add("dividend", item.symbol, item.ex_date, cash=item.cents, receivable=-item.cents)
    for symbol in sorted(events.closings.keys() & place.keys()):
        gone = int(still_listed.shares[place[symbol]])
        note = "the listing has ended"
        log.add("merger", symbol, shares=-gone, cash=int(closed[place[symbol]]), note=note)

    shares: dict[str, int] = {}
    for symbol, number in place.items():
        count = int(account.shares[number])
        now = events.renames.get(symbol, symbol)
        if count and now != symbol:
            log.add("rename", symbol, f"to {now}", shares=-count, note=f"{symbol} is {now} now")
            log.add("rename", now, f"from {symbol}", shares=count, note=f"{symbol} is {now} now")
        if count:
            shares[now] = shares.get(now, 0) + count
    left = tuple(item for item in due if item.sessions_left > 0)
    return Holdings(shares, account.cash_cents, left), tuple(log.activities)


def _night(events: NightEvents, place: Mapping[str, int]) -> Night:
    return Night(
        row=0,  # receivables count the sessions that are left
        days=events.days,
        interest_rate=events.interest_rate,
        splits=tuple(
            Split(place[symbol], ratio) for symbol, ratio in events.splits.items() if symbol in place
        ),
        dividends=tuple(
            Dividend(place[symbol], *dividend)
            for symbol, dividend in events.dividends.items()
            if symbol in place
        ),
        closings=tuple(
            Closing(place[symbol], usd) for symbol, usd in sorted(events.closings.items()) if symbol in place
        ),
    )


def _declared(events: NightEvents, cents: list[int], symbols: list[str]) -> list[Due]:
    return [
        Due(symbol, events.session, amount, events.dividends[symbol].pay_sessions)
        for symbol, amount in zip(symbols, cents, strict=True)
        if amount
    ]


class _Log:
    """Collect activities that change something, each with an id of its own."""

    def __init__(self, session: date) -> None:
        self._session = session
        self.activities: list[Activity] = []

    def add(
        self,
        kind: ActivityKind,
        symbol: str,
        detail: object = "",
        *,
        shares: int = 0,
        cash: int = 0,
        receivable: int = 0,
        note: str = "",
    ) -> None:
        if not (shares or cash or receivable):
            return
        parts = (str(self._session), kind, symbol, str(detail))
        activity_id = ":".join(part for part in parts if part)
        self.activities.append(
            Activity(activity_id, kind, symbol, Decimal(shares), cash, self._session, note, receivable)
        )
