"""Run the gates in the order of the log. A gate that cannot run, or lacks a value, has failed."""

from collections.abc import Callable, Iterable

from tasks.execution.gates import account_gates, batch_gates, order_gates, person_gates
from tasks.execution.gates.facts import Facts, UnknownFactError
from tasks.execution.gates.result import GateResult, Outcome
from tasks.safety.overrides import waiver_of

Gate = Callable[[Facts], Outcome]

UNKNOWN, COULD_NOT_RUN = "unknown", "could not run"

BATCH_GATES: tuple[tuple[str, Gate], ...] = (
    ("account", batch_gates.account),
    ("mode", batch_gates.mode),
    ("demo", batch_gates.demo),
    ("live_opt_in", batch_gates.live_opt_in),
    ("clock", batch_gates.clock),
    ("approval_valid", batch_gates.approval_valid),
    ("session_open", batch_gates.session_open),
    ("preliminary", batch_gates.preliminary),
    ("equity", batch_gates.equity),
    ("switch", batch_gates.switch),
    ("one_side", batch_gates.one_side),
    ("order_count", batch_gates.order_count),
    ("batch_notional", batch_gates.batch_notional),
    ("batch_cash", batch_gates.batch_cash),
)

ORDER_GATES: tuple[tuple[str, Gate], ...] = (
    ("structure", order_gates.structure),
    ("symbol", order_gates.symbol),
    ("whole_shares", order_gates.whole_shares),
    ("limit_price", order_gates.limit_price),
    ("approved_line", order_gates.approved_line),
    ("approved_size", order_gates.approved_size),
    ("size_band", order_gates.size_band),
    ("price_band", order_gates.price_band),
    ("limit_in_band", order_gates.limit_in_band),
    ("collar", order_gates.collar),
    ("fresh_quote", order_gates.fresh_quote),
    ("tradable", order_gates.tradable),
    ("halted", order_gates.halted),
    ("penny_stock", order_gates.penny_stock),
    ("window", order_gates.window),
    ("kill_switch", account_gates.kill_switch),
    ("reconciled", account_gates.reconciled),
    ("only_closing", account_gates.only_closing),
    ("regime", account_gates.regime),
    ("position", account_gates.position),
    ("good_faith", account_gates.good_faith),
    ("buying_power", account_gates.buying_power),
    ("equity_agrees", account_gates.equity_agrees),
    ("trade_size", account_gates.trade_size),
    ("position_size", account_gates.position_size),
    ("allocation", account_gates.allocation),
    ("daily_orders", account_gates.daily_orders),
    ("daily_buys", account_gates.daily_buys),
    ("daily_notional", account_gates.daily_notional),
    ("wash_trade", account_gates.wash_trade),
    ("name_lock", account_gates.name_lock),
    ("override", person_gates.override),
    ("ramp", person_gates.ramp),
    ("name_trades", person_gates.name_trades),
)

WAITING = frozenset(  # what failed may pass later in the session: the order waits; any other failure voids it
    {
        "daily_orders",  # until a person waives it
        "fresh_quote",
        "halted",
        "kill_switch",
        "name_lock",
        "preliminary",
        "reconciled",
        "switch",
        "wash_trade",
        "window",
    }
)
WAIVABLE = frozenset(  # by a named person, with `afterclose overrides waive`
    {
        "allocation",
        "batch_notional",
        "daily_buys",
        "daily_notional",
        "daily_orders",
        "equity_agrees",
        "good_faith",
        "name_trades",
        "order_count",
        "penny_stock",
        "position_size",
        "ramp",
        "size_band",
        "trade_size",
    }
)


def check_order(facts: Facts) -> tuple[GateResult, ...]:
    """Return the outcome of every order gate for `facts.one`."""
    return _run(facts, ORDER_GATES, "" if facts.one is None else facts.one.symbol)


def check_batch(facts: Facts) -> tuple[GateResult, ...]:
    """Return the outcome of every batch gate for `facts.orders`."""
    return _run(facts, BATCH_GATES, "")


def failed(results: Iterable[GateResult]) -> tuple[GateResult, ...]:
    """Return the gates that failed."""
    return tuple(result for result in results if not result.passed)


def may_wait(results: Iterable[GateResult]) -> bool:
    """Return whether everything that failed may pass later in the session, as may what a fact was missing for."""
    return all(result.name in WAITING or result.value == UNKNOWN for result in failed(results))


def _run(facts: Facts, gates: tuple[tuple[str, Gate], ...], symbol: str) -> tuple[GateResult, ...]:
    results = []
    for name, gate in gates:
        try:
            passed, value, limit, reason = gate(facts)
        except UnknownFactError as error:
            passed, value, limit, reason = False, UNKNOWN, "", str(error)
        except Exception as error:  # noqa: BLE001 - fail closed, whatever the fault is
            what = " ".join(str(error).split())
            passed, value, limit, reason = False, COULD_NOT_RUN, "", f"{type(error).__name__}: {what}"
        result = GateResult(name, passed is True, value, limit, reason)
        results.append(result if passed is True else _unless_waived(result, facts, symbol))
    return tuple(results)


def _unless_waived(result: GateResult, facts: Facts, symbol: str) -> GateResult:
    """Let a waivable gate pass if a person waived it; one that lacked a fact or could not run is never waived."""
    if result.name not in WAIVABLE or result.value in {UNKNOWN, COULD_NOT_RUN}:
        return result
    try:
        waiver = waiver_of(
            result.name,
            symbol=symbol,
            sector=facts.sector if symbol else "",
            strategy=facts.books.strategy or "",
            active=facts.active,
        )
    except UnknownFactError:
        return result
    return result if waiver is None else result._replace(passed=True, waived_by=waiver.description)
