from dataclasses import replace
from datetime import date, timedelta
from math import nan

import pytest

from tasks.models.schema import Champion
from tasks.selection.choice import (
    best_on_selection_folds,
    nearly_best,
    require_deflated,
    runner_up,
    select_candidate,
)
from tasks.selection.paths.finalists import finalists_of
from tasks.selection.replacement import compare_with_incumbent
from tasks.selection.schema import Choice
from tests.champions import DEFLATION, EVIDENCE, FRIDAY, LIMITS, STATISTIC, make_metrics, make_result


def champion(name="old", kind="xgboost", ic=0.015, chosen=FRIDAY - timedelta(days=7)):
    return Champion(
        name=name,
        kind=kind,
        optimizer="hrp",
        model_sha256="0" * 64,
        feature_set="f" * 64,
        trained_through=chosen,
        selection_date=chosen,
        selection_reason="",
        weighted_score=ic,
        metrics={"neutral_ic": ic},
        ranks=kind != "equal_weight",
        statistic=STATISTIC,
    )


def decision(choice, results=(), incumbent=None, session=FRIDAY):
    return compare_with_incumbent(
        choice, results, incumbent, session=session, limits=LIMITS, statistic=STATISTIC
    )


def test_the_choosing_folds_alone_choose():
    early_best = make_result("steady", choice_t=3.0, ic=0.01, t=2.1)
    late_best = make_result("lucky", choice_t=1.0, ic=0.09, t=9.0)

    assert select_candidate([late_best, early_best], LIMITS).result == early_best


def test_no_figure_of_the_confirmation_folds_chooses():
    first, other = make_result("first"), make_result("other", choice_t=2.5)
    rule = make_result("rule", kind="momentum_52_week", learns=False)
    spoilt = [
        replace(first, train_test_gap=gap, confirmation=make_metrics(hit_rate=hit_rate, neutral_ic_t=t))
        for gap in (-0.5, 0.06, nan)
        for hit_rate in (0.0, 1.0, nan)
        for t in (-9.0, 9.0, nan)
    ]

    for each in spoilt:
        assert nearly_best([each, other, rule], LIMITS) == [each, other]
        assert best_on_selection_folds([each, other, rule], LIMITS) == each
        assert finalists_of([each, other, rule], most=3)[0] == each


def test_a_candidate_that_is_overfitted_over_all_folds_is_stopped_and_no_other_takes_its_place():
    overfitted = make_result("overfitted", train_test_gap=0.051)

    choice = select_candidate([overfitted, make_result("other")], LIMITS)

    assert choice.result is None
    assert choice.reason.startswith("No statistically significant signal was found. overfitted was selected")


def test_a_candidate_that_was_high_in_noise_does_not_block_one_that_is_significant():
    noisy = make_result("noisy", choice_ic=0.05, choice_t=1.1, t=0.3)
    steady = make_result("steady", choice_ic=0.02, choice_t=3.0, t=3.0)

    assert select_candidate([noisy, steady], LIMITS).result == steady


def test_the_next_best_does_not_step_in_for_one_that_is_not_confirmed():
    unconfirmed = make_result("first", choice_t=4.0, t=1.9)
    confirmed = make_result("second", choice_t=2.0, t=5.0)

    choice = select_candidate([unconfirmed, confirmed], LIMITS)

    assert choice.result is None
    assert "first was selected" in choice.reason
    assert "t = 1.90" in choice.reason


def test_where_nothing_is_confirmed_the_first_words_say_so_with_band_sessions_and_power():
    figures = make_metrics(neutral_ic=0.004, neutral_ic_se=0.006, neutral_ic_t=0.67, sessions=384)

    reason = select_candidate([make_result("weak", confirmation=figures)], LIMITS).reason

    assert reason.startswith(
        "No statistically significant signal was found. weak was selected on the selection folds"
    )
    assert "0.0040 with t = 0.67 (95% CI −0.0078 to 0.0158, 384 sessions" in reason
    assert "minimum detectable IC 0.0120" in reason


def test_where_nobody_is_eligible_the_power_of_the_test_is_stated_too():
    poor = make_result("poor", choice=make_metrics(neutral_ic=-0.01, neutral_ic_t=-1.0))

    reason = select_candidate([poor], LIMITS).reason

    assert reason.startswith(
        "No statistically significant signal was found: no candidate is eligible: poor has no"
    )
    assert "On the later folds poor has a neutral IC of 0.0200" in reason


