"""The contributions of a ticket: largest first, the smaller ones added up, beside those of the session before."""

import pytest

from tasks.trades.tickets.contributions import MOST_FEATURES, OTHERS, contributions_of
from tasks.trades.tickets.schema import Contribution


def test_the_largest_come_first_with_their_earlier_values():
    found = contributions_of(
        {"value": -0.1, "momentum": 0.3, "size": 0.0}, {"value": 0.2, "momentum": 0.1, "size": 0.0}
    )

    assert found == (Contribution("momentum", 0.3, 0.1), Contribution("value", -0.1, 0.2))


def test_the_smaller_ones_are_added_up_so_that_nothing_is_lost():
    today = {f"f{number:02}": (-1) ** number * (1.0 + number) for number in range(30)}
    before = {name: 2 * value for name, value in today.items()}

    found = contributions_of(today, before)

    assert len(found) == MOST_FEATURES + 1
    assert found[0] == Contribution("f29", -30.0, -60.0)
    assert found[-1].feature == OTHERS
    assert sum(one.value for one in found) == pytest.approx(sum(today.values()))
    assert sum(one.previous for one in found) == pytest.approx(sum(before.values()))


def test_what_the_smaller_ones_added_before_is_stated_even_if_they_add_nothing_today():
    today = {f"f{number:02}": float(number >= 2) for number in range(MOST_FEATURES + 2)}
    before = dict.fromkeys(today, 1.0)

    assert contributions_of(today, before)[-1] == Contribution(OTHERS, 0.0, 2.0)


def test_a_name_without_a_score_and_one_without_a_yesterday():
    assert contributions_of(None, None) == ()
    assert contributions_of({"value": 1.0}, None) == (Contribution("value", 1.0),)
    many = {f"f{number:02}": 1.0 for number in range(MOST_FEATURES + 2)}
    assert contributions_of(many, None)[-1] == Contribution(OTHERS, 2.0, None)
