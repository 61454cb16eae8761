from dataclasses import replace
from datetime import timedelta

import pytest

from tasks.reporting.day.assessed import assess_day
from tasks.reporting.page.sections.readiness import readiness
from tasks.safety.schema import Check, Checks
from tests.parity_records import make_compared, make_parity
from tests.unit.reporting.example_day import make_inputs


def topics(inputs):
    return {topic.name: topic for topic in readiness(inputs, assess_day(inputs))}


def with_records(**changed):
    inputs = make_inputs()
    return replace(inputs, records=replace(inputs.records, **changed))


def check(value: str, limit: str) -> Check:
    return Check("trade_size", passed=True, value=value, limit=limit, detail="")


def test_a_check_near_its_limit_is_named_although_it_passed():
    found = topics(
        with_records(checks=Checks((check("9.99%", "≤ 10.00%"), check("1%", "≤ 10.00%")), "clear"))
    )

    assert found["Checks"].standing == "good"
    assert found["Checks"].words == "All 2 passed; near the limit: Trade size 9.99% (≤ 10.00%)"


def test_of_many_checks_near_their_limit_the_two_nearest_are_named_and_the_others_counted():
    near = tuple(check(f"9.{tenths}0%", "≤ 10.00%") for tenths in (1, 4, 2, 3))

    words = topics(with_records(checks=Checks((*near, check("1%", "≤ 10.00%")), "clear")))["Checks"].words

    assert words == (
        "All 5 passed; near the limit: Trade size 9.40% (≤ 10.00%), Trade size 9.30% (≤ 10.00%) and 2 more"
    )


def test_failed_checks_and_the_kill_switch_are_stops():
    found = topics(make_inputs(blocked=True))

    assert (found["Checks"].standing, found["Kill switch"].standing) == ("bad", "bad")
    assert "1 of 10 failed: Buys" in found["Checks"].words
    assert found["Kill switch"].words == "On: daily loss of 3.4%, limit 3.0%"


@pytest.mark.parametrize(("differs", "standing"), [(False, "good"), (True, "bad")])
def test_a_day_that_differs_from_its_backtest_is_a_stop(differs, standing):
    day = make_inputs().run.session.day
    compared = make_compared(day, make_parity(day, differs=(day,) if differs else ()))

    assert topics(with_records(compared=compared))["Backtest"].standing == standing


def test_quiet_data_is_said_to_be_complete():
    assert (
        topics(make_inputs(empty=True))["Data"].words == "480 names (simulated): every bar passed every gate"
    )
    assert "4 findings, 2 in quarantine" in topics(make_inputs())["Data"].words


def test_an_old_model_and_one_that_ranks_nothing_are_marked():
    champion = make_inputs().records.scores.champion
    scores = make_inputs().records.scores
    for changed in ({"trained_through": champion.trained_through.replace(month=5, day=1)}, {"ranks": False}):
        found = topics(with_records(scores=replace(scores, champion=replace(champion, **changed))))
        assert found["Model"].standing == "warn"


@pytest.mark.parametrize(("days", "standing"), [(31, "good"), (32, "warn")])
def test_a_model_is_marked_from_nine_tenths_of_its_allowed_age_on(days, standing):
    """It may be 35 days old: nine tenths are 31.5."""
    inputs = make_inputs()
    trained = inputs.run.session.day - timedelta(days=days)
    champion = replace(inputs.records.scores.champion, trained_through=trained)

    found = topics(with_records(scores=replace(inputs.records.scores, champion=champion)))["Model"]

    assert inputs.run.settings.models.max_age_days == 35
    assert found.standing == standing
    assert f"{days} of 35 days old" in found.words
