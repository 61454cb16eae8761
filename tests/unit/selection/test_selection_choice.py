from dataclasses import replace
from datetime import date, timedelta
from math import nan

import pytest

from tasks.models.schema import Champion
from tasks.selection.choice import compare_with_incumbent, select_candidate
from tasks.selection.schema import Choice
from tests.champions import FRIDAY, LIMITS, make_metrics, make_result


def champion(name="old", kind="xgboost", rank_ic=0.015, chosen=FRIDAY - timedelta(days=7)):
    return Champion(
        name=name,
        kind=kind,
        optimizer="hrp",
        model_sha256="0" * 64,
        feature_set="f" * 64,
        trained_through=chosen,
        selection_date=chosen,
        selection_reason="",
        weighted_score=rank_ic,
        metrics={"rank_ic": rank_ic},
        ranks=kind != "equal_weight",
    )


def decision(choice, results=(), incumbent=None, session=FRIDAY):
    return compare_with_incumbent(choice, results, incumbent, session=session, limits=LIMITS)


def test_the_choosing_folds_alone_choose():
    early_best = make_result("steady", choice_ic=0.03, ic=0.01, t=2.1)
    late_best = make_result("lucky", choice_ic=0.01, ic=0.09, t=9.0)

    assert select_candidate([late_best, early_best], LIMITS).result == early_best


def test_the_next_best_does_not_step_in_for_one_that_is_not_confirmed():
    unconfirmed = make_result("first", choice_ic=0.03, t=1.9)
    confirmed = make_result("second", choice_ic=0.02, t=5.0)

    choice = select_candidate([unconfirmed, confirmed], LIMITS)

    assert choice.result is None
    assert "first was best" in choice.reason
    assert "t = 1.90" in choice.reason


def test_the_first_of_equals_in_the_configuration_is_chosen():
    assert select_candidate([make_result("a"), make_result("b")], LIMITS).result.name == "a"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"train_test_gap": 0.051}, "5.1 points better in training"),
        ({"choice": make_metrics(rank_ic=0.0)}, "no positive rank IC"),
        ({"choice": make_metrics(rank_ic=nan)}, "not a number"),
        ({"confirmation": make_metrics(rank_ic_t=nan)}, "not a number"),
        ({"train_test_gap": nan}, "not a number"),
    ],
)
def test_an_ineligible_candidate_is_reported_with_its_reason(fields, says):
    choice = select_candidate([replace(make_result("poor", choice_ic=0.5), **fields)], LIMITS)

    assert choice.result is None
    assert says in choice.reason


def test_a_rule_that_does_not_rank_is_never_chosen():
    assert select_candidate([make_result("flat", ranks=False, choice_ic=1.0)], LIMITS).result is None


def test_where_there_is_no_champion_the_choice_or_the_baseline_is_promoted():
    confirmed = Choice(make_result("new"), "It was best.")

    assert decision(confirmed).promote
    assert decision(Choice(None, "Nobody.")).promote
    assert "baseline stands in" in decision(Choice(None, "Nobody.")).reason


def test_the_same_candidate_is_renewed_on_newer_data():
    assert decision(Choice(make_result("old"), "Best."), incumbent=champion("old")).promote


def test_a_better_candidate_takes_the_old_ones_place():
    new, old = make_result("new", choice_ic=0.03), make_result("old", choice_ic=0.02)

    assert decision(Choice(new, "Best."), (new, old), champion("old")).promote


def test_a_confirmed_candidate_takes_the_baselines_place():
    new = make_result("new")

    assert decision(Choice(new, "Best."), (new,), champion("equal_weight", "equal_weight")).promote


def test_an_old_champion_that_was_not_trained_this_week_is_compared_by_its_record():
    new = make_result("new", ic=0.02)

    assert decision(Choice(new, "Best."), (new,), champion("old", rank_ic=0.01)).promote
    assert not decision(Choice(new, "Best."), (new,), champion("old", rank_ic=0.02)).promote


def test_without_a_confirmed_candidate_a_young_champion_stays():
    kept = decision(Choice(None, "Nobody."), incumbent=champion())

    assert not kept.promote
    assert "old stays (7 days old)" in kept.reason


def test_without_a_confirmed_candidate_the_baseline_relieves_a_champion_about_to_expire():
    aging = champion(chosen=FRIDAY - timedelta(days=30))

    relieved = decision(Choice(None, "Nobody."), incumbent=aging)

    assert relieved.promote
    assert "outlive its limit" in relieved.reason


def test_the_baseline_is_renewed_when_nobody_confirms():
    assert decision(Choice(None, "Nobody."), incumbent=champion("equal_weight", "equal_weight")).promote


def test_dates_are_compared_as_of_the_session_and_not_of_today():
    assert not decision(
        Choice(None, "Nobody."), incumbent=champion(chosen=date(2016, 3, 1)), session=date(2016, 3, 8)
    ).promote
