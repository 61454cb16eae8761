from dataclasses import replace
from datetime import date

import pytest

from tasks.selection.schema import SeedChoice, SelectedWeek, Stability
from tasks.selection.stability.statement import stability_section, stability_warning

WEEKS = tuple(
    SelectedWeek(date(2024, 6, day), name)
    for day, name in ((7, "lightgbm"), (6, "lightgbm"), (5, "xgboost"), (4, None))
)
SEEDS = (SeedChoice(8, "lightgbm", 2.5, 0.021, 3.0, 0.025), SeedChoice(9, None))
FULL = Stability(
    selected="lightgbm",
    by_t="lightgbm",
    is_quick=False,
    weeks=WEEKS,
    seeds=SEEDS,
    draws={"xgboost": 0.29, "lightgbm": 0.71, "random_forest": 0.0},
)


def text(stability):
    return "\n".join(stability_section(stability))


def test_the_counts_of_all_three_comparisons_are_in_one_sentence():
    section = text(FULL)

    assert (
        "Selected: lightgbm. Same candidate in 2 of 4 earlier weeks, 1 of 2 other seeds, 71% of 200 draws."
        in section
    )
    assert "**" not in section


def test_the_table_has_a_row_for_each_week_and_seed_and_one_for_the_draws():
    rows = [line for line in stability_section(FULL) if line.startswith("| ")]

    assert rows[1:] == [
        "| session 2024-06-07 | lightgbm | yes |  |  |  |  |",
        "| session 2024-06-06 | lightgbm | yes |  |  |  |  |",
        "| session 2024-06-05 | xgboost | no |  |  |  |  |",
        "| session 2024-06-04 | none | no |  |  |  |  |",
        "| seed 8 | lightgbm | yes | 2.50 | 0.0210 | 3.00 | 0.0250 |",
        "| seed 9 | none | no |  |  |  |  |",
        "| 200 draws | lightgbm 71%, xgboost 29% | 71% |  |  |  |  |",
    ]


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"weeks": WEEKS[1:]}, "1 of 3 earlier weeks"),
        ({"seeds": SEEDS[1:]}, "0 of 1 other seed"),
        ({"draws": {"lightgbm": 0.49, "xgboost": 0.51}}, "49% of 200 draws"),
    ],
)
def test_fewer_than_half_in_any_comparison_is_a_warning_that_names_it(changed, named):
    warning = (
        f"Fewer than half: {named}. Another seed, week or sample of sessions would more often have selected another"
        " candidate."
    )

    assert f"**{warning}**" in text(replace(FULL, **changed))


def test_agreement_of_seeds_that_the_scores_do_not_depend_on_is_named_as_such():
    same = SeedChoice(8, "lightgbm", 3.0, 0.025, 3.0, 0.025)
    sentence = "The scores of lightgbm do not depend on the seed."

    assert sentence in text(replace(FULL, seeds=(same,)))
    assert sentence not in text(FULL)


def test_exactly_half_is_no_warning():
    assert stability_warning(replace(FULL, draws={"lightgbm": 0.5, "xgboost": 0.5})) == ""


def test_a_first_week_without_other_seeds_says_what_was_not_compared():
    section = text(replace(FULL, weeks=(), seeds=(), draws={}))

    assert "Selected: lightgbm. No earlier week is recorded." in section
    assert "Not compared with other seeds: `selection.other_seeds` is 0." in section
    assert "Sessions were not resampled: that needs two eligible learners" in section
    assert "Same candidate" not in section
    assert "|" not in section


def test_a_quick_run_says_that_it_is_not_compared_and_still_has_its_draws():
    section = text(replace(FULL, is_quick=True, weeks=(), seeds=()))

    assert "Same candidate in 71% of 200 draws." in section
    assert "A quick run is compared neither with earlier weeks nor with other seeds." in section
    assert "No earlier week" not in section


def test_where_a_pair_selected_another_learner_seeds_and_draws_are_compared_with_that_of_the_t():
    section = text(replace(FULL, selected="xgboost"))

    assert "Selected: xgboost. Same candidate in 1 of 4 earlier weeks, 1 of 2 other seeds" in section
    assert (
        "Seeds and draws are compared with lightgbm, the selection by t and the order of the candidates"
        in section
    )


def test_without_seeds_and_draws_nothing_is_said_of_what_they_are_compared_with():
    section = text(replace(FULL, selected="xgboost", is_quick=True, weeks=(), seeds=(), draws={}))

    assert "Selected: xgboost. A quick run is compared neither" in section
    assert "the selection by t and the order" not in section


def test_a_run_that_selects_none_agrees_with_weeks_and_seeds_that_did_not_either():
    section = text(replace(FULL, selected=None, by_t=None, draws={}))

    assert "Selected: none. Same candidate in 1 of 4 earlier weeks, 1 of 2 other seeds." in section


def test_a_history_too_short_for_candidates_has_no_section():
    assert stability_section(None) == []
