"""Checks of the target portfolio: every limit must hold.

after_checks covers the portfolio after the day's trades.
"""

import numpy as np
import pandas as pd

from tasks.core.text import dollars, percent
from tasks.portfolio.stops import is_stopped
from tasks.regime.exposure import exposure_cap
from tasks.safety.facts import Facts
from tasks.safety.outcome import TOLERANCE, Outcome, at_most, none_of

SUM_TOLERANCE = 1e-6
CENT = 0.01


def weights_sum(facts: Facts) -> Outcome:
    """Weights and cash sum to 1."""
    total = float(facts.target["weight"].sum(skipna=False)) + facts.target_cash
    passed = abs(total - 1) <= SUM_TOLERANCE
    return Outcome(
        passed, f"{total:.8f}", "1 ± 0.000001", "" if passed else "weights and cash do not sum to 1"
    )


def long_only(facts: Facts) -> Outcome:
    """No target weight is negative, cash included."""
    weights = np.append(facts.target["weight"].to_numpy(dtype=float), facts.target_cash)
    lowest = float(weights.min())
    short = facts.target.index[~(facts.target["weight"] >= -TOLERANCE)]
    return Outcome(lowest >= -TOLERANCE, percent(lowest, 2), "≥ 0%", ", ".join(short))


def position_limit(facts: Facts) -> Outcome:
    """No position exceeds the position limit."""
    limit = facts.settings.portfolio.max_position_frac
    weights = facts.target["weight"]
    heaviest = float(np.max(weights.to_numpy(dtype=float), initial=0.0))
    return at_most(heaviest, limit, detail=", ".join(weights.index[~(weights <= limit + TOLERANCE)]))


def sector_limit(facts: Facts) -> Outcome:
    """No sector exceeds the sector limit."""
    sector = facts.sector_of(facts.target.index)
    limit = facts.settings.portfolio.max_sector_frac
    return _group_limit(facts, sector, dict.fromkeys(sector.unique(), limit))


def cap_class_limit(facts: Facts) -> Outcome:
    """No cap class exceeds its limit, where cap data exists."""
    cap_class = facts.quotes.cap_class.reindex(facts.target.index).fillna("")
    limits = {str(name): limit for name, limit in facts.settings.portfolio.max_cap_class_frac.items()}
    return _group_limit(facts, cap_class, limits)


def regime_cap(facts: Facts) -> Outcome:
    """Exposure stays within the regime's cap, recomputed from the state."""
    limit = allowed_exposure(facts)
    exposure = float(facts.target["weight"].sum(skipna=False))
    return at_most(exposure, limit, detail=f"{facts.regime.state} allows {percent(limit, 2)}")


def stop_loss(facts: Facts) -> Outcome:
    """No name in the target has fallen further than the stop of the state, unless its last price is in doubt."""
    stop = {str(state): fraction for state, fraction in facts.settings.regime.stop_loss_frac.items()}[
        facts.regime.state
    ]
    if stop == 0:
        return Outcome(passed=True, value="no stop", limit=f"none in {facts.regime.state}")
    fall = facts.quotes.fall
    stopped = fall.index[is_stopped(fall.to_numpy(dtype=float), stop)]
    can_stop = stopped.intersection(facts.quotes.last_close.index).difference(pd.Index(facts.quarantined))
    held = facts.target.index[~(facts.target["weight"] <= 0)]
    return none_of(
        [str(symbol) for symbol in held.intersection(can_stop)],
        limit=f"≤ {percent(stop, 2)} below the recent high",
    )


def correlation(facts: Facts) -> Outcome:
    """Report the most correlated pair of the target. Informational: the target already respects the limit on pairs."""
    names = facts.quotes.returns.columns.intersection(facts.target.index[facts.target["weight"] > 0])
    limit = f"reported above {facts.settings.portfolio.max_correlation:.2f}"
    if len(names) < 2:
        return Outcome(passed=True, value="no pair", limit=limit)
    pairs = facts.quotes.returns[names].corr(min_periods=20).to_numpy(copy=True)
    np.fill_diagonal(pairs, np.nan)
    if np.isnan(pairs).all():
        return Outcome(passed=True, value="no pair", limit=limit)
    one, other = divmod(int(np.nanargmax(pairs)), len(names))
    return Outcome(True, f"{pairs[one, other]:.2f}", limit, f"{names[one]} and {names[other]}")  # noqa: FBT003 - passed


def equity(facts: Facts) -> Outcome:
    """Equity is positive and equals the sum of positions and cash."""
    added = facts.equity_usd
    passed = bool(np.isfinite(added)) and added > 0 and abs(added - facts.book.equity_usd) <= CENT
    detail = "" if passed else f"the portfolio states {dollars(facts.book.equity_usd)}"
    return Outcome(passed, dollars(added), "> 0, positions plus cash", detail)


def allowed_exposure(facts: Facts) -> float:
    """Return the smaller of the recorded cap and the one recomputed from state and volatility."""
    volatility = facts.regime.inputs.get("volatility_pct", float("nan"))
    return min(facts.regime.exposure_cap, exposure_cap(facts.regime.state, volatility, facts.settings.regime))


def _group_limit(facts: Facts, labels: pd.Series, limits: dict[str, float]) -> Outcome:
    """Check each group that has a limit, and show the one closest to its limit."""
    weights = facts.target["weight"]
    if weights.isna().any():
        return Outcome(
            passed=False, value="unknown", limit="known weights", detail="a weight is not a number"
        )
    total = weights.groupby(labels).sum()
    limited = [label for label in total.index if label in limits]
    if not limited:
        return Outcome(passed=True, value="no group", limit="none set")
    closest = max(limited, key=lambda label: (total[label] - limits[label], label))
    over = [label for label in limited if total[label] > limits[label] + TOLERANCE]
    value = f"{closest} {percent(total[closest], 2)}"
    return Outcome(not over, value, f"≤ {percent(limits[closest], 2)}", ", ".join(over))
