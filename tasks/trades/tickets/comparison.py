"""Build the comparison of a session's decision with the last published one: frames and records in, arrays out.

Symbols of the earlier session are translated to today's. Without an earlier decision, today's is compared with the
holdings as they are, no scores and no limits by the regime: then everything wanted counts as score, and what the
regime withholds as regime.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from config.settings import Settings
from tasks.data.panel.companies import CompanyIndex
from tasks.data.panel.returns import daily_returns
from tasks.data.schema.records import Panel
from tasks.portfolio.arrays import Vector
from tasks.portfolio.frame import SessionArrays
from tasks.portfolio.limits import rules_of
from tasks.portfolio.stops import recent_fall, stop_window
from tasks.portfolio.target import View
from tasks.regime.exposure import allowances
from tasks.risk.covariance import Estimator, estimable, estimator_of
from tasks.trades.lines import Trading
from tasks.trades.rules import TradeRules
from tasks.trades.tickets.attribution import Comparison, LastTarget
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
        return Situation(self.view, self.arrays.names, self.estimate(estimator, self.returns.columns))

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
    if earlier is None:
        before, last, flow_usd = _without_decision(now), LastTarget(held.weight), 0.0
    else:
        before = _earlier_situation(today, now, earlier)
        last = LastTarget(
            _by_place(today.arrays, _renamed(earlier, earlier.decision.weights), 0.0),
            "cost" if earlier.is_same_basis else "constraints",
        )
        flow_usd = earlier.flow_usd
    settings = today.settings
    return Comparison(
        before=before,
        now=now,
        last=last,
        held=held,
        flow_usd=flow_usd if held.equity_usd > flow_usd else 0.0,
        rules=rules_of(settings.portfolio, today.arrays.sectors),
        trade_rules=today.trade_rules,
        trading=today.trading,
    )


def _without_decision(now: Situation) -> Situation:
    unlimited = replace(
        now.view, exposure_cap=1.0, allows_new_positions=True, size_multiplier=1.0, stop_loss_frac=0.0
    )
    nothing = np.zeros(len(now.names.score))
    names = replace(now.names, score=nothing + np.nan, is_scored=nothing.astype(bool))
    return Situation(unlimited, names, now.risk)


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
    names = replace(
        now.names,
        score=score,
        is_scored=np.isfinite(score),
        has_risk=risk.column >= 0,
        fall=fall[place],
        has_quote=raw_close[place] > 0,
        is_quarantined=arrays.symbols.isin(list(_renamed(earlier, dict.fromkeys(decision.quarantined, 1.0)))),
    )
    return Situation(_earlier_view(decision, settings), names, risk)


def _earlier_view(decision: PreviousDecision, settings: Settings) -> View:
    allowed = allowances(np.array([decision.state]), np.array([decision.volatility_pct]), settings.regime)
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
