"""Decide a published day once more with trades that a person struck or halved.

Without solving, the other trades stay as they are and what is not spent stays cash. With solving, the day's own stages
run again, the struck and halved names fixed at their weights. Either way every check of the day runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from io import BytesIO

import pandas as pd

from flows.replay import PastDay
from tasks.approval.day import PublishedDay
from tasks.core.artifacts import load_frame, save_frame
from tasks.core.errors import ConfigError, StorageError
from tasks.core.json_text import parse_json
from tasks.data.panel.reader import read_prices
from tasks.features.task import compute_features
from tasks.models.schema import Scores
from tasks.models.task import score_universe
from tasks.portfolio.frame import with_weights
from tasks.portfolio.schema import CASH, Portfolio
from tasks.portfolio.task import build_portfolio, keep_to_reductions
from tasks.regime.schema import Regime
from tasks.regime.task import detect_regime
from tasks.reporting.day.assessed import assess_after
from tasks.reporting.day.files import trades_csv
from tasks.reporting.day.ledger import printed_trades
from tasks.reporting.day.store import BACKDROP_SESSIONS, backdrop_of
from tasks.risk.assessment import Assessment
from tasks.risk.schema import RiskModel
from tasks.risk.tail import portfolio_risk
from tasks.risk.task import estimate_risk
from tasks.safety.schema import Checks, Halt
from tasks.safety.task import apply_halt_rules, check_day
from tasks.trades.schema import Trades
from tasks.trades.task import propose_trades, revise_trades


@dataclass(frozen=True)
class Changes:
    """What a person wants changed."""

    strike: tuple[str, ...] = ()
    halve: tuple[str, ...] = ()
    solve: bool = False


@dataclass(frozen=True)
class Decided:
    """A decision about the session with its frames, which later ones of the same run overwrite on disk."""

    portfolio: Portfolio
    trades: Trades
    target: pd.DataFrame
    lines: pd.DataFrame  # trades
    after: pd.DataFrame
    checks: Checks
    risk: Mapping[str, float]  # of the portfolio after the trades
    returns: pd.DataFrame  # sessions of the risk window × names

    @property
    def signed_shares(self) -> dict[str, int]:
        """The change in shares by symbol: positive buys, negative sells."""
        return _signed(self.lines)


@dataclass(frozen=True)
class _Signals:
    scores: Scores
    regime: Regime
    risk: RiskModel
    halt: Halt


def revise(past: PastDay, published: PublishedDay, changes: Changes) -> tuple[Decided, Decided]:
    """Return the published decision and the revised one. Raises for a symbol that the day does not trade."""
    signals, before = _decided(past)
    if trades_csv(printed_trades(before.lines)) != published.trades:
        raise StorageError(
            f"{published.session}: the recomputed trades differ from the published ones, so the day cannot be revised.",
            remedy=f"`afterclose replay {published.session}` shows the difference. Run the day again.",
            session=str(published.session),
        )
    wanted = wanted_shares(before.lines, changes)
    fixed = {symbol: _weight(before, symbol, shares) for symbol, shares in wanted.items()}
    if changes.solve:
        portfolio = _portfolio(past, signals, fixed)
        return before, _finished(past, signals, portfolio, wanted, plan_others=True)
    names = before.target.index
    target = with_weights(before.target, {name: weight for name, weight in fixed.items() if name in names})
    portfolio = replace(before.portfolio, frame=save_frame(past.run, "portfolio_revised", target))
    return before, _finished(past, signals, portfolio, _signed(before.lines) | wanted, plan_others=False)


def wanted_shares(trades: pd.DataFrame, changes: Changes) -> dict[str, int]:
    """Return the changes in shares of the struck and halved names: positive buys, negative sells, 0 does not trade."""
    proposed = _signed(trades)
    named = (*changes.strike, *changes.halve)
    if not named:
        raise ConfigError(
            "A revision must change at least one trade.",
            remedy="Name it with --strike SYMBOL or --halve SYMBOL.",
        )
    if unknown := [symbol for symbol in named if symbol not in proposed]:
        raise ConfigError(
            f"The day proposes no trade in {unknown[0][:20]!a}.", remedy="Write symbols as in trades.csv."
        )
    if twice := [symbol for symbol in named if named.count(symbol) > 1]:
        raise ConfigError(f"{twice[0]} is named twice.", remedy="Name it once: either strike it or halve it.")
    halves = {symbol: abs(proposed[symbol]) // 2 for symbol in changes.halve}
    return dict.fromkeys(changes.strike, 0) | {
        symbol: shares if proposed[symbol] > 0 else -shares for symbol, shares in halves.items()
    }


def published_trades(published: PublishedDay) -> pd.DataFrame:
    """Return trades.csv as text."""
    return pd.read_csv(BytesIO(published.trades), dtype=str, keep_default_na=False)


def assess_decided(past: PastDay, published: PublishedDay, decided: Decided) -> Assessment:
    """Assess the portfolio after the trades as the day's own; the account's drawdown is the one that the day states."""
    recorded = parse_json(published.files["monitoring_log.json"])["risk_assessment"]
    return assess_after(
        decided.after["weight"],
        decided.returns,
        backdrop_of(read_prices(past.market.snapshot, window=BACKDROP_SESSIONS)),
        drawdown=float(recorded["figures"]["drawdown"]),
        settings=past.run.settings,
    )


def decided_again(past: PastDay) -> Decided:
    """Return the decision about the session on the market and the positions given."""
    return _decided(past)[1]


def _decided(past: PastDay) -> tuple[_Signals, Decided]:
    run, market = past.run, past.market
    scores = score_universe(run, compute_features(run, market))
    regime, risk = detect_regime(run, market), estimate_risk(run, market)
    portfolio = build_portfolio(run, market, scores, regime, risk, positions=past.positions)
    signals = _Signals(scores, regime, risk, apply_halt_rules(run, regime, portfolio))
    portfolio = keep_to_reductions(run, portfolio, risk, reductions_only=signals.halt.reductions_only)
    return signals, _with_checks(past, signals, portfolio, propose_trades(run, market, portfolio))


def _portfolio(past: PastDay, signals: _Signals, fixed: Mapping[str, float]) -> Portfolio:
    portfolio = build_portfolio(
        past.run,
        past.market,
        signals.scores,
        signals.regime,
        signals.risk,
        positions=past.positions,
        fixed=fixed,
    )
    return keep_to_reductions(past.run, portfolio, signals.risk, reductions_only=signals.halt.reductions_only)


def _finished(
    past: PastDay, signals: _Signals, portfolio: Portfolio, wanted: Mapping[str, int], *, plan_others: bool
) -> Decided:
    trades = revise_trades(past.run, past.market, portfolio, wanted, plan_others=plan_others)
    return _with_checks(past, signals, portfolio, trades)


def _with_checks(past: PastDay, signals: _Signals, portfolio: Portfolio, trades: Trades) -> Decided:
    checks = check_day(past.run, past.market, signals.scores, signals.regime, portfolio, trades)
    target, lines, after = (load_frame(ref) for ref in (portfolio.frame, trades.frame, trades.after))
    returns, confidence = load_frame(signals.risk.returns).T, past.run.settings.risk.confidence
    risk = portfolio_risk(after["weight"].drop(CASH), returns, confidence)
    return Decided(portfolio, trades, target, lines, after, checks, risk, returns)


def _signed(trades: pd.DataFrame) -> dict[str, int]:
    signs = {"BUY": 1, "SELL": -1}
    rows: Sequence[Mapping[str, object]] = trades.to_dict("records")  # type: ignore[assignment] # keys are columns
    return {str(row["symbol"]): signs[str(row["side"])] * int(str(row["shares"])) for row in rows}


def _weight(before: Decided, symbol: str, shares: int) -> float:
    """Return the weight of the name after this change."""
    current, price = (before.target[name].to_dict()[symbol] for name in ("current_weight", "price"))
    return float(current) + shares * float(price) / before.portfolio.book.equity_usd
