"""The world up to a session knows nothing of what came later (issue 13, done when 4; fault 144).

Bars and rows of every table are drawn, each row known on its own day or later. Whatever became known after a session is
then removed: the world up to that session stays the same. It also stays the same when later rows are noise, or when
later renames, sector changes and restatements are added.
"""

from dataclasses import fields

import numpy as np
from hypothesis import given

from tasks.backtest.world import World, until
from tasks.data.panel.as_known import Dated
from tests.unit.backtest.histories import SESSIONS, place, some_closes, some_rows, world_until

DISPLAY_ONLY = {"symbol"}  # the latest name of each company


def assert_same(one: World, other: World) -> None:
    for field in fields(World):
        found, expected = getattr(one, field.name), getattr(other, field.name)
        if isinstance(found, Dated):
            found, expected = (np.array(dated.names)[dated.codes] for dated in (found, expected))
        if isinstance(found, np.ndarray) and field.name not in DISPLAY_ONLY:
            np.testing.assert_array_equal(found, expected, err_msg=field.name)
    assert one.nights == other.nights
    for name in ("restated_bars", "restated_factors"):
        for part in fields(getattr(one, name)):
            np.testing.assert_array_equal(
                getattr(getattr(one, name), part.name), getattr(getattr(other, name), part.name), err_msg=name
            )


@given(
    closes=some_closes,
    rows=some_rows,
    last=place,
)
def test_fault_144_what_became_known_later_changes_nothing_of_the_world_before(closes, rows, last):
    last = max(last, min(min(column) for column in closes.values()))

    whole = world_until(SESSIONS - 1, closes, rows)

    assert_same(until(whole, last), world_until(last, closes, rows))