def test_the_equal_weight_rule_which_ranks_nothing_is_no_measure_of_the_power():
    poor = make_result("poor", choice=make_metrics(neutral_ic=-0.01, neutral_ic_t=-1.0))
    flat = make_result("flat", kind="equal_weight", ranks=False, learns=False, choice_ic=0.0, choice_t=0.0)

    assert "On the later folds poor has a neutral IC" in select_candidate([flat, poor], LIMITS).reason


def single(**fields):
    return make_result("best_feature", kind="best_feature", learns=False, **fields)


@pytest.mark.parametrize("their_t", [3.0, 3.1])
def test_a_learner_that_a_single_feature_equals_or_beats_on_the_confirmation_folds_is_not_confirmed(their_t):
    learner = make_result("learner", choice_ic=0.03, choice_t=4.0, ic=0.02, t=3.0)

    choice = select_candidate([learner, single(choice_ic=0.01, choice_t=1.0, ic=0.01, t=their_t)], LIMITS)

    assert choice.result is None
    assert choice.reason.startswith("learner is not better than the best single feature")
    assert f"does not exceed t = {their_t:.2f} of the best single feature there" in choice.reason


def test_a_single_feature_with_a_larger_ic_but_less_certain_does_not_exclude_a_learner():
    learner = make_result("learner", choice_ic=0.03, choice_t=4.0, ic=0.02, t=3.0)

    choice = select_candidate([learner, single(choice_ic=0.05, choice_t=1.9, ic=0.03, t=2.9)], LIMITS)

    assert choice.result == learner


def test_a_significant_single_feature_is_selected_where_its_t_is_the_largest():
    learner = make_result("learner", choice_ic=0.03, choice_t=3.0)
    best = single(choice_ic=0.02, choice_t=3.1)

    assert select_candidate([learner, best], LIMITS).result == best


def test_a_single_feature_that_is_not_significant_on_the_selection_folds_does_not_block_a_learner():
    learner = make_result("learner", choice_ic=0.01, choice_t=1.2, ic=0.02, t=3.0)
    unclear = single(choice_ic=0.03, choice_t=1.9, ic=0.01, t=1.0)

    assert select_candidate([learner, unclear], LIMITS).result == learner
    ineligible = replace(learner, choice=make_metrics(neutral_ic=0.0))
    assert "best_feature was selected" in select_candidate([ineligible, unclear], LIMITS).reason


def test_another_rule_is_selected_only_where_neither_learner_nor_single_feature_is_eligible():
    learner = make_result("learner", choice_ic=0.01, choice_t=0.5, t=0.5)
    rule = make_result("rule", kind="momentum_52_week", learns=False, choice_t=9.0, t=9.0)

    assert "learner was selected" in select_candidate([rule, learner], LIMITS).reason
    ineligible = replace(learner, choice=make_metrics(neutral_ic=0.0))
    assert select_candidate([rule, ineligible], LIMITS).result == rule


def test_a_learner_that_beats_the_best_single_feature_is_confirmed_and_says_so():
    learner = make_result("learner", choice_ic=0.03, choice_t=4.0, ic=0.02, t=3.0)

    choice = select_candidate([learner, single(choice_ic=0.01, choice_t=1.0, ic=0.011, t=2.5)], LIMITS)

    assert choice.result == learner
    assert choice.reason.endswith("It exceeds t = 2.50 of the best single feature there.")


def test_a_significant_single_feature_is_selected_before_other_rules_and_needs_to_beat_nothing():
    rule = make_result("rule", kind="momentum_52_week", learns=False, choice_ic=0.01, choice_t=3.0)

    significant, unclear = single(choice_ic=0.02, choice_t=2.0), single(choice_ic=0.02, choice_t=1.9)
    assert select_candidate([rule, significant], LIMITS).result == significant
    assert select_candidate([rule, unclear], LIMITS).result == rule


@pytest.mark.parametrize(("lead", "selected"), [(0.9, "preferred"), (1.0, "preferred"), (1.1, "later")])
def test_of_learners_that_are_nearly_equal_on_the_selection_folds_the_first_is_selected(lead, selected):
    learners = [make_result("preferred", choice_t=2.0), make_result("later", choice_t=2.0 + lead)]

    assert select_candidate([make_result("worse", choice_t=0.5), *learners], LIMITS).result.name == selected


