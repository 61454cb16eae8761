"""The trades as the page lists them."""

import pytest

from tasks.approval.day import published_day
from tasks.reporting.review.lines import Line, lines_of, selected, totals
from tests.approval_days import TRADE_ROWS, day_files, manifest_of
from tests.builders import FRIDAY, make_run


def line(row, symbol, side="BUY", notional=100.0, rank=1, reason="score rose"):
    return Line(
        row=row,
        symbol=symbol,
        side=side,
        action="OPEN",
        shares=1.0,
        price=notional,
        lowest="",
        highest="",
        notional=notional,
        weight_before=0.0,
        weight_after=notional / 1000,
        cost=notional / 100,
        reason=reason,
        warning="",
        algorithm="MARKET",
        sector="Energy",
        score=0.1,
        rank=rank,
    )


LINES = [
    line(0, "B", "SELL", 300.0, None),
    line(1, "A", notional=100.0, rank=9),
    line(2, "C", notional=200.0),
]


def symbols(**given):
    asked = {"query": "", "sort": "order", "descending": False, **given}
    return "".join(one.symbol for one in selected(LINES, **asked))


@pytest.mark.parametrize(
    ("sort", "up", "down"),
    [
        ("order", "BAC", "CAB"),
        ("symbol", "ABC", "CBA"),
        ("side", "ACB", "BAC"),
        ("notional", "ACB", "BCA"),
        ("weight", "ACB", "BCA"),
        ("rank", "CAB", "ACB"),  # a name without a rank is last
        ("__class__", "BAC", "CAB"),
    ],
)
def test_lines_are_sorted_both_ways(sort, up, down):
    assert (symbols(sort=sort), symbols(sort=sort, descending=True)) == (up, down)


def test_a_query_finds_lines_that_contain_every_word():
    assert symbols(query="SELL energy") == "B"
    assert symbols(query="sell rose  x") == ""


def test_totals_are_the_sums_of_both_sides():
    found = totals(LINES)

    assert (found.count, found.buys, found.sells) == (3, 2, 1)
    assert (found.buy_usd, found.sell_usd, found.cost_usd) == (300.0, 300.0, 6.0)


def test_no_line_repeats_that_the_market_is_simulated(tmp_path):
    files = day_files(rows=[row.replace("score", "Simulated market; score") for row in TRADE_ROWS])
    day = published_day(FRIDAY, manifest_of(make_run(tmp_path), files), files)

    assert [one.reason for one in lines_of(day, None)] == ["Score fell", "Score rose"]
