"""Fault 101 by property: whatever the day, the figures on the page are the figures in the files."""

import csv
import io
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tasks.core.text import FORMULA_STARTS, replace_unprintable
from tasks.reporting.day.cells import csv_bytes, csv_cell
from tasks.reporting.day.history import parse_history, render_history, with_row
from tasks.reporting.day.ledger import printed_trades
from tasks.reporting.page.document import environment
from tasks.reporting.page.numerals import number, signed_usd, typeset_percent, usd
from tasks.reporting.page.sections.trades.trade_list import trade_lines
from tasks.reporting.page.sections.trades.why_each_trade import head_words
from tasks.trades.tickets.schema import CAUSES, Part, Ticket
from tests.unit.reporting.example_day import make_inputs
from tests.unit.reporting.reading import Report, figure

EVENING = make_inputs()
money = st.floats(min_value=0.01, max_value=1e9, allow_nan=False)


@given(st.text())
def test_no_text_reaches_a_spreadsheet_as_a_formula(text):
    cell = csv_cell(text)

    assert not cell.startswith(FORMULA_STARTS)
    back = next(csv.reader(io.StringIO(csv_bytes([cell], []).decode(), newline="")))
    assert back == ([cell] if cell else [""])


@given(st.text())
def test_printable_text_is_printable_whoever_prints_it(text):
    shown = replace_unprintable(text)

    assert shown.encode().decode() == shown
    assert replace_unprintable(shown) == shown
    assert len(shown) == len(text)
    assert not set(shown) & set("\u202a\u202b\u202d\u202e\u2066\u2067\u2068\u0000\u001b\r\n")


@given(st.text())
def test_no_text_leaves_its_place_in_the_page(text):
    shown = environment().from_string("<p>{{ text }}</p>").render(text=text)

    assert [tag for tag, _ in Report(shown.encode()).tags] == ["p"]


@given(st.floats(min_value=-1e9, max_value=1e9), st.integers(0, 4))
def test_a_written_figure_reads_back_as_itself(value, places):
    assert figure(number(value, places)) == pytest.approx(value, abs=0.51 * 10**-places)
    assert figure(usd(value, places)) == pytest.approx(value, abs=0.51 * 10**-places)
    assert figure(typeset_percent(value, places)) == pytest.approx(
        value, abs=0.51 * 10 ** -(places + 2), rel=1e-9
    )


@given(st.lists(st.integers(-10_000_000, 10_000_000), min_size=len(CAUSES), max_size=len(CAUSES)))
def test_the_parts_in_the_head_sum_to_the_trade_as_shown_and_are_within_a_dollar_of_their_own(cents):
    ticket = Ticket("AAA", tuple(Part(*one) for one in zip(CAUSES, cents, strict=True)))

    shown = {name: figure(text) for name, _, text in (one.partition(" ") for one in head_words(ticket))}

    assert sum(shown.values()) == figure(signed_usd(ticket.usd_cents / 100))
    named = {part.cause: part.usd_cents / 100 for part in ticket.parts}
    assert all(abs(usd - named[name]) < 1 for name, usd in shown.items() if name != "other")


@given(st.lists(st.tuples(st.integers(1, 10_000), money, money, money), min_size=1, max_size=6))
@settings(max_examples=20)
def test_fault_101_the_trades_of_the_page_are_the_trades_of_the_file(lines):
    inputs = EVENING
    template = inputs.frames.trades.iloc[[0] * len(lines)].reset_index(drop=True)
    frame = template.assign(
        shares=[float(shares) for shares, *_ in lines],
        price=[price for _, price, *_ in lines],
        notional=[shares * price for shares, price, *_ in lines],
        commission_est=[commission for _, _, commission, _ in lines],
        slippage_est=[slippage for *_, slippage in lines],
    )
    printed = printed_trades(frame)

    for shown, line in zip(trade_lines(inputs, printed), printed.to_dict("records"), strict=True):
        assert figure(usd(shown.notional, 2)) == line["notional"]
        assert figure(number(shown.shares, 0)) == line["shares"]
        assert math.isclose(shown.cost, line["commission_est"] + line["slippage_est"])


@given(st.lists(st.dates(), unique=True, min_size=1, max_size=8), st.data())
@settings(max_examples=25)
def test_a_history_is_one_row_a_date_in_order_whatever_the_order_of_writing(days, data):
    history = parse_history(None, path="h")
    written = data.draw(st.lists(st.sampled_from(days), min_size=1, max_size=12))

    for day in written:
        history = with_row(history, {"date": day.isoformat(), "equity": "1.00"})

    dates = parse_history(render_history(history), path="h")["date"].tolist()
    assert dates == sorted({day.isoformat() for day in written})
