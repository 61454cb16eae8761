"""What the gates and the wire guard must meet before an order leaves, in whole executions at the scripted broker."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from tasks.execution.gates.table import check_order, failed
from tasks.execution.wire_guard import GuardRefusedError, guard
from tasks.safety.overrides import Instruction, add_override
from tests.builders import make_settings
from tests.execution_days import CLOSES, FILLS, MORNING, OPENS
from tests.execution_facts import make_facts, make_order, make_today, make_wire
from tests.guarded_days import make_guarded, reconcile
from tests.ledgers import book, entry

ALL = dict.fromkeys(["AAA", "BBB", "CCC", "DDD"], "filled")


@pytest.fixture
def day(tmp_path):
    day = make_guarded(tmp_path)
    reconcile(day)
    return day


def saying(**answers):
    """Return a wrapper of a broker that changes some of its answers."""

    class Saying:
        def __init__(self, broker):
            self.broker = broker

        def __getattr__(self, name):
            if name not in answers:
                return getattr(self.broker, name)
            return lambda *arguments: answers[name](getattr(self.broker, name)(*arguments))

    return Saying


def set_execution(day, **limits):
    section = day.settings.execution.model_copy(update=limits)
    day.settings = day.settings.model_copy(update={"execution": section})


def sent(day):
    return sorted(real.symbol for real in day.truth().orders if real.row >= 0)


def refused(order, **changes):
    return {one.name for one in failed(check_order(make_facts(make_settings(), order, **changes)))}


def test_fault_038_an_order_with_a_sub_penny_limit_does_not_leave():
    assert refused(make_order(timing="limit", limit_price=Decimal("50.005"))) == {"limit_price"}


def test_fault_039_an_order_above_the_notional_limit_does_not_leave(day):
    day.settings = make_settings(**{"approval.account": "A1", "safety.max_trade_frac": 0.01})

    day.steps()

    assert day.states() == ALL | {"CCC": "void"}  # 1,500 USD of 102,000
    assert sent(day) == ["AAA", "BBB", "DDD"]


def test_fault_045_what_earlier_runs_of_the_session_traded_counts(day):
    traded = {"symbol": "AAA", "session": FILLS}
    book(
        day.home,
        entry("earlier:buy", shares=5_000, cash_cents=-5_000_000, **traded),
        entry("earlier:sale", shares=-5_000, cash_cents=5_000_000, **traded),
    )

    day.steps()

    states = day.states()
    assert (states["AAA"], states["BBB"]) != ("void", "void")  # sales are never stopped by it
    assert (states["CCC"], states["DDD"]) == ("void", "void")
    assert any("daily_buys" in event.reason for event in day.events())


def test_fault_046_the_orders_of_all_runs_are_limited_until_a_named_person_lets_them_go_on(day):
    set_execution(day, max_daily_orders=3)

    day.steps(until=OPENS + timedelta(hours=1))

    assert len(sent(day)) == 3
    held = Instruction("waive", "all", "", FILLS, gate="daily_orders")
    add_override(day.home, held, "Ada", "a second list was approved", MORNING)
    day.steps()

    assert day.states() == ALL


@pytest.mark.parametrize(("field", "state"), [("is_tradable", "void"), ("is_halted", None)])
def test_fault_077_a_name_that_cannot_be_traded_is_left_out_and_the_rest_goes(day, field, state):
    def without(assets):
        broken = replace(assets["CCC"], **{field: field == "is_halted"})
        return {**assets, "CCC": broken}

    day.steps(until=CLOSES - timedelta(minutes=5), wrap=saying(assets=without))

    assert sent(day) == ["AAA", "BBB", "DDD"]
    if state:
        assert day.states()["CCC"] == state


def test_fault_078_orders_wait_for_the_window_of_the_broker(tmp_path):
    day = make_guarded(tmp_path)
    reconcile(day)
    day.takes_from = OPENS + timedelta(minutes=1)

    day.steps(until=OPENS)
    assert sent(day) == []
    day.steps()

    assert day.states() == ALL


def test_fault_079_a_limit_beyond_the_collar_is_refused_by_gate_and_guard():
    order = make_order(timing="limit", limit_price=Decimal("55.01"))

    assert {"collar", "limit_in_band"} <= refused(order)
    with pytest.raises(GuardRefusedError, match="within 10% of the quote"):
        guard(make_wire(order), {})


@pytest.mark.parametrize("minutes", [-10, 10])
def test_fault_093_nothing_leaves_while_the_clocks_differ(day, minutes):
    day.skew = timedelta(minutes=minutes)

    progress = day.steps(until=OPENS - timedelta(minutes=10))

    assert sent(day) == []
    assert "set the clock" in progress.why


def test_fault_128_what_was_bought_today_is_not_sold_today():
    bought = make_today(bought={"A": Decimal(1)})

    assert refused(make_order("SELL"), books_today=bought) == {"good_faith"}


def test_fault_135_nothing_leaves_on_figures_of_a_nightly_window(day):
    def preliminary(account):
        return replace(account, is_preliminary=True)

    day.steps(until=OPENS - timedelta(minutes=10), wrap=saying(account=preliminary))
    assert sent(day) == []
    day.steps()

    assert day.states() == ALL
