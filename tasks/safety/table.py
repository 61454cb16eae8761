"""Run every check of a day, in the order of the report. A check that cannot run counts as failed."""

from collections.abc import Callable
from datetime import date
from functools import partial

from tasks.safety import after_checks, book_checks, day_checks, trade_checks
from tasks.safety.equity_history import EquityHistory
from tasks.safety.facts import Facts
from tasks.safety.kill_switch import triggers
from tasks.safety.outcome import Outcome
from tasks.safety.schema import Check

CheckDay = Callable[[Facts], Outcome]
Trigger = Callable[[Facts, EquityHistory, date | None], Outcome]
RiskTrigger = Callable[[triggers.PreTradeFacts, EquityHistory, date | None], Outcome]

COULD_NOT_RUN = "could not run"

CHECKS: tuple[tuple[str, CheckDay], ...] = (
    ("data_freshness", day_checks.data_freshness),
    ("finite_scores", day_checks.finite_scores),
    ("champion_age", day_checks.champion_age),
    ("equity", book_checks.equity),
    ("weights_sum", book_checks.weights_sum),
    ("long_only", book_checks.long_only),
    ("position_limit", book_checks.position_limit),
    ("sector_limit", book_checks.sector_limit),
    ("cap_class_limit", book_checks.cap_class_limit),
    ("regime_cap", book_checks.regime_cap),
    ("stop_loss", book_checks.stop_loss),
    ("correlation", book_checks.correlation),
    ("structure", trade_checks.structure),
    ("valid_prices", trade_checks.valid_prices),
    ("sub_penny", trade_checks.sub_penny),
    ("price_deviation", trade_checks.price_deviation),
    ("fat_finger", trade_checks.fat_finger),
    ("trade_size", trade_checks.trade_size),
    ("liquidity", trade_checks.liquidity),
    ("buys", trade_checks.buys),
    ("costs", trade_checks.costs),
    ("daily_count", trade_checks.daily_count),
    ("daily_notional", trade_checks.daily_notional),
    ("duplicates", trade_checks.duplicates),
    ("sells_are_held", trade_checks.sells_are_held),
    ("cash", trade_checks.cash),
    ("new_positions", trade_checks.new_positions),
    ("buyable", trade_checks.buyable),
    ("towards_target", after_checks.towards_target),
    ("after_agrees", after_checks.after_agrees),
    ("after_limits", after_checks.after_limits),
)

RISK_TRIGGERS: tuple[tuple[str, RiskTrigger], ...] = (  # halts that still allow reductions (switch_file)
    ("daily_loss", triggers.daily_loss),
    ("sharpe_ratio", triggers.sharpe_ratio),
    ("volatility", triggers.volatility),
)
TRIGGERS: tuple[tuple[str, Trigger], ...] = (*RISK_TRIGGERS, ("stale_data", triggers.stale_data))


def run_checks(facts: Facts, checks: tuple[tuple[str, CheckDay], ...] = CHECKS) -> tuple[Check, ...]:
    """Return the outcome of every check."""
    return tuple(run_check(name, partial(check, facts)) for name, check in checks)


def run_check(name: str, measure: Callable[[], Outcome]) -> Check:
    """Run one check; an exception is a failed check with the error as its detail."""
    try:
        outcome = measure()
    except Exception as error:  # noqa: BLE001 - fail closed, whatever the fault is
        return could_not_run(name, error)
    return Check(name, bool(outcome.passed), outcome.value, outcome.limit, outcome.detail)


def could_not_run(name: str, error: Exception) -> Check:
    """Return the failed check for an exception."""
    what = " ".join(str(error).split())
    return Check(name, False, COULD_NOT_RUN, "", f"{type(error).__name__}: {what}")  # noqa: FBT003 - failed
