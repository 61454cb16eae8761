from dataclasses import replace

import pytest

from tasks.reporting.day.ledger import printed_trades
from tasks.reporting.page.sections.trades.costs import capacity, configured, least_capital, realised
from tasks.reporting.page.sections.trades.trade_list import trade_lines
from tests.builders import make_settings
from tests.unit.reporting.example_day import make_executed, make_inputs


def test_the_parts_of_the_realised_cost_sum_to_fees_and_slippage():
    day = make_executed()

    found = realised((day, day))

    assert found.days == 2
    assert found.total == 2 * (day.fee_cents + day.slippage_cents)
    assert (found.fees, found.execution, found.waiting) == (380, 1_200, 0)
    assert found.overnight == 2 * 2_600 - 1_200
    assert found.comparable == 1_580
    assert found.estimated == 700
    assert found.bps(found.total) == pytest.approx(found.total / found.traded * 10_000)


def test_waiting_is_apart_from_spread_and_impact():
    steps = [
        ("target", "equity", "100.00"),
        ("price", "moved until the order was sent", "-3.00"),
        ("price", "paid less current price", "1.00"),
        ("broker", "unexplained", "0.00"),
        ("broker", "equity of record", "98.00"),
    ]
    bridge = [{"step": step, "cause": cause, "usd": amount} for step, cause, amount in steps]

    found = realised((make_executed(bridge=bridge),))

    assert (found.waiting, found.execution) == (300, -100)
    assert found.overnight == 2_600 - 200
    assert found.comparable == 190 - 100  # what was lost while waiting was not estimated


def test_one_unknown_estimate_leaves_the_sum_unknown_and_nothing_executed_has_no_costs():
    assert realised((make_executed(), make_executed(estimated_cents=None))).estimated is None
    assert realised(()) is None
    assert realised((make_executed(bridge=[]),)) is None


def test_capacity_is_the_equity_at_which_the_first_trade_would_meet_its_limit():
    inputs = make_inputs()
    frame = inputs.frames.weights.assign(adv_usd=50_000_000.0)
    frame.loc["ALDR", "adv_usd"] = 1_000_000.0
    known = replace(inputs, frames=replace(inputs.frames, weights=frame))
    lines = trade_lines(known, printed_trades(known.frames.trades))
    line = next(line for line in lines if line.symbol == "ALDR")

    found = capacity(known, lines)

    assert found.symbol == "ALDR"
    assert found.usd == pytest.approx(
        inputs.records.portfolio.book.equity_usd * 0.05 * 1_000_000 / line.notional
    )
    assert capacity(inputs, lines) is None  # no volume is known


def test_the_least_capital_buys_one_share_of_every_targeted_name():
    inputs = make_inputs()
    weights = inputs.frames.weights

    found = least_capital(inputs)

    wanted = weights[weights["weight"] > 0].drop("CASH")
    assert (wanted["weight"] * found.usd >= wanted["price"] - 1e-6).all()
    assert wanted["weight"][found.symbol] * found.usd == pytest.approx(wanted["price"][found.symbol])
    assert least_capital(make_inputs(empty=True)) is None


def test_a_multiple_of_the_costs_is_said():
    inputs = make_inputs()
    doubled = replace(inputs, run=replace(inputs.run, settings=make_settings(**{"costs.multiple": 2})))

    assert "times" not in configured(inputs)
    assert "all of it times 2.00" in configured(doubled)