def test_a_significant_single_feature_with_a_larger_t_than_any_learner_is_selected_although_nearly_equal():
    learners = [make_result("preferred", choice_t=2.5), make_result("later", choice_t=3.0)]

    assert best_on_selection_folds([*learners, single(choice_t=3.1)], LIMITS).kind == "best_feature"
    assert best_on_selection_folds([*learners, single(choice_t=2.9)], LIMITS).name == "preferred"


def test_the_first_of_equals_in_the_configuration_is_chosen():
    assert select_candidate([make_result("a"), make_result("b")], LIMITS).result.name == "a"


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (
            {"train_test_gap": 0.051},
            "over all folds it does 5.1 points better in training than in the test (limit 5)",
        ),
        ({"choice": make_metrics(neutral_ic=0.0)}, "no positive neutral IC"),
        ({"choice": make_metrics(neutral_ic=nan)}, "not a number"),
        ({"confirmation": make_metrics(neutral_ic_t=nan)}, "the required t is 2"),
        ({"confirmation": make_metrics(monotonicity=nan)}, "not a number"),
        ({"train_test_gap": nan}, "not a number"),
    ],
)
def test_a_candidate_that_is_not_eligible_or_not_confirmed_is_reported_with_its_reason(fields, says):
    choice = select_candidate([replace(make_result("poor", choice_ic=0.5), **fields)], LIMITS)

    assert choice.result is None
    assert says in choice.reason


def test_a_candidate_at_the_limits_of_t_and_gap_is_confirmed():
    at_limits = make_result("l", t=LIMITS.min_t_statistic, train_test_gap=LIMITS.max_train_test_gap)

    assert select_candidate([at_limits], LIMITS).result == at_limits


def test_a_rule_that_does_not_rank_is_never_chosen():
    assert select_candidate([make_result("flat", ranks=False, choice_ic=1.0)], LIMITS).result is None


def test_where_there_is_no_champion_the_choice_or_the_baseline_is_promoted():
    confirmed = Choice(make_result("new"), "It was best.")

    assert decision(confirmed).promote
    assert decision(Choice(None, "Nobody.")).promote
    assert "baseline is used" in decision(Choice(None, "Nobody.")).reason


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

    assert decision(Choice(new, "Best."), (new,), champion("old", ic=0.01)).promote
    assert not decision(Choice(new, "Best."), (new,), champion("old", ic=0.02)).promote


@pytest.mark.parametrize(("choice_ic", "ic", "promoted"), [(0.05, 0.01, False), (0.01, 0.05, True)])
def test_a_recorded_ic_which_is_of_confirmation_folds_is_compared_with_that_of_confirmation_folds(
    choice_ic, ic, promoted
):
    new = make_result("new", choice_ic=choice_ic, ic=ic)

    assert decision(Choice(new, "Best."), (new,), champion("old", ic=0.02)).promote == promoted


def test_the_folds_of_this_week_count_more_than_the_record_of_a_champion_that_was_trained_again():
    new, old = make_result("new", choice_ic=0.03), make_result("old", choice_ic=0.02)

    assert decision(Choice(new, "Best."), (new, old), champion("old", ic=0.05)).promote
    assert not decision(Choice(old, "Best."), (new, old), champion("new", ic=0.01)).promote


def test_a_champion_without_a_recorded_ic_does_not_stay():
    new, unmeasured = make_result("new", ic=-0.01), replace(champion("old"), metrics={})

    assert decision(Choice(new, "Best."), (new,), unmeasured).promote


NEW, OLD = make_result("new", choice_ic=0.03, ic=0.04), make_result("old", choice_ic=0.02)


# a rerun of the week is recognized by the first sentence
@pytest.mark.parametrize(
    ("result", "results", "incumbent", "reason"),
    [
        (OLD, (OLD,), champion("old"), "Best. Retrained on all data known now."),
        (NEW, (NEW,), champion("equal_weight", "equal_weight"), "Best. It replaces the baseline."),
        (
            NEW,
            (NEW, OLD),
            champion("old"),
            "Best. It beats old: 0.0300 against 0.0200, both on the selection folds.",
        ),
        (
            NEW,
            (NEW,),
            champion("old"),
            "Best. It beats old: 0.0400 against 0.0150, by its recorded metrics.",
        ),
        (
            None,
            (),
            champion("equal_weight", "equal_weight"),
            "Best. The equal-weight baseline is used, because an unconfirmed signal is worse than none.",
        ),
    ],
)
def test_a_promotion_states_why_it_was_selected_and_what_it_replaces(result, results, incumbent, reason):
    found = decision(Choice(result, "Best."), results, incumbent)

    assert (found.promote, found.reason) == (True, reason)


