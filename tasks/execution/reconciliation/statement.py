"""Ask the broker for everything that a reconciliation compares. A call without a usable answer is None, never empty."""

from collections.abc import Callable, Iterable
from datetime import date
from decimal import Decimal
from typing import TypeVar

from tasks.execution.brokers.base import Broker, Quote, ThrottledError, UnansweredError
from tasks.execution.reconciliation.schema import Statement

Answer = TypeVar("Answer")


def read_statement(broker: Broker, *, since: date) -> Statement:
    """Return the account, positions, activities since the day, and open orders. Raises UnauthorizedError.

    The account is read before and after the rest. If its cash moved meanwhile, positions and cash are of different
    moments: everything is read once more.
    """
    for _ in range(2):
        before = _answer(broker.account)
        found = Statement(
            before,
            _answer(broker.positions),
            _answer(lambda: broker.activities(since)),
            _answer(broker.open_orders),
        )
        after = _answer(broker.account)
        if before is None or after is None or before.cash_cents == after.cash_cents:
            break
    return found


def read_quotes(broker: Broker, symbols: Iterable[str]) -> dict[str, Quote]:
    """Return the current quotes; none if the broker does not answer: prices only add a check and a note."""
    return dict(_answer(lambda: broker.quotes(sorted(symbols))) or {})


def prices_of(quotes: dict[str, Quote]) -> dict[str, Decimal]:
    """Return the price of each quote."""
    return {symbol: quote.price for symbol, quote in quotes.items()}


def _answer(call: Callable[[], Answer]) -> Answer | None:
    try:
        return call()
    except (UnansweredError, ThrottledError):
        return None
