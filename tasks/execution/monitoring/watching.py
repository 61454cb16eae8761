"""Watch a home's account while the exchange is open, and trip the kill switch by the rules. Sends no order."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta

from config.settings import Settings
from tasks.core.errors import BrokerError
from tasks.core.homes.home import Home
from tasks.core.sessions import exchange_date, session_on
from tasks.execution.brokers.base import Broker, BrokerAccount, BrokerPosition, Quote
from tasks.execution.journal import active_sessions, read_execution, read_orders
from tasks.execution.monitoring.intraday_triggers import (
    PAST_SESSION,
    SILENCE,
    Breach,
    Close,
    Sight,
    breaches,
    new_breaches,
)
from tasks.execution.schema import AT_BROKER
from tasks.ledger.balance import balance_of, net_flows_cents
from tasks.ledger.database import LedgerConnection, opened
from tasks.ledger.entries import Entry
from tasks.ledger.store import entries
from tasks.safety.equity_history import read_equity_history
from tasks.safety.kill_switch.switch import read_switch, trip_switch

BY = "intraday-monitor"
Books = tuple[BrokerAccount | None, Mapping[str, BrokerPosition], Mapping[str, Quote]]
NOTHING: Books = (None, {}, {})
PAUSE = timedelta(seconds=5)  # between two questions without an answer


def watch(
    home: Home,
    settings: Settings,
    broker: Broker,
    *,
    clock: Callable[[], datetime],
    sleep: Callable[[float], None],
) -> tuple[Breach, ...]:
    """Check once, trip the switch for every rule that is newly broken, and return all that are broken."""
    sight = look(home, broker, clock=clock, sleep=sleep)
    found = breaches(sight, settings)
    for breach in new_breaches(found, read_switch(home), sight.session):
        trip_switch(home, BY, breach.why, sight.at, cause=breach.cause, session=sight.session)
    return found


def look(
    home: Home, broker: Broker, *, clock: Callable[[], datetime], sleep: Callable[[float], None]
) -> Sight:
    """Return what the ledger and the broker state now; the account is asked for until the broker has been silent."""
    at = clock()
    day = session_on(exchange_date(at))
    is_open = day.opens_at is not None and day.closes_at is not None and day.opens_at <= at < day.closes_at
    with opened(home) as connection:
        booked = entries(connection)
        past = _past_session(connection, at)
    account, positions, quotes = _asked(broker, clock=clock, sleep=sleep) if is_open else NOTHING
    return Sight(
        at=clock(),
        session=day.day,
        is_open=is_open,
        account=account,
        positions=positions,
        quotes=quotes,
        receivable_cents=balance_of(booked).receivable_cents,
        past_session=past,
        close=_close(home, day.day, booked),
    )


def _asked(broker: Broker, *, clock: Callable[[], datetime], sleep: Callable[[float], None]) -> Books:
    """Return account, positions and their quotes; no account if the broker is silent for as long as is allowed."""
    since = clock()
    while True:
        try:
            account, positions = broker.account(), broker.positions()
            return account, positions, broker.quotes(tuple(positions))
        except BrokerError:
            if clock() - since >= SILENCE:
                return NOTHING
            sleep(PAUSE.total_seconds())


def _past_session(connection: LedgerConnection, at: datetime) -> tuple[str, ...]:
    found: list[str] = []
    for session in active_sessions(connection):
        execution = read_execution(connection, session)
        if execution is not None and at >= execution.ends_at + PAST_SESSION:
            orders = read_orders(connection, session)
            found += [one.order.order_id for one in orders if one.state in AT_BROKER]
    return tuple(found)


def _close(home: Home, today: date, booked: tuple[Entry, ...]) -> Close | None:
    history = read_equity_history(home.performance_file)
    before = [number for number, session in enumerate(history.sessions) if session < today]
    if not before:
        return None
    last = before[-1]
    flows = net_flows_cents(booked) / 100 - history.net_flows_usd[last]
    return Close(history.sessions[last], history.equity_usd[last], flows)
