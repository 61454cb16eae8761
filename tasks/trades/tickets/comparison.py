"""Build the comparison of a session's decision with the last published one: frames and records in, arrays out.

Symbols of the earlier session are translated to today's. Without an earlier decision, today's is compared with one
without scores and without limits by the regime, which keeps the holdings: then all that is bought counts as score.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from config.settings import Settings
from tasks.costs.model import multiplier_of
from tasks.data.panel.companies import CompanyIndex
from tasks.data.panel.returns import daily_returns
from tasks.data.schema.records import Panel
from tasks.portfolio.arrays import Vector
from tasks.portfolio.frame import SessionArrays
from tasks.portfolio.limits import rules_of
from tasks.portfolio.quotes import VOLATILITY_SESSIONS, VOLUME_SESSIONS, average_volume, daily_volatility
from tasks.portfolio.stops import recent_fall, stop_window
from tasks.portfolio.target import View
from tasks.regime.exposure import Allowances, allowances
from tasks.risk.covariance import Estimator, estimable, estimator_of
from tasks.trades.lines import Trading
from tasks.trades.rules import TradeRules, trade_rules_of
from tasks.trades.tickets.attribution import Comparison
from tasks.trades.tickets.previous import PreviousDecision
from tasks.trades.tickets.situation import RiskEstimate, Situation


@dataclass(frozen=True)
class Today:
    """Today's decision as the stages of the day computed it."""

    settings: Settings
    arrays: SessionArrays
    view: View
    returns: pd.DataFrame  # sessions × estimable symbols
    trade_rules: TradeRules
    trading: Trading

    @property
    def situation(self) -> Situation:
        estimator = estimator_of(self.returns.to_numpy(dtype=np.float64), self.settings.risk)
        risk = self.estimate(estimator, self.returns.columns)
        return Situation(self.view, self.arrays.names, risk, self.trade_rules, self.trading)

    def estimate(self, estimator: Estimator, symbols: pd.Index) -> RiskEstimate:
        """Return the estimate by the places of today's names."""
        return RiskEstimate(estimator, symbols.get_indexer(self.arrays.symbols))


@dataclass(frozen=True)
class Earlier:
    """The last published decision, and the panel up to today from which its risk is estimated again."""

    decision: PreviousDecision
    panel: Panel
    sessions_ago: int
    companies: CompanyIndex
    flow_usd: float
    is_same_basis: bool  # settings and code are those of today


def compare(today: Today, earlier: Earlier | None) -> Comparison:
    """Return what today's trades are explained from."""
    now, held = today.situation, today.arrays.held
    settled: Vector | None
    if earlier is None:
        before, flow_usd, settled = _without_decision(now), 0.0, held.weight
    else:
        before, flow_usd = _earlier_situation(today, now, earlier), earlier.flow_usd
        target = _by_place(today.arrays, _renamed(earlier, earlier.decision.weights), 0.0)
        settled = None if earlier.is_same_basis else target
    return Comparison(
        before=before,
        now=now,
        held=held,
        flow_usd=flow_usd if held.equity_usd > flow_usd else 0.0,
        rules=rules_of(today.settings.portfolio, today.arrays.sectors),
        settled=settled,
    )


def _without_decision(now: Situation) -> Situation:
    unlimited = replace(
        now.view, exposure_cap=1.0, allows_new_positions=True, size_multiplier=1.0, stop_loss_frac=0.0
    )
    nothing = np.zeros(len(now.names.score))
    names = replace(now.names, score=nothing + np.nan, is_scored=nothing.astype(bool))
    return replace(now, view=unlimited, names=names)


def _earlier_situation(today: Today, now: Situation, earlier: Earlier) -> Situation:
    decision, settings, arrays = earlier.decision, today.settings, today.arrays
    until = len(earlier.panel.sessions) - earlier.sessions_ago
    close = earlier.panel.close[:until]
    returns = daily_returns(close[-settings.risk.window_sessions - 1 :])[1:]
    known = estimable(returns, min_history_frac=settings.risk.min_history_frac)
    symbols = pd.Index(earlier.panel.symbols.astype(str))
    risk = today.estimate(estimator_of(returns[:, known], settings.risk), symbols[known])
    place = symbols.get_indexer(arrays.symbols)
    raw_close = np.append(earlier.panel.raw_close[until - 1], np.nan)
    fall = np.append(recent_fall(close, stop_window(settings.regime)), 0.0)
    score = _by_place(arrays, _renamed(earlier, decision.scores), np.nan)
    volume = np.append(average_volume(earlier.panel.dollar_volume[:until][-VOLUME_SESSIONS:]), np.nan)
    volatility = np.append(daily_volatility(close[-VOLATILITY_SESSIONS - 1 :]), np.nan)
    names = replace(
        now.names,
        score=score,
        is_scored=np.isfinite(score),
        has_risk=risk.column >= 0,
        fall=fall[place],
        has_quote=raw_close[place] > 0,
        is_quarantined=arrays.symbols.isin(list(_renamed(earlier, dict.fromkeys(decision.quarantined, 1.0)))),
        adv_usd=volume[place],
        daily_volatility=volatility[place],
    )
    allowed = allowances(np.array([decision.state]), np.array([decision.volatility_pct]), settings.regime)
    levels = earlier.panel.volatility_index[:until]
    return Situation(
        _earlier_view(decision, allowed),
        names,
        risk,
        trade_rules_of(settings, max_buys_frac=float(allowed.max_buys_frac[0])),
        replace(
            today.trading,
            index_multiplier=multiplier_of(levels, index=settings.costs.volatility_index),
            reductions_only=decision.reductions_only,
        ),
    )


def _earlier_view(decision: PreviousDecision, allowed: Allowances) -> View:
    return View(
        ranks=decision.ranks,
        score_to_return=decision.score_to_return,
        optimizer=decision.optimizer,
        exposure_cap=float(allowed.exposure_cap[0]),
        allows_new_positions=bool(allowed.allows_new_positions[0]),
        size_multiplier=float(allowed.size_multiplier[0]),
        stop_loss_frac=float(allowed.stop_loss_frac[0]),
    )


def _renamed(earlier: Earlier, values: Mapping[str, float]) -> dict[str, float]:
    """Return the values by today's symbols; an unknown symbol is unchanged."""
    if not values:
        return {}
    count = len(values)
    days = np.full(count, earlier.decision.session, dtype="datetime64[D]")
    found = earlier.companies.of_rows(np.array(list(values)), np.arange(count), days)
    today = [
        symbol if position < 0 else str(earlier.companies.names[position])
        for symbol, position in zip(values, found.tolist(), strict=True)
    ]
    return dict(zip(today, values.values(), strict=True))


def _by_place(arrays: SessionArrays, values: Mapping[str, float], missing: float) -> Vector:
    found: Vector = np.array([values.get(symbol, missing) for symbol in arrays.symbols], dtype=np.float64)
    return found
