"""The account over its last sessions: Sharpe ratio with its error, drawdown, win rate, and by regime. Pure."""

from collections.abc import Sequence
from math import sqrt

import numpy as np
from numpy.typing import NDArray

from config.monitoring_section import Monitoring
from tasks.monitoring.schema import AccountFigures, Alert
from tasks.regime.schema import STATES
from tasks.risk.ratios import SESSIONS_PER_YEAR, drawdowns, sharpe

LEAST_SESSIONS, WINDOW_SESSIONS = 60, 126  # an annualized figure of fewer sessions is withheld


def account_figures(levels: NDArray[np.float64], regimes: Sequence[str]) -> AccountFigures | None:
    """Return the figures of the last 126 returns; None without any. `levels`: time-weighted, by session.

    `regimes`: the state determined after each session's close. As in a tear sheet, a return counts towards the state
    at the previous close, when the session's holdings were decided.
    """
    returns = np.diff(levels) / levels[:-1]
    if not len(returns):
        return None
    last, states = returns[-WINDOW_SESSIONS:], np.array(regimes[:-1])[-WINDOW_SESSIONS:]
    ratio = sharpe(last) if len(last) >= LEAST_SESSIONS else float("nan")
    is_known = bool(np.isfinite(ratio))
    return AccountFigures(
        sessions=len(last),
        sharpe=ratio if is_known else None,
        sharpe_error=_sharpe_error(ratio, len(last)) if is_known else None,
        drawdown=float(drawdowns(levels)[-1]),
        win_rate=float((last > 0).mean()) if len(last) >= LEAST_SESSIONS else None,
        by_regime=tuple(
            (state, int(chosen.sum()), float(last[chosen].mean()), float((last[chosen] > 0).mean()))
            for state in STATES
            if (chosen := states == state).any()
        ),
    )


def account_alerts(figures: AccountFigures | None, expected: float | None, limits: Monitoring) -> list[Alert]:
    """Return an alert if the Sharpe ratio is below the threshold, and far below that of the champion's backtest."""
    if figures is None or figures.sharpe is None or figures.sharpe_error is None or expected is None:
        return []
    limit = min(limits.min_sharpe, expected - limits.max_sharpe_shortfall_z * figures.sharpe_error)
    if figures.sharpe >= limit:
        return []
    detail = (
        f"The Sharpe ratio of the last {figures.sessions} sessions is {figures.sharpe:.2f} "
        f"(standard error {figures.sharpe_error:.2f}); the champion's backtest had {expected:.2f}."
    )
    return [Alert("sharpe", figures.sharpe, limit, detail, retrain=True)]


def _sharpe_error(ratio: float, sessions: int) -> float:
    """Return the standard error of an annual Sharpe ratio of independent, normal returns (Lo 2002)."""
    daily = ratio / sqrt(SESSIONS_PER_YEAR)
    return sqrt((1 + daily**2 / 2) / sessions) * sqrt(SESSIONS_PER_YEAR)
