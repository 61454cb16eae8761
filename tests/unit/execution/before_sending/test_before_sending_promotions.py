"""The ramp counts from the session on which another champion took over; trades in a name count by session."""

from datetime import date

from tasks.execution.before_sending.promotions import (
    NEVER,
    Promoted,
    sessions_since_promotion,
)

WEEKS = [date(2024, 5, 31), date(2024, 6, 7), date(2024, 6, 14)]
MONDAY = date(2024, 6, 17)


def versions(*names):
    return [Promoted(name, "hrp", day) for name, day in zip(names, WEEKS, strict=False)]


def test_a_first_champion_has_no_ramp():
    (first,) = versions("lightgbm")

    assert sessions_since_promotion([first], first, MONDAY) == NEVER


def test_a_champion_that_is_trained_again_is_the_same():
    three = versions("lightgbm", "lightgbm", "lightgbm")

    assert sessions_since_promotion(three, three[-1], MONDAY) == NEVER


def test_another_model_or_optimizer_begins_a_ramp():
    changed = versions("lightgbm", "lightgbm", "forest")
    weighted = [*versions("lightgbm", "lightgbm"), Promoted("lightgbm", "max_sharpe", WEEKS[2])]

    assert sessions_since_promotion(changed, changed[-1], WEEKS[2]) == 0
    assert sessions_since_promotion(changed, changed[-1], MONDAY) == 1
    assert sessions_since_promotion(weighted, weighted[-1], MONDAY) == 1


def test_the_ramp_counts_from_the_change_and_not_from_the_last_training():
    changed = versions("lightgbm", "forest", "forest")

    assert sessions_since_promotion(changed, changed[-1], MONDAY) == 6  # since Friday, 7 June


def test_a_later_version_that_is_not_in_production_does_not_count():
    stored = versions("lightgbm", "lightgbm", "forest")

    assert sessions_since_promotion(stored, stored[1], MONDAY) == NEVER
