"""Sessions of ten names whose portfolio is at its target, so that a test can change one thing and know the cause."""

from dataclasses import replace

import numpy as np

from tasks.core.sessions import session_after
from tasks.portfolio.arrays import Held, Names, value_held
from tasks.portfolio.candidates import choose_candidates
from tasks.portfolio.limits import rules_of
from tasks.portfolio.rebalancing.rebalance import Costing
from tasks.portfolio.target import View, target_weights
from tasks.risk.covariance import estimator_of
from tasks.trades.lines import Trading
from tasks.trades.rules import trade_rules_of
from tasks.trades.tickets.attribution import Comparison, split_trades
from tasks.trades.tickets.situation import RiskEstimate, Situation, decided_shares
from tests.builders import FRIDAY, make_settings

COUNT = 10
EQUITY_USD = 1_000_000.0
FREE = {  # costs and tolerances are nothing: the trades are the changes of the target, in whole shares of one dollar
    "costs.multiple": 0.0,
    "portfolio.costs_per_year": 0.0,
    "trades.min_notional_usd": 0.0,
    "trades.min_weight_change_frac": 0.0,
    "trades.min_drift_frac": 0.0,
    "trades.max_adv_frac": 1.0,
    "safety.max_trade_frac": 1.0,
    "safety.max_buys_frac": 1.0,
    "safety.max_daily_notional_frac": 2.0,
    "portfolio.max_position_frac": 0.5,
    "portfolio.max_sector_frac": 1.0,
    "portfolio.max_cap_class_frac": {},
}
VIEW = View(
    ranks=True,
    score_to_return=0.3,
    optimizer="score_weighted",
    exposure_cap=1.0,
    allows_new_positions=True,
)


def estimate(seed: int = 0, sizes: np.ndarray | None = None, comoving: tuple[int, ...] = ()) -> RiskEstimate:
    """Return the covariance of names of these volatilities; `comoving` move as one."""
    rng = np.random.default_rng(seed)
    returns = rng.normal(0, 0.01, (252, COUNT)) * (np.ones(COUNT) if sizes is None else sizes)
    if comoving:
        common = returns[:, comoving[:1]] + rng.normal(0, 0.001, (252, len(comoving)))
        returns[:, comoving] = common
    return RiskEstimate(estimator_of(returns, make_settings().risk), np.arange(COUNT))


def make_situation(view: View = VIEW, risk: RiskEstimate | None = None, **names) -> Situation:
    """Return a session of ten names of one dollar; the later names have better scores."""
    yes, no = np.ones(COUNT, dtype=bool), np.zeros(COUNT, dtype=bool)
    known = Names(
        score=np.arange(1.0, COUNT + 1),
        is_scored=yes,
        price=np.ones(COUNT),
        has_quote=yes,
        is_quarantined=no,
        is_reserved=no,
        has_risk=yes,
        adv_usd=np.full(COUNT, 1e9),
        daily_volatility=np.full(COUNT, 0.01),
        fall=np.zeros(COUNT),
        sector=np.arange(COUNT) // 5,
        cap_class=np.full(COUNT, -1),
    )
    return Situation(
        view,
        replace(known, **names),
        risk or estimate(),
        trade_rules_of(make_settings(**FREE)),
        Trading(session_after(FRIDAY)),
    )


def rules(**overrides):
    return rules_of(make_settings(**{**FREE, **overrides}).portfolio, ("Energy", "Technology"))


def target_of(situation: Situation, held: Held, **overrides) -> np.ndarray:
    names, view, settings = situation.names, situation.view, make_settings(**{**FREE, **overrides})
    candidates = choose_candidates(names, held, rules=rules(**overrides), stop_loss_frac=view.stop_loss_frac)
    target = target_weights(
        view,
        names,
        held,
        candidates,
        situation.risk.among(candidates.considered),
        rules=rules(**overrides),
        costing=Costing(session_after(FRIDAY), 1.0, settings.costs),
    )
    weights = np.zeros(COUNT)
    weights[target.places] = target.weights
    return weights


def at_target(situation: Situation, **overrides) -> Held:
    """Return holdings in whole shares at the situation's own target."""
    nothing = value_held(np.zeros(COUNT), situation.names.price, EQUITY_USD)
    shares = np.round(target_of(situation, nothing, **overrides) * EQUITY_USD / situation.names.price)
    return value_held(shares, situation.names.price, EQUITY_USD - float(shares @ situation.names.price))


def explained(
    before: Situation, now: Situation, held: Held | None = None, *, flow=0.0, settled=None, **overrides
):
    """Return the trades in cents by place, and the parts of each, as {cause: USD}."""
    comparison, cents = comparison_of(before, now, held, flow=flow, settled=settled, **overrides)
    parts = split_trades(comparison, cents)
    return cents, {
        place: {part.cause: part.usd_cents / 100 for part in of_name} for place, of_name in parts.items()
    }


def comparison_of(
    before: Situation, now: Situation, held: Held | None = None, *, flow=0.0, settled=None, **overrides
):
    """Return the comparison, and the trades of the later situation in cents by place.

    `overrides` are settings of both situations, given as for `make_settings`.
    """
    if overrides:
        trade_rules = trade_rules_of(make_settings(**{**FREE, **overrides}))
        before, now = (replace(one, trade_rules=trade_rules) for one in (before, now))
    held = held or at_target(before, **overrides)
    shares = decided_shares(now, held, rules=rules(**overrides))
    cents = shares * np.round(np.nan_to_num(now.names.price) * 100).astype(np.int64)
    return Comparison(before, now, held, flow, rules(**overrides), settled), cents
