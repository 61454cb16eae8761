"""Gates of one order against what is held, owed, open and traded already: never oversell, never overspend."""

from decimal import Decimal

from tasks.execution.gates.facts import NOTHING, Facts, cost_cents, known
from tasks.execution.gates.result import Outcome, outcome, passing, usd

SALE = passing("a sell")


def kill_switch(facts: Facts) -> Outcome:
    """The kill switch is clear, or allows reductions and the order is a sale."""
    switch = known(facts.books.switch, "the kill switch")
    passed = not switch.is_on or (switch.allows_reductions and facts.order.is_sale)
    return outcome(passed, switch.event.state, "clear", switch.description)


def reconciled(facts: Facts) -> Outcome:
    """Books and broker agree; until then only what the broker itself says is held may be reduced."""
    if facts.order.is_sale:
        return SALE
    is_reconciled = known(facts.books.is_reconciled, "whether the ledger is reconciled")
    return outcome(is_reconciled, "yes" if is_reconciled else "no", "yes", "nothing is bought until then")


def only_closing(facts: Facts) -> Outcome:
    """An account restricted to closing orders only sells."""
    if facts.order.is_sale:
        return SALE
    is_free = not facts.account.only_closing
    return outcome(
        is_free, "free" if is_free else "only closing", "free", "the broker accepts only closing orders"
    )


def regime(facts: Facts) -> Outcome:
    """Nothing is bought in a state of the market that allows no new positions."""
    if facts.order.is_sale:
        return SALE
    state = known(facts.books.state, "the state of the market")
    passed = state in facts.limits.states - facts.limits.no_new_positions
    return outcome(passed, state[:20], "a state that allows buys", "this state allows no buys")


def position(facts: Facts) -> Outcome:
    """A sale and all open sales of the name, of anybody, are at most what is held."""
    order = facts.order
    if not order.is_sale:
        return passing("a buy")
    sold = order.shares + sum((one.shares for one in facts.same_name if one.is_sale), NOTHING)
    held = facts.held(order.symbol)
    return outcome(sold <= held, sold, f"≤ {held}", "more than is held, open sells included")


def good_faith(facts: Facts) -> Outcome:
    """Shares bought today are not sold today: they may have been paid with money that has not settled."""
    order = facts.order
    if not order.is_sale:
        return passing("a buy")
    settled = facts.held(order.symbol) - facts.today.bought.get(order.symbol, NOTHING)
    return outcome(order.shares <= settled, order.shares, f"≤ {settled}", "bought in the same session")


def buying_power(facts: Facts) -> Outcome:
    """Cash covers the buy and all open buys; settled cash alone if `execution.spends_unsettled` is false."""
    if facts.order.is_sale:
        return SALE
    account = facts.account
    cash = min(account.cash_cents, known(facts.books.cash_cents, "the ledger's cash"))
    if not facts.limits.spends_unsettled:
        cash = min(cash, account.settled_cash_cents)
    need = facts.cost_cents + facts.pending_buys_cents
    return outcome(need <= cash, usd(need), f"≤ {usd(cash)}", "the cash does not cover it")


def equity_agrees(facts: Facts) -> Outcome:
    """The equity at the broker is near the approved one."""
    if facts.order.is_sale:
        return SALE
    now, approved = facts.account.equity_cents, facts.terms.equity_cents
    bound = approved * facts.limits.max_equity_change_frac
    return outcome(
        abs(now - approved) <= bound, usd(now), f"{usd(approved)} ± {usd(int(bound))}", "another equity"
    )


def trade_size(facts: Facts) -> Outcome:
    """The order is not too large a fraction of equity."""
    return _at_most(
        facts.cost_cents, facts.limits.max_trade_frac * facts.limits.moved, facts, "order too large"
    )


def position_size(facts: Facts) -> Outcome:
    """The position after the buy, with all open buys of the name, is not too large a fraction of equity."""
    order = facts.order
    if order.is_sale:
        return SALE
    positions = known(facts.truth.positions, "what is held at the broker")
    held = positions[order.symbol].shares if order.symbol in positions else NOTHING
    held = max(held, known(facts.books.shares, "what is held").get(order.symbol, NOTHING))
    after = held + order.shares + sum((one.shares for one in facts.same_name if not one.is_sale), NOTHING)
    value = cost_cents(after, facts.quote.price)
    return _at_most(value, facts.limits.max_position_frac * facts.limits.moved, facts, "position too large")


def allocation(facts: Facts) -> Outcome:
    """What is invested after all buys is within the cap of the decision's state, never more than the equity."""
    if facts.order.is_sale:
        return SALE
    cap = known(facts.books.exposure_cap, "how much may be invested")
    account = facts.account
    cash = min(account.cash_cents, known(facts.books.cash_cents, "the ledger's cash"))
    invested = account.equity_cents - cash + facts.pending_buys_cents + facts.cost_cents
    limit = int(account.equity_cents * min(Decimal(1), cap * facts.limits.moved))
    return outcome(invested <= limit, usd(invested), f"≤ {usd(limit)}", "too much would be invested")


def daily_orders(facts: Facts) -> Outcome:
    """The orders of the session, over all runs, are not too many."""
    number, limit = facts.today.orders + 1, facts.limits.max_daily_orders
    return outcome(number <= limit, number, f"≤ {limit}", "orders of one session, over all runs")


def daily_buys(facts: Facts) -> Outcome:
    """The buys of the session, over all runs and with those that are open, are within the day's limit."""
    if facts.order.is_sale:
        return SALE
    limits, bought = facts.limits, facts.today.bought
    shares = known(facts.books.shares, "what is held")
    is_entry = all(held <= bought.get(symbol, NOTHING) for symbol, held in shares.items())
    frac = limits.max_entry_buys_frac if is_entry else limits.max_buys_frac
    return _at_most(_buys(facts), frac * limits.moved, facts, "buys of one session, over all runs")


def daily_notional(facts: Facts) -> Outcome:
    """Buys and sales of the session, over all runs, are within the day's limit; it never stops a sale."""
    if facts.order.is_sale:
        return SALE
    traded = _buys(facts) + facts.today.sales_cents
    frac = facts.limits.max_daily_notional_frac * facts.limits.moved
    return _at_most(traded, frac, facts, "buys and sells of one session, over all runs")


def wash_trade(facts: Facts) -> Outcome:
    """No order of the opposite side is open in the name, of anybody."""
    opposite = [one.order_id[:48] for one in facts.same_name if one.is_sale != facts.order.is_sale]
    return outcome(
        not opposite, ", ".join(opposite) or "none", "none", "an order of the opposite side is open"
    )


def name_lock(facts: Facts) -> Outcome:
    """Nothing is bought of a name that a difference between books and broker locks; `position` bounds its sales."""
    if facts.order.is_sale:
        return SALE
    locks = known(facts.books.locks, "which names are locked")
    why = locks.get(facts.order.symbol) or locks.get("")
    return outcome(why is None, "no" if why is None else "locked", "no", why or "")


def _buys(facts: Facts) -> int:
    return facts.today.buys_cents + facts.pending_buys_cents + facts.cost_cents


def _at_most(cents: int, frac: Decimal, facts: Facts, reason: str) -> Outcome:
    limit = int(facts.terms.equity_cents * frac)
    return outcome(cents <= limit, usd(cents), f"≤ {usd(limit)}", reason)
