"""In every shipped profile the clean order passes, and every gate fires when what it looks for is planted.

Faults 36-40, 42, 45-48, 77-79, 93, 128-130, 134, 135, 137 (issue 15).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from config.settings import Settings, load_settings, profiles
from tasks.execution.brokers.base import Asset, Quote
from tasks.execution.gates.facts import ApprovedLine, Facts
from tasks.execution.gates.table import (
    BATCH_GATES,
    ORDER_GATES,
    WAITING,
    WAIVABLE,
    check_batch,
    check_order,
    failed,
)
from tasks.execution.schema import Order
from tests.execution_facts import (
    CLOSES,
    MILLION,
    NOW,
    OPENED,
    PRICE,
    make_facts,
    make_line,
    make_order,
    make_override,
    make_positions,
    make_quotes,
    make_terms,
    make_today,
    open_order,
    tripped,
)

Plant = Callable[[Settings], Facts]
ALONE: frozenset[str] = frozenset()


def buy(**changes: Any) -> Plant:
    return lambda settings: make_facts(settings, make_order("BUY"), **changes)


def sale(**changes: Any) -> Plant:
    return lambda settings: make_facts(settings, make_order("SELL"), **changes)


def batch(**changes: Any) -> Plant:
    return lambda settings: make_facts(settings, **changes)


def with_order(truth_quotes: Mapping[str, Quote] | None = None, **changes: Any) -> Plant:
    quotes = truth_quotes or make_quotes()
    return lambda settings: make_facts(settings, make_order(**changes), truth_quotes=quotes)


def limit_of(limit: str) -> Plant:
    return with_order(timing="limit", limit_price=Decimal(limit))


def quoted(price: str) -> dict[str, Quote]:
    return make_quotes(Decimal(price))


def asset_of(symbol: str, **changes: bool) -> dict[str, Asset]:
    return {symbol: replace(Asset(symbol, is_tradable=True, is_halted=False), **changes)}


def approved_as(line: ApprovedLine, order: Order | None = None, **changes: Any) -> Plant:
    """Return a buy in a list whose second line is this one."""
    terms = make_terms(make_line("SELL", "A"), line)
    return lambda settings: make_facts(settings, order or make_order(), terms=terms, **changes)


def bad_symbol(settings: Settings) -> Facts:
    """The order, its line, quote and asset all have a symbol that is a path."""
    plant = approved_as(
        make_line("BUY", "../C"),
        make_order(symbol="../C"),
        truth_quotes={"../C": Quote("../C", PRICE, NOW)},
        truth_assets=asset_of("../C"),
    )
    return plant(settings)


def large_sale(settings: Settings) -> Facts:
    shares = int(Decimal(str(settings.safety.max_trade_frac)) * Decimal("1.1") * MILLION / 5000) + 1
    return make_facts(
        settings,
        make_order("SELL", shares=shares),
        terms=make_terms(make_line("SELL", "A", shares), make_line("BUY", "C")),
        truth_positions=make_positions(A=shares),
        books_shares={"A": Decimal(shares)},
    )


def too_large_a_position(settings: Settings) -> Facts:
    """C is held at its limit already; the buy of C is small."""
    shares = int(Decimal(str(settings.portfolio.max_position_frac)) * Decimal("1.1") * MILLION / 5000)
    return make_facts(
        settings,
        make_order(),
        truth_positions=make_positions(C=shares),
        books_shares={"C": Decimal(shares)},
    )


def over_the_days(frac_of: Callable[[Settings], float], **today: Any) -> Plant:
    """Return a small buy after buys or sales by earlier runs that reach the limit."""

    def plant(settings: Settings) -> Facts:
        used = int(Decimal(str(frac_of(settings))) * Decimal("1.1") * MILLION)
        return make_facts(settings, make_order(), books_today=make_today(**dict.fromkeys(today, used)))

    return plant


def ramping(settings: Settings) -> Facts:
    used = int(Decimal(str(settings.execution.ramp_max_buys_frac)) * MILLION)
    return make_facts(
        settings, make_order(), books_sessions_since_promotion=0, books_today=make_today(buys_cents=used)
    )


def a_long_batch(settings: Settings) -> Facts:
    orders = [
        make_order("SELL", symbol=f"S{number}", shares=1) for number in range(settings.trades.max_trades + 1)
    ]
    quotes = {order.symbol: Quote(order.symbol, PRICE, NOW) for order in orders}
    return make_facts(settings, orders=tuple(orders), truth_quotes=quotes)


PLANTED_BATCH: list[tuple[str, Plant, frozenset[str]]] = [
    ("account", batch(account_account="another"), ALONE),
    ("mode", batch(account_mode="live"), frozenset({"live_opt_in"})),
    ("demo", batch(terms_is_demo=True, broker="alpaca"), ALONE),
    ("live_opt_in", batch(account_mode="live", terms_mode="live", limits_mode="live"), ALONE),
    ("clock", batch(at=NOW + timedelta(minutes=10)), ALONE),  # fault 93
    ("approval_valid", batch(books_first_intent_at=OPENED), ALONE),
    ("session_open", batch(truth_at=CLOSES, at=CLOSES), ALONE),
    ("preliminary", batch(account_is_preliminary=True), ALONE),  # fault 135
    ("equity", batch(account_equity_cents=0), ALONE),
    ("switch", batch(books_switch=tripped("by_hand")), ALONE),
    ("one_side", batch(orders=(make_order("SELL"), make_order("BUY", symbol="A"))), ALONE),  # fault 37
    ("order_count", a_long_batch, ALONE),
    (
        "batch_notional",
        over_the_days(lambda s: s.safety.max_daily_notional_frac, sales_cents=1),
        ALONE,
    ),  # fault 45
    ("batch_cash", batch(account_cash_cents=-1), ALONE),  # fault 40
]

PLANTED_ORDER: list[tuple[str, Plant, frozenset[str]]] = [
    ("structure", with_order(order_id="../x"), ALONE),
    ("symbol", bad_symbol, ALONE),
    ("whole_shares", with_order(shares=Decimal(10)), ALONE),
    ("limit_price", limit_of("50.005"), ALONE),  # fault 38
    ("approved_line", with_order(symbol="D"), ALONE),
    ("approved_size", with_order(shares=201), frozenset({"override"})),
    ("size_band", approved_as(make_line("BUY", "C", least_shares=100), make_order(shares=99)), ALONE),
    ("price_band", buy(truth_quotes=quoted("55.01")), ALONE),
    (
        "limit_in_band",
        with_order(truth_quotes=quoted("55"), timing="limit", limit_price=Decimal("55.01")),
        ALONE,
    ),
    ("collar", limit_of("52.51"), ALONE),  # fault 79
    ("fresh_quote", buy(truth_quotes=make_quotes(at=NOW - timedelta(seconds=901))), ALONE),
    ("tradable", buy(truth_assets=asset_of("C", is_tradable=False)), ALONE),  # fault 77
    ("halted", buy(truth_assets=asset_of("C", is_halted=True)), ALONE),  # fault 77
    (
        "penny_stock",
        approved_as(make_line("BUY", "C", lowest_price=Decimal(4)), truth_quotes=quoted("4.49")),
        ALONE,
    ),
    ("window", buy(takes_at=NOW + timedelta(seconds=1)), ALONE),  # fault 78
    ("kill_switch", buy(books_switch=tripped("daily_loss")), ALONE),  # fault 42
    ("reconciled", buy(books_is_reconciled=False), ALONE),
    ("only_closing", buy(account_only_closing=True), ALONE),  # fault 129
    ("regime", buy(books_state="CRASH"), ALONE),
    ("position", sale(truth_open_orders=(open_order("SELL", "A", 1),)), ALONE),  # fault 134
    ("good_faith", sale(books_today=make_today(bought={"A": Decimal(1)})), ALONE),  # fault 128
    ("buying_power", buy(limits_spends_unsettled=False, account_settled_cash_cents=9_999_99), ALONE),
    ("equity_agrees", buy(account_equity_cents=1_200_001_00), ALONE),
    ("trade_size", large_sale, ALONE),  # fault 39
    ("position_size", too_large_a_position, ALONE),
    ("allocation", buy(books_exposure_cap=Decimal("0.01")), ALONE),
    (
        "daily_orders",  # fault 46
        lambda s: make_facts(s, make_order(), books_today=make_today(orders=s.execution.max_daily_orders)),
        ALONE,
    ),
    ("daily_buys", over_the_days(lambda s: s.safety.max_buys_frac, buys_cents=1), ALONE),  # fault 45
    (
        "daily_notional",  # fault 45
        over_the_days(lambda s: s.safety.max_daily_notional_frac, sales_cents=1),
        ALONE,
    ),
    ("wash_trade", buy(truth_open_orders=(open_order("SELL", "C"),)), ALONE),  # fault 130
    ("name_lock", buy(books_locks={"C": "10 shares differ"}), ALONE),
    ("override", buy(books_overrides=(make_override("do_not_buy"),)), ALONE),
    ("ramp", ramping, ALONE),
    (
        "name_trades",
        lambda s: make_facts(s, make_order(), books_name_sessions={"C": s.execution.max_name_sessions}),
        ALONE,
    ),
]


@pytest.fixture(scope="module")
def shipped(tmp_path_factory):
    home = tmp_path_factory.mktemp("home")
    return {name: load_settings(home=home, profile=name, environ={}).settings for name in profiles()}


def names(results):
    return {result.name for result in failed(results)}


@pytest.mark.parametrize("profile", profiles())
@pytest.mark.parametrize("side", ["BUY", "SELL"])
def test_the_clean_order_passes_every_gate_in_every_profile(shipped, profile, side):
    assert failed(check_order(make_facts(shipped[profile], make_order(side)))) == ()
    assert failed(check_batch(make_facts(shipped[profile]))) == ()


@pytest.mark.parametrize("profile", profiles())
@pytest.mark.parametrize(
    ("name", "plant", "besides"), PLANTED_BATCH, ids=[name for name, _, _ in PLANTED_BATCH]
)
def test_each_batch_gate_fires_by_itself_in_every_profile(shipped, profile, name, plant, besides):
    assert names(check_batch(plant(shipped[profile]))) == {name} | besides


@pytest.mark.parametrize("profile", profiles())
@pytest.mark.parametrize(
    ("name", "plant", "besides"), PLANTED_ORDER, ids=[name for name, _, _ in PLANTED_ORDER]
)
def test_each_order_gate_fires_by_itself_in_every_profile(shipped, profile, name, plant, besides):
    assert names(check_order(plant(shipped[profile]))) == {name} | besides


def test_every_gate_is_planted():
    assert [name for name, _, _ in PLANTED_BATCH] == [name for name, _ in BATCH_GATES]
    assert [name for name, _, _ in PLANTED_ORDER] == [name for name, _ in ORDER_GATES]


def test_a_gate_has_one_name_and_the_sets_name_gates():
    every = [name for name, _ in (*BATCH_GATES, *ORDER_GATES)]

    assert len(set(every)) == len(every)
    assert set(every) >= WAITING | WAIVABLE
