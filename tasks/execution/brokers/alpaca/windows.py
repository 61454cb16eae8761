"""When Alpaca accepts which orders, and when its figures are preliminary. Pure; docs name New York time."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tasks.core.sessions import EXCHANGE_TIME_ZONE, session_on
from tasks.execution.schema import Order

NEW_YORK = ZoneInfo(EXCHANGE_TIME_ZONE)
REOPENS = time(19, 0)  # from then on, orders are for the next session
OPENING_AUCTION_ENDS = time(9, 28)
CLOSING_AUCTION_ENDS = timedelta(minutes=10)  # before the close
REGULAR_CLOSE = time(16, 0)
# start-of-day synchronization, trade reporting, end of day
NIGHTLY = ((time(2, 15), time(2, 30)), (time(18, 30), time(19, 30)), (time(23, 0), time(23, 30)))


def takes_from(order: Order, at: datetime) -> datetime:
    """Return the earliest time at which Alpaca accepts the order for the session after its decision, not before `at`.

    Between the close and 19:00 some accounts reject day orders and some accept them, so an order waits in any case.
    Sent before the close, it would trade in the session of the decision itself. On days without a session, the hours of
    the auctions apply as on others. While figures are preliminary, Alpaca would accept the order, but the gates could
    not check it.
    """
    at = max(at, _at(order.session, REOPENS))
    day = at.astimezone(NEW_YORK).date()
    ends = _ends(order, day)
    reopens = _at(day, REOPENS)
    return _settled(reopens if ends is not None and ends <= at < reopens else at)


def is_preliminary(at: datetime) -> bool:
    """Return whether figures read at this instant may still change, because Alpaca is updating its books."""
    clock = at.astimezone(NEW_YORK).time()
    return any(begins <= clock < ends for begins, ends in NIGHTLY)


def _settled(at: datetime) -> datetime:
    """Return the instant, or the end of the nightly window that it is in."""
    local = at.astimezone(NEW_YORK)
    ends = [_at(local.date(), ends) for begins, ends in NIGHTLY if begins <= local.time() < ends]
    return ends[0] if ends else at


def _ends(order: Order, day: date) -> datetime | None:
    """Return when Alpaca stops taking such orders on that day; None if it does not."""
    closes = session_on(day).closes_at
    if order.timing == "at_open":
        return _at(day, OPENING_AUCTION_ENDS)
    if order.timing == "at_close":
        return (closes or _at(day, REGULAR_CLOSE)) - CLOSING_AUCTION_ENDS
    return closes


def _at(day: date, clock: time) -> datetime:
    return datetime.combine(day, clock, NEW_YORK).astimezone(UTC)
