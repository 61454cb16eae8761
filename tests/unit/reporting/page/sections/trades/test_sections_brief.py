"""The first screen's trades: the largest of each side, with the causes of their size and their ranks."""

from dataclasses import replace

from tasks.reporting.day.ledger import printed_trades
from tasks.reporting.page.sections.trades.brief import MOST, brief_of
from tasks.reporting.page.sections.trades.trade_list import trade_lines
from tasks.trades.tickets.schema import Part, Ticket, Tickets
from tests.unit.reporting.example_day import make_inputs


def inputs_and_lines():
    inputs = make_inputs()
    lines = trade_lines(inputs, printed_trades(inputs.frames.trades))
    sales, buys = ([trade for trade in lines if trade.is_sale == is_sale][:4] for is_sale in (True, False))
    return inputs, [*buys, *sales]


def with_tickets(inputs, *tickets):
    return replace(inputs, records=replace(inputs.records, tickets=Tickets(None, tickets)))


def test_sales_come_first_and_the_largest_of_each_side_before_smaller_ones():
    inputs, lines = inputs_and_lines()
    sizes = [(trade.is_sale, -trade.notional) for trade in lines]

    brief = brief_of(inputs, lines)

    shown = [(line.is_sale, -abs(line.signed_usd)) for line in brief.lines]
    assert shown == sorted(sizes, key=lambda one: (not one[0], one[1]))
    assert len({is_sale for is_sale, _ in shown}) == 2
    assert all((line.signed_usd < 0) == line.is_sale for line in brief.lines)
    assert brief.others == 0


def test_a_long_list_shows_the_largest_of_both_sides_and_counts_the_smaller_ones():
    inputs, lines = inputs_and_lines()
    sale = next(trade for trade in lines if trade.is_sale)
    buy = next(trade for trade in lines if not trade.is_sale)
    sales = [replace(sale, symbol=f"S{place:02d}", notional=100.0 + place) for place in range(20)]
    buys = [replace(buy, symbol=f"B{place:02d}", notional=111.5 + place) for place in range(8)]

    brief = brief_of(inputs, [*sales, *buys])

    assert [line.signed_usd for line in brief.lines] == [
        -119,
        -118,
        -117,
        -116,
        -115,
        118.5,
        117.5,
        116.5,
        115.5,
        114.5,
    ]
    assert brief.others == 28 - MOST


def test_one_cause_is_named_alone_several_with_their_dollars_and_none_by_the_reason_of_the_trade():
    inputs, lines = inputs_and_lines()
    one, two, *_ = (trade.symbol for trade in lines)
    parts = {
        one: (Part("score", 0), Part("regime", -90_000)),
        two: (Part("score", -90_000), Part("drift", 40_000)),
    }
    explained = with_tickets(inputs, *(Ticket(symbol, of_name) for symbol, of_name in parts.items()))

    why = {line.symbol: line for line in brief_of(explained, lines).lines}

    assert why[one].why == "Regime"
    assert why[two].why == "Score \N{MINUS SIGN}$900, drift +$400"
    assert {line.why for line in why.values() if not line.is_explained} == {
        trade.reason for trade in lines if trade.symbol not in parts
    }


def test_a_line_states_the_weight_before_and_after_the_trade():
    inputs, lines = inputs_and_lines()
    trade = lines[0]

    def leaves(before, after):
        frames = {
            "weights": inputs.frames.weights["current_weight"].drop(trade.symbol, errors="ignore"),
            "after": inputs.frames.after["weight"].drop(trade.symbol, errors="ignore"),
        }
        frames["weights"] = frames["weights"].to_frame("current_weight")
        frames["after"] = frames["after"].to_frame("weight")
        if before:
            frames["weights"].loc[trade.symbol] = before
        if after:
            frames["after"].loc[trade.symbol] = after
        (line,) = brief_of(replace(inputs, frames=replace(inputs.frames, **frames)), [trade]).lines
        return line.leaves

    assert leaves(0.1313, 0.0307) == "weight 13.1% → 3.1%"
    assert leaves(0.0, 0.0287) == "new, 2.9%"
    assert leaves(0.0193, 0.0) == "sells all of 1.9%"


def test_drift_and_other_are_explained_where_they_are_shown():
    inputs, lines = inputs_and_lines()
    symbol = lines[0].symbol
    score, drift, risk, cash = (
        Part("score", -90_000),
        Part("drift", 40_000),
        Part("risk", 3_000),
        Part("cash", 2_000),
    )

    def labels(*parts):
        brief = brief_of(with_tickets(inputs, Ticket(symbol, parts)), lines)
        return [label for label, _ in brief.legend]

    assert labels(score) == []
    assert labels(drift) == ["Drift"]
    assert labels(score, risk) == []
    assert labels(score, drift) == ["Drift"]
    assert labels(score, drift, risk, cash) == ["Drift", "Other"]


def test_the_rank_is_todays_and_that_of_the_session_before_where_it_is_known():
    inputs, lines = inputs_and_lines()
    today = inputs.frames.scores["rank"]
    known = next(trade.symbol for trade in lines if trade.symbol in today.index)
    earlier = replace(inputs, previous=replace(inputs.previous, ranks={known: 77}))

    brief = brief_of(earlier, lines)

    ranks = {line.symbol: line.rank for line in brief.lines}

    assert ranks.pop(known) == f"{int(today[known])}, was 77"
    assert brief.ranked == len(today)
    assert all("was" not in rank for rank in ranks.values())
    assert all(rank == "" for symbol, rank in ranks.items() if symbol not in today.index)


def test_a_champion_that_does_not_rank_names_has_no_ranks():
    inputs, lines = inputs_and_lines()
    scores = inputs.records.scores
    unranked = replace(scores, champion=replace(scores.champion, ranks=False))

    brief = brief_of(replace(inputs, records=replace(inputs.records, scores=unranked)), lines)

    assert all(line.rank == "" for line in brief.lines)
    assert brief.ranked == 0


def test_no_reason_on_the_page_repeats_that_the_market_is_simulated():
    inputs = make_inputs()
    trades = printed_trades(inputs.frames.trades)
    marked = trades.assign(reason="Simulated market; rank 2 of 9 by score.")

    assert {line.reason for line in trade_lines(inputs, marked)} == {"Rank 2 of 9 by score."}
