"""At which price an order fills against a session's bar. Pure."""

from dataclasses import dataclass
from typing import Literal

from tasks.execution.brokers.paper.market import Bar
from tasks.execution.schema import Side, Timing

Stage = Literal["open", "close"]


@dataclass(frozen=True)
class Terms:
    """What decides the price of an order."""

    side: Side
    timing: Timing
    limit_cents: int  # 0 without a limit


def fill_price(terms: Terms, bar: Bar, stage: Stage) -> int:
    """Return the price in cents at which the order fills at this stage of the session; 0: it does not.

    Orders with timing market and at_open fill at the open, at_close at the close. A limit order fills at the open if
    that is as good as its limit, otherwise at its limit if the session's range touches it.
    """
    if terms.timing == "limit":
        return _limit_price(terms, bar, stage)
    if terms.timing == "at_close":
        return bar.close_cents if stage == "close" else 0
    return bar.open_cents if stage == "open" else 0


def _limit_price(terms: Terms, bar: Bar, stage: Stage) -> int:
    is_buy, limit = terms.side == "BUY", terms.limit_cents
    if stage == "open":
        is_marketable = bar.open_cents <= limit if is_buy else bar.open_cents >= limit
        return bar.open_cents if is_marketable else 0
    is_touched = 0 < bar.low_cents <= limit if is_buy else bar.high_cents >= limit
    return limit if is_touched else 0
