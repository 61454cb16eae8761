"""Facts about an order that every gate and the wire guard let pass, in every profile. Tests change one thing.

Decided on Friday, 14 June 2024; executed on Monday, five minutes after the open. A million: 200 A and 200 B at 50 USD.
"""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from config.settings import Settings
from tasks.execution.before_sending.promotions import NEVER
from tasks.execution.brokers.base import Asset, BrokerAccount, BrokerOrder, BrokerPosition, Quote, Status
from tasks.execution.gates.facts import ApprovedLine, Books, Facts, Placed, Terms, Today, Truth, Window
from tasks.execution.gates.limits import limits_of
from tasks.execution.schema import Order, Side, State
from tasks.execution.wire_guard import Wire
from tasks.safety.kill_switch.switch_file import CLEAR, Event, Switch, Trip
from tasks.safety.overrides import Effect, Instruction, Override, Scope

FRIDAY = date(2024, 6, 14)
MONDAY = date(2024, 6, 17)
CLOSED = datetime(2024, 6, 14, 20, 0, tzinfo=UTC)
OPENED = datetime(2024, 6, 17, 13, 30, tzinfo=UTC)
CLOSES = datetime(2024, 6, 17, 20, 0, tzinfo=UTC)
NOW = datetime(2024, 6, 17, 13, 35, tzinfo=UTC)
MILLION = 1_000_000_00
PRICE = Decimal(50)
SYMBOLS = ("A", "B", "C", "D")
CLEARED = Switch(Event(CLEAR, "", "", None), (), ())


def make_order(side: Side = "BUY", symbol: str = "", shares: int = 200, **changes: Any) -> Order:
    """Return an order of row 0 (SELL A) or row 1 (BUY C)."""
    row = 0 if side == "SELL" else 1
    order = Order(f"order-{row}-0", FRIDAY, row, 0, symbol or "AC"[row], side, shares, "market", None)
    return replace(order, **changes)


def make_line(side: Side, symbol: str, shares: int = 200, **changes: Any) -> ApprovedLine:
    """Return an approved line at 50 USD, with a band of 10% in price and none in size."""
    return replace(ApprovedLine(symbol, side, shares, PRICE, Decimal(45), Decimal(55), 0), **changes)


def make_terms(*lines: ApprovedLine, **changes: Any) -> Terms:
    """Return the terms of the approved day: by default SELL 200 A, BUY 200 C."""
    listed = lines or (make_line("SELL", "A"), make_line("BUY", "C"))
    return replace(Terms(FRIDAY, "paper", "paper", False, CLOSED, OPENED, MILLION, listed), **changes)


def make_account(**changes: Any) -> BrokerAccount:
    """Return an unrestricted paper account with 980,000 of its million in settled cash."""
    cash = 980_000_00
    account = BrokerAccount(
        account="paper",
        mode="paper",
        cash_cents=cash,
        settled_cash_cents=cash,
        equity_cents=MILLION,
        only_closing=False,
        is_blocked=False,
        is_preliminary=False,
    )
    return replace(account, **changes)


def make_quotes(price: Decimal = PRICE, at: datetime = NOW) -> dict[str, Quote]:
    """Return a quote of every symbol."""
    return {symbol: Quote(symbol, price, at) for symbol in SYMBOLS}


def make_positions(**shares: int) -> dict[str, BrokerPosition]:
    """Return positions; by default 200 A and 200 B."""
    held = shares or {"A": 200, "B": 200}
    return {symbol: BrokerPosition(symbol, Decimal(count)) for symbol, count in held.items()}


def open_order(side: Side, symbol: str, shares: int = 10, order_id: str = "by-hand") -> BrokerOrder:
    """Return an open order that somebody else placed."""
    return BrokerOrder(order_id, symbol, side, Decimal(shares), Status.OPEN, Decimal(0), 0, 0, NOW)


def placed(order: Order, state: State, filled_shares: int = 0) -> Placed:
    """Return an order of ours in that state."""
    return Placed(order, state, filled_shares)


def tripped(cause: str) -> Switch:
    """Return a switch that this cause tripped."""
    event = Event("on", "check_day", "a reason", NOW.isoformat(), None, cause)
    return Switch(event, (event,), (Trip("0", event),))


def make_override(
    effect: Effect, scope: Scope = "symbol", name: str = "C", *, number: int = 1, **changes: Any
) -> Override:
    """Return an override by Ada that holds through Monday."""
    instruction = Instruction(effect, scope, name, MONDAY, **changes)
    return Override(number, instruction, "Ada", NOW.isoformat(), "a reason")


def make_truth(**changes: Any) -> Truth:
    """Return what the broker says of a clean account."""
    truth = Truth(
        at=NOW,
        account=make_account(),
        positions=make_positions(),
        open_orders=(),
        assets={symbol: Asset(symbol, is_tradable=True, is_halted=False) for symbol in SYMBOLS},
        quotes=make_quotes(),
    )
    return replace(truth, **changes)


def make_today(**changes: Any) -> Today:
    """Return a session in which nothing was traded yet."""
    return replace(Today(buys_cents=0, sales_cents=0, bought={}, orders=0), **changes)


def make_books(**changes: Any) -> Books:
    """Return books that agree with the clean account."""
    books = Books(
        switch=CLEARED,
        is_reconciled=True,
        shares={"A": Decimal(200), "B": Decimal(200)},
        cash_cents=980_000_00,
        locks={},
        placed=(),
        first_intent_at=CLOSED,
        today=make_today(),
        overrides=(),
        sectors=dict.fromkeys(SYMBOLS, "Energy"),
        strategy="lightgbm",
        state="BULL",
        exposure_cap=Decimal(1),
        sessions_since_promotion=NEVER,
        name_sessions={},
    )
    return replace(books, **changes)


def make_facts(settings: Settings, order: Order | None = None, **changes: Any) -> Facts:
    """Return the facts about one order; about the batch of both clean orders if there is none.

    Changes named truth_X, books_X, account_X, limits_X and terms_X change that field of that record.
    """
    parts: dict[str, dict[str, Any]] = {name: {} for name in ("truth", "books", "account", "limits", "terms")}
    for name in [name for name in changes if name.partition("_")[0] in parts and "_" in name]:
        part, _, field = name.partition("_")
        parts[part][field] = changes.pop(name)
    if parts["account"]:
        parts["truth"]["account"] = make_account(**parts["account"])
    facts = Facts(
        at=NOW,
        broker="paper",
        live_account="",
        terms=replace(make_terms(), **parts["terms"]),
        window=Window(MONDAY, OPENED, CLOSES, CLOSES),
        limits=replace(limits_of(settings), **parts["limits"]),
        truth=make_truth(**parts["truth"]),
        books=make_books(**parts["books"]),
        orders=(make_order("SELL"), make_order("BUY")),
        one=order,
        takes_at=NOW,
    )
    return replace(facts, **changes)


def make_wire(order: Order | None = None, **changes: Any) -> Wire:
    """Return what the guard reads about an order of the clean account; account_X changes that field of the account."""
    account = {name: changes.pop(name) for name in list(changes) if name.startswith("account_")}
    wire = Wire(
        order=order or make_order(),
        account=make_account(**{name.removeprefix("account_"): value for name, value in account.items()}),
        positions=make_positions(),
        open_orders=(),
        unconfirmed=(),
        quotes=make_quotes(),
        ledger_shares=Decimal(200) if order is not None and order.is_sale else Decimal(0),
        ledger_cash_cents=980_000_00,
        buys_today_cents=0,
        orders_today=1,
        sends=1,
        has_unique_ids=True,
        allows_live=False,
    )
    return replace(wire, **changes)
