"""Gates of everything that is about to be sent: account, clock, window, and the totals of the batch."""

from collections import Counter

from tasks.execution.gates.facts import Facts, cost_cents, known
from tasks.execution.gates.live_opt_in import missing_opt_ins
from tasks.execution.gates.result import Outcome, outcome, passing, usd

LATE = "what is left lapses"


def account(facts: Facts) -> Outcome:
    """The broker's account is the approved one, is the one of the settings, and is not blocked."""
    found = facts.account
    wanted = facts.terms.account
    if found.is_blocked:
        return outcome(False, "blocked", wanted, "the broker blocked the account")  # noqa: FBT003
    return outcome(
        found.account == wanted == facts.limits.account,
        found.account,
        wanted,
        f"approved for {wanted}; approval.account is {facts.limits.account}",
    )


def mode(facts: Facts) -> Outcome:
    """Paper or live: the broker, the approval and the settings agree."""
    found, wanted = facts.account.mode, facts.terms.mode
    return outcome(
        found == wanted == facts.limits.mode, found, wanted, f"approval.mode is {facts.limits.mode}"
    )


def demo(facts: Facts) -> Outcome:
    """Trades of a simulated market go to the embedded paper broker alone."""
    return outcome(
        not facts.terms.is_demo or facts.broker == "paper",
        facts.broker,
        "paper" if facts.terms.is_demo else "any broker",
        "the approval is for a simulated market",
    )


def live_opt_in(facts: Facts) -> Outcome:
    """Real money needs `execution.allows_live`, and AFTERCLOSE_LIVE_ACCOUNT set to this account."""
    if facts.account.mode == facts.terms.mode == "paper":
        return passing("paper")
    account, named = facts.account.account, facts.live_account
    missing = missing_opt_ins(account, allows_live=facts.limits.allows_live is True, named=named)
    passed = not missing and account == facts.terms.account
    return outcome(
        passed, named or "not set", facts.terms.account, f"set {missing}" if missing else "another account"
    )


def clock(facts: Facts) -> Outcome:
    """The clocks of this machine and the broker agree."""
    skew, limit = abs(facts.at - facts.now), facts.limits.max_clock_skew
    return outcome(
        skew <= limit, f"{skew.total_seconds():.0f} s", f"≤ {limit.total_seconds():g} s", "set the clock"
    )


def approval_valid(facts: Facts) -> Outcome:
    """The first order was intended before the approval expired; the rest goes out until the session ends."""
    first, expires_at = facts.books.first_intent_at or facts.now, facts.terms.expires_at
    return outcome(
        first < expires_at, f"{first:%Y-%m-%d %H:%M}Z", f"before {expires_at:%Y-%m-%d %H:%M}Z", LATE
    )


def session_open(facts: Facts) -> Outcome:
    """The session in which the orders trade has not ended."""
    ends_at = facts.window.ends_at
    return outcome(
        facts.now < ends_at, f"{facts.now:%Y-%m-%d %H:%M}Z", f"before {ends_at:%Y-%m-%d %H:%M}Z", LATE
    )


def preliminary(facts: Facts) -> Outcome:
    """The account was not read inside one of the broker's nightly windows."""
    is_settled = not facts.account.is_preliminary
    return outcome(
        is_settled, "final" if is_settled else "preliminary", "final", "ask again after the window"
    )


def equity(facts: Facts) -> Outcome:
    """The account's equity is positive."""
    cents = facts.account.equity_cents
    return outcome(cents > 0 and facts.terms.equity_cents > 0, usd(cents), "> 0", "no equity")


def switch(facts: Facts) -> Outcome:
    """The kill switch is clear, or on by rules that allow sales."""
    switch = known(facts.books.switch, "the kill switch")
    return outcome(
        not switch.is_on or switch.allows_reductions, switch.event.state, "clear", switch.description
    )


def one_side(facts: Facts) -> Outcome:
    """No symbol has two orders in the batch, whatever their sides."""
    counts = Counter(order.symbol for order in facts.orders)
    twice = sorted(symbol for symbol, count in counts.items() if count > 1)
    return outcome(not twice, ", ".join(twice) or "none", "one order per symbol", "ordered twice")


def order_count(facts: Facts) -> Outcome:
    """The batch is no longer than a day's list may be."""
    count, limit = len(facts.orders), facts.limits.max_trades
    return outcome(count <= limit, count, f"≤ {limit}", "too many orders")


def batch_notional(facts: Facts) -> Outcome:
    """The batch and what was traded today stay within the day's total, unless nothing is bought."""
    buys, sales = _totals(facts)
    traded = buys + sales + facts.today.buys_cents + facts.today.sales_cents
    limit = int(facts.terms.equity_cents * facts.limits.max_daily_notional_frac * facts.limits.moved)
    return outcome(traded <= limit or not buys, usd(traded), f"≤ {usd(limit)}", "buys and sells of the day")


def batch_cash(facts: Facts) -> Outcome:
    """Cash and the proceeds of the batch's sales cover its buys and those that are open."""
    buys, sales = _totals(facts)
    have = min(facts.account.cash_cents, known(facts.books.cash_cents, "the ledger's cash")) + sales
    need = buys + facts.pending_buys_cents
    return outcome(need <= have or not buys, usd(need), f"≤ {usd(have)}", "buys exceed cash and proceeds")


def _totals(facts: Facts) -> tuple[int, int]:
    """Return the batch's buys and sells at their quotes. Raises UnknownFactError for one without a quote."""
    quotes = known(facts.truth.quotes, "the quotes")
    totals = {True: 0, False: 0}
    for order in facts.orders:
        price = known(quotes.get(order.symbol), f"a quote for {order.symbol}").price
        if not order.is_sale and order.limit_price is not None:
            price = max(price, order.limit_price)
        totals[order.is_sale] += cost_cents(order.shares, price)
    return totals[False], totals[True]
