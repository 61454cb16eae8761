"""Price the changes: what each would have earned from the next open on, and the sums with their intervals. Pure.

The counterfactual is the proposal itself, filled at the open of the session after the decision, at its estimated cost,
and held. It ends after `HORIZON_SESSIONS` or with the panel: later days propose again, so that a longer one would count
the same name twice. Returns are total returns.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tasks.data.schema.records import Panel
from tasks.models.training.inference import band, estimate
from tasks.monitoring.decisions.schema import Change, Outcome, Total

HORIZON_SESSIONS = 21
LEAST_SESSIONS = 10  # with changes; an interval of fewer is withheld


def outcome_of(change: Change, panel: Panel) -> Outcome:
    """Return what the change earned. A name without a bar on the session after the decision has no price."""
    entry = int(np.searchsorted(panel.sessions, np.datetime64(change.session), side="right"))
    columns = np.flatnonzero(panel.symbols == change.symbol)
    if entry >= len(panel.sessions) or not len(columns):
        return Outcome(change, None, None, 0, None)
    column = int(columns[0])
    last = min(entry + HORIZON_SESSIONS - 1, len(panel.sessions) - 1)
    closes = panel.close[entry : last + 1, column]
    known = np.flatnonzero(np.isfinite(closes))
    opened = panel.open[entry, column]
    if not np.isfinite(opened) or not len(known):
        return Outcome(change, None, None, 0, None)
    price = float(opened * panel.raw_close[entry, column] / panel.close[entry, column])
    growth = float(closes[known[-1]] / opened) - 1
    return Outcome(
        change=change,
        price=price,
        measured_on=panel.sessions[last].item(),
        sessions=last - entry + 1,
        earned_usd=change.shares * price * growth - change.cost_usd,
    )


def totals_of(outcomes: Sequence[Outcome]) -> tuple[Total, ...]:
    """Return the totals by kind, by first change, and of all; outcomes without a price are omitted."""
    known = [one for one in outcomes if one.earned_usd is not None]
    kinds = dict.fromkeys(one.change.kind for one in known)
    parts = [_total(kind, [one for one in known if one.change.kind == kind]) for kind in kinds]
    return (*parts, _total("all", known)) if known else ()


def _total(kind: str, outcomes: Sequence[Outcome]) -> Total:
    by_session: dict[object, float] = {}
    for one in sorted(outcomes, key=lambda each: each.change.session):
        by_session[one.change.session] = by_session.get(one.change.session, 0.0) + (one.earned_usd or 0.0)
    sums = np.array(list(by_session.values()))
    low, high = _interval(sums)
    return Total(kind, len(outcomes), len(sums), float(sums.sum()), low, high)


def _interval(sums: NDArray[np.float64]) -> tuple[float | None, float | None]:
    """Return the interval of the sum; neighbouring sessions overlap in their horizon, which widens it."""
    if len(sums) < LEAST_SESSIONS:
        return None, None
    found = estimate(sums, overlap=HORIZON_SESSIONS)
    low, high = band(found.mean, found.error)
    return low * len(sums), high * len(sums)
