"""Checks of the portfolio after the day's trades.

The portfolio may exceed a limit because of drift, or because a sale was cut, but no trade may increase the excess.
Weights are fractions of equity before costs, because paying costs lowers equity and so raises every weight slightly.
"""

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from config.sections import Portfolio as PortfolioSettings
from tasks.core.text import dollars, percent
from tasks.portfolio.schema import CASH
from tasks.safety.book_checks import allowed_exposure
from tasks.safety.facts import Facts, add_lines
from tasks.safety.outcome import TOLERANCE, Outcome, none_of

SHARE_TOLERANCE = 1e-6


class GroupWeight(NamedTuple):
    """Weight of one position, sector, cap class or of the whole portfolio, before and after the trades."""

    name: str
    before: float
    after: float
    limit: float

    @property
    def is_refused(self) -> bool:
        """Whether the trades move it beyond its limit, or further beyond it; True for NaN."""
        return not self.after <= self.limit + TOLERANCE and not self.after <= self.before + TOLERANCE


class Group(NamedTuple):
    """The places of names whose weight has a limit together."""

    name: str
    places: NDArray[np.intp]
    limit: float

    def weight(self, before: NDArray[np.float64], after: NDArray[np.float64]) -> GroupWeight:
        """Return the group's weight before and after, from those of each name."""
        return GroupWeight(
            self.name, float(before[self.places].sum()), float(after[self.places].sum()), self.limit
        )


def after_agrees(facts: Facts) -> Outcome:
    """The stored portfolio after the trades equals holdings plus trades, by symbol, and its cash adds up."""
    signed = facts.trades["shares"] * np.where(facts.is_sale, -1.0, 1.0)
    expected = add_lines(facts.held, signed.groupby(facts.trades["symbol"]).sum(skipna=False))
    lines = facts.after["shares"].drop(CASH, errors="ignore").astype(float)
    off = add_lines(lines, -expected).abs()
    found = [str(symbol) for symbol in off.index[~(off <= SHARE_TOLERANCE)]]
    cash = float(facts.after["shares"].get(CASH, float("nan")))
    if not abs(cash - facts.cash_after_usd) <= 0.01:
        found.append(f"CASH is {dollars(cash)}, the trades leave {dollars(facts.cash_after_usd)}")
    return none_of(found, limit="held plus traded")


def after_limits(facts: Facts) -> Outcome:
    """No trade moves a position, sector, cap class or the total beyond its limit, or further beyond it."""
    settings, cap = facts.settings.portfolio, allowed_exposure(facts)
    found = [
        f"{one.name} goes from {percent(one.before, 2)} to {percent(one.after, 2)}, "
        f"the limit is {percent(one.limit, 2)}"
        for one in group_weights(_lines(facts), settings, exposure_cap=cap)
        if one.is_refused
    ]
    return none_of(found, limit="no trade above a limit, or further above it")


def towards_target(facts: Facts) -> Outcome:
    """No trade overshoots the target by more than one share."""
    share = facts.trades.groupby("symbol")["price"].max() / facts.equity_usd
    traded = facts.traded_weight
    gap = facts.after_weight.reindex(traded.index) - facts.target["weight"].reindex(traded.index).fillna(0.0)
    past = gap * np.sign(traded)
    found = [f"{symbol} by {percent(past[symbol], 2)}" for symbol in past.index[~(past <= share + TOLERANCE)]]
    return none_of(found, limit="no trade beyond the target")


def group_weights(
    lines: pd.DataFrame, settings: PortfolioSettings, *, exposure_cap: float
) -> Iterator[GroupWeight]:
    """Yield every position, sector and cap class that has a limit, then the whole portfolio.

    `lines`: columns before, after, sector (as `limited_sectors` returns it) and cap_class ("" unknown), by symbol.
    """
    before, after = (lines[name].to_numpy(dtype=float) for name in ("before", "after"))
    for group in limited_groups(lines, settings, exposure_cap=exposure_cap):
        yield group.weight(before, after)


def limited_groups(
    lines: pd.DataFrame, settings: PortfolioSettings, *, exposure_cap: float
) -> Iterator[Group]:
    """Yield the groups of group_weights. `lines`: columns sector and cap_class, by symbol."""
    places = np.arange(len(lines))
    for symbol, place in zip(lines.index, places, strict=True):
        yield Group(str(symbol), places[place : place + 1], settings.max_position_frac)
    for label, within in sorted(lines.groupby("sector").indices.items()):
        yield Group(f"sector {label}", np.asarray(within), settings.max_sector_frac)
    for label, limit in settings.max_cap_class_frac.items():
        (within,) = (lines["cap_class"] == label).to_numpy(dtype=bool).nonzero()
        yield Group(f"{label} caps", within, limit)
    yield Group("the portfolio", places, exposure_cap)


def _lines(facts: Facts) -> pd.DataFrame:
    after = facts.after_weight
    return pd.DataFrame(
        {
            "before": facts.held_weight.reindex(after.index).fillna(0.0),
            "after": after,
            "sector": facts.sector_of(after.index),
            "cap_class": facts.quotes.cap_class.reindex(after.index).fillna(""),
        }
    )
