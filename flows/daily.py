"""daily-live: one session, from the day's data to trades that a person can approve."""

from config.settings import Settings
from tasks.backtest.task import compare_with_backtest
from tasks.core.homes.run import Run
from tasks.data.schema.records import Market
from tasks.data.task import refresh_market
from tasks.execution.running.in_progress import refuse_open_execution
from tasks.features.sets import SETS
from tasks.features.task import compute_features
from tasks.models.task import refuse_missing_champion, score_universe
from tasks.monitoring.task import monitor_health, monitored_window, score_in_shadow
from tasks.portfolio.holdings.positions import Positions
from tasks.portfolio.stops import stop_window
from tasks.portfolio.task import build_portfolio, keep_to_reductions, refuse_lost_portfolio
from tasks.regime.history import sessions_to_read
from tasks.regime.task import detect_regime
from tasks.reporting.day.inputs import Records
from tasks.reporting.schema import Day
from tasks.reporting.task import publish_day, refuse_decided_day, report_closed_session
from tasks.risk.task import estimate_risk
from tasks.safety.task import apply_halt_rules, check_day
from tasks.trades.task import propose_trades
from tasks.trades.tickets.task import explain_trades

STAGES = 15  # of a session


def daily_live(run: Run) -> Day:
    """Run every stage for the session of `run`; publish the day completely or not at all."""
    if not run.session.is_open:
        return report_closed_session(run)

    refuse_decided_day(run)
    refuse_lost_portfolio(run)
    refuse_open_execution(run)
    refuse_missing_champion(run)
    market = refresh_market(run, panel_sessions=longest_window(run.settings))
    day = publish_day(run, decide_day(run, market))
    score_in_shadow(run, market)
    return day


def decide_day(run: Run, market: Market, *, positions: Positions | None = None) -> Records:
    """Run every stage between the market and publication: the same for a new day and for the replay of a past one.

    `positions`: what is held; None: as the home has it.
    """
    features = compute_features(run, market)
    scores = score_universe(run, features)
    regime = detect_regime(run, market)
    risk = estimate_risk(run, market)
    portfolio = build_portfolio(run, market, scores, regime, risk, positions=positions)
    halt = apply_halt_rules(run, regime, portfolio)
    portfolio = keep_to_reductions(run, portfolio, risk, reductions_only=halt.reductions_only)
    trades = propose_trades(run, market, portfolio)
    tickets = explain_trades(
        run,
        market,
        features,
        scores,
        regime,
        risk,
        portfolio,
        trades,
        reductions_only=halt.reductions_only,
        positions=positions,
    )
    checks = check_day(run, market, scores, regime, portfolio, trades)
    parity = compare_with_backtest(run, market, scores, regime, portfolio, trades, halt)
    health = monitor_health(run, market, scores, regime, portfolio)
    return Records(market, scores, regime, risk, portfolio, trades, tickets, checks, parity, health)


def longest_window(settings: Settings) -> int:
    """Return how many sessions of the panel the stages read at most; fixed windows are shorter than the regime's."""
    return max(
        monitored_window(SETS[settings.models.features]),
        sessions_to_read(settings.regime),
        settings.risk.window_sessions + 1,
        stop_window(settings.regime).sessions,
    )
