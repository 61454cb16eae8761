"""Explain by how many shares the broker's positions differ from the ledger, name by name.

A fill of an order of ours is only ever booked from the order's total. If the positions are ahead of that total or
behind it, the difference is named `fill`, waits, and is not booked here: a fill is counted once. A position that is
gone without an activity is locked; nothing buys it again.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction

from tasks.execution.reconciliation.corporate import GRACE, Situation, carried_split, unapplied_split
from tasks.execution.reconciliation.identity import APPLIED, CARRIED, EXPLAINED, cents_of, difference_id
from tasks.execution.reconciliation.schema import Difference, Kind, OurOrder
from tasks.execution.schema import AT_BROKER, State
from tasks.ledger.entries import Entry

SETTLING = timedelta(minutes=10)  # positions may lag behind a booked fill for this long
CANCEL_TIME = timedelta(minutes=15)  # an order still pending cancellation after this is stuck
PRICE_BAND = Fraction(1, 4)  # of the last price, in which a fill without a stated price is plausible
NOTHING = (Decimal(0), 0)
LARGEST_RATIO = 20  # of a split that is guessed from a position


@dataclass(frozen=True)
class Transit:
    """Cash of fills that ledger and broker show at different times, broker less ledger, in cents.

    `exact`: the position shows the fill. `possible`: it does not yet, the cash may. `low` to `high`: the price is not
    stated yet.
    """

    exact: int = 0
    possible: int = 0
    low: int = 0
    high: int = 0

    def __add__(self, other: "Transit") -> "Transit":
        return Transit(
            self.exact + other.exact,
            self.possible + other.possible,
            self.low + other.low,
            self.high + other.high,
        )

    def explains(self, cents: int) -> bool:
        """Return whether the fills in transit explain a cash difference of this many cents."""
        sums = {0, self.exact, self.possible, self.exact + self.possible}
        if cents in sums:
            return True
        return (self.low, self.high) != (0, 0) and any(
            self.low <= cents - known <= self.high for known in sums
        )


def name_differences(
    held: Mapping[str, Decimal],
    own: Mapping[str, Sequence[Entry]],
    orders: Mapping[str, Sequence[OurOrder]],
    prices: Mapping[str, Decimal],
    now: Situation,
) -> tuple[tuple[Difference, ...], Transit]:
    """Return the differences of all names, and the cash that their fills in transit account for.

    `held`: what the broker should show, by symbol; `now.gaps`: by how much it shows more.
    """
    found, transit = [], Transit()
    waiting = {
        symbol for symbol, of_name in orders.items() if any(_pending(order) != NOTHING for order in of_name)
    }
    for symbol in sorted(now.gaps.keys() | waiting):
        gap = now.gaps.get(symbol, Decimal(0))
        fill = _fill(symbol, gap, orders.get(symbol, ()), prices.get(symbol), now)
        if fill is not None:
            found.append(fill[0])
            transit += fill[1]
        else:
            found.append(_unfilled(symbol, gap, held, own.get(symbol, ()), now))
    return tuple(found), transit


def stuck_orders(orders: Sequence[OurOrder], at: datetime) -> tuple[Difference, ...]:
    """Return our orders that the broker has been asked to cancel and neither cancels nor fills."""
    return tuple(
        _waiting(
            order.symbol,
            Decimal(0),
            0,
            f"Our order {order.order_id} in {order.symbol} is still being canceled and may fill.",
            about=order.order_id,
        )
        for order in orders
        if order.state is State.CANCELING and at - order.changed_at > CANCEL_TIME
    )


def _pending(order: OurOrder) -> tuple[Decimal, int]:
    """Return the signed shares and cash by which the order's total at the broker is ahead of the ledger."""
    if order.at_broker is None:
        return Decimal(0), 0
    sign = -1 if order.is_sale else 1
    shares = sign * (order.at_broker.filled_shares - order.booked_shares)
    cents = -sign * (order.at_broker.filled_cents - order.booked_cents)
    return shares, cents - (order.at_broker.fee_cents - order.booked_fee_cents)


def _fill(
    symbol: str, gap: Decimal, orders: Sequence[OurOrder], price: Decimal | None, now: Situation
) -> tuple[Difference, Transit] | None:
    """Return the gap as a fill of our orders that one side does not show yet; None if it is not."""
    shrunk = next((order for order in orders if _is_shrunk(order)), None)
    if shrunk is not None:
        return _shrunken(shrunk, now), Transit(
            exact=_pending(shrunk)[1] if gap else 0, possible=_pending(shrunk)[1]
        )
    shares = sum((_pending(order)[0] for order in orders), Decimal(0))
    cents = sum(_pending(order)[1] for order in orders)
    if gap == 0:
        sentence = f"A fill of {shares:+f} {symbol} is at the broker and not booked yet."
        return _waiting(symbol, shares, cents, sentence), Transit(possible=cents)
    if gap == shares:
        return _waiting(
            symbol, gap, cents, f"A fill of {gap:+f} {symbol} is in the positions and not booked yet."
        ), Transit(exact=cents)
    if any(_may_fill(order, gap) for order in orders):
        sentence = f"The positions show a fill of {gap:+f} {symbol} that our order does not state yet."
        return _waiting(symbol, gap, 0, sentence), _estimate(gap, price)
    lagging = [order for order in orders if _may_lag(order, gap, now.at)]
    if lagging:
        sentence = f"A booked fill of {-gap:+f} {symbol} is not in the positions yet."
        whole = abs(gap) == lagging[0].booked_shares
        sign = -1 if lagging[0].is_sale else 1
        exact = Transit(exact=sign * lagging[0].booked_cents + lagging[0].booked_fee_cents)
        return _waiting(symbol, gap, 0, sentence), exact if whole else _estimate(gap, price)
    return None


