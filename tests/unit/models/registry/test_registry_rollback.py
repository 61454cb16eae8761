from dataclasses import replace
from datetime import timedelta

import pytest

from tasks.core.errors import ModelError
from tasks.models.registry.rollback import rollback_target
from tasks.models.registry.store import Stored, Version
from tasks.selection.promotion import describe
from tests.champions import FRIDAY, make_training


@pytest.fixture
def versions(tmp_path):
    """Return a function that makes one version for each of these numbers of weeks before FRIDAY, in this order."""

    def make(*weeks):
        made = []
        for number, back in enumerate(weeks, start=1):
            training = make_training(tmp_path / str(number), session=FRIDAY - timedelta(weeks=back))
            metadata = describe(training, optimizer="hrp", min_t=2.0)
            made.append(Version(f"{number:04d}-{'abcdef'[number]}00", Stored(metadata, b"")))
        return made

    return make


def test_a_rollback_restores_the_version_before_the_one_in_production(versions):
    first, second, third = made = versions(2, 1, 0)

    assert rollback_target(made, third.stored.metadata, wanted=None) == second
    assert rollback_target(made, second.stored.metadata, wanted=None) == first


def test_a_version_of_a_past_week_that_was_never_in_production_is_not_restored(versions):
    _, second, _, fourth = made = versions(3, 2, 7, 0)

    assert rollback_target(made, fourth.stored.metadata, wanted=None) == second


def test_of_two_versions_of_a_week_the_later_one_is_restored(versions):
    _, second, third = made = versions(1, 1, 0)

    assert rollback_target(made, third.stored.metadata, wanted=None) == second


def test_a_damaged_champion_is_replaced_by_the_newest_version(versions):
    _, second = made = versions(1, 0)

    assert rollback_target(made, None, wanted=None) == second


@pytest.mark.parametrize("wanted", ["0002-c00", "2", "0002"])
def test_a_version_is_named_by_its_name_or_its_number(versions, wanted):
    made = versions(2, 1, 0)

    assert rollback_target(made, made[2].stored.metadata, wanted=wanted) == made[1]


@pytest.mark.parametrize("wanted", ["7", "0002", "2-c00", "../0001", "", "²"])
def test_an_unknown_version_is_refused_with_those_there_are(versions, wanted):
    made = versions(0)

    with pytest.raises(ModelError, match="No intact version") as caught:
        rollback_target(made, made[0].stored.metadata, wanted=wanted)

    assert "0001-b00" in caught.value.remedy


def test_without_an_earlier_version_nothing_is_restored(versions):
    made = versions(0)

    for found in (made, []):
        with pytest.raises(ModelError, match="No earlier version"):
            rollback_target(found, made[0].stored.metadata, wanted=None)


def test_a_champion_whose_own_version_is_damaged_is_replaced_by_the_newest_intact_one(versions):
    made = versions(2, 1, 0)
    present = replace(made[2].stored.metadata, seed=99)

    assert rollback_target(made[:2], present, wanted=None) == made[1]
