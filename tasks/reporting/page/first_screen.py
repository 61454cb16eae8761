"""Record what the report's first screen says before an approval, so that the mail says it in the same words.

The record is part of monitoring_log.json: plain text, no markup.
"""

from collections.abc import Sequence
from typing import Any

from tasks.reporting.day.inputs import Records
from tasks.reporting.page.sections.account.bridge import Bridge, paid_line
from tasks.reporting.page.sections.attention import LASTING, Item, headline
from tasks.reporting.page.sections.readiness import MARKS, Topic, verdict


def first_screen(
    records: Records, topics: Sequence[Topic], items: Sequence[Item], bridge: Bridge
) -> dict[str, Any]:
    """Return the answer to "May it be approved?" with its topics, the unusual facts, and what the last trades cost.

    `last_costs` is "" if the last execution filled nothing, or there was none.
    """
    new, lasting = ([item for item in items if item.is_new is wanted] for wanted in (True, False))
    return {
        "verdict": verdict(records, topics),
        "topics": [
            {"name": one.name, "standing": one.standing, "mark": MARKS[one.standing], "words": one.words}
            for one in topics
        ],
        "unusual": {
            "headline": headline(items),
            "new": [_item(item) for item in new],
            "lasting_headline": LASTING,
            "lasting": [_item(item) for item in lasting],
        },
        "last_costs": paid_line(bridge.day),
    }


def _item(item: Item) -> dict[str, str]:
    return {"weight": item.weight, "words": f"{item.text} {item.again}".rstrip()}
