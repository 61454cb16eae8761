"""Cut desired trades to the limits on volume, size, number, day and portfolio, and to the cash; log every cut.

Sells are decided first, and the day's limits never reduce them; buys get the remaining capacity. Never adds a share to
a trade. The log holds codes; tasks/trades/explanation.py describes them.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from operator import mul

import numpy as np

from tasks.core.compiled import compiled
from tasks.portfolio.arrays import Codes
from tasks.trades.lines import Lines, Mask, Shares
from tasks.trades.rules import TradeRules

CostCents = Callable[[Shares], Shares]  # cost of buying these shares, by line
FLOAT_ERROR = 1e-9  # more than a sum of products of any number of lines is wrong by, as a fraction


class Step(IntEnum):
    """The limits, in the order that trades are cut to them; one step per group follows, then exposure and cash."""

    VOLUME = 0
    TRADE = 1
    DAYS_BUYS = 2
    DAYS_NOTIONAL = 3
    GROUPS = 4  # the first of them


class Drop(IntEnum):
    """Why a desired trade is not proposed."""

    NONE = 0
    SIZE = 1  # the size limits leave less than one share
    SMALL = 2
    WORTHLESS = 3
    TOO_MANY = 4
    NO_ROOM = 5  # plus the step that leaves none


@dataclass(frozen=True)
class CutLog:
    """The cuts, warnings and dropped trades of each line, recorded while trades are cut."""

    cut: Mask  # steps × lines
    before_volume: Shares  # shares before and after the cut to the volume; 0: not cut
    after_volume: Shares
    lacks_volume: Mask  # a sale in a name of unknown volume
    dropped: Codes
    dropped_shares: Shares  # wanted

    def drop(self, lines: Mask, shares: Shares, code: int) -> None:
        """Record the first reason for which each line is not traded."""
        new = lines & (self.dropped == Drop.NONE)
        self.dropped[new] = code
        self.dropped_shares[new] = shares[new]


def empty_log(lines: Lines) -> CutLog:
    """Return a log without entries."""
    names = len(lines.held)
    before, after, dropped, shares = (np.zeros(names, dtype=np.int64) for _ in range(4))
    steps = Step.GROUPS + len(lines.limits.groups) + 2
    return CutLog(
        np.zeros((steps, names), dtype=bool), before, after, np.zeros(names, dtype=bool), dropped, shares
    )


def cut_each(wanted: Shares, lines: Lines, log: CutLog, *, is_sale: bool, rules: TradeRules) -> Shares:
    """Cut each trade to the limits on its fraction of the volume and of the portfolio."""
    has_volume = lines.adv_shares > 0
    by_volume = np.where(has_volume, rules.max_adv_frac * lines.adv_shares, wanted).astype(np.int64)
    is_cut = wanted > by_volume
    log.cut[Step.VOLUME] |= is_cut
    log.before_volume[is_cut] = wanted[is_cut]
    log.after_volume[is_cut] = by_volume[is_cut]
    if is_sale:
        log.lacks_volume[(wanted > 0) & ~has_volume] = True
    shares = np.minimum(wanted, by_volume)

    most_cents = rules.max_trade_frac * lines.equity_cents
    by_size = (most_cents / np.maximum(lines.price_cents, 1) + 1e-9).astype(np.int64)
    log.cut[Step.TRADE] |= shares > by_size
    shares = np.minimum(shares, by_size)
    log.drop((wanted > 0) & (shares == 0), wanted, Drop.SIZE)
    return shares


def drop_small(
    shares: Shares, wanted: Shares, lines: Lines, log: CutLog, *, min_notional_usd: float, exempt: Mask
) -> Shares:
    """Drop trades below the minimum notional. Exits are exempt, so that remnants can be sold."""
    small = (shares > 0) & (shares * lines.price_cents < min_notional_usd * 100) & ~exempt
    log.drop(small, wanted, Drop.SMALL)
    return np.where(small, 0, shares)


def drop_beyond(shares: Shares, lines: Lines, log: CutLog, *, most: int, first: Mask) -> Shares:
    """Keep the `most` largest trades: those in `first` before all others; of equally large ones, the first line."""
    traded = np.flatnonzero(shares)
    if len(traded) <= most:
        return shares
    order = traded[np.lexsort((-(shares * lines.price_cents)[traded], ~first[traded]))]
    is_dropped = np.zeros(len(shares), dtype=bool)
    is_dropped[order[most:]] = True
    log.drop(is_dropped, shares, Drop.TOO_MANY)
    return np.where(is_dropped, 0, shares)


def drop_worthless(sells: Shares, lines: Lines, log: CutLog, cost_cents: Shares) -> Shares:
    """Drop sales that would cost more than their proceeds."""
    worthless = (sells > 0) & (cost_cents >= sells * lines.price_cents)
    log.drop(worthless, sells, Drop.WORTHLESS)
    return np.where(worthless, 0, sells)


def fit_buys(
    buys: Shares,
    sells: Shares,
    lines: Lines,
    log: CutLog,
    *,
    selling_costs: int,
    buying_costs: CostCents,
    rules: TradeRules,
) -> Shares:
    """Scale buys down until they fit the day's limits, every limit of the portfolio, and the cash."""
    if not buys.any():
        return buys
    enters = not (lines.held > 0).any()
    most = rules.max_entry_buys_frac if enters else rules.max_buys_frac
    sold_cents = int((sells * lines.price_cents).sum())
    left_cents = (lines.held - sells) * lines.price_cents
    limits, everything = lines.limits, np.ones(len(buys), dtype=bool)
    rooms: list[tuple[Mask, float]] = [
        (everything, most * lines.equity_cents),
        (everything, rules.max_daily_notional_frac * lines.equity_cents - sold_cents),
        *(
            (group.members, group.limit * lines.equity_cents - left_cents[group.members].sum())
            for group in limits.groups
        ),
        (everything, limits.max_exposure * lines.equity_cents - left_cents.sum()),
    ]
    for step, (members, room) in enumerate(rooms, start=Step.DAYS_BUYS):
        buys = _scale(buys, members, room, lines, log, step)
    proceeds_cents = sold_cents - selling_costs
    available = (
        lines.cash_cents + proceeds_cents - int(buying_costs(buys).sum())
    )  # fewer shares never cost more
    return _scale(buys, everything, available, lines, log, len(log.cut) - 1)


def _scale(buys: Shares, members: Mask, room_cents: float, lines: Lines, log: CutLog, step: int) -> Shares:
    """Scale the members' buys by one factor so that they fit together."""
    inside = np.where(members, buys, 0)
    fitting = scale_to_fit(inside, lines.price_cents, math.floor(room_cents))
    if fitting is inside:
        return buys
    log.cut[step] |= inside > 0
    log.drop((inside > 0) & (fitting == 0), buys, Drop.NO_ROOM + step)
    return np.where(members, fitting, buys)


def scale_to_fit(shares: Shares, price_cents: Shares, room_cents: int) -> Shares:
    """Scale all lines by one factor so that together they cost at most the room; whole shares, rounded down.

    Shares that fit are returned as they are.
    """
    room = max(room_cents, 0)
    if _value(shares, price_cents) < room * (1 - FLOAT_ERROR):
        return shares
    counts = shares.tolist()
    total = sum(map(mul, counts, price_cents.tolist()))  # of any size: Python's numbers do not overflow
    if total <= room:
        return shares
    return np.array([count * room // total for count in counts], dtype=np.int64)


@compiled
def _value(shares: Shares, price_cents: Shares) -> float:
    total = 0.0
    for line in range(len(shares)):
        total += float(shares[line]) * float(price_cents[line])
    return total
