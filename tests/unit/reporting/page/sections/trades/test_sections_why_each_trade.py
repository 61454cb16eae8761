"""The section on why each trade has its size: every part on the page sums to the trade, and names stay harmless."""

from dataclasses import replace
from itertools import pairwise

import pytest

from tasks.reporting.day.ledger import printed_trades
from tasks.reporting.page.sections.trades.trade_list import trade_lines
from tasks.reporting.page.sections.trades.why_each_trade import head_words, why_each_trade
from tasks.trades.tickets.schema import CAUSES, Part, Ticket, Tickets
from tests.unit.reporting.example_day import make_inputs


def section(inputs):
    trades = printed_trades(inputs.frames.trades)
    lines = trade_lines(inputs, trades)
    return lines, why_each_trade(inputs, lines)


def with_tickets(inputs, tickets):
    return replace(inputs, records=replace(inputs.records, tickets=tickets))


def test_the_parts_shown_sum_to_the_trade_shown():
    trades, why = section(make_inputs())

    assert [line.symbol for line in why.lines] == [trade.symbol for trade in trades]
    for line, trade in zip(why.lines, trades, strict=True):
        cents = sum(round(100 * part.usd) for part in line.parts)
        assert cents == round(100 * line.signed_usd)
        assert cents == round(100 * trade.notional) * (-1 if trade.is_sale else 1)
    assert why.since == "2024-06-13"


def test_bars_stack_from_zero_to_either_side_without_gaps():
    _, why = section(make_inputs())

    for line in why.lines:
        assert sum(part.width for part in line.parts) == pytest.approx(1)
        for part in line.parts:
            assert (part.left >= line.zero - 1e-9) == (part.usd > 0)
        edges = sorted((part.left, part.left + part.width) for part in line.parts)
        assert edges[0][0] == pytest.approx(0)
        for (_, end), (start, _) in pairwise(edges):
            assert start == pytest.approx(end)


def test_the_head_names_the_largest_parts_and_the_survival_says_what_was_counted():
    _, why = section(make_inputs())
    sale = next(line for line in why.lines if line.is_sale)
    buy = next(line for line in why.lines if not line.is_sale)

    assert sale.head[0].startswith("score \N{MINUS SIGN}$")
    assert buy.head[0].startswith("score +$")
    assert sale.survival == "Fragile: persists in 12 of 40 reruns"
    assert buy.survival == "Persists in 37 of 40 reruns"


def test_of_many_parts_the_head_names_two_and_sums_the_rest():
    cents = (6_451_200, -100_050, -290_000, -3_551, 0, 0, 0)
    ticket = Ticket("AAA", tuple(map(Part, CAUSES, cents)))

    assert head_words(ticket) == ("score +$64,512", "risk −$2,900", "other −$1,036")
    assert head_words(replace(ticket, parts=ticket.parts[:3])) == (
        "score +$64,512",
        "risk −$2,900",
        "drift −$1,000",
    )


def test_features_have_bars_of_their_sign_around_the_middle():
    _, why = section(make_inputs())
    up, down = why.lines[0].features

    assert (up.label, up.left, up.width) == ("momentum 12m", 0.5, 0.5)
    assert down.left + down.width == pytest.approx(0.5)


def test_a_day_without_tickets_has_none_and_a_trade_without_extras_has_its_parts():
    inputs = make_inputs()
    bare = replace(
        inputs.records.tickets,
        tickets=tuple(Ticket(one.symbol, one.parts) for one in inputs.records.tickets.tickets),
    )
    _, none = section(with_tickets(inputs, Tickets(None, ())))
    _, why = section(replace(with_tickets(inputs, bare), names={}))

    assert none.lines == ()
    assert none.since == ""
    assert why.lines[0].parts
    assert (why.lines[0].features, why.lines[0].survival, why.lines[0].chart) == ((), "", None)
