"""The skill of a champion: the expected return that its measured IC supports, and that IC in words."""

from collections.abc import Mapping
from math import sqrt

from tasks.core.text import counted, probability
from tasks.models.schema import Champion

SESSIONS_PER_YEAR = 252
OLDER_HORIZON_SESSIONS = 5  # of the rank IC that builds without the neutral IC recorded


def score_to_return(champion: Champion) -> float:
    """Return the expected yearly return of a name one standard deviation above the mean score, per unit of volatility.

    Grinold's rule (return = IC × volatility × score) with the shrunken IC, for as many horizons as a year has. 0 for
    the baseline, and where t is at most 1.
    """
    metrics, statistic = champion.metrics, champion.statistic
    if not champion.ranks:
        return 0.0
    if statistic is None:
        ic, t, horizon = metrics.get("rank_ic", 0.0), metrics.get("rank_ic_t", 0.0), OLDER_HORIZON_SESSIONS
    else:
        ic, t, horizon = metrics["neutral_ic"], metrics["neutral_ic_t"], statistic.horizon_sessions
    return yearly_worth(ic, t, horizon_sessions=horizon)


def yearly_worth(ic: float, t: float, *, horizon_sessions: int) -> float:
    """Return the expected yearly return per unit of score and volatility that a measured IC supports."""
    return shrunken(ic, t) * sqrt(SESSIONS_PER_YEAR / horizon_sessions)


def shrunken(ic: float, t: float) -> float:
    """Return the part of a measured IC that is expected to be more than noise (James and Stein's rule, positive part).

    Three quarters of it at t = 2, nothing up to t = 1.
    """
    return ic * (1 - 1 / t**2) if ic > 0 and t > 1 else 0.0


def stated_skill(champion: Champion) -> str:
    """Return what was found, how certain that is, and what could have been found."""
    statistic, metrics = champion.statistic, champion.metrics
    if not champion.ranks:
        no_skill = "is the baseline: it uses no signal and has no expected returns"
        return f"{champion.name} {no_skill}. {champion.selection_reason}"
    if statistic is None:
        return f"{champion.name} was measured with the statistic of an earlier release."
    return (
        f"{champion.name}: neutral IC {metrics['neutral_ic']:.4f}, 95% CI {metrics['neutral_ic_low']:.4f} to"
        f" {metrics['neutral_ic_high']:.4f}, {metrics['sessions']:.0f} sessions, from the"
        f" {statistic.entry.replace('_', ' ')} over {statistic.horizon_sessions} sessions, residualized on"
        f" {', '.join(statistic.controls).replace('_', ' ') or 'nothing'}. Minimum detectable"
        f" IC: {metrics['detectable_ic']:.4f}.{_deflated(metrics)}"
    )


def _deflated(metrics: Mapping[str, float]) -> str:
    """Return the Sharpe ratio and its deflated value as a sentence; empty if an older build selected the champion."""
    if "deflated_sharpe" not in metrics:
        return ""
    said = deflated_words(
        metrics["sharpe"],
        int(metrics.get("sharpe_sessions", 0)),
        int(metrics["trials"]),
        metrics["effective_trials"],
        metrics["deflated_sharpe"],
    )
    return f" {said}."


def deflated_words(sharpe: float, sessions: int, trials: int, effective: float, deflated: float) -> str:
    """Return a candidate's yearly Sharpe ratio with its basis, and its probability; 0 sessions: unknown."""
    measured = f" over {counted(sessions, 'out-of-sample session')}" if sessions else ""
    return (
        f"Sharpe ratio before costs, top fifth by score against all names{measured}: {sharpe:.2f} a year; the"
        f" probability that it is better than luck, given {counted(trials, 'trial')} to date ({effective:.1f}"
        f" effective), is {probability(deflated)}"
    )
