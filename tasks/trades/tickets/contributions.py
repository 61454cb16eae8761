"""What the features add to the score of each traded name, today and on the session compared with. Pure.

Both are of today's model, so that they have one unit and differ by the features alone.
"""

from collections.abc import Mapping

from tasks.trades.tickets.schema import Contribution

MOST_FEATURES = 10  # of a ticket; the others are added up
OTHERS = "other features"

ByFeature = Mapping[str, float]


def contributions_of(today: ByFeature | None, before: ByFeature | None) -> tuple[Contribution, ...]:
    """Return the contributions to one score, largest first, and the sum of the smaller ones last.

    None: the name has no score, or the model cannot state them.
    """
    if today is None:
        return ()
    shown = sorted(today, key=lambda name: (-abs(today[name]), name))[:MOST_FEATURES]
    found = [
        Contribution(name, today[name], None if before is None else before[name])
        for name in shown
        if today[name]
    ]
    rest = [name for name in today if name not in set(shown)]
    others = sum(today[name] for name in rest)
    previous = None if before is None else sum(before[name] for name in rest)
    if others or previous:
        found.append(Contribution(OTHERS, others, previous))
    return tuple(found)
