"""The bridge from the backtest's target to the broker's equity: every step has its cause, and nothing is left over."""

from datetime import UTC, date, datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from tasks.execution.bridge.steps import Line, bridge, by_cause, target_cents
from tasks.ledger.entries import Entry

DAY, AT = date(2024, 6, 17), datetime(2024, 6, 17, 21, tzinfo=UTC)
BEFORE = 10_000_000


def line(symbol="AAPL", target=100, **changes):
    stages = {
        name: Decimal(changes.pop(name, target)) for name in ("proposed", "approved", "ordered", "filled")
    }
    filled = stages["filled"]
    facts = {
        "assumed_price": Decimal(50),
        "sent_price": Decimal(50),
        "filled_cents": int(-filled * 5_000),
        "assumed_cost_cents": 0,
        "fee_cents": 0,
        "close": Decimal(52),
        "causes": {},
    }
    return Line(symbol, Decimal(target), **stages, **(facts | changes))


def at_broker(lines, entries=(), closes=None):
    """Return the broker's equity, computed without the bridge: cash and shares as they moved."""
    cash = sum(each.filled_cents - each.fee_cents for each in lines) + sum(
        each.cash_cents for each in entries
    )
    worth = sum(int(each.filled * each.close * 100) for each in lines)
    other = sum(int(each.shares * (closes or {}).get(each.symbol, 0) * 100) for each in entries)
    return BEFORE + cash + worth + other


def steps_of(*lines, entries=(), closes=None, broker=None):
    equity = at_broker(lines, entries, closes) if broker is None else broker
    return bridge(
        lines,
        entries,
        closes or {},
        target_equity_cents=target_cents(BEFORE, lines),
        broker_equity_cents=equity,
    )


def test_a_day_filled_as_targeted_has_no_step():
    steps = steps_of(line())

    assert [(each.cause, each.cents) for each in steps] == [
        ("equity of the backtest's target", BEFORE + 20_000),
        ("unexplained", 0),
        ("equity of record", BEFORE + 20_000),
    ]


def test_each_stage_has_its_cause_and_cents():
    lines = [
        line(
            "AAPL",
            proposed=90,
            approved=0,
            ordered=0,
            filled=0,
            causes={"proposed": "round lot", "approved": "struck"},
        ),
        line("MSFT", ordered=80, filled=70, causes={"ordered": "gate: adv", "filled": "expired"}),
    ]
    found = {(each.stage, each.cause): each.cents for each in steps_of(*lines)}

    assert found["proposed", "round lot"] == -10 * 200
    assert found["approved", "struck"] == -90 * 200
    assert found["ordered", "gate: adv"] == -20 * 200
    assert found["filled", "expired"] == -10 * 200
    assert found["broker", "unexplained"] == 0


def test_the_price_is_split_into_delay_and_execution():
    late = line(sent_price=Decimal(51), filled_cents=-510_300, causes={"price": "delay of the second phase"})
    found = {each.cause: each.cents for each in steps_of(late)}

    assert (found["delay of the second phase"], found["paid less current price"]) == (-10_000, -300)
    assert found["unexplained"] == 0


def test_a_sale_above_the_assumed_price_is_a_gain():
    found = {
        each.cause: each.cents for each in steps_of(line(target=-100, sent_price=None, filled_cents=501_000))
    }

    assert found["paid less current price"] == 1_000


def test_fees_are_compared_with_assumed_costs():
    found = {each.cause: each.cents for each in steps_of(line(assumed_cost_cents=50, fee_cents=80))}

    assert (found["fees less assumed costs"], found["unexplained"]) == (-30, 0)


def test_entries_of_the_account_are_steps_and_a_dividend_due_is_not_at_the_broker_yet():
    booked = [
        Entry("deposit", "d", DAY, AT, cash_cents=5_000),
        Entry("manual_trade", "m", DAY, AT, "MSFT", Decimal(2), -80_000),
        Entry("dividend_due", "v", DAY, AT, "AAPL", receivable_cents=240),
        Entry("dividend", "carried:v0", DAY, AT, "AAPL", cash_cents=70, receivable_cents=-70),
    ]
    closes = {"MSFT": Decimal(410)}
    equity = at_broker([line()], booked[:2], closes)
    found = {
        each.cause: each.cents for each in steps_of(line(), entries=booked, closes=closes, broker=equity)
    }

    assert (found["deposit"], found["manual trade"], found["dividend due"]) == (5_000, 2_000, 240)
    assert (found["receivable, not in the broker's equity"], found["unexplained"]) == (-240, 0)


def test_what_nothing_explains_is_named():
    steps = steps_of(line(), broker=at_broker([line()]) + 7)

    assert [each.cents for each in by_cause(steps) if each.cause == "unexplained"] == [7]


def test_rows_of_one_cause_are_summed():
    lines = [line(name, filled=0, causes={"filled": "expired"}) for name in ("AAPL", "MSFT")]

    assert [(each.cause, each.cents) for each in by_cause(steps_of(*lines)) if each.stage == "filled"] == [
        ("expired", -40_000)
    ]


shares = st.integers(-500, 500)
price = st.integers(1, 90_000).map(lambda cents: Decimal(cents).scaleb(-2))


@st.composite
def lines(draw):
    return line(
        draw(st.sampled_from(["A", "B", "C"])),
        draw(shares),
        **{name: draw(shares) for name in ("proposed", "approved", "ordered", "filled")},
        assumed_price=draw(price),
        sent_price=draw(st.none() | price),
        filled_cents=draw(st.integers(-10_000_000, 10_000_000)),
        assumed_cost_cents=draw(st.integers(0, 5_000)),
        fee_cents=draw(st.integers(0, 5_000)),
        close=draw(price),
    )


@given(st.lists(lines(), max_size=5))
def test_the_bridge_closes_to_the_cent(drawn):
    steps = steps_of(*drawn)

    assert (steps[-2].cause, steps[-2].cents) == ("unexplained", 0)
    assert steps[0].cents + sum(each.cents for each in steps[1:-1]) == steps[-1].cents
