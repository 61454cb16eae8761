"""Gates that a person sets: standing overrides, the ramp after a promotion, the number of trades in a name."""

from tasks.execution.gates.facts import NOTHING, Facts, known
from tasks.execution.gates.result import Outcome, outcome, passing, usd
from tasks.safety.overrides import permitted_shares

SALE = passing("a sell")


def override(facts: Facts) -> Outcome:
    """All orders of the line together are at most what the standing overrides leave of the approved size."""
    order, line = facts.order, facts.line
    permitted = permitted_shares(
        line.shares,
        is_sale=order.is_sale,
        symbol=order.symbol,
        sector=facts.sector,
        strategy=known(facts.books.strategy, "the strategy"),
        active=facts.active,
    )
    total = facts.committed_shares + order.shares
    why = permitted.by.description if permitted.by else "more than approved"
    return outcome(total <= permitted.shares, total, f"≤ {permitted.shares}", why)


def ramp(facts: Facts) -> Outcome:
    """For some sessions after a promotion, buys are smaller: each, all of a session, and new names."""
    if facts.order.is_sale:
        return SALE
    limits = facts.limits
    since = known(facts.books.sessions_since_promotion, "when the champion was promoted")
    if since >= limits.ramp_sessions:
        return passing("no ramp")
    equity = facts.terms.equity_cents
    total = facts.today.buys_cents + facts.pending_buys_cents + facts.cost_cents
    most = int(equity * limits.ramp_max_buys_frac)
    if total > most:
        return outcome(False, usd(total), f"≤ {usd(most)}", f"buys of one session, {_ramp(facts)}")  # noqa: FBT003
    largest = int(equity * limits.ramp_max_trade_frac)
    if facts.cost_cents > largest:
        return outcome(False, usd(facts.cost_cents), f"≤ {usd(largest)}", f"one buy, {_ramp(facts)}")  # noqa: FBT003
    new = len(_new_names(facts))
    return outcome(
        new <= limits.ramp_max_new_names, new, f"≤ {limits.ramp_max_new_names}", f"new names, {_ramp(facts)}"
    )


def name_trades(facts: Facts) -> Outcome:
    """What is bought was not traded in too many of the recent sessions; a sale is never stopped."""
    limit = facts.limits.max_name_sessions
    traded = known(facts.books.name_sessions, "the recent trades").get(facts.order.symbol, 0)
    passed = facts.order.is_sale or traded < limit
    return outcome(
        passed, f"{traded}, {max(limit - traded, 0)} left", f"< {limit}", "sessions with trades in it"
    )


def _new_names(facts: Facts) -> set[str]:
    """Return the names bought today, open or about to be bought that were not held before the session."""
    shares, bought = known(facts.books.shares, "what is held"), facts.today.bought
    names = {facts.order.symbol, *bought, *(one.symbol for one in facts.pending if not one.is_sale)}
    return {name for name in names if shares.get(name, NOTHING) <= bought.get(name, NOTHING)}


def _ramp(facts: Facts) -> str:
    return f"within {facts.limits.ramp_sessions} sessions after a different champion was promoted"
