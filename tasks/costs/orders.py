"""How an order type affects costs: when it trades, how much of the spread it pays, the volume it trades with."""

from typing import NamedTuple

from config.costs_section import HALF_HOURS, Costs, OrderType


class Terms(NamedTuple):
    """The terms of one order type."""

    spread_multiple: float  # of the session's average half-spread
    window_volume_frac: float  # fraction of the day's volume that trades while the order does


def terms_of(order_type: OrderType, *, half_hour: int, costs: Costs) -> Terms:
    """Return the terms of the order type; `half_hour` is when a market or limit order is sent.

    The session's average half-spread is weighted by volume. TWAP trades in equal parts in every half-hour, VWAP in
    proportion to volume; a limit order waits from its half-hour to the close.
    """
    volume = costs.impact.volume_by_half_hour
    shape = costs.spread.by_half_hour
    paid = costs.orders.spread_paid_frac[order_type]
    average = sum(part * level for part, level in zip(volume, shape, strict=True)) / sum(volume)
    match order_type:
        case "moo":
            return Terms(paid, costs.impact.opening_auction_volume)
        case "moc":
            return Terms(paid, costs.impact.closing_auction_volume)
        case "market":
            return Terms(paid * shape[half_hour] / average, volume[half_hour])
        case "limit":
            return Terms(paid * shape[half_hour] / average, sum(volume[half_hour:]))
        case "twap":
            # the mean participation of equal parts: each is 1/13 of the order, against its own half-hour's volume
            participation = sum(1 / part for part in volume) / HALF_HOURS**2
            return Terms(paid * sum(shape) / HALF_HOURS / average, 1 / participation)
        case "vwap":
            return Terms(paid, sum(volume))
