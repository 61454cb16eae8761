"""What `make null` and `make planted` require of the markets measured."""

import pytest

from tests.power.proof import judge


def results(planted, confirmed, count, *, selected="lightgbm", ever=0):
    return [
        {
            "planted": planted,
            "confirmed": place < confirmed,
            "confirmed_weeks": [3, 4] if place < ever else [],
            "selected": selected,
            "learner": "lightgbm",
        }
        for place in range(count)
    ]


@pytest.mark.parametrize(("confirmed", "passed"), [(0, True), (2, True), (3, False)])
def test_two_of_forty_markets_without_a_signal_may_confirm_a_candidate(confirmed, passed):
    assert judge(results(0.0, confirmed, 40), 0.0)[0] is passed


@pytest.mark.parametrize(("confirmed", "passed"), [(20, True), (16, True), (15, False)])
def test_sixteen_of_twenty_markets_with_a_signal_must(confirmed, passed):
    assert judge(results(0.08, confirmed, 20), 0.08)[0] is passed


def test_a_rule_is_not_a_discovery_of_a_planted_signal_but_a_false_one_without_a_signal():
    assert not judge(results(0.08, 20, 20, selected="momentum_52_week"), 0.08)[0]
    assert not judge(results(0.0, 3, 40, selected="momentum_52_week"), 0.0)[0]


def test_a_part_of_the_markets_is_judged_by_its_share_and_named():
    passed, text = judge([*results(0.08, 5, 6), *results(0.0, 9, 9)], 0.08)

    assert passed
    assert "confirmed on 5 of 6 markets" in text
    assert "Only 6 of 20 markets measured." in text
    assert not judge([], 0.0)[0]


@pytest.mark.parametrize(("ever", "passed"), [(4, True), (5, False)])
def test_two_of_twenty_markets_without_a_signal_may_confirm_a_candidate_in_any_of_26_weeks(ever, passed):
    found, text = judge(results(0.0, 0, 40, ever=ever), 0.0)

    assert found is passed
    assert f"one of 26 consecutive weeks confirmed one on {ever};" in text
