"""Rules by which a day trips the kill switch: losses, Sharpe ratio, volatility, stale data.

tasks/safety/task.py trips it. Rules that apply while the exchange is open are in
tasks/execution/monitoring/intraday_triggers.py.

Each trigger returns an outcome, like a check. A session whose trip was reset by a person does not trip again. Triggers
about new risk need only the holdings and the regime, so that they run before the trades are made.
"""

import math
from collections.abc import Mapping
from datetime import date
from typing import Protocol

import numpy as np

from config.settings import Settings
from tasks.core.errors import DataError
from tasks.core.sessions import sessions_between
from tasks.data.panel.returns import daily_returns
from tasks.risk.ratios import net_levels, net_return, sharpe
from tasks.safety.day_checks import sessions_behind
from tasks.safety.equity_history import EquityHistory
from tasks.safety.facts import Facts
from tasks.safety.outcome import Outcome, at_most


class Measured(Protocol):
    """The inputs of a regime by name."""

    @property
    def inputs(self) -> Mapping[str, float]: ...


class WithCash(Protocol):
    """A portfolio's cash, the capital flows in it, and dividends that are not in it yet."""

    @property
    def cash_usd(self) -> float: ...
    @property
    def net_flows_usd(self) -> float: ...
    @property
    def receivable_usd(self) -> float: ...


class PreTradeFacts(Protocol):
    """Holdings and regime after the session, before any trade."""

    @property
    def session(self) -> date: ...
    @property
    def settings(self) -> Settings: ...
    @property
    def regime(self) -> Measured: ...
    @property
    def book(self) -> WithCash: ...
    @property
    def equity_usd(self) -> float: ...


def daily_loss(facts: PreTradeFacts, past: EquityHistory, acknowledged: date | None) -> Outcome:
    """The loss since the last run stays within the daily limit, net of capital flows; a dividend due is not a loss.

    After several sessions without a run the limit is scaled by the square root of their number.
    """
    limit = facts.settings.safety.kill_daily_loss_frac
    before = past.between(None, facts.session)
    if not before.sessions:
        return Outcome(passed=True, value="no earlier session", limit=f"loss ≤ {limit:.2%}")
    if acknowledged is not None and acknowledged >= facts.session:
        return Outcome(passed=True, value="reset by a person", limit=f"loss ≤ {limit:.2%}")
    flow = facts.book.net_flows_usd - before.net_flows_usd[-1]
    loss = -net_return(_worth(facts), before.equity_usd[-1], flow)
    most = daily_loss_limit(facts.settings, before.sessions[-1], facts.session)
    return at_most(loss, most, detail=f"lost since {before.sessions[-1]}")


def daily_loss_limit(settings: Settings, since: date, session: date) -> float:
    """Return the largest loss allowed since an earlier session, as a fraction of equity."""
    gap = max(1, len(sessions_between(since, session)) - 1)
    return settings.safety.kill_daily_loss_frac * math.sqrt(gap)


def sharpe_ratio(facts: PreTradeFacts, past: EquityHistory, acknowledged: date | None) -> Outcome:
    """The Sharpe ratio over the last sessions is high enough; applies once the portfolio was invested in all of them.

    Mean over standard deviation (n − 1) of daily equity returns × √252, net of capital flows, without a risk-free rate.
    """
    settings = facts.settings.safety
    limit = f"≥ {settings.kill_sharpe:g}"
    window = settings.kill_sharpe_sessions
    before = past.between(acknowledged, facts.session)
    equity = (*before.equity_usd, _worth(facts))[-window - 1 :]
    flows = (*before.net_flows_usd, facts.book.net_flows_usd)[-window - 1 :]
    exposure = (*before.exposure, 1 - facts.book.cash_usd / facts.equity_usd)[-window:]
    if len(equity) <= window or min(exposure) <= 0:
        return Outcome(passed=True, value=f"fewer than {window} invested sessions", limit=limit)
    returns = daily_returns(net_levels(np.array(equity), np.array(flows))[:, None])[1:, 0]
    ratio = sharpe(returns) if np.isfinite(returns).all() else math.nan  # an unknown return fails the check
    passed = ratio >= settings.kill_sharpe
    return Outcome(passed, f"{ratio:.2f}", limit, "" if passed else f"over the last {window} sessions")


def _worth(facts: PreTradeFacts) -> float:
    return facts.equity_usd + facts.book.receivable_usd


def volatility(facts: PreTradeFacts, past: EquityHistory, acknowledged: date | None) -> Outcome:  # noqa: ARG001 - as the others
    """The volatility index, or its substitute, is low enough for new risk."""
    limit = facts.settings.safety.kill_volatility
    if acknowledged is not None and acknowledged >= facts.session:
        return Outcome(passed=True, value="reset by a person", limit=f"≤ {limit:g}")
    if "volatility_pct" not in facts.regime.inputs:
        raise DataError("The volatility is unknown.", remedy="Check the benchmark and the volatility index.")
    level = facts.regime.inputs["volatility_pct"]
    return Outcome(level <= limit, f"{level:.1f}", f"≤ {limit:g}", "" if level <= limit else "no new risk")


def stale_data(facts: Facts, past: EquityHistory, acknowledged: date | None) -> Outcome:  # noqa: ARG001 - as the others
    """The data is not older than allowed."""
    behind, limit = sessions_behind(facts), facts.settings.safety.kill_stale_sessions
    return Outcome(behind <= limit, f"{behind} sessions old", f"≤ {limit}")
