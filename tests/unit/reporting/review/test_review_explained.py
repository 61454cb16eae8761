"""The parts of a trade in the list: of the size that they explain, and of no other."""

from datetime import date

from tasks.approval.day import PublishedDay
from tasks.reporting.review.explained import briefs
from tasks.trades.tickets.schema import Part, Ticket, Tickets
from tests.unit.reporting.review.test_review_lines import line

TICKETS = Tickets(None, (Ticket("AAA", (Part("score", 10_000),)), Ticket("BBB", (Part("drift", -10_000),))))
DAY = PublishedDay(
    date(2024, 6, 14), 1, b"", {}, {}, None, 0, 0, differs_from_backtest=False, tickets=TICKETS
)


def test_a_line_of_another_size_than_the_published_one_has_no_parts_of_that():
    as_published = briefs(DAY, [line(0, "BBB", "SELL", 100.0), line(1, "AAA", "BUY", 100.0)])
    halved = briefs(DAY, [line(0, "BBB", "SELL", 100.0), line(1, "AAA", "BUY", 50.0)])

    assert {symbol: one.head for symbol, one in as_published.items()} == {
        "AAA": "score +$100",
        "BBB": "drift −$100",
    }
    assert set(halved) == {"BBB"}
