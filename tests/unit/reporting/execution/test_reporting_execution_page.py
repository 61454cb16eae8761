"""execution.html shows what execution.json says, and nothing hostile in it acts."""

import re

import pytest

from tasks.reporting.day.executed import lines_of
from tasks.reporting.execution.page import render_execution

LINE = {"symbol": "AAA", "side": "BUY", "shares": "100", "price": "10.00"}
BAND = {"lowest_price": "9", "highest_price": "11", "least_shares": "0"}


def order(**changes):
    return {
        "order_id": "o-1",
        "row": 0,
        "part": 0,
        "filled_shares": "100",
        "filled_usd": "1010.00",
        "fees_usd": "1.50",
        "state": "filled",
        "reason": "",
    } | changes


def document(*orders, **changes):
    return {
        "session": "2024-06-14",
        "fill_session": "2024-06-17",
        "approval_sha256": "a" * 64,
        "authority": "approval",
        "account": "A1",
        "mode": "paper",
        "broker": "paper",
        "stage": "finished",
        "outcome": "ended",
        "why": "1 filled",
        "until": None,
        "begins_before": None,
        "overrides": [],
        "lines": [LINE | BAND],
        "orders": list(orders),
        "bridge": [],
        "differences": [],
        "events": [],
    } | changes


def page_of(made, **options):
    return render_execution(made, title="Afterclose", **({"is_simulated": False} | options)).decode()


@pytest.mark.parametrize(("side", "slippage"), [("BUY", 10.0), ("SELL", -10.0)])
def test_a_line_is_the_sum_of_its_orders_and_a_worse_price_costs(side, slippage):
    made = document(
        order(filled_shares="60", filled_usd="606.00"),
        order(part=1, filled_shares="40", filled_usd="404.00"),
        lines=[LINE | BAND | {"side": side}],
    )

    [line] = lines_of(made)

    assert (line.filled, line.average, line.fees_usd) == (100, 10.10, 3.0)
    assert line.slippage_usd == pytest.approx(slippage)
    assert line.slippage_bps == pytest.approx(slippage * 10)


def test_a_line_without_a_fill_has_no_price_and_its_reason_is_shown():
    made = document(order(filled_shares="0", filled_usd="0.00", state="void", reason="left its band"))

    [line] = lines_of(made)
    page = page_of(made)

    assert (line.average, line.slippage_usd) == (None, None)
    assert "left its band" in page
    assert "0 of 1" in page


def test_amounts_of_the_page_are_those_of_the_document():
    page = page_of(document(order(), bridge=[{"step": "broker", "cause": "unexplained", "usd": "-1234.50"}]))

    assert "$1,010.00" in page
    assert "+$10.00" in page
    assert "−$1,234.50" in page


@pytest.mark.parametrize(
    ("side", "sold", "bought"), [("SELL", "1,010.00", "0.00"), ("BUY", "0.00", "1,010.00")]
)
def test_the_totals_name_what_was_sold_and_what_was_bought(side, sold, bought):
    page = page_of(document(order(), lines=[LINE | BAND | {"side": side}]))

    assert f"<dt>Sold</dt><dd>${sold}</dd>" in page
    assert f"<dt>Bought</dt><dd>${bought}</dd>" in page
    assert "<dt>Fees</dt><dd>$1.50</dd>" in page


def test_what_waits_says_until_when_and_how_to_go_on():
    page = page_of(
        document(
            order(filled_shares="0", filled_usd="0.00", state="intended"),
            stage="active",
            outcome="waiting",
            why="waiting for the open",
            until="2024-06-17T13:30:00+00:00",
        )
    )

    assert "waiting for the open" in page
    assert "2024-06-17 09:30:00 New York time" in page
    assert "afterclose execute 2024-06-14 --no-dry-run" in page


def test_an_event_shows_the_name_and_the_whole_id_of_its_order():
    """Every id of a session begins alike: a shortened one names no order."""
    event = {
        "at": "2024-06-17T13:30:00+00:00",
        "event": "sent",
        "state": "working",
        "filled_shares": "",
        "reason": "",
    }
    ids = [f"ac-20240614-{letter * 32}" for letter in "ab"]
    orders = [
        order(order_id=one, symbol=symbol, side="SELL", shares=1200)
        for one, symbol in zip(ids, ("AAA", "BBB"), strict=True)
    ]

    page = page_of(document(*orders, events=[event | {"order_id": one} for one in ids]))

    for one, symbol in zip(ids, ("AAA", "BBB"), strict=True):
        assert f'<bdi class="ticker">{symbol}</bdi> SELL 1,200 <code>{one}</code>' in page


def test_on_a_phone_each_figure_of_a_line_has_its_label():
    page = page_of(document(order()))

    assert re.findall(r'<td[^>]* data-label="([^"]+)"', page) == [
        "Approved", "Filled", "Decision price", "Fill price", "Difference", "Fees", "State",
    ]  # fmt: skip


@pytest.mark.parametrize("hostile", ["<script>alert(1)</script>", '"><img src=x onerror=alert(1)>'])
def test_fault_098_a_hostile_text_of_a_broker_is_inert(hostile):
    made = document(
        order(filled_shares="0", filled_usd="0.00", state="rejected", reason=hostile),
        why=hostile,
        outcome="blocked",
        account=hostile,
        differences=[{"id": "d1", "symbol": hostile, "explanation": hostile}],
        events=[
            {
                "at": "2024-06-17T13:30:00+00:00",
                "order_id": hostile,
                "event": "rejected",
                "state": "rejected",
                "filled_shares": "",
                "reason": hostile,
            }
        ],
    )

    page = page_of(made)

    assert hostile not in page
    assert not re.search(r"<script|<img", page)
    assert "default-src 'none'" in page
