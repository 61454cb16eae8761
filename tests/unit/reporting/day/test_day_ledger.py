from dataclasses import replace

import pytest

from tasks.core.errors import SafetyError
from tasks.portfolio.schema import CASH
from tasks.reporting.day.ledger import (
    TRADE_PLACES,
    WEIGHT_PLACES,
    printed_number,
    printed_trades,
    printed_weights,
    refuse_disagreement,
)
from tasks.trades.tickets.schema import Tickets
from tests.unit.reporting.example_day import make_inputs


def with_trade_cell(inputs, column, value):
    trades = inputs.frames.trades.copy()
    trades.loc[0, column] = value
    return replace(inputs.frames, trades=trades)


def test_a_day_that_adds_up_is_accepted():
    inputs = make_inputs()

    refuse_disagreement(inputs.records, inputs.frames)


@pytest.mark.parametrize("column", ["shares", "price", "notional", "commission_est", "slippage_est"])
def test_a_changed_figure_of_one_trade_is_refused(column):
    inputs = make_inputs()
    frames = with_trade_cell(inputs, column, inputs.frames.trades[column][0] + 1.0)

    with pytest.raises(SafetyError, match="would not agree with the ledger"):
        refuse_disagreement(inputs.records, frames)


@pytest.mark.parametrize("field", ["buy_notional_usd", "sell_notional_usd", "cost_usd", "cash_after_usd"])
@pytest.mark.parametrize("wrong", [1.0, float("nan")])
def test_a_total_that_is_not_the_sum_of_its_lines_is_refused(field, wrong):
    inputs = make_inputs()
    trades = replace(inputs.records.trades, **{field: getattr(inputs.records.trades, field) + wrong})

    with pytest.raises(SafetyError, match="would not agree with the ledger"):
        refuse_disagreement(replace(inputs.records, trades=trades), inputs.frames)


def test_a_portfolio_whose_weights_do_not_sum_to_one_is_refused():
    inputs = make_inputs()
    weights = inputs.frames.weights.assign(weight=inputs.frames.weights["weight"] * 1.001)

    with pytest.raises(SafetyError, match="weights sum to"):
        refuse_disagreement(inputs.records, replace(inputs.frames, weights=weights))


def test_shares_after_the_trades_that_nobody_traded_are_refused():
    inputs = make_inputs()
    after = inputs.frames.after.copy()
    after.loc["ALDR", "shares"] += 1

    with pytest.raises(SafetyError, match="ALDR"):
        refuse_disagreement(inputs.records, replace(inputs.frames, after=after))


def test_the_printed_portfolio_is_ordered_by_weight_with_cash_last_and_sums_to_one():
    frames = make_inputs().frames

    book = printed_weights(frames.weights, frames.after)

    assert book["symbol"].iloc[-1] == CASH
    assert book["weight"].iloc[:-1].is_monotonic_decreasing
    assert book["weight"].sum() == pytest.approx(1, abs=1e-6)
    assert book["shares"].iloc[-1] == pytest.approx(frames.after.loc[CASH, "shares"], abs=0.005)


def test_printed_frames_hold_exactly_what_a_file_can_hold():
    frames = make_inputs().frames
    for frame, places in (
        (printed_trades(frames.trades), TRADE_PLACES),
        (printed_weights(frames.weights, frames.after), WEIGHT_PLACES),
    ):
        for column, count in places.items():
            known = frame[column].dropna()
            assert [float(printed_number(value, count)) for value in known] == known.tolist()


def test_fractional_shares_keep_their_fraction():
    assert printed_number(10.5, None) == "10.5"
    assert printed_number(1200.0, None) == "1200"


def test_tickets_that_do_not_sum_to_their_trades_are_a_disagreement():
    inputs = make_inputs()
    tickets = inputs.records.tickets
    first = tickets.tickets[0]
    parts = (replace(first.parts[0], usd_cents=first.parts[0].usd_cents + 1), *first.parts[1:])
    wrong = replace(tickets, tickets=(replace(first, parts=parts), *tickets.tickets[1:]))
    lost = replace(tickets, tickets=tickets.tickets[1:])

    for changed in (wrong, lost):
        with pytest.raises(SafetyError, match=f"the parts of {first.symbol} do not sum to the trade"):
            refuse_disagreement(replace(inputs.records, tickets=changed), inputs.frames)
    refuse_disagreement(replace(inputs.records, tickets=Tickets(None, ())), inputs.frames)
