"""What the report's first screen says of a day, as lists for its mail. Read from monitoring_log.json. Pure."""

from collections.abc import Iterator, Mapping
from typing import Any

from tasks.reporting.day.files import FIRST_SCREEN
from tasks.reporting.notify.schema import Point, Points, Standing
from tasks.reporting.page.numerals import words

QUESTION = "May it be approved?"
STANDINGS: dict[str, Standing] = {"stop": "bad", "warning": "warn", "note": "note"}
UNKNOWN = Point("Read", "warn", "The day does not record the answer: read the report before you approve.")


def before_approval(log: Mapping[str, Any]) -> tuple[Points, ...]:
    """Return the answer to "May it be approved?" with its topics, then the unusual facts.

    Days of earlier builds do not record them; then the report has to be read.
    """
    screen = log.get(FIRST_SCREEN)
    if screen is None:
        return (Points(QUESTION, (UNKNOWN,)),)
    topics = tuple(
        Point(one["mark"], one["standing"], f"{one['name']}: {one['words']}") for one in screen["topics"]
    )
    return (Points(f"{QUESTION} {screen['verdict']}", topics), *_unusual(screen["unusual"]))


def last_costs(log: Mapping[str, Any]) -> str:
    """Return what the last trades cost; "" if none was filled, or the day does not record it."""
    return str(log.get(FIRST_SCREEN, {}).get("last_costs", ""))


def _unusual(found: Mapping[str, Any]) -> Iterator[Points]:
    new, lasting = (tuple(map(_point, found[name])) for name in ("new", "lasting"))
    yield Points(f"{found['headline']} ({len(new)})" if new else found["headline"], new)
    if lasting:
        yield Points(f"{found['lasting_headline']} ({len(lasting)})", lasting)


def _point(item: Mapping[str, str]) -> Point:
    return Point(words(item["weight"]), STANDINGS[item["weight"]], item["words"])
