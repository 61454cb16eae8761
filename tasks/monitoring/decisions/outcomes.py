"""Price the changes: what each would have earned from the next open on, and the sums with their intervals. Pure.

The counterfactual is the proposal itself, filled at the open of the session after the decision, at its estimated cost,
and held. It ends after `HORIZON_SESSIONS` or with the panel: later days propose again, so a longer horizon would
count the same name twice. Returns are total returns.

The interval is that of a calendar-time portfolio (Jaffe 1974; Fama 1998). It is computed from daily sums: what all
changes of a kind earned together on each session, whichever day they were decided on. These sums do not overlap, and
they contain what the names of a day have in common. The changes themselves do overlap: those of adjacent days share 20
of 21 sessions, so a month of them is hardly more than one independent observation, and an interval computed from them
would be too wide to be useful.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tasks.data.panel.companies import CompanyIndex
from tasks.data.schema.records import Panel
from tasks.models.training.inference import estimate
from tasks.monitoring.decisions.schema import Change, Outcome, Total
from tasks.portfolio.holdings.events import symbol_today
from tasks.portfolio.holdings.split_ratios import split_shares

HORIZON_SESSIONS = 21
LEAST_SESSIONS = 10  # on which a change was open; an interval of fewer is withheld

Amounts = NDArray[np.float64]


class Prices(NamedTuple):
    """Prices by today's symbols, splits by today's symbol (symbol, session, split), and whose symbols they are."""

    panel: Panel
    splits: pd.DataFrame
    companies: CompanyIndex


def outcome_of(change: Change, prices: Prices) -> Outcome:
    """Return what the change earned. A name without a bar on the session after the decision has no price.

    The company is the one that had the symbol on the session of the change, and the shares are those of that session.
    """
    panel, earned = prices.panel, _by_session(change, prices)
    if earned is None:
        return Outcome(change, None, None, 0, None)
    is_open = np.flatnonzero(np.isfinite(earned))
    return Outcome(
        change=change,
        price=_opened(panel, int(is_open[0]), _symbol_today(change, prices)),
        measured_on=panel.sessions[is_open[-1]].item(),
        sessions=len(is_open),
        earned_usd=float(np.nansum(earned)) - change.cost_usd,
    )


def totals_of(outcomes: Sequence[Outcome], prices: Prices) -> tuple[Total, ...]:
    """Return the totals by kind, by first change, and of all; outcomes without a price are omitted."""
    known = [one.change for one in outcomes if one.earned_usd is not None]
    kinds = dict.fromkeys(change.kind for change in known)
    parts = [_total(kind, [one for one in known if one.kind == kind], prices) for kind in kinds]
    return (*parts, _total("all", known, prices)) if known else ()


def interval_of(earned: Amounts) -> tuple[float | None, float | None]:
    """Return the 95% interval of the sum of daily amounts, oldest first; None where there are too few."""
    if len(earned) < LEAST_SESSIONS:
        return None, None
    found = estimate(earned, overlap=1)
    return found.low * len(earned), found.high * len(earned)


def _total(kind: str, changes: Sequence[Change], prices: Prices) -> Total:
    each = [earned for one in changes if (earned := _by_session(one, prices)) is not None]
    by_session = np.array(each)
    daily = np.nansum(by_session, axis=0)[np.isfinite(by_session).any(axis=0)]
    cost = sum(one.cost_usd for one in changes)
    low, high = (None if end is None else end - cost for end in interval_of(daily))
    days = len({one.session for one in changes})
    return Total(kind, len(changes), days, float(daily.sum()) - cost, low, high)


def _symbol_today(change: Change, prices: Prices) -> str:
    return symbol_today(change.symbol, change.session, prices.companies)


def _by_session(change: Change, prices: Prices) -> Amounts | None:
    """Return what the change earned on each session before costs, NaN where it was not open; None without a price."""
    panel, splits, symbol = prices.panel, prices.splits, _symbol_today(change, prices)
    entry = int(np.searchsorted(panel.sessions, np.datetime64(change.session), side="right"))
    price = _opened(panel, entry, symbol)
    if price is None:
        return None
    column = int(np.flatnonzero(panel.symbols == symbol)[0])
    rows = slice(entry, entry + HORIZON_SESSIONS)
    levels = np.array([panel.open[entry, column], *panel.close[rows, column]])
    moves = np.diff(pd.Series(levels).ffill().to_numpy()) / levels[0]  # a name without a bar does not move
    first = pd.Timestamp(change.session)
    since = (splits["session"] > first) & (splits["session"] <= pd.Timestamp(panel.sessions[entry]))
    shares = split_shares(change.shares, splits.loc[since & (splits["symbol"] == symbol), "split"])
    earned = np.full(len(panel.sessions), np.nan)
    earned[rows] = float(shares) * price * moves
    return earned


def _opened(panel: Panel, row: int, symbol: str) -> float | None:
    """Return the open in USD; None for an unknown name and without a bar."""
    columns = np.flatnonzero(panel.symbols == symbol)
    if row >= len(panel.sessions) or not len(columns):
        return None
    opened, close, raw = (each[row, columns[0]] for each in (panel.open, panel.close, panel.raw_close))
    price = float(opened * raw / close)
    return price if np.isfinite(price) else None
