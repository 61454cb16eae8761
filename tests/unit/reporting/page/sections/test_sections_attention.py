from dataclasses import replace

import pytest

from tasks.reporting.day.assessed import assess_day
from tasks.reporting.day.ledger import printed_trades, printed_weights
from tasks.reporting.page.numerals import typeset_percent
from tasks.reporting.page.sections.account.bridge import bridge_of
from tasks.reporting.page.sections.account.contributors import ContributorLine
from tasks.reporting.page.sections.attention import attention, unusual_record
from tasks.reporting.page.sections.before_after import before_and_after
from tasks.reporting.page.sections.changes import changes_since
from tasks.reporting.page.sections.summary import summarise
from tasks.reporting.page.sections.trades.trade_list import trade_lines
from tasks.risk.limits import limit_states
from tasks.safety.overrides import Instruction, Override
from tasks.trades.tickets.schema import Survival, Ticket, Tickets
from tests.builders import FRIDAY
from tests.parity_records import make_compared, make_parity
from tests.unit.reporting.example_day import make_executed, make_inputs


def items(inputs, contributors=(), *, exceeded=()):
    trades = printed_trades(inputs.frames.trades)
    weights = printed_weights(inputs.frames.weights, inputs.frames.after)
    lines, changes = trade_lines(inputs, trades), changes_since(inputs, weights)
    limits = limit_states(dict.fromkeys(exceeded, 0.5), dict.fromkeys(exceeded, 0.4), warn_at_frac=0.9)
    assessment = replace(assess_day(inputs), limits=limits)
    compared = before_and_after(inputs, summarise(inputs, trades))
    return attention(inputs, assessment, lines, changes, bridge_of(inputs), contributors, compared)


def after(inputs, unusual):
    """Return the inputs of a day whose previous day recorded these facts."""
    return replace(inputs, previous=replace(inputs.previous, unusual=unusual))


def words(inputs):
    return " | ".join(item.words for item in items(inputs))


def test_what_stops_comes_before_warnings_and_notes():
    inputs = make_inputs()
    day = inputs.run.session.day
    compared = make_compared(day, make_parity(day, differs=(day,)))

    found = items(replace(inputs, records=replace(inputs.records, compared=compared)))

    assert [item.weight for item in found] == sorted(
        (item.weight for item in found), key=["stop", "warning", "note"].index
    )
    assert "Differs from the backtest in 1 of 1 session" in found[0].words


def test_a_bridge_that_does_not_close_is_a_stop_and_a_closed_one_is_not_listed():
    open_ended = make_executed(
        bridge=[
            {"step": "target", "cause": "equity", "usd": "100.00"},
            {"step": "account", "cause": "interest", "usd": "1.00"},
            {"step": "broker", "cause": "unexplained", "usd": "3.00"},
            {"step": "broker", "cause": "equity of record", "usd": "104.00"},
        ]
    )

    assert "Bridge of 2024-06-13: Not closed" in words(replace(make_inputs(), executed=(open_ended,)))
    assert "Not closed" not in words(make_inputs())


@pytest.mark.parametrize(
    "found",
    [
        "The regime changed from NEUTRAL to BULL.",
        "2 names in quarantine: HLXX, ZPHR; none is held.",
        "2 trades with a liquidity warning:",
        "2 intended trades dropped: MRDN, ZPHR.",
        "Max Sharpe gave no portfolio; HRP was used instead.",
        "1 trade of 2024-06-13 filled with fewer shares than approved: ALDR.",
        "9 fragile trades persist in less than 60% of the reruns with slightly different inputs:",
    ],
)
def test_the_example_lists_each_unusual_fact_once(found):
    assert words(make_inputs()).count(found) == 1


def test_an_ordinary_day_lists_nothing():
    inputs = make_inputs(hold=True, previous=False)
    market = replace(inputs.records.market, quarantined=(), findings=())
    quiet = replace(inputs, records=replace(inputs.records, market=market))
    within = replace(assess_day(quiet), limits=())
    lines = trade_lines(quiet, printed_trades(quiet.frames.trades))

    assert attention(quiet, within, lines, None, bridge_of(quiet), (), ()) == ()


def test_trades_that_reverse_fills_of_the_last_execution_are_named_with_both():
    traded = make_inputs().frames.trades.set_index("symbol")
    bought, sold = (traded.index[traded["side"] == side][0] for side in ("BUY", "SELL"))
    other = next(name for name in traded.index[traded["side"] == "BUY"] if name != bought)
    sides = {bought: "SELL", sold: "BUY", other: "BUY"}
    lines = [
        {"symbol": name, "side": side, "shares": "1233", "price": "10.0000"} for name, side in sides.items()
    ]
    orders = [
        {"row": row, "filled_shares": "1233", "filled_usd": "12330.00", "fees_usd": "0.00", "state": "filled"}
        | {"reason": ""}
        for row in range(len(lines))
    ]

    def found(orders):
        executed = make_executed(lines=lines, orders=orders)
        listed = items(replace(make_inputs(), executed=(executed,)))
        return [item for item in listed if "the last execution's" in item.words]

    (item,) = found(orders)
    assert item.weight == "note"
    assert item.text.startswith("2 trades reverse the last execution's: ")
    for name, words in ((bought, "sold 1,233, now buys"), (sold, "bought 1,233, now sells")):
        assert f"{name} {words} {traded['shares'][name]:,.0f}" in item.text
    assert item.text.count(";") == 1
    assert found([order | {"filled_shares": "0", "filled_usd": "0.00"} for order in orders]) == []


