"""Cut desired trades to the limits on volume, size, number, day and portfolio, and to the cash; log every cut.

Sells are decided first, and the day's limits never reduce them; buys get the remaining capacity. Never adds a share to
a trade.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

import numpy as np

from config.settings import Settings
from tasks.core.text import percent
from tasks.trades.lines import Lines, Mask, Shares

CostCents = Callable[[Shares], Shares]  # cost of selling, or buying, so many shares, by line


@dataclass
class CutLog:
    """The cuts, warnings and dropped trades of each line, recorded while trades are cut."""

    cut: dict[int, list[str]] = field(default_factory=dict)
    warned: dict[int, list[str]] = field(default_factory=dict)
    dropped: dict[int, tuple[int, str]] = field(
        default_factory=dict
    )  # wanted shares, and why they are not traded

    def add_cut(self, line: int, words: str) -> None:
        self.cut.setdefault(line, []).append(words)

    def warn(self, line: int, words: str) -> None:
        self.warned.setdefault(line, []).append(words)

    def drop(self, line: int, shares: int, words: str) -> None:
        self.dropped.setdefault(line, (int(shares), words))


def cut_each(wanted: Shares, lines: Lines, cut_log: CutLog, *, is_sale: bool, settings: Settings) -> Shares:
    """Cut each trade to the limits on its fraction of the volume and of the portfolio."""
    shares = wanted.copy()
    for line in np.flatnonzero(wanted).tolist():
        adv = lines.adv_shares[line]
        if adv > 0:
            allowed = int(settings.trades.max_adv_frac * adv)
            if shares[line] > allowed:
                words = f"{percent(settings.trades.max_adv_frac)} of the average daily volume"
                cut_log.warn(line, f"cut from {shares[line]:,} to {allowed:,} shares, {words}")
                cut_log.add_cut(line, f"cut to {words}; the rest is left for later sessions")
                shares[line] = allowed
        elif is_sale:
            cut_log.warn(line, "the average daily volume is unknown")
        allowed = int(settings.safety.max_trade_frac * lines.equity_cents / lines.price_cents[line] + 1e-9)
        if shares[line] > allowed:
            cut_log.add_cut(
                line,
                f"cut to {percent(settings.safety.max_trade_frac)} of the portfolio in one trade; the rest is left for"
                " later sessions",
            )
            shares[line] = allowed
        if shares[line] == 0:
            cut_log.drop(line, int(wanted[line]), "the size limits leave less than one share")
    return shares


def drop_small(
    shares: Shares, wanted: Shares, lines: Lines, cut_log: CutLog, *, min_notional_usd: float, exempt: Mask
) -> Shares:
    """Drop trades below the minimum notional. Exits are exempt, so that remnants can be sold."""
    small = (shares > 0) & (shares * lines.price_cents < min_notional_usd * 100) & ~exempt
    for line in np.flatnonzero(small).tolist():
        cut_log.drop(line, int(wanted[line]), f"worth less than {min_notional_usd:,.0f} USD")
    return np.where(small, 0, shares)


def drop_beyond(
    shares: Shares, lines: Lines, cut_log: CutLog, *, most: int, first: Mask, words: str
) -> Shares:
    """Keep the `most` largest trades, those of `first` before all others."""
    traded = np.flatnonzero(shares).tolist()
    order = sorted(traded, key=lambda line: (not first[line], -shares[line] * lines.price_cents[line], line))
    kept = shares.copy()
    for line in order[most:]:
        cut_log.drop(line, int(shares[line]), words)
        kept[line] = 0
    return kept


def drop_worthless(sells: Shares, lines: Lines, cut_log: CutLog, cost_cents: CostCents) -> Shares:
    """Drop sales that would cost more than their proceeds."""
    worthless = (sells > 0) & (cost_cents(sells) >= sells * lines.price_cents)
    for line in np.flatnonzero(worthless).tolist():
        cut_log.drop(line, int(sells[line]), "selling would cost more than its proceeds")
    return np.where(worthless, 0, sells)


def fit_buys(
    buys: Shares,
    sells: Shares,
    lines: Lines,
    cut_log: CutLog,
    *,
    selling_costs: int,
    buying_costs: CostCents,
    settings: Settings,
) -> Shares:
    """Scale buys down until they fit the day's limits, every limit of the portfolio, and the cash."""
    safety = settings.safety
    enters = not (lines.held > 0).any()
    most = safety.max_entry_buys_frac if enters else safety.max_buys_frac
    notional = safety.max_daily_notional_frac
    sold_cents = int((sells * lines.price_cents).sum())
    everything = np.ones(len(buys), dtype=bool)
    left_cents = (lines.held - sells) * lines.price_cents
    limits = lines.limits
    rooms: list[tuple[str, Mask, float]] = [
        (f"the day's limit of {percent(most)} for buys", everything, most * lines.equity_cents),
        (
            f"the day's limit of {percent(notional)} for buys and sells",
            everything,
            notional * lines.equity_cents - sold_cents,
        ),
        *(
            (
                f"the limit for {group.name}",
                group.members,
                group.limit * lines.equity_cents - left_cents[group.members].sum(),
            )
            for group in limits.groups
        ),
        ("the exposure limit", everything, limits.max_exposure * lines.equity_cents - left_cents.sum()),
    ]
    for words, members, room in rooms:
        buys = _scale(buys, members, room, lines, cut_log, words)
    proceeds_cents = sold_cents - selling_costs
    available = (
        lines.cash_cents + proceeds_cents - int(buying_costs(buys).sum())
    )  # fewer shares never cost more
    return _scale(buys, everything, available, lines, cut_log, "the cash available after sells and costs")


def _scale(
    buys: Shares, members: Mask, room_cents: float, lines: Lines, cut_log: CutLog, words: str
) -> Shares:
    """Scale the members' buys by one factor so that they fit together. Whole shares, never more than available."""
    room = max(int(np.floor(room_cents)), 0)
    prices: Iterable[int] = lines.price_cents.tolist()
    total = sum(int(n) * price for n, price, inside in zip(buys, prices, members, strict=True) if inside)
    if total <= room:
        return buys
    scaled = buys.copy()
    for line in np.flatnonzero(members & (buys > 0)).tolist():
        scaled[line] = int(buys[line]) * room // total
        cut_log.add_cut(line, f"cut to fit {words}")
        if scaled[line] == 0:
            cut_log.drop(line, int(buys[line]), f"{words} leaves no room")
    return scaled
