"""The parts of a trade in the list: of the size that they explain; of another one, who changed it."""

import json
from dataclasses import replace
from datetime import date

from tasks.approval.day import PublishedDay
from tasks.reporting.review.explained import briefs, change_of, explained
from tasks.trades.tickets.schema import Part, Ticket, Tickets
from tests.unit.reporting.review.test_review_lines import line

TICKETS = Tickets(None, (Ticket("AAA", (Part("score", 10_000),)), Ticket("BBB", (Part("drift", -10_000),))))
PUBLISHED = PublishedDay(
    date(2024, 6, 14), 0, b"", {}, {}, None, 0, 0, differs_from_backtest=False, tickets=TICKETS
)
RECORD = {
    "by": "Ann Lee",
    "at": "2024-06-14T22:00:00+00:00",
    "reason": "earnings",
    "struck": ["CCC"],
    "halved": ["AAA"],
    "solved": True,
}
REVISED = replace(PUBLISHED, revision=1, manifest=json.dumps({"revision": RECORD}).encode())
AS_PUBLISHED, HALVED = line(1, "AAA", "BUY", 100.0), line(1, "AAA", "BUY", 50.0)


def heads(day, *lines):
    return {symbol: one.head for symbol, one in briefs(day, lines).items()}


def test_a_line_that_a_revision_did_not_change_has_the_parts_of_the_day():
    unchanged = line(0, "BBB", "SELL", 100.0)

    assert heads(REVISED, unchanged, AS_PUBLISHED) == {"AAA": "score +$100", "BBB": "drift −$100"}
    assert heads(PUBLISHED, unchanged) == {"BBB": "drift −$100"}
    assert change_of(REVISED, unchanged) == change_of(PUBLISHED, unchanged) == ""


def test_a_line_of_another_size_names_who_changed_it_and_what_was_published():
    """The others are re-optimized, so that a name may be new, or change its side."""
    larger, new = line(0, "BBB", "SELL", 120.0), line(2, "DDD", "BUY", 30.0)

    assert heads(REVISED, HALVED, larger, new) == {
        "AAA": "Halved by Ann Lee; published: +$100.00",
        "BBB": "Re-optimized after changes by Ann Lee; published: −$100.00",
        "DDD": "Re-optimized after changes by Ann Lee; published: nothing",
    }
    assert change_of(REVISED, line(0, "AAA", "SELL", 100.0)).startswith("Halved by Ann Lee")
    assert explained(REVISED, HALVED).signed_usd == 100.0  # the parts are those of the published trade
    assert explained(REVISED, new) is None


def test_what_no_ticket_explains_says_nothing():
    assert heads(PUBLISHED, HALVED, line(2, "DDD", "BUY", 30.0)) == {}
    assert heads(replace(REVISED, tickets=None), HALVED) == {}
    assert heads(replace(REVISED, tickets=Tickets(None, ())), HALVED) == {}  # the day could not be explained
    others_as_published = json.dumps({"revision": RECORD | {"solved": False}}).encode()
    assert heads(replace(REVISED, manifest=others_as_published), line(2, "DDD", "BUY", 30.0)) == {}
