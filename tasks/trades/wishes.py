"""Decide how many whole shares each name should change by, before anything is cut.

Shares are rounded down, so that no weight ends above its target. A position near its target is left alone: the band
is one share plus a share of the book, and it is withdrawn, largest excess first, where a limit wants the room.
Exits know no band.
"""

from typing import NamedTuple

import numpy as np

from config.sections import Trades as TradesSettings
from tasks.portfolio.limits import breaches
from tasks.trades.lines import Lines, Mask, Numbers, Shares


class Wishes(NamedTuple):
    """Whole shares to sell (negative) or buy, and which names were left alone inside the band."""

    change: Shares
    is_kept: Mask


def wish(lines: Lines, reserve_cents: float, *, settings: TradesSettings) -> Wishes:
    """Return the wanted change of each name, sized by the equity that is left after `reserve_cents` of costs.

    Increases are judged by the equity before costs and decreases by the one after: whichever leaves the name alone
    today then still leaves it alone when the costs are paid, so a filled book asks for no trades (fault 41).
    """
    net_cents = max(lines.equity_cents - reserve_cents, 0.0)
    is_kept = _in_band(lines, net_cents, settings) & ~lines.is_exit
    is_kept = _withdraw(is_kept, lines, net_cents)

    price = np.maximum(lines.price_cents, 1)
    target = np.floor(lines.weight * net_cents / price + 1e-9)
    grown = np.floor(target - lines.held + 1e-9)
    shrunk = np.minimum(np.ceil(lines.held - target - 1e-9), np.floor(lines.held + 1e-9))
    change = np.where(target > lines.held, grown, -shrunk)
    change[is_kept | ((change > 0) & ~lines.may_buy) | (lines.price_cents == 0)] = 0
    return Wishes(change.astype(np.int64), is_kept)


def _in_band(lines: Lines, net_cents: float, settings: TradesSettings) -> Mask:
    def band(equity_cents: float) -> Numbers:
        floor_cents = max(settings.min_weight_change_frac * equity_cents, settings.min_notional_usd * 100)
        return lines.price_cents.astype(np.float64) + floor_cents

    too_little = lines.weight * lines.equity_cents - lines.value_cents
    too_much = lines.value_cents - lines.weight * net_cents
    inside: Mask = (too_little < band(lines.equity_cents)) & (too_much < band(net_cents))
    return inside


def _withdraw(is_kept: Mask, lines: Lines, net_cents: float) -> Mask:
    """Take names out of the band until the book keeps its limits: the targets do, so this ends."""
    if net_cents <= 0:
        return is_kept
    now = lines.value_cents / net_cents
    excess = now - lines.weight
    is_kept = is_kept.copy()
    while breaches(np.where(is_kept, now, lines.weight), lines.limits):
        over = np.where(is_kept & _is_in_broken_limit(is_kept, now, lines), excess, 0.0)
        worst = int(np.argmax(over))
        if over[worst] <= 0:
            break
        is_kept[worst] = False
    return is_kept


def _is_in_broken_limit(is_kept: Mask, now: Numbers, lines: Lines) -> Mask:
    weights = np.where(is_kept, now, lines.weight)
    broken = set(breaches(weights, lines.limits))
    if "exposure" in broken:
        return np.ones(len(weights), dtype=bool)
    inside = (
        weights > lines.limits.max_position if "position" in broken else np.zeros(len(weights), dtype=bool)
    )
    for group in lines.limits.groups:
        if group.name in broken:
            inside = inside | group.members
    return inside
