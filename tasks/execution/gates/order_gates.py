"""Gates of one order: its form, whether it is what was approved, and whether its price and window are right."""

import re
from decimal import Decimal

from tasks.data.schema.symbols import is_safe_symbol
from tasks.execution.gates.facts import Facts, known
from tasks.execution.gates.result import Outcome, outcome, passing

ORDER_ID = re.compile(r"[A-Za-z0-9-]{1,48}")
TIMINGS = frozenset({"market", "limit", "at_open", "at_close"})
PENNY_RULE_FROM_USD = Decimal(
    1
)  # Regulation NMS, rule 612: whole cents from one dollar on, four decimals below
CENT, FINE = Decimal("0.01"), Decimal("0.0001")


def structure(facts: Facts) -> Outcome:
    """The order is complete, of this session, and has a limit exactly if its timing is one."""
    order = facts.order
    problem = (
        "its id is not valid"
        if ORDER_ID.fullmatch(order.order_id) is None
        else "unknown side"
        if order.side not in {"BUY", "SELL"}
        else "unknown timing"
        if order.timing not in TIMINGS
        else "a limit order has a limit, and no other has one"
        if (order.timing == "limit") != (order.limit_price is not None)
        else "it belongs to another session"
        if order.session != facts.terms.session
        else ""
    )
    return outcome(not problem, problem or "complete", "complete", problem)


def symbol(facts: Facts) -> Outcome:
    """The symbol is one that the lake accepts."""
    name = facts.order.symbol
    return outcome(is_safe_symbol(name), ascii(name)[1:-1][:20], "a symbol", "not a valid symbol")


def whole_shares(facts: Facts) -> Outcome:
    """The size is a whole, positive number of shares."""
    shares = facts.order.shares
    return outcome(type(shares) is int and shares > 0, shares, "whole, > 0", "not a whole number of shares")


def limit_price(facts: Facts) -> Outcome:
    """A limit is positive and no finer than the exchange's tick size."""
    limit = facts.order.limit_price
    if limit is None:
        return passing("no limit")
    step = CENT if limit >= PENNY_RULE_FROM_USD else FINE
    return outcome(limit > 0 and limit % step == 0, limit, f"a multiple of {step}", "sub-penny limit")


def approved_line(facts: Facts) -> Outcome:
    """The approved line of the same row has the same symbol and side."""
    order, line = facts.order, facts.line
    return outcome(
        (order.symbol, order.side) == (line.symbol, line.side),
        f"{order.side} {order.symbol}",
        f"{line.side} {line.symbol}",
        f"line {order.row} was approved with another symbol or side",
    )


def approved_size(facts: Facts) -> Outcome:
    """All orders of the line together are at most what was approved."""
    total, line = facts.committed_shares + facts.order.shares, facts.line
    return outcome(total <= line.shares, total, f"≤ {line.shares}", "more than approved")


def size_band(facts: Facts) -> Outcome:
    """All orders of the line together are at least the smallest approved size."""
    total, line = facts.committed_shares + facts.order.shares, facts.line
    return outcome(total >= line.least_shares, total, f"≥ {line.least_shares}", "less than the approved band")


def price_band(facts: Facts) -> Outcome:
    """The current price is within the approved band."""
    price, line = facts.quote.price, facts.line
    return outcome(
        line.lowest_price <= price <= line.highest_price,
        price,
        f"{line.lowest_price} to {line.highest_price}",
        "the price left the approved band",
    )


def limit_in_band(facts: Facts) -> Outcome:
    """A limit is within the approved band too."""
    limit, line = facts.order.limit_price, facts.line
    if limit is None:
        return passing("no limit")
    return outcome(
        line.lowest_price <= limit <= line.highest_price,
        limit,
        f"{line.lowest_price} to {line.highest_price}",
        "the limit is outside the approved band",
    )


def collar(facts: Facts) -> Outcome:
    """A limit is near the current price."""
    limit, price = facts.order.limit_price, facts.quote.price
    if limit is None:
        return passing("no limit")
    bound = facts.limits.max_limit_deviation_frac * price
    return outcome(
        abs(limit - price) <= bound, limit, f"{price} ± {bound:.4f}", "the limit is beyond the collar"
    )


def fresh_quote(facts: Facts) -> Outcome:
    """The quote is positive and recent.

    While the exchange is shut, one since the last bell is recent: the close of the decision, or the open. For broker
    `manual` the close of the decision always is: nobody quotes, and the person who places the order sees the price.
    """
    quote, now, window = facts.quote, facts.now, facts.window
    oldest = now - facts.limits.max_quote_age
    if now < window.opens_at or facts.broker == "manual":
        oldest = facts.terms.decided_at
    elif now >= window.closes_at:
        oldest = window.opens_at
    if oldest <= quote.at <= now + facts.limits.max_clock_skew and quote.price > 0:
        return passing(str(quote.price), "a recent quote")
    return outcome(
        False,  # noqa: FBT003
        f"{quote.price} at {quote.at:%m-%d %H:%M:%S}Z",
        f"since {oldest:%m-%d %H:%M:%S}Z",
        "no recent quote",
    )


def tradable(facts: Facts) -> Outcome:
    """The broker trades the symbol."""
    asset = facts.asset
    return outcome(
        asset.is_tradable, "yes" if asset.is_tradable else "no", "yes", asset.reason or "not tradable"
    )


def halted(facts: Facts) -> Outcome:
    """Trading in the symbol is not halted."""
    asset = facts.asset
    return outcome(not asset.is_halted, "yes" if asset.is_halted else "no", "no", asset.reason or "halted")


def penny_stock(facts: Facts) -> Outcome:
    """What is bought is not quoted below the minimum price."""
    price, least = facts.quote.price, facts.limits.min_price_usd
    return outcome(facts.order.is_sale or price >= least, price, f"≥ {least}", "below the minimum price")


def window(facts: Facts) -> Outcome:
    """The order belongs to the approved session, and the broker accepts it now."""
    now, takes_at = (
        facts.now,
        known(facts.takes_at, "the earliest time at which the broker accepts the order"),
    )
    first, last = facts.terms.decided_at, facts.window.ends_at
    if first <= now < last and takes_at <= now:
        return passing("accepted now")
    return outcome(
        False,  # noqa: FBT003
        f"{now:%m-%d %H:%M}Z",
        f"{max(first, takes_at):%m-%d %H:%M}Z to {last:%m-%d %H:%M}Z",
        "the broker does not accept it now",
    )