@pytest.mark.parametrize(
    ("results", "compared"),
    [
        ((NEW, OLD), "old (0.0200) is not better than new (0.0300, both on the selection folds)"),
        ((OLD,), "old (0.0200) is not better than new (0.0500, by its recorded metrics)"),
    ],
)
def test_a_champion_that_stays_is_named_with_both_figures(results, compared):
    found = decision(Choice(OLD, "Best."), results, champion("new", ic=0.05))

    assert (found.promote, found.reason) == (False, f"{compared}, which stays.")


def test_without_a_confirmed_candidate_a_young_champion_stays():
    kept = decision(Choice(None, "Nobody."), incumbent=champion())

    assert not kept.promote
    assert "old stays (7 days old)" in kept.reason


def test_without_a_confirmed_candidate_a_champion_stays_that_reaches_its_age_limit_in_a_week():
    assert not decision(
        Choice(None, "Nobody."), incumbent=champion(chosen=FRIDAY - timedelta(days=28))
    ).promote


@pytest.mark.parametrize("days", [29, 30])
def test_without_a_confirmed_candidate_the_baseline_relieves_a_champion_about_to_expire(days):
    aging = champion(chosen=FRIDAY - timedelta(days=days))

    relieved = decision(Choice(None, "Nobody."), incumbent=aging)

    assert relieved.promote
    assert "exceed its age limit" in relieved.reason


def test_the_baseline_is_renewed_when_nobody_confirms():
    assert decision(Choice(None, "Nobody."), incumbent=champion("equal_weight", "equal_weight")).promote


def test_dates_are_compared_as_of_the_session_and_not_of_today():
    assert not decision(
        Choice(None, "Nobody."), incumbent=champion(chosen=date(2016, 3, 1)), session=date(2016, 3, 8)
    ).promote


def deflated(probability):
    return replace(DEFLATION, evidence=replace(EVIDENCE, deflated=probability))


@pytest.mark.parametrize(("probability", "limit"), [(0.95, 0.95), (0.991, 0.99), (0.0, 0.0)])
def test_a_choice_that_the_trials_do_not_explain_stands_and_says_so(probability, limit):
    choice = Choice(make_result("best"), "It was best.")

    found = require_deflated(choice, deflated(probability), replace(LIMITS, min_deflated_sharpe=limit))

    assert found.result == choice.result
    assert found.reason.startswith("It was best. Sharpe ratio ")


def test_a_choice_that_may_be_luck_is_none():
    found = require_deflated(Choice(make_result("best"), "It was best."), deflated(0.9499), LIMITS)

    assert found.result is None
    assert found.reason.startswith(
        "No statistically significant signal was found. It was best. Sharpe ratio "
    )
    assert found.reason.endswith("is 0.949; models.min_deflated_sharpe is 0.95.")


def test_without_evidence_nothing_is_chosen_unless_none_is_required():
    choice, nothing = Choice(make_result("best"), "It was best."), replace(DEFLATION, evidence=None)

    assert require_deflated(choice, nothing, LIMITS).result is None
    assert require_deflated(choice, nothing, replace(LIMITS, min_deflated_sharpe=0.0)) == choice


def test_no_choice_stays_none():
    choice = Choice(None, "Nothing.")

    assert require_deflated(choice, deflated(1.0), LIMITS) == choice


def test_the_runner_up_is_what_the_selection_folds_would_select_without_the_selected_one():
    results = [
        make_result("first", choice_t=4.0),
        make_result("second", choice_t=3.5),
        make_result("third", choice_t=3.9),
        make_result("negative", choice_t=3.9, choice_ic=-0.1),
    ]

    assert (
        runner_up(results, results[0], LIMITS).name == "second"
    )  # nearly as good as the third, and preferred
    assert runner_up(results, None, LIMITS).name == "first"
    assert runner_up(results[:1], results[0], LIMITS) is None