@pytest.mark.parametrize(
    ("key", "cents", "stops"), [("day", -9_00, True), ("day", 0, False), ("month", -9_00, False)]
)
def test_a_gain_that_the_ledger_does_not_explain_stops_on_its_day(key, cents, stops):
    line = ContributorLine(key, key, (), (), 0, 0, 0, cents, 1_00)

    found = [item for item in items(make_inputs(), [line]) if item.anchor == "performance"]

    assert [item.weight for item in found] == (["stop"] if stops else [])
    assert not stops or "−$9.00" in found[0].words


def test_a_limit_exceeded_on_earlier_sessions_comes_after_what_is_new_with_its_number_of_sessions():
    first = items(make_inputs(), exceeded=("volatility", "beta"))
    recorded = unusual_record(make_inputs(), first)
    assert {name: recorded[name] for name in ("limit volatility", "limit beta")} == {
        "limit volatility": 1,
        "limit beta": 1,
    }
    (together,) = [item for item in first if item.anchor == "limits"]
    assert (together.sessions, together.is_new) == (1, True)

    inputs = after(make_inputs(), {"limit volatility": 4, "limit var_1d": 9})
    found = items(inputs, exceeded=("volatility", "beta"))

    new, lasting = [item for item in found if item.anchor == "limits"]
    assert ("Beta" in new.words, "Volatility" in new.words, new.sessions) == (True, False, 1)
    assert ("Beta" in lasting.words, "Volatility" in lasting.words, lasting.sessions) == (False, True, 5)
    assert [item.is_new for item in found] == sorted((item.is_new for item in found), reverse=True)
    assert found[-1] == lasting
    counts = unusual_record(inputs, found)
    assert (counts["limit volatility"], counts["limit beta"]) == (5, 1)
    assert "limit var_1d" not in counts


def test_an_exceeded_limit_states_the_figure_of_the_holdings_where_it_was_exceeded_too():
    inputs = make_inputs()
    trades = printed_trades(inputs.frames.trades)
    (row,) = (row for row in before_and_after(inputs, summarise(inputs, trades)) if row.key == "volatility")
    limits = limit_states({"volatility": 0.5}, {"volatility": row.now / 2}, warn_at_frac=0.9)
    assessment = replace(assess_day(inputs), limits=limits)

    found = attention(inputs, assessment, trade_lines(inputs, trades), None, bridge_of(inputs), (), (row,))

    (limit,) = [item for item in found if item.anchor == "limits"]
    assert f"({typeset_percent(row.now)} before)" in limit.words


def test_what_belongs_to_one_session_is_never_carried_on():
    inputs = make_inputs()
    recorded = unusual_record(inputs, items(inputs))

    again = items(after(inputs, recorded))

    assert {item.sessions for item in again if item.lasting} == {2}
    assert {item.sessions for item in again if not item.lasting} == {1}
    assert not any(name.startswith("The regime changed") for name in recorded)


def test_the_same_quarantine_lasts_and_another_is_new():
    inputs = make_inputs()
    text = "2 names in quarantine: HLXX, ZPHR; none is held."

    def quarantine(before):
        return next(item for item in items(after(inputs, before)) if "quarantine" in item.words)

    assert quarantine({text: 2}).sessions == 3
    assert quarantine({text.replace("ZPHR", "OTHR"): 2}).is_new


def test_fragile_trades_are_named_with_their_survival_the_rarest_first():
    inputs = make_inputs()
    tickets = tuple(
        Ticket(symbol, (), survival=Survival(persisted, 40), is_fragile=persisted < 20)
        for symbol, persisted in (("AAA", 19), ("BBB", 3), ("CCC", 20))
    )
    records = replace(inputs.records, tickets=Tickets(None, tickets))

    (found,) = [item for item in items(replace(inputs, records=records)) if item.anchor == "why"]

    assert found.weight == "warning"
    assert (found.trades, found.ending) == ((("BBB", "BBB in 3 of 40"), ("AAA", "AAA in 19 of 40")), ".")
    assert found.words.startswith("2 fragile trades")


def test_of_many_named_trades_the_first_five_have_a_link_and_the_rest_is_counted():
    inputs = make_inputs()
    tickets = tuple(
        Ticket(f"N{place}", (), survival=Survival(place, 40), is_fragile=True) for place in range(7)
    )
    records = replace(inputs.records, tickets=Tickets(None, tickets))

    (found,) = [item for item in items(replace(inputs, records=records)) if item.anchor == "why"]

    assert [symbol for symbol, _ in found.trades] == ["N0", "N1", "N2", "N3", "N4"]
    assert found.ending == " and 2 more."


def test_trades_with_a_liquidity_warning_are_named():
    (found,) = [item for item in items(make_inputs()) if "liquidity" in item.words]

    assert (found.trades, found.ending) == ((("XNTH", "XNTH"), ("TRRA", "TRRA")), ".")


@pytest.mark.parametrize(("numbers", "sessions"), [((1,), 5), ((1, 2), 1), ((1, 3), 3)])
def test_overrides_are_as_old_as_the_newest_of_them(numbers, sessions):
    """Override 1 was in effect for four sessions before, 3 for two, 2 for none."""
    instruction = Instruction("do_not_buy", "symbol", "AAA", FRIDAY)
    overrides = tuple(Override(number, instruction, "Ann Lee", "", "a test") for number in numbers)
    inputs = after(make_inputs(), {"override 1": 4, "override 3": 2})

    (found,) = (item for item in items(replace(inputs, overrides=overrides)) if item.anchor == "overrides")

    assert found.sessions == sessions