def _is_shrunk(order: OurOrder) -> bool:
    return order.at_broker is not None and order.at_broker.filled_shares < order.booked_shares


def _shrunken(order: OurOrder, now: Situation) -> Difference:
    """Return a total below the booked one: an old answer, or a busted trade whose activity is not there yet."""
    shares, cents = _pending(order)
    about = difference_id("shrunk", order.order_id, shares, cents)
    name = f"our order {order.order_id} in {order.symbol}"
    sentence = f"The broker reports {abs(shares):f} fewer shares of {name} than booked."
    proposal = Entry(
        "correction",
        f"{EXPLAINED}{about}",
        now.today,
        now.at,
        order.symbol,
        shares,
        cents,
        order_id=order.order_id,
    )
    return Difference(about, "restatement", order.symbol, shares, cents, sentence, "name", proposal=proposal)


def _may_fill(order: OurOrder, gap: Decimal) -> bool:
    remaining = order.shares - order.booked_shares
    return order.state in AT_BROKER and (gap < 0) == order.is_sale and abs(gap) <= remaining


def _may_lag(order: OurOrder, gap: Decimal, at: datetime) -> bool:
    is_opposite = (gap > 0) == order.is_sale
    return is_opposite and abs(gap) <= order.booked_shares and at - order.changed_at <= SETTLING


def _estimate(gap: Decimal, price: Decimal | None) -> Transit:
    if price is None:
        return Transit()
    cents = -cents_of(gap, price)
    low, high = sorted((round(cents * (1 - PRICE_BAND)), round(cents * (1 + PRICE_BAND))))
    return Transit(low=low, high=high)


def _waiting(symbol: str, shares: Decimal, cents: int, sentence: str, about: str = "position") -> Difference:
    return Difference(
        difference_id(about, symbol, shares), "fill", symbol, shares, cents, sentence, "name", is_waiting=True
    )


def _unfilled(
    symbol: str, gap: Decimal, held: Mapping[str, Decimal], own: Sequence[Entry], now: Situation
) -> Difference:
    """Return the gap as a split that one side lacks, a vanished position, or unknown."""
    late = unapplied_split(own, gap)
    if late is not None:
        return _late_split(late, gap, now)
    applied = carried_split(own, gap)
    if applied is not None:
        mark = Entry("split", f"{APPLIED}{CARRIED}{applied.source}", now.today, now.at, symbol)
        return _different(
            "split",
            symbol,
            gap,
            f"The broker has now applied the split of {symbol} that was already booked.",
            own,
            now,
            (mark,),
        )
    before = held.get(symbol, Decimal(0))
    shown = before + gap
    counterpart = _counterpart(gap, now.gaps)
    renamed = f" The same number of shares differs in {counterpart}: a symbol change?" if counterpart else ""
    counts = f"The broker shows {shown:f} {symbol}, the ledger {before:f}"
    if before and not shown:
        return _different(
            "vanished_position", symbol, gap, f"{counts}, without an activity.{renamed}", own, now
        )
    ratio = Fraction(shown) / Fraction(before) if before else Fraction(0)
    if ratio > 0 and max(ratio.numerator, ratio.denominator) <= LARGEST_RATIO:
        return _different("split", symbol, gap, f"{counts}: a split that the lake does not have?", own, now)
    return _different("unknown", symbol, gap, f"{counts}, and nothing explains it.{renamed}", own, now)


def _late_split(split: Entry, gap: Decimal, now: Situation) -> Difference:
    symbol = split.symbol
    if now.today - split.session <= GRACE or not now.is_paper:
        sentence = f"The broker has not applied the {symbol} split of {split.session} yet."
        return Difference(
            difference_id("position", symbol, gap), "split", symbol, gap, 0, sentence, "name", is_waiting=True
        )
    mark = Entry("split", f"{CARRIED}{split.source}", now.today, now.at, symbol)
    sentence = f"This paper account ignores the {symbol} split of {split.session}; the ledger applies it."
    return Difference(
        difference_id("position", symbol, gap), "split", symbol, gap, 0, sentence, "nothing", (mark,)
    )


def _counterpart(gap: Decimal, gaps: Mapping[str, Decimal]) -> str:
    return min((other for other, difference in gaps.items() if difference == -gap), default="")


def _different(
    kind: Kind,
    symbol: str,
    gap: Decimal,
    sentence: str,
    own: Sequence[Entry],
    now: Situation,
    bookings: tuple[Entry, ...] = (),
) -> Difference:
    about = difference_id("position", symbol, gap)
    times = sum(entry.source.startswith(f"{EXPLAINED}{about}:") for entry in own)
    proposal = Entry("correction", f"{EXPLAINED}{about}:{times}", now.today, now.at, symbol, gap)
    return Difference(
        about,
        kind,
        symbol,
        gap,
        0,
        sentence,
        "nothing" if bookings else "name",
        bookings,
        proposal=None if bookings else proposal,
    )
