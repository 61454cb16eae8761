"""The inputs of one decision as groups that can be exchanged between two sessions one at a time.

The groups are score, risk, tradability and regime. Prices, volumes, volatilities, sectors and settings are those of
the later session in every mixture.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np

from tasks.portfolio.arrays import Held, Matrix, Names, Places, Vector
from tasks.portfolio.candidates import choose_candidates
from tasks.portfolio.limits import Classes, Rules
from tasks.portfolio.rebalance import Costing
from tasks.portfolio.target import Target, View, target_weights
from tasks.risk.covariance import Estimator

Group = Literal["score", "risk", "tradability", "regime"]
GROUPS: tuple[Group, ...] = get_args(Group)
NO_LIMIT = 10.0  # of a weight, times any multiplier of the regime

FIELDS: dict[Group, tuple[tuple[str, ...], tuple[str, ...]]] = {  # of the view, of the names
    "score": (("ranks", "score_to_return", "optimizer"), ("score", "is_scored")),
    "risk": ((), ("has_risk",)),
    "tradability": ((), ("has_quote", "is_quarantined")),
    "regime": (("exposure_cap", "allows_new_positions", "size_multiplier", "stop_loss_frac"), ("fall",)),
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
    """What a session's decision is computed from, without the holdings."""

    view: View
    names: Names
    risk: RiskEstimate


@dataclass(frozen=True)
class Solved:
    """A target, and its weights for every name: within the limits, and as far as trading is worth its cost."""

    target: Target
    uncosted: Vector
    weights: Vector


def mixed(before: Situation, now: Situation, replaced: Collection[Group]) -> Situation:
    """Return the earlier situation with these groups taken from the later one."""
    view, names = before.view, now.names
    for group, (of_view, of_names) in FIELDS.items():
        if group in replaced:
            view = replace(view, **{name: getattr(now.view, name) for name in of_view})
        else:
            names = replace(names, **{name: getattr(before.names, name) for name in of_names})
    return Situation(view, names, now.risk if "risk" in replaced else before.risk)


def differing(before: Situation, now: Situation) -> frozenset[Group]:
    """Return the groups in which two situations differ. Covariances of different sessions always do."""
    found = {
        group
        for group, (of_view, of_names) in FIELDS.items()
        if any(getattr(before.view, name) != getattr(now.view, name) for name in of_view)
        or any(
            not np.array_equal(
                getattr(before.names, name), getattr(now.names, name), equal_nan=name in {"score", "fall"}
            )
            for name in of_names
        )
    }
    return frozenset(found | ({"risk"} if before.risk is not now.risk else set()))


def unlimited(rules: Rules) -> Rules:
    """Return the rules without limits on positions, groups and correlated pairs."""
    return replace(
        rules,
        max_position=NO_LIMIT,
        sectors=_without(rules.sectors),
        cap_classes=_without(rules.cap_classes),
        max_correlation=np.inf,
    )


def solve_target(situation: Situation, held: Held, *, rules: Rules, costing: Costing) -> Solved:
    """Return the target as the portfolio stage computes it."""
    view, names = situation.view, situation.names
    candidates = choose_candidates(names, held, rules=rules, stop_loss_frac=view.stop_loss_frac)
    covariance = situation.risk.among(candidates.considered)
    target = target_weights(view, names, held, candidates, covariance, rules=rules, costing=costing)
    uncosted, weights = np.zeros(len(names.score)), np.zeros(len(names.score))
    uncosted[target.places], weights[target.places] = target.uncosted, target.weights
    return Solved(target, uncosted, weights)


def _without(classes: Classes) -> Classes:
    return classes._replace(limits=np.full(len(classes.limits), np.nan))
