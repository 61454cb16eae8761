"""The inputs of one decision as groups that can be taken from a later session one after another.

The scores belong to no group: once they are taken, everything that may differ is the later session's. Prices, sectors
and settings are the later session's in both situations.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from tasks.portfolio.arrays import Held, Matrix, Names, Places
from tasks.portfolio.candidates import choose_candidates
from tasks.portfolio.limits import Rules
from tasks.portfolio.target import View
from tasks.risk.covariance import Estimator
from tasks.trades.decision import decide
from tasks.trades.lines import Trading
from tasks.trades.rules import TradeRules

Shares = NDArray[np.int64]
Group = Literal["cost", "constraints", "risk", "regime"]
GROUPS: tuple[Group, ...] = get_args(Group)

# which fields of which part of a situation belong to each group; the covariance itself belongs to risk
FIELDS: dict[Group, dict[str, tuple[str, ...]]] = {
    "cost": {"names": ("daily_volatility",), "trading": ("index_multiplier",)},
    "constraints": {
        "names": ("has_quote", "is_quarantined", "adv_usd"),
        "trading": ("reductions_only",),
    },
    "risk": {"names": ("has_risk",)},
    "regime": {
        "view": ("exposure_cap", "allows_new_positions", "size_multiplier", "stop_loss_frac"),
        "names": ("fall",),
        "trade_rules": ("max_buys_frac", "max_entry_buys_frac"),
    },
}


@dataclass(frozen=True)
class RiskEstimate:
    """An estimator, and the column of each name in it; -1 for a name without an estimate."""

    estimator: Estimator
    column: Places

    def among(self, places: Places) -> Matrix:
        """Return the daily covariance of the names at these places; NaN without an estimate."""
        columns = self.column[places]
        known = columns >= 0
        covariance = np.full((len(places), len(places)), np.nan)
        covariance[np.ix_(known, known)] = self.estimator.among(columns[known])
        return covariance


@dataclass(frozen=True)
class Situation:
    """What a session's decision is computed from, without the holdings and the limits of the settings."""

    view: View
    names: Names
    risk: RiskEstimate
    trade_rules: TradeRules
    trading: Trading


def mixed(before: Situation, now: Situation, replaced: Collection[Group]) -> Situation:
    """Return the earlier situation with these groups taken from the later one."""
    found = before
    for group in replaced:
        for part, fields in FIELDS[group].items():
            later = getattr(now, part)
            taken = {field: getattr(later, field) for field in fields}
            found = replace(found, **{part: replace(getattr(found, part), **taken)})
    return replace(found, risk=now.risk) if "risk" in replaced else found


def differs(before: Situation, now: Situation, group: Group) -> bool:
    """Return whether two situations differ in a group. Covariances of different sessions always do."""
    if group == "risk" and before.risk is not now.risk:
        return True
    return any(
        not _equal(getattr(getattr(before, part), field), getattr(getattr(now, part), field))
        for part, fields in FIELDS[group].items()
        for field in fields
    )


def decided_shares(situation: Situation, held: Held, *, rules: Rules) -> Shares:
    """Return the signed shares of every name that the complete decision trades: positive buys."""
    names, view = situation.names, situation.view
    candidates = choose_candidates(names, held, rules=rules, stop_loss_frac=view.stop_loss_frac)
    decision = decide(
        view,
        names,
        held,
        candidates,
        situation.risk.among(candidates.considered),
        rules=rules,
        trade_rules=situation.trade_rules,
        trading=situation.trading,
    )
    shares = np.zeros(len(names.score), dtype=np.int64)
    shares[decision.places] = decision.plan.buys - decision.plan.sells
    return shares


def _equal(one: object, other: object) -> bool:
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        return np.array_equal(one, other, equal_nan=True)
    return one == other
